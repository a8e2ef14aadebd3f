"""Checks of the preprocessed micrographs of a fit: images given twice, and empty ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from puclassify._devices import on_host
from puclassify._warnings import warn
from puclassify.grid import GridImage

__all__ = ["is_constant", "warn_of_copies", "without_constant"]

_NAMED = 5  # micrographs in a message


def warn_of_copies(images: Sequence[GridImage]) -> None:
    """Warn of micrographs that are given more than once, whose labels count as often."""
    seen: dict[tuple, int] = {}
    for index, image in enumerate(images):
        first = seen.setdefault((image.shape, _sample(image).tobytes()), index)
        if first != index and np.array_equal(on_host(images[first].values), on_host(image.values)):
            warn(
                f"micrographs {first} and {index} (counted from 0) of X are the same image. Labels "
                "on both count twice, and the intervals of the estimates are too narrow: pass each "
                "micrograph once, with all its labels"
            )
            return


def without_constant(
    images: Sequence[GridImage], labels: Sequence[np.ndarray]
) -> tuple[list[GridImage], list[np.ndarray]]:
    """Leave out micrographs of a single value, with their labels; refuse nothing but such.

    Preprocessing makes one of a micrograph that is constant, empty or has no finite pixel.
    """
    constant = [is_constant(image) for image in images]
    which = np.flatnonzero(constant).tolist()
    if not len(which):
        return list(images), list(labels)
    some = ", ".join(f"{index} ({images[index].name!r})" for index in which[:_NAMED])
    some += ", ..." * (len(which) > _NAMED)
    if all(constant):
        raise ValueError(f"all micrographs in X hold a single value or no finite pixel: {some}")
    n_labels = sum(len(labels[index]) for index in which)
    warn(
        f"{len(which)} of {len(images)} micrographs hold a single value or no finite pixel, and "
        f"were left out with their {n_labels} labels: {some} (counted from 0)"
    )
    kept = np.flatnonzero(np.logical_not(constant)).tolist()
    return [images[index] for index in kept], [labels[index] for index in kept]


def is_constant(image: GridImage) -> bool:
    """Return whether a preprocessed micrograph holds a single value."""
    return not np.ptp(_sample(image)) and not np.ptp(on_host(image.values))


def _sample(image: GridImage) -> np.ndarray:
    """Return some pixels of all parts of a micrograph, in main memory."""
    steps = [max(1, side // 16) for side in image.shape]
    return np.ascontiguousarray(on_host(image.values[:: steps[0], :: steps[1]]))
