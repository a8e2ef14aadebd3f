"""Coordinates for given micrographs, and whether they lie on particles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from puclassify.cli._files import coordinate_files

__all__ = ["above", "check_labels", "labels_of", "n_of", "positions"]


def labels_of(
    micrographs: Sequence[str], coordinates: Sequence[str], format: str, **frame: Any
) -> list[np.ndarray]:
    """Read the coordinates of the micrographs, in their order."""
    from puclassify.io import match_coordinates, read_coordinates

    files = coordinate_files(coordinates)
    if frame.get("origin") == "bottom-left":
        frame["shapes"] = _shapes_of_others(micrographs, read_coordinates(files, format))
    found = read_coordinates(files, format, micrographs=micrographs, **frame)
    return match_coordinates(found, micrographs)


def _shapes_of_others(
    micrographs: Sequence[str], found: dict[str, np.ndarray]
) -> dict[str, tuple[int, int]]:
    """Return any shape for coordinates of micrographs that are not given, and so not used."""
    from puclassify.io import matched_keys

    used = set(matched_keys(found, micrographs))
    return {name: (1, 1) for name in found if name not in used}


def n_of(coordinates: Sequence[np.ndarray]) -> int:
    """Count particles."""
    return sum(map(len, coordinates))


def positions(coordinates: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return x and y only."""
    return [np.asarray(xy)[:, :2] for xy in coordinates]


def above(picks: Sequence[np.ndarray], threshold: float | None, source: str) -> list[np.ndarray]:
    """Return the picks that score above a threshold, all without one."""
    if threshold is None:
        return list(picks)
    if any(len(xy) and xy.shape[1] < 3 for xy in picks):
        raise ValueError(f"--threshold needs scores, which {source} does not have")
    return [xy[xy[:, 2] > threshold] if len(xy) else xy for xy in picks]


def check_labels(
    micrographs: Sequence[str],
    labels: Sequence[np.ndarray],
    diameter: float | None,
    stops: bool,
    otherwise: str,
) -> dict[str, Any]:
    """Check that labels lie on something as they are read, else raise or warn.

    The diameter is in stored pixels; ``otherwise`` is what to do if the labels are right.
    """
    from puclassify.picking import check_orientation

    check = check_orientation(micrographs, positions(labels), particle_diameter=diameter)
    if check.reading not in ("as given", "cannot tell"):
        message = f"the coordinates seem to be {check.reading}, {_remedy(check.reading)}"
        if stops:
            raise ValueError(f"{message}. If they are right, {otherwise}")
        click.echo(f"warning: {message}", err=True)
    return {"reading": check.reading, "confidence": check.confidence}


def _remedy(reading: str) -> str:
    """Return which options put coordinates right."""
    remedies = []
    words = reading.split(", ")
    if words[0].startswith("in pixels"):
        _, _, times, _, unit = words.pop(0).split()
        step = float(times) if unit == "finer" else 1 / float(times)
        remedies.append(f"--step {step:.5g} --offset {(step - 1) / 2:.5g} (averaged blocks)")
    if words == ["y counted from below"]:
        remedies.append("--origin bottom-left")
        words = []
    if words or not remedies:
        return (
            "which no option of this command puts right: draw some of them on their micrograph, "
            "and see puclassify.picking.check_orientation in Python for the corrected ones"
        )
    return "which is put right by " + " and ".join(remedies)
