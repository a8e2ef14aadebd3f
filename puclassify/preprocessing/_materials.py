"""Telling large regions of two materials, such as ice and carbon film, apart."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["dominant_material"]

_SEPARATION = 3.0  # two halves of a Gaussian, of any width, have 2.65
_SHARPNESS = 0.6  # that of a wave as long as half the image; longer ones have less
_WINDOW = 0.21  # side of the median filter, of the image's side
_FEWEST_BLOCKS = 20
_MOST_MATERIALS = 5
_MAX_ITERATIONS = 20


def dominant_material(means: np.ndarray, usable: np.ndarray) -> np.ndarray:
    r"""Find the blocks of an image that belong to its most extended material.

    Parameters
    ----------
    means : ndarray of shape (rows, columns)
        Mean intensity of every block.
    usable : ndarray of shape (rows, columns) and dtype bool
        The blocks to consider.

    Returns
    -------
    ndarray of shape (rows, columns) and dtype bool
        The usable blocks that are of the dominant material; all of them if there is but one.

    Notes
    -----
    The means are modelled as a smooth background, a step and a rest,

    .. math:: m_i = q(x_i, y_i) + \delta z_i + e_i, \qquad z_i \in \{0, 1\},

    with a quadratic polynomial q for the gradient of the ice. Fitting q and :math:`\delta` by least
    squares and choosing the labels z takes turns until they no longer change (classification EM;
    Celeux & Govaert 1992, Comput. Stat. Data Anal. 14, 315). The labels are a threshold (Otsu 1979,
    IEEE Trans. Syst. Man Cybern. 9, 62, eq. 14) on :math:`\tilde m - q`, where a median filter has
    made :math:`\tilde m` from m: it keeps the edges of large regions and leaves nothing of
    particles and contaminants up to a sixth of the image's side. There are two materials if

    * the step is larger than three times the spread of the rest, which is the separation D of
      Ashman, Bird & Zepf (1994, Astron. J. 108, 2348), and larger than that of the background;
    * it is an edge: the median difference of two blocks on either side of the border, one block
      apart, is at least 0.6 steps. Uneven ice has slopes instead.

    The larger one is then searched again, as there may be a third. Carbon on more than half of an
    image is its dominant material.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.preprocessing._materials import dominant_material
    >>> means = np.random.default_rng(0).normal(0.0, 0.1, (20, 20))
    >>> means += np.linspace(0, 1, 20)  # a gradient
    >>> means[:6] -= 1.0  # carbon
    >>> kept = dominant_material(means, np.ones((20, 20), bool))
    >>> kept[:6].any(), kept[6:].all()
    (np.False_, np.True_)
    """
    kept = usable
    for _ in range(_MOST_MATERIALS - 1):
        if np.count_nonzero(kept) < _FEWEST_BLOCKS:
            break
        upper = _second_material(means, kept)
        if upper is None:
            break
        share = np.mean(upper[kept])
        # Halves: the one of the first block, so that inverting the contrast changes nothing.
        is_dominant = share > 0.5 or (share == 0.5 and upper[kept][0])
        kept = kept & (upper if is_dominant else ~upper)
    return kept


def _second_material(means: np.ndarray, kept: np.ndarray) -> np.ndarray | None:
    """Return which blocks are of the brighter of two materials, None if there is but one."""
    smooth, values = _median_filtered(means, kept)[kept], means[kept]
    basis = _quadratic_basis(kept)
    # From a flat background, and from one that follows the image as far as it can.
    starts = np.zeros(values.shape), _project(values, basis)
    fits = [_fit_step(values, smooth, basis, background) for background in starts]
    labels, step, background = min(fits, key=lambda fit: _squared_rest(values, *fit))
    rest = values - step * labels - background
    spread = 1.4826 * np.median(np.abs(rest - np.median(rest)))  # blind to a few odd blocks
    if not step > max(_SEPARATION * spread, np.std(background)):
        return None
    upper = np.zeros(means.shape, dtype=bool)
    upper[kept] = labels
    return upper if _edge_height(means, kept, upper) >= _SHARPNESS * step else None


def _median_filtered(means: np.ndarray, kept: np.ndarray) -> np.ndarray:
    if not kept.all():
        nearest = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
        means = means[tuple(nearest)]
    radius = max(1, round(_WINDOW * np.sqrt(means.size) / 2))
    return ndimage.median_filter(means, 2 * radius + 1, mode="nearest")


def _quadratic_basis(kept: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the quadratic polynomials on the kept blocks."""
    y, x = (np.linspace(-1, 1, n)[i] for n, i in zip(kept.shape, np.nonzero(kept)))
    return np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))[0]


def _project(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    return basis @ (basis.T @ values)


def _fit_step(values, smooth, basis, background):
    """Fit background and step in turns with the labels; return labels, step, background."""
    labels, step = None, 0.0
    for _ in range(_MAX_ITERATIONS):
        previous, levelled = labels, smooth - background
        labels = levelled > _otsu_threshold(levelled)
        if np.array_equal(labels, previous):
            break
        # Least squares: only what the background cannot explain of the labels tells the step.
        unexplained = labels - _project(labels, basis)
        norm = unexplained @ unexplained
        step = unexplained @ values / norm if norm > 1e-9 else 0.0
        background = _project(values - step * labels, basis)
    return labels, step, background


def _squared_rest(values, labels, step, background) -> float:
    return float(np.sum((values - step * labels - background) ** 2))


def _otsu_threshold(values: np.ndarray) -> float:
    ordered = np.sort(values)
    below = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    total, n = sums[-1], len(ordered)
    between = (n * sums[:-1] - below * total) ** 2 / (below * (n - below))
    best = int(np.argmax(between))
    return float((ordered[best] + ordered[best + 1]) / 2)


def _edge_height(means: np.ndarray, kept: np.ndarray, upper: np.ndarray) -> float:
    """Return the median rise from lower to upper blocks across a block in between."""
    rises = []
    for m, k, u in ((means, kept, upper), (means.T, kept.T, upper.T)):
        across = k[2:] & k[:-2] & (u[2:] != u[:-2])
        rises.append(((m[2:] - m[:-2]) * np.where(u[2:], 1, -1))[across])
    heights = np.concatenate(rises)
    return float(np.median(heights)) if heights.size else 0.0
