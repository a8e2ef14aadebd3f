"""Checks of lengths against the micrographs: pixel sizes, the diameter and radii."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from puclassify._pixel_size import RelativePixelSize, differ, header_pixel_size
from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.picking._geometry import PickingGeometry, size_xy

__all__ = ["check_lengths", "relative_pixel_size", "unused_headers", "warn_if_coarse"]

_FEWEST_PIXELS = 5  # across a particle


def relative_pixel_size(pixel_size: float | str, images: Sequence[GridImage]) -> float | str:
    """Return the pixel size so that micrographs whose headers say otherwise are rescaled.

    A warning says so if headers contradict a pixel size that was given, or one another.
    """
    headers = [size for size in map(header_pixel_size, images) if size is not None]
    if isinstance(pixel_size, str) or not headers:
        return pixel_size
    low, high = min(headers), max(headers)
    if differ(low, high):
        warn(
            f"the headers give pixel sizes from {low:g} to {high:g} Å, and pixel_size={pixel_size} "
            "was used for all: train on micrographs of one pixel size, or, if the headers are "
            'right, pass pixel_size="header"'
        )
        return pixel_size
    header = float(np.median(headers))
    if pixel_size != 1.0 and differ(pixel_size, header):
        warn(
            f"pixel_size={pixel_size:g} contradicts the headers of the micrographs, which say "
            f"{header:g} Å; {pixel_size:g} was used. If the headers are right, pass "
            'pixel_size="header"; coordinates and micrographs of different binnings are the usual '
            "cause"
        )
    return RelativePixelSize(float(pixel_size), header)


def unused_headers(pixel_size: float | str, images: Sequence[GridImage]) -> str:
    """Return a question for messages if headers agree on a pixel size and none was given.

    A diameter in stored pixels needs none, so that this alone is no reason to warn.
    """
    headers = [size for size in map(header_pixel_size, images) if size is not None]
    if pixel_size != 1.0 or not headers or differ(min(headers), max(headers)):
        return ""
    header = float(np.median(headers))
    if not differ(1.0, header):
        return ""
    return (
        f"is particle_diameter in ångström? The headers give {header:g} Å per pixel, but "
        'pixel_size was left at 1: pass pixel_size="header"'
    )


def warn_if_coarse(micrographs: Sequence[Any], diameter: float) -> None:
    """Warn of micrographs, as given, on whose grid a particle spans hardly any pixels."""
    steps = [max(item.step_xy) if isinstance(item, GridImage) else 1.0 for item in micrographs]
    coarsest = int(np.argmax(steps)) if steps else 0
    if steps and diameter < _FEWEST_PIXELS * steps[coarsest]:
        warn(
            f"a particle spans only {diameter / steps[coarsest]:.3g} pixels of micrograph "
            f"{coarsest} (counted from 0) of X, too few to tell it from noise: check "
            f"particle_diameter and pixel_size, or pass less binned micrographs"
        )


def check_lengths(picker: Any, images: Sequence[GridImage], geometry: PickingGeometry) -> None:
    """Refuse lengths that do not go with the particle's diameter, or with the micrographs."""
    sides = [size_xy(image) for image in images]
    smallest = int(np.argmin([side.min() for side in sides]))
    width, height = sides[smallest]
    diameter = geometry.diameter
    if diameter > sides[smallest].min():
        raise ValueError(
            f"particle_diameter={picker.particle_diameter:g} is {diameter:.4g} stored pixels at "
            f"pixel_size={picker.pixel_size!r}, but micrograph {images[smallest].name!r} is only "
            f"{width:.0f} wide and {height:.0f} high; the diameter is in ångström, and pixel_size "
            "in ångström per stored pixel"
        )
    for name, largest, why in (
        ("label_radius", diameter, "positions farther from a label than that show no particle"),
        ("matching_radius", 2 * diameter, "a pick farther from a particle than that is not on it"),
    ):
        radius = getattr(picker, name)
        if radius is not None and radius > largest:
            raise ValueError(
                f"{name}={radius:g} stored pixels is more than {largest:.4g}: {why}, since its "
                f"diameter is {diameter:.4g} stored pixels"
            )
