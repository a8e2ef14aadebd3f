"""A folder of stacks, in which a run that was broken off can go on."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Mapping

import numpy as np

from puclassify._warnings import warn
from puclassify.io import (
    PickJournal,
    SkippedMicrograph,
    SkippedTable,
    path_text,
    pick_files,
    remove_abandoned_drafts,
    replace_files,
)
from puclassify.particles._particle_star import joined_particles
from puclassify.particles._stack_file import stack_pieces

__all__ = ["StackFolder"]

_JOURNAL = ".extracted.jsonl"


class StackFolder:
    """Writes a stack and a STAR file for each micrograph, and one STAR file of all at the end.

    Every file is complete or absent, and ``particles.star`` is there only while all stacks are
    those of its run. ``run`` describes the parameters by texts by name.
    """

    def __init__(
        self, folder: object, run: Mapping[str, str], resume: bool, same_optics: bool = True
    ):
        self.folder, self.resume = path_text(folder, "output"), resume
        if not os.path.isdir(self.folder):
            raise FileNotFoundError(f"output: there is no folder {self.folder}; create it first")
        self.star = os.path.join(self.folder, "particles.star")
        remove_abandoned_drafts(self.folder)
        self._journal = PickJournal(self.folder, run, _JOURNAL)
        self._skipped_table = SkippedTable(self.folder)
        self.skipped: list[SkippedMicrograph] = []
        self._names: list[str] = []
        self.same_optics = same_optics
        self._check_earlier_runs()

    def register(self, names: list[str]) -> None:
        """Refuse names whose files would be the same, or cannot be."""
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"micrographs: {twice[0]!r} is given more than once; pass it once")
        pick_files(os.path.join(self.folder, "{name}.mrcs"), names)
        for name in names:
            owner = self._journal.owner(self._rows(name))
            if owner is not None and owner.micrograph != name:
                raise ValueError(
                    f"output: {self.stack(name)} holds the particles of {owner.micrograph!r}, "
                    f"which those of {name!r} would replace; write them into another folder"
                )
        self._names = names

    def stack(self, name: str) -> str:
        """Return the path of the stack of a micrograph."""
        return self._file(name, "{name}.mrcs")

    def is_done(self, name: str, source: list) -> bool:
        """Return whether an earlier run with these parameters has written a micrograph."""
        star, stack = self._rows(name), self.stack(name)
        journal = self._journal
        if not (self.resume and journal.is_done(star, name, source)):
            return False
        owner = journal.owner(star)
        files = [star, stack] if owner is not None and owner.n_picks else [star]
        if all(journal.is_done(f, name, source) and journal.is_unchanged(f) for f in files):
            return True
        warn(f"{stack} is not what the earlier run wrote: {name!r} is extracted anew")
        return False

    def text(self, name: str) -> str:
        """Return the STAR file of a micrograph."""
        with open(self._rows(name), encoding="utf-8") as file:
            return file.read()

    def count(self, name: str) -> int:
        """Return the number of particles of a micrograph that was written."""
        owner = self._journal.owner(self._rows(name))
        return 0 if owner is None else owner.n_picks

    def write(
        self, name: str, source: list, particles: np.ndarray, pixel_size: float, text: str
    ) -> None:
        """Write the particles (k, n, n) of a micrograph and the STAR file of them."""
        self._remove(self.star)
        star, stack, n_particles = self._rows(name), self.stack(name), len(particles)
        if n_particles:
            replace_files({stack: stack_pieces(particles, pixel_size), star: text})
            self._journal.add(stack, name, source, n_particles)
        else:
            replace_files({star: text})
            self._remove(stack)
        self._journal.add(star, name, source, n_particles)

    def skip(self, skipped: SkippedMicrograph) -> None:
        """Note a micrograph that could not be extracted."""
        self._remove(self.star)
        self.skipped.append(skipped)
        self._skipped_table.add(skipped)

    def finish(self) -> int:
        """Write the STAR file of all, and return the number of particles in it."""
        left_out = {one.micrograph for one in self.skipped}
        names = [name for name in self._names if name not in left_out]
        if names:
            pieces = joined_particles(lambda: map(self.text, names), same_optics=self.same_optics)
            replace_files({self.star: pieces})
        self._journal.finish(
            file for name in names for file in (self._rows(name), self.stack(name))
        )
        self._skipped_table.finish(self._names, self.skipped)
        return sum(map(self.count, names))

    def _rows(self, name: str) -> str:
        """Return the path of the STAR file of a micrograph, named as by RELION."""
        return self._file(name, "{name}_extract.star")

    def _file(self, name: str, pattern: str) -> str:
        files = pick_files(os.path.join(self.folder, pattern), [name])
        assert files is not None
        return files[name]

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)

    def _check_earlier_runs(self) -> None:
        differing = self._journal.differences()
        if differing is None:
            return
        names = ", ".join(differing)
        if self.resume:
            raise ValueError(
                f"resume=True: {self.folder} holds stacks of a run with other parameters, which "
                f"differ in: {names}. Go on with those of that run, or write into another folder"
            )
        warn(
            f"output: {self.folder} holds stacks of an earlier run with other parameters, which "
            f"differ in: {names}. They stay there, but for the micrographs of this run, and are "
            "not in particles.star; write into another folder to keep them apart"
        )
