"""
A difference-of-Gaussians blob detector, the baseline a learned picker has to beat
===================================================================================

A particle is taken for a blob of one size: the micrograph is blurred at two widths, the difference
is large where something of about that size is darker (or brighter) than what surrounds it, and
its maxima are the picks. The width and the polarity are tuned on the training micrographs by
average precision, so that the comparison is with the best such detector and not with a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.spatial import cKDTree

from puclassify.metrics import pick_average_precision_score

__all__ = ["BlobDetector", "tune_blob_detector"]

SMALLEST_WIDTH, N_WIDTHS = 0.05, 10  # in particle diameters
RATIO = 1.6  # of the two widths; the difference then comes closest to a Laplacian (Marr & Hildreth)


@dataclass(frozen=True)
class BlobDetector:
    """A blob detector with its settings.

    Parameters
    ----------
    sigma : float
        The smaller width of the two Gaussians in pixels.
    dark : bool
        Whether particles are darker than what surrounds them.
    min_distance : float
        Of two blobs at this distance in pixels or less only the stronger is picked.
    """

    sigma: float
    dark: bool
    min_distance: float

    def pick(self, micrographs) -> list[np.ndarray]:
        """Pick particles.

        Parameters
        ----------
        micrographs : sequence of 2-D arrays or GridImage
            The micrographs.

        Returns
        -------
        list of ndarray of shape (k, 3)
            x, y in pixels and score, by descending score; all maxima, so a threshold on the score
            still has to be chosen (average precision needs none).
        """
        return [self._pick_one(standardized(micrograph)) for micrograph in micrographs]

    def _pick_one(self, image) -> np.ndarray:
        response = blur(image, self.sigma) - blur(image, RATIO * self.sigma)
        return pick_maxima(-response if self.dark else response, self.min_distance)


def standardized(micrograph) -> np.ndarray:
    """Subtract the median and divide by the spread, so that scores compare across micrographs."""
    image = np.asarray(micrograph, dtype=np.float32)
    median = np.median(image)
    spread = 1.4826 * np.median(np.abs(image - median))
    return (image - median) / max(spread, np.finfo(np.float32).tiny)


def blur(image, sigma: float) -> np.ndarray:
    """Convolve with a Gaussian; the image goes on beyond its border as in a mirror."""
    return gaussian_filter(image, sigma, mode="reflect", truncate=3.0)


def pick_maxima(response, min_distance: float) -> np.ndarray:
    """Pick local maxima greedily, the strongest first, none within a distance of a stronger one.

    Parameters
    ----------
    response : ndarray of shape (height, width)
        What the filter gave.
    min_distance : float
        In pixels.

    Returns
    -------
    ndarray of shape (k, 3)
        x, y, score by descending score.
    """
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
    """Choose the detector with the highest average precision on training micrographs.

    Parameters
    ----------
    micrographs : sequence of n 2-D arrays or GridImage
        The training micrographs.
    coordinates : sequence of n arrays of shape (k_i, 2)
        x, y of their particles in pixels. Where only some of them are labelled the average
        precision is too low for every setting alike, and the best one stays the best.
    particle_diameter : float
        In pixels; picks match within half of it, and are at least half of it apart.

    Returns
    -------
    BlobDetector
        The best of 10 widths from 0.05 to 0.41 particle diameters and of both polarities.
    """
    radius = particle_diameter / 2
    # Steps of the square root of the ratio, so that every blurred image serves two differences.
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
