"""STAR files of particles, as RELION 3.1 and later read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from puclassify.io import star_block
from puclassify.particles._boxes import whole_pixels

__all__ = ["Optics", "format_particles", "joined_particles", "pixel_size_in"]

_PARTICLES = "\n# version 30001\n\ndata_particles\n"
_OPTICS = "\n# version 30001\n\n"
_PIXEL_SIZE = "rlnMicrographPixelSize"


@dataclass(frozen=True)
class Optics:
    """The optics group of all particles; None stands for what is not known."""

    name: str
    voltage: float | None  # kV
    spherical_aberration: float | None  # mm
    amplitude_contrast: float | None
    box_size: int  # as stored in the stacks
    downsampling: float  # pixels of the micrograph in a pixel of the stacks

    def block(self, pixel_size: float) -> str:
        """Format the group; the pixel size is that of the micrographs, in ångström."""
        columns = {
            "rlnOpticsGroup": "1",
            "rlnOpticsGroupName": self.name,
            _PIXEL_SIZE: repr(pixel_size),
            "rlnMicrographOriginalPixelSize": repr(pixel_size),
            "rlnImagePixelSize": repr(pixel_size * self.downsampling),
            "rlnImageSize": str(self.box_size),
            "rlnImageDimensionality": "2",
            "rlnVoltage": self.voltage,
            "rlnSphericalAberration": self.spherical_aberration,
            "rlnAmplitudeContrast": self.amplitude_contrast,
        }
        return star_block("optics", {k: [str(v)] for k, v in columns.items() if v is not None})


def format_particles(
    optics: Optics, pixel_size: float, names: tuple[str, str], xy: np.ndarray, scores: np.ndarray
) -> str:
    """Format the particles of one micrograph, extracted around the pixels that xy lie on.

    ``names`` are those of the micrograph and of its stack, ``scores`` is of shape (k, 0) or (k, 1).
    """
    micrograph, stack = names
    pixels = whole_pixels(xy).astype(float)
    origins = (pixels - xy) * pixel_size + 0.0
    numbers = range(1, len(xy) + 1)
    columns = {
        "rlnCoordinateX": list(map(repr, pixels[:, 0].tolist())),
        "rlnCoordinateY": list(map(repr, pixels[:, 1].tolist())),
        "rlnAutopickFigureOfMerit": list(map(repr, scores.ravel().tolist())),
        "rlnImageName": [f"{number:06d}@{stack}" for number in numbers],
        "rlnMicrographName": [micrograph for _ in numbers],
        "rlnOpticsGroup": ["1" for _ in numbers],
        "rlnOriginXAngst": [f"{one:.6f}" for one in origins[:, 0]],
        "rlnOriginYAngst": [f"{one:.6f}" for one in origins[:, 1]],
    }
    if not scores.shape[1]:
        del columns["rlnAutopickFigureOfMerit"]
    return (
        _OPTICS
        + optics.block(pixel_size)
        + _PARTICLES
        + star_block("particles", columns).removeprefix("data_particles\n")
    )


def pixel_size_in(text: str) -> float:
    """Return the pixel size of the micrograph from what `format_particles` wrote."""
    lines = text.partition(_PARTICLES)[0].splitlines()
    place = next(line for line in lines if line.startswith(f"_{_PIXEL_SIZE} #")).partition("#")[2]
    return float(lines[-1].split("\t")[int(place) - 1])


def joined_particles(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield one file of all rows of files of single micrographs; the optics are the first one's."""
    for index, text in enumerate(texts):
        head, block, body = text.partition(_PARTICLES)
        lines = body.splitlines(keepends=True)
        is_row = [line not in ("\n", "loop_\n") and not line.startswith("_rln") for line in lines]
        first_row = is_row.index(True) if True in is_row else len(lines)
        if index == 0:
            yield (head + block + "".join(lines[:first_row])).encode()
        yield "".join(lines[first_row:]).encode()
