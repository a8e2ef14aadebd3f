"""Whether labels lie on something, and in which orientation, binning and shift they would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_number
from puclassify.grid import GridImage
from puclassify.io import (
    as_grid_image,
    check_coordinates,
    check_micrographs,
    in_order,
    without_pixels,
)
from puclassify.picking._geometry import size_xy
from puclassify.picking.label_checks._blob_maps import FEWEST_LABELS, BlobMaps, at_labels, thinned
from puclassify.picking.label_checks._flips import FLIPS, Flip, Size
from puclassify.picking.label_checks._shift import shift_of_labels

__all__ = ["OrientationCheck", "check_orientation"]

_BINNINGS = (2, 3, 4, 6, 8)
_MOST_IMAGES = 12  # those with the most labels
_INSIDE = 0.9  # share of the labels that a reading of them must keep inside
_NOTHING = 4.5  # standard deviations that the best of all readings reaches by chance
_SURE = 0.95
_WHOLE_NUMBER = 1.5  # standard deviations by which a broken binning has to be better


@dataclass(frozen=True)
class _Reading:
    """A way to read labels: from pixels ``scale`` times as fine, then flipped."""

    flip: Flip
    scale: float = 1.0

    @property
    def name(self) -> str:
        if self.scale == 1:
            return self.flip.name
        times = f"{self.scale:.4g}" if self.scale > 1 else f"{1 / self.scale:.4g}"
        unit = "finer" if self.scale > 1 else "coarser"
        scaled = f"in pixels {times} times {unit}"
        return scaled if self.flip.name == "as given" else f"{scaled}, {self.flip.name}"

    @property
    def code(self) -> str:
        if self.scale == 1:
            return self.flip.code
        by = f"/ {self.scale:.5g}" if self.scale > 1 else f"* {1 / self.scale:.5g}"
        return self.flip.code.replace("xy", f"((xy + 0.5) {by} - 0.5)")

    @property
    def is_whole(self) -> bool:
        return min(self.scale % 1, 1 / self.scale % 1) == 0

    def apply(self, xy: np.ndarray, size: Size) -> np.ndarray:
        return self.flip.apply((xy + 0.5) / self.scale - 0.5, size)


@dataclass(frozen=True)
class OrientationCheck:
    """What `check_orientation` found out about labels.

    Parameters
    ----------
    reading : str
        How the labels have to be read: ``"as given"``, another orientation or binning in words,
        ``"cannot tell"``, or ``"shifted"``.
    confidence : float
        Probability of the best reading among all that were tried and none, from 0 to 1; there is
        no telling below 0.95.
    advice : str
        What to write to get the labels right.
    scores : dict of {str: float}
        For each reading, by how many standard deviations labels lie on blobs more than by chance.
    corrected : list of ndarray of shape (k_i, 2) or None, default=None
        The labels read in that way, as x, y in stored pixels; None if there is no telling.

    Examples
    --------
    >>> from puclassify.picking import OrientationCheck
    >>> OrientationCheck("as given", 1.0, "nothing to do", {"as given": 9.0}).fits
    True
    """

    reading: str
    confidence: float
    advice: str
    scores: dict[str, float] = field(repr=False)
    corrected: list[np.ndarray] | None = field(default=None, repr=False)

    @property
    def fits(self) -> bool:
        """Whether the labels fit as they are given.

        Returns
        -------
        bool
            False also if there is no telling.
        """
        return self.reading == "as given"


def check_orientation(
    micrographs: Sequence[Any],
    coordinates: Sequence[ArrayLike],
    *,
    particle_diameter: float | None = None,
) -> OrientationCheck:
    """Check whether labels lie on something, or would if they were flipped, turned or scaled.

    Parameters
    ----------
    micrographs : sequence of n path, 2-D array or GridImage
        The micrographs.
    coordinates : sequence of n arrays of shape (k_i, 2), or DataFrame
        Labelled centres on each as x, y in stored pixels, or of all in a table, as for
        `puclassify.io.match_coordinates`. Thirty in all are enough where particles
        are seen by eye.
    particle_diameter : float or None, default=None
        Diameter of the particle in stored pixels, which makes the check sharper and lets it notice
        labels that all lie beside their particles, such as corners of boxes. None tries nine sizes.

    Returns
    -------
    OrientationCheck
        Which reading of the labels fits, how sure that is, and what to write to get them right.

    Raises
    ------
    ValueError
        If there is no label, or ``coordinates`` do not belong to ``micrographs``.

    Notes
    -----
    Nothing is trained. Micrographs are filtered with differences of Gaussians, and the responses
    replaced by their ranks, which are uniform at places that have nothing to do with the image. Of
    the eight flips and quarter turns, at binnings of 1, 2, 3, 4, 6 and 8 either way and, where
    labels lie outside, at all sizes that would bring them inside, the one whose ranks are farthest
    from chance fits, if it is farther than the best of so many would be by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.datasets import make_micrographs
    >>> from puclassify.picking import check_orientation
    >>> data = make_micrographs(
    ...     2, shape=(256, 256), particles_per_micrograph=20, snr=1.0, random_state=0
    ... )
    >>> upside_down = [[0, 255] + xy * [1, -1] for xy in data.coordinates]
    >>> check = check_orientation(data.micrographs, upside_down)
    >>> check.reading
    'y counted from below'
    >>> check.advice
    'coordinates = [np.column_stack([xy[:, 0], 256 - 1 - xy[:, 1]]) for xy in coordinates]'
    """
    if particle_diameter is not None:
        check_number(particle_diameter, "particle_diameter", "a positive number", above=0)
    paths = check_micrographs(micrographs)
    labels = check_coordinates(in_order(coordinates, paths), len(paths))
    if not any(map(len, labels)):
        raise ValueError("coordinates hold no label; at least one is needed")
    order = np.argsort([-len(xy) for xy in labels], kind="stable")[:_MOST_IMAGES]
    images = {i: as_grid_image(paths[i]) for i in order.tolist() if len(labels[i])}
    used = thinned([labels[i] for i in images])
    maps = [BlobMaps(image, particle_diameter) for image in images.values()]
    sizes = {i: _size(image) for i, image in images.items()}
    scores = {}
    for reading in _readings(used, list(sizes.values())):
        score = _score(maps, used, list(sizes.values()), reading)
        if score is not None:
            scores[reading] = score
    by_name = {reading.name: score for reading, score in scores.items()}
    best, confidence = None, 0.0
    if scores and sum(map(len, used)) >= FEWEST_LABELS:
        best, confidence = _best(scores)
    is_sure = confidence >= _SURE
    if best is not None and particle_diameter is not None:
        shift = None
        if best.name == "as given" or not is_sure:
            shift = shift_of_labels(list(images.values()), used, particle_diameter, maps)
        if shift is not None:
            code = "coordinates = [xy + [{:.1f}, {:.1f}] for xy in coordinates]".format(*shift)
            return OrientationCheck("shifted", _SURE, code, by_name, [xy + shift for xy in labels])
    if best is None or not is_sure:
        return OrientationCheck("cannot tell", confidence, _UNKNOWN, by_name)
    if best.name == "as given":
        advice = _NOTHING_TO_DO if particle_diameter is None else "nothing to do"
        return OrientationCheck("as given", confidence, advice, by_name, list(labels))
    all_sizes = [
        sizes[i] if i in sizes else _size(without_pixels(path)) for i, path in enumerate(paths)
    ]
    corrected = [best.apply(xy, size) for xy, size in zip(labels, all_sizes)]
    return OrientationCheck(best.name, confidence, _advice(best, all_sizes), by_name, corrected)


def _best(scores: dict[_Reading, float]) -> tuple[_Reading, float]:
    """Return the best reading and its probability, among all and none.

    Sizes that hardly differ are one reading, best named by a whole number.
    """
    best = max(scores, key=lambda one: scores[one])
    largest = max(_NOTHING, scores[best])
    weights = {one: np.exp((score**2 - largest**2) / 2) for one, score in scores.items()}
    of_none = np.exp((_NOTHING**2 - largest**2) / 2)
    near = [one for one in scores if one.flip is best.flip and _is_near(one, best)]
    confidence = sum(weights[one] for one in near) / (of_none + sum(weights.values()))
    named = max(near, key=lambda one: scores[one] + _WHOLE_NUMBER * one.is_whole)
    return named, float(confidence)


def _is_near(one: _Reading, other: _Reading) -> bool:
    return abs(np.log(one.scale / other.scale)) < 0.03


_NOTHING_TO_DO = (
    "nothing to do, unless all lie beside what they label, such as corners of boxes: "
    "particle_diameter=... tells"
)
_UNKNOWN = (
    "no flip, turn or binning of the labels lies on blobs more than random places would: draw the "
    "labels on the micrographs (puclassify.plotting.PicksDisplay), and check that each list of "
    "labels belongs to its micrograph"
)


def _advice(reading: _Reading, sizes: list[Size]) -> str:
    width, height = sizes[0]
    if all(size == sizes[0] for size in sizes):
        code = reading.code.replace("width", f"{width:g}").replace("height", f"{height:g}")
        return f"coordinates = [{code} for xy in coordinates]"
    return (
        f"coordinates = [{reading.code} for xy, (height, width) in zip(coordinates, shapes)], "
        "where shapes are those of the micrographs"
    )


def _size(image: GridImage) -> Size:
    width, height = size_xy(image).tolist()
    return width, height


def _readings(labels, sizes) -> list[_Reading]:
    """Return what to try: all flips at all binnings, and sizes that bring the labels inside."""
    scales = [1.0, *(float(n) for n in _BINNINGS), *(1.0 / n for n in _BINNINGS)]
    # Either side may be the wide one.
    beyond = min(
        max(float(np.max(xy / np.array(size)[order])) for xy, size in zip(labels, sizes))
        for order in ([0, 1], [1, 0])
    )
    if beyond > 1.03:
        scales += list(beyond * np.arange(0.98, 1.25, 0.004))
    return [_Reading(flip, scale) for scale in scales for flip in FLIPS]


def _score(maps, labels, sizes, reading) -> float | None:
    """Return by how many standard deviations the labels' ranks are off chance; None if outside."""
    places = [reading.apply(xy, size) for xy, size in zip(labels, sizes)]
    ranks = at_labels(maps, places)
    inside = np.isfinite(ranks[0])
    if inside.mean() < _INSIDE:
        return None
    # Labels on one blob are one observation.
    n_apart = [_n_apart(places, 2 * radius) for radius in maps[0].blob_radii]
    mean = np.nanmean(ranks, axis=1)
    return float((np.abs(mean) * np.sqrt(12 * np.array(n_apart))).max())


def _n_apart(places, distance: float) -> int:
    """Return in how many squares, as wide as a distance, places lie."""
    return sum(len(np.unique(np.floor(xy / distance), axis=0)) for xy in places if len(xy))
