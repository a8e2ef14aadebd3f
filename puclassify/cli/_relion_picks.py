"""The picks of a RELION job: a file for each micrograph, in RELION's layout, and their list."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from puclassify._progress import with_progress
from puclassify.cli._relion_job import coordinate_file

__all__ = ["JobPicks"]

_LIST = "autopick.star"


class JobPicks:
    """The pick files of a job; what an earlier run of the same picker has written is kept."""

    def __init__(self, folder: str, micrographs: Any):
        from puclassify.io import SkippedTable, remove_abandoned_drafts

        self.list = os.path.join(folder, _LIST)
        self._folder, self._micrographs = folder, micrographs
        self._files = {
            name: os.path.join(folder, coordinate_file(name)) for name in micrographs.names
        }
        self._check_files()
        for sub in {os.path.dirname(file) for file in self._files.values()}:
            self._check_inside(sub)
            os.makedirs(sub, exist_ok=True)
            remove_abandoned_drafts(sub)
        self._journal: Any = None  # of the files that were written, once a picker is known
        self._table = SkippedTable(folder)
        self.skipped: list[Any] = []
        self.n_kept = 0

    def pick(self, picker: Any, threshold: Any, on_error: str, made_by: dict[str, str]) -> None:
        """Pick all micrographs that are not done; the list names what is done, however it ends.

        ``made_by`` describes the picker by texts by name.
        """
        from puclassify.io import PickJournal

        self._journal = PickJournal(self._folder, made_by)
        differing = self._journal.differences()
        if differing:
            click.echo(f"picks of an earlier run with another {differing[0]} are made anew")
        groups = self._missing()
        total = sum(map(len, groups.values()))
        self.n_kept = len(self._files) - total
        if self.n_kept:
            click.echo(f"{self.n_kept} micrographs were picked by an earlier run of this job")
        picked = self._picked(groups, picker, threshold, on_error)
        try:
            for _ in with_progress(picked, total, "micrograph"):
                pass
        finally:
            self._finish()
        if self.skipped and not self._done():
            raise ValueError(f"no micrograph could be picked; the first was {self.skipped[0]}")

    def counts(self) -> list[int]:
        """Return the number of picks in every micrograph that is done."""
        owners = [self._journal.owner(self._files[name]) for name in self._done()]
        return [owner.n_picks for owner in owners if owner is not None]

    def _missing(self) -> dict[float | None, list[int]]:
        """Return the micrographs that are to be picked, by pixel size."""
        groups: dict[float | None, list[int]] = {}
        for index, size in enumerate(self._micrographs.pixel_sizes):
            if not self._is_done(index):
                groups.setdefault(size, []).append(index)
        return groups

    def _is_done(self, index: int) -> bool:
        name = self._micrographs.names[index]
        file = self._files[name]
        return self._journal.is_done(file, name, self._source(index)) and (
            self._journal.is_unchanged(file)
        )

    def _source(self, index: int) -> list:
        from puclassify.io import source_of

        source = source_of(self._micrographs.files[index])
        return [*source, self._micrographs.pixel_sizes[index]]

    def _picked(
        self, groups: dict[float | None, list[int]], picker: Any, threshold: Any, on_error: str
    ) -> Iterator[None]:
        """Pick and write one micrograph after another."""
        for size, indices in groups.items():
            if size is not None:
                picker.set_params(pixel_size=size)
            files = [self._micrographs.files[index] for index in indices]
            stream = picker.iter_predict(files, threshold, on_error=on_error)
            for index, picks in zip(indices, stream):
                if picks is not None:
                    self._write(index, picks)
                else:
                    self.skipped.append(stream.skipped[-1])
                    self._table.add(stream.skipped[-1])
                yield

    def _write(self, index: int, picks: np.ndarray) -> None:
        from puclassify.io import write_coordinates

        name = self._micrographs.names[index]
        write_coordinates({name: picks}, self._files[name], format="star")
        self._journal.add(self._files[name], name, self._source(index), len(picks))

    def _done(self) -> list[str]:
        return [
            name
            for index, name in enumerate(self._micrographs.names)
            if self._journal.is_done(self._files[name], name, self._source(index))
        ]

    def _finish(self) -> None:
        """Write the list of what is done, and the table of what was skipped."""
        from puclassify.io import replace_files, star_block

        names = self._done()
        columns = {
            "rlnMicrographCoordinates": [self._files[name] for name in names],
            "rlnMicrographName": names,
        }
        replace_files({self.list: star_block("coordinate_files", columns)})
        self._journal.finish(self._files[name] for name in names)
        self._table.finish(self._micrographs.files, self.skipped)

    def _check_files(self) -> None:
        owners: dict[str, str] = {}
        for name, file in self._files.items():
            if owners.setdefault(file, name) != name:
                raise ValueError(
                    f"the picks of {owners[file]!r} and of {name!r} would both be written to "
                    f"{file}; pick them in two jobs, with a STAR file for each"
                )

    def _check_inside(self, folder: str) -> None:
        """Refuse links in the job's folder that lead out of it."""
        root = os.path.realpath(self._folder)
        if os.path.commonpath([root, os.path.realpath(folder)]) != root:
            raise ValueError(f"{folder} is a link that leads out of the job's folder; remove it")
