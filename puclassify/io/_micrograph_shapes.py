"""Heights and widths of micrographs, from what the caller knows of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from puclassify.grid import GridImage
from puclassify.io._exposures import Exposure, Exposures
from puclassify.io._match_coordinates import matched_keys
from puclassify.io._micrograph import given_name, without_pixels

__all__ = ["known_exposures", "micrograph_shapes"]

_EXPECTED = "(height, width) or a mapping of micrograph names to such pairs"


def micrograph_shapes(
    names: Sequence[str], shapes: Any, micrographs: Any
) -> dict[str, tuple[int, int]]:
    """Return (height, width) by name, of those of ``names`` that are known."""
    found: dict[str, tuple[int, int]] = {}
    if micrographs is not None and names:
        found |= _of_images(names, micrographs)
    if isinstance(shapes, Mapping):
        table = {str(key): _pair(value) for key, value in shapes.items()}
        keys = matched_keys(table, list(names))
        found |= {name: table[key] for name, key in zip(names, keys) if key is not None}
    elif shapes is not None:
        found |= dict.fromkeys(names, _pair(shapes))
    return found


def known_exposures(names: Sequence[str], micrographs: Any) -> dict[str, Exposure]:
    """Return the exposures by name, if the micrographs are those of cryoSPARC."""
    if not isinstance(micrographs, Exposures) or not names:
        return {}
    return {name: micrographs.exposures[place] for name, place in _places(names, micrographs)}


def _of_images(names: Sequence[str], micrographs: Any) -> dict[str, tuple[int, int]]:
    """Read the sizes of the micrographs that are named, and of no others."""
    if isinstance(micrographs, (str, os.PathLike)) or not isinstance(micrographs, Sequence):
        raise TypeError(
            "micrographs must be a sequence of paths, arrays or GridImages, got "
            f"{micrographs!r:.80}"
        )
    if isinstance(micrographs, Exposures):
        return {name: one.shape for name, one in known_exposures(names, micrographs).items()}
    return {name: _shape(micrographs[place]) for name, place in _places(names, micrographs)}


def _places(names: Sequence[str], micrographs: Sequence[Any]) -> list[tuple[str, int]]:
    """Return the names that are those of micrographs, with the places of these."""
    places = {given_name(one, place): place for place, one in enumerate(micrographs)}
    try:
        keys = matched_keys(places, list(names))
    except ValueError as error:
        if str(error).startswith("none of the"):  # whoever needs a size says that it is not known
            return []
        raise
    return [(name, places[key]) for name, key in zip(names, keys) if key is not None]


def _shape(micrograph: Any) -> tuple[int, int]:
    if isinstance(micrograph, GridImage):
        size = np.array(micrograph.shape) * micrograph.step_xy[::-1]
        return round(float(size[0])), round(float(size[1]))
    if isinstance(micrograph, (str, os.PathLike)):
        return without_pixels(micrograph).shape
    height, width = np.shape(micrograph)
    return height, width


def _pair(value: Any) -> tuple[int, int]:
    try:
        height, width = (int(one) for one in value)
    except (TypeError, ValueError):
        raise ValueError(f"shapes must be {_EXPECTED}, got {value!r:.80}") from None
    if height < 1 or width < 1:
        raise ValueError(f"shapes must hold positive numbers of pixels, got {value!r:.80}")
    return height, width
