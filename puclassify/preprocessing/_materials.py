"""Separation of large regions of two materials, such as ice and carbon film."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

__all__ = ["dominant_material"]

_SEPARATION = 3.0  # two halves of a Gaussian, of any width, have 2.65
_SHARPNESS = 0.6  # that of a wave as long as half the image; longer waves have less
_WINDOW = 0.21  # side of the median filter, of the image's side
_FEWEST_BLOCKS = 20
_MOST_MATERIALS = 5
_MAX_ITERATIONS = 20


def dominant_material(means: np.ndarray, usable: np.ndarray) -> np.ndarray:
    r"""Return the usable blocks of an image's most extended material, all if there is only one.

    ``means`` holds the mean intensity of every block. They are modelled as a smooth background, a
    step and a residual,

    .. math:: m_i = q(x_i, y_i) + \delta z_i + e_i, \qquad z_i \in \{0, 1\},

    with a quadratic polynomial q for the gradient of the ice. Fitting q and :math:`\delta` by least
    squares alternates with choosing the labels z until they no longer change (classification EM;
    Celeux & Govaert 1992, Comput. Stat. Data Anal. 14, 315). The labels are a threshold (Otsu 1979,
    IEEE Trans. Syst. Man Cybern. 9, 62, eq. 14) on :math:`\tilde m - q`. Here :math:`\tilde m` is m
    after a median filter, which keeps the edges of large regions and removes particles and
    contaminants up to a sixth of the image's side. There are two materials if

    * the step is larger than three times the spread of the residual, which is the separation D of
      Ashman, Bird & Zepf (1994, Astron. J. 108, 2348), and larger than that of the background;
    * it is an edge: the median difference of two blocks on either side of the border, one block
      apart, is at least 0.6 steps. Uneven ice has slopes instead.

    The larger one is then searched again, as there may be a third. Carbon on more than half of an
    image is its dominant material.
    """
    kept = usable
    for _ in range(_MOST_MATERIALS - 1):
        if np.count_nonzero(kept) < _FEWEST_BLOCKS:
            break
        upper = _second_material(means, kept)
        if upper is None:
            break
        share = np.mean(upper[kept])
        # Of two halves, that of the first block, so that inverting the contrast changes nothing.
        is_dominant = share > 0.5 or (share == 0.5 and upper[kept][0])
        kept = kept & (upper if is_dominant else ~upper)
    return kept


def _second_material(means: np.ndarray, kept: np.ndarray) -> np.ndarray | None:
    """Return which blocks are of the brighter of two materials, None if there is only one."""
    values = means[kept]
    fits = _StepFits(values, _median_filtered(means, kept)[kept], _quadratic_basis(kept))
    # Start from a flat background, and from one that follows the image as far as possible.
    starts = np.zeros(len(fits.projection)), fits.projection
    labels, step, residual = min(map(fits.fit, starts), key=lambda fit: fit[2] @ fit[2])
    spread = 1.4826 * np.median(np.abs(residual - np.median(residual)))  # ignores a few odd blocks
    if not step > max(_SEPARATION * spread, np.std(values - step * labels - residual)):
        return None
    upper = np.zeros(means.shape, dtype=bool)
    upper[kept] = labels
    return upper if _edge_height(means, kept, upper) >= _SHARPNESS * step else None


def _median_filtered(means: np.ndarray, kept: np.ndarray) -> np.ndarray:
    if not kept.all():
        nearest = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
        means = means[tuple(nearest)]
    radius = max(1, round(_WINDOW * np.sqrt(means.size) / 2))
    padded = np.pad(means, radius, mode="edge")
    windows = sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    windows = windows.reshape(means.size, -1)
    middle = windows.shape[1] // 2
    return np.partition(windows, middle, axis=1)[:, middle].reshape(means.shape)


def _quadratic_basis(kept: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the quadratic polynomials on the kept blocks."""
    y, x = (np.linspace(-1, 1, n)[i] for n, i in zip(kept.shape, np.nonzero(kept)))
    return np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))[0]


class _StepFits:
    """Fits of a background and a step to the means of n blocks, from several starts.

    ``smooth`` are the means after a median filter, ``basis`` (n, k) is an orthonormal basis of the
    backgrounds.
    """

    def __init__(self, values: np.ndarray, smooth: np.ndarray, basis: np.ndarray):
        self.values, self.smooth, self.basis = values, smooth, basis
        self.projection = values @ basis
        n = len(values)
        self.below = np.arange(1, n)
        self.weight = self.below * (n - self.below)

    def fit(self, coefficients: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """Alternate fitting and labelling, starting from a background with these coefficients.

        Returns the labels (True above the step), the height of the step and the residual.
        """
        labels, step, background = np.zeros(0, bool), 0.0, self.basis @ coefficients
        for _ in range(_MAX_ITERATIONS):
            previous, levelled = labels, self.smooth - background
            labels = levelled > self._otsu_threshold(levelled)
            if np.array_equal(labels, previous):
                break
            # Least squares: only the component of the labels orthogonal to the backgrounds counts.
            explained = labels @ self.basis
            norm = np.count_nonzero(labels) - explained @ explained
            height = labels @ self.values - explained @ self.projection
            step = height / norm if norm > 1e-9 else 0.0
            background = self.basis @ (self.projection - step * explained)
        return labels, step, self.values - step * labels - background

    def _otsu_threshold(self, values: np.ndarray) -> float:
        ordered = np.sort(values)
        sums = np.cumsum(ordered)
        between = (len(ordered) * sums[:-1] - self.below * sums[-1]) ** 2 / self.weight
        best = int(between.argmax())
        return float((ordered[best] + ordered[best + 1]) / 2)


def _edge_height(means: np.ndarray, kept: np.ndarray, upper: np.ndarray) -> float:
    """Return the median rise from lower to upper blocks across the block between them."""
    rises = []
    for m, k, u in ((means, kept, upper), (means.T, kept.T, upper.T)):
        across = k[2:] & k[:-2] & (u[2:] != u[:-2])
        rises.append(((m[2:] - m[:-2]) * np.where(u[2:], 1, -1))[across])
    heights = np.concatenate(rises)
    return float(np.median(heights)) if heights.size else 0.0
