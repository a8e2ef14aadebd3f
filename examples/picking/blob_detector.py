"""A difference-of-Gaussians blob detector, the baseline for a learned picker.

The micrograph is blurred with two Gaussians. Their difference is large where something of about
that size is darker (or brighter) than its surroundings, and its maxima are the picks. Width and
polarity are tuned by average precision on the training micrographs, so that the comparison is with
the best detector of this kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.spatial import cKDTree

from puclassify.metrics import pick_average_precision_score

__all__ = ["BlobDetector", "tune_blob_detector"]

SMALLEST_WIDTH, N_WIDTHS = 0.05, 10  # in particle diameters
RATIO = 1.6  # of the widths; closest to a Laplacian of a Gaussian (Marr and Hildreth, 1980)


@dataclass(frozen=True)
class BlobDetector:
    """A blob detector with its settings, in pixels."""

    sigma: float  # of the narrower Gaussian
    dark: bool  # whether particles are darker than their surroundings
    min_distance: float  # of two blobs this close, only the stronger one is picked

    def pick(self, micrographs) -> list[np.ndarray]:
        """Return all maxima of each micrograph as x, y in pixels and score, best first.

        No threshold is applied; average precision needs none.
        """
        return [self._pick_one(standardized(micrograph)) for micrograph in micrographs]

    def _pick_one(self, image) -> np.ndarray:
        response = blur(image, self.sigma) - blur(image, RATIO * self.sigma)
        return pick_maxima(-response if self.dark else response, self.min_distance)


def standardized(micrograph) -> np.ndarray:
    """Subtract the median, divide by the spread: scores are then comparable across micrographs."""
    image = np.asarray(micrograph, dtype=np.float32)
    median = np.median(image)
    spread = 1.4826 * np.median(np.abs(image - median))
    return (image - median) / max(spread, np.finfo(np.float32).tiny)


def blur(image, sigma: float) -> np.ndarray:
    """Convolve with a Gaussian; the image is mirrored at its borders."""
    return gaussian_filter(image, sigma, mode="reflect", truncate=3.0)


def pick_maxima(response, min_distance: float) -> np.ndarray:
    """Return x, y, score of positive local maxima, best first, without those near a better one."""
    rows, columns = np.nonzero((response == maximum_filter(response, 3)) & (response > 0))
    scores = response[rows, columns]
    order = np.argsort(-scores, kind="stable")
    xy, scores = np.column_stack([columns, rows])[order].astype(float), scores[order]
    if not len(xy):
        return np.empty((0, 3))
    free = np.ones(len(xy), dtype=bool)
    kept = []
    for i, neighbours in enumerate(cKDTree(xy).query_ball_point(xy, min_distance)):
        if free[i]:
            kept.append(i)
            free[neighbours] = False
    return np.column_stack([xy[kept], scores[kept]])


def tune_blob_detector(micrographs, coordinates, particle_diameter: float) -> BlobDetector:
    """Return the detector with the highest average precision on training micrographs.

    Coordinates are x, y in pixels. If only some particles are labelled, average precision is too
    low for all settings alike, and the best setting stays the best. Picks match within half the
    particle diameter and are at least that far apart. Tried are 10 widths from 0.05 to 0.41
    diameters and both polarities.
    """
    radius = particle_diameter / 2
    # Steps of the square root of the ratio: every blurred image serves in two differences.
    widths = SMALLEST_WIDTH * particle_diameter * np.sqrt(RATIO) ** np.arange(N_WIDTHS + 2)
    candidates = [
        BlobDetector(float(sigma), dark, radius) for sigma in widths[:-2] for dark in (True, False)
    ]
    picks = [[] for _ in candidates]
    for image in map(standardized, micrographs):
        blurred = [blur(image, width) for width in widths]
        responses = [narrow - wide for narrow, wide in zip(blurred[:-2], blurred[2:])]
        signed = [sign * response for response in responses for sign in (-1, 1)]
        for picked, response in zip(picks, signed):
            picked.append(pick_maxima(response, radius))
    scores = [pick_average_precision_score(coordinates, picked, radius) for picked in picks]
    return candidates[int(np.argmax(scores))]
