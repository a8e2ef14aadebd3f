"""STAR files of particles, as RELION 3.1 and later read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from puclassify.io import (
    GROUP,
    OF_MICROGRAPHS,
    STAR_VERSION,
    micrograph_pixel_size,
    optics_columns,
    star_block,
)
from puclassify.particles._boxes import whole_pixels
from puclassify.particles._picks_in_order import Picks

__all__ = ["Optics", "format_particles", "joined_particles", "pixel_size_in"]

_PARTICLES = f"{STAR_VERSION}data_particles\n"
_PIXEL_SIZE, _MOVIE_SIZE = OF_MICROGRAPHS


@dataclass(frozen=True)
class Optics:
    """The optics groups of all particles; None stands for what is not known.

    Without ``groups``, those of the files that picks or micrographs come from, there is one.
    """

    name: str
    of_microscope: Mapping[str, float | str | None]  # by title
    box_size: int  # as stored in the stacks
    downsampling: float  # pixels of the micrograph in a pixel of the stacks
    groups: Sequence[Mapping[str, str]] = ()

    def block(self, pixel_size: float, numbers: Sequence[str] = ()) -> str:
        """Format the groups of these numbers; the pixel size is that of the micrographs, in Å."""
        known = {t: str(value) for t, value in self.of_microscope.items() if value is not None}
        groups = [
            {**_without_images(group), **self._of_images(pixel_size, group), **known}
            for group in self.groups or [{GROUP: "1", "rlnOpticsGroupName": self.name}]
        ]
        kept = [g[GROUP] in numbers for g in groups] if numbers else [True] + [False] * len(groups)
        columns = optics_columns(groups)
        return star_block("optics", {t: list(compress(c, kept)) for t, c in columns.items()})

    def _of_images(self, pixel_size: float, group: Mapping[str, str]) -> dict[str, str]:
        return {
            _PIXEL_SIZE: repr(pixel_size),
            _MOVIE_SIZE: group.get(_MOVIE_SIZE, repr(pixel_size)),
            "rlnImagePixelSize": repr(pixel_size * self.downsampling),
            "rlnImageSize": str(self.box_size),
            "rlnImageDimensionality": "2",
        }

    def pixel_size_of(self, number: str) -> float | None:
        """Return the pixel size of the micrographs that a group states."""
        of_number = (group for group in self.groups if group[GROUP] == number)
        return next(map(micrograph_pixel_size, of_number), None)


def _without_images(group: Mapping[str, str]) -> dict[str, str]:
    """Return a group without what is said of images that were extracted before."""
    return {t: v for t, v in group.items() if t != "rlnCtfDataAreCtfPremultiplied"}


def format_particles(
    optics: Optics, pixel_size: float, names: tuple[str, str], picks: Picks
) -> str:
    """Format the particles of one micrograph, extracted around the pixels that picks lie on.

    ``names`` are those of the micrograph and of its stack.
    """
    micrograph, stack = names
    xy, scores = picks.values[:, :2], picks.values[:, 2:]
    pixels = whole_pixels(xy).astype(float)
    origins = (pixels - xy) * pixel_size + 0.0
    numbers = range(1, len(xy) + 1)
    columns = {
        "rlnCoordinateX": list(map(repr, pixels[:, 0].tolist())),
        "rlnCoordinateY": list(map(repr, pixels[:, 1].tolist())),
        "rlnAutopickFigureOfMerit": list(map(repr, scores.ravel().tolist())),
        "rlnImageName": [f"{number:06d}@{stack}" for number in numbers],
        "rlnMicrographName": [micrograph for _ in numbers],
        GROUP: list(picks.groups) or ["1" for _ in numbers],
        "rlnOriginXAngst": [f"{one:.6f}" for one in origins[:, 0]],
        "rlnOriginYAngst": [f"{one:.6f}" for one in origins[:, 1]],
        **picks.columns,
    }
    if not scores.shape[1]:
        del columns["rlnAutopickFigureOfMerit"]
    return (
        STAR_VERSION
        + optics.block(pixel_size, sorted(set(picks.groups)))
        + STAR_VERSION
        + star_block("particles", columns)
    )


def pixel_size_in(text: str) -> float:
    """Return the pixel size of the micrograph from what `format_particles` wrote."""
    lines = text.partition(_PARTICLES)[0].splitlines()
    place = next(line for line in lines if line.startswith(f"_{_PIXEL_SIZE} #")).partition("#")[2]
    return float(lines[-1].split("\t")[int(place) - 1])


def joined_particles(texts: Callable[[], Iterable[str]], *, same_optics: bool) -> Iterator[bytes]:
    """Yield one file of all rows of files of single micrographs, which are read anew by each call.

    The optics are the first one's, or those of all that have particles.
    """
    optics = "" if same_optics else _joined_optics(texts())
    for index, text in enumerate(texts()):
        head, block, body = text.partition(_PARTICLES)
        lines, first_row = _rows_after(body)
        if index == 0:
            yield ((optics or head) + block + "".join(lines[:first_row])).encode()
        yield "".join(lines[first_row:]).encode()


def _joined_optics(texts: Iterable[str]) -> str:
    """Return the block of the groups that have particles, each once; "" if none has."""
    start = ""
    groups: dict[str, str] = {}
    for text in texts:
        head, _, body = text.partition(_PARTICLES)
        lines, first_row = _rows_after(body)
        if not "".join(lines[first_row:]).strip():
            continue
        lines, first_row = _rows_after(head)
        start = "".join(lines[:first_row])
        for line in filter(str.strip, lines[first_row:]):
            groups.setdefault(line.partition("\t")[0], line)
    return start + "".join(groups[number] for number in sorted(groups, key=_in_numbers))


def _in_numbers(number: str) -> tuple[int, str]:
    return len(number), number


def _rows_after(block: str) -> tuple[list[str], int]:
    """Return the lines of a block and the place of its first row."""
    lines = block.splitlines(keepends=True)
    titles = [place for place, line in enumerate(lines) if line.startswith("_rln")]
    return lines, titles[-1] + 1 if titles else len(lines)
