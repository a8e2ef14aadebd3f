"""The contrast of particles with their surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from puclassify._parameters import check_number
from puclassify.grid import GridImage
from puclassify.io import as_grid_image, check_coordinates, check_micrographs, in_order

__all__ = ["local_contrast"]

_RING = 1.5  # outer radius of the ring, in radii of the particle


def local_contrast(
    micrographs: Sequence | np.ndarray,
    coordinates: Sequence[ArrayLike],
    radius: float,
    *,
    dark: bool = True,
) -> np.ndarray:
    r"""Measure how much particles differ from their surroundings.

    Parameters
    ----------
    micrographs : sequence of n str, path-like, ndarray of shape (height, width) or GridImage
        The micrographs.
    coordinates : sequence of n arrays of shape (k_i, 2), or DataFrame
        x, y of the particles in pixels of the micrograph as stored; of all in a table, as for
        `puclassify.io.match_coordinates`.
    radius : float
        Radius of a particle in stored pixels.
    dark : bool, default=True
        Whether particles are darker than their surroundings, as in raw micrographs.

    Returns
    -------
    ndarray of shape (n,) of ndarray of shape (k_i,)
        The contrasts; an object array that can be passed as ``easiness`` to `label_particles`.

    Raises
    ------
    TypeError
        If ``micrographs`` or ``coordinates`` is not a sequence of these.
    ValueError
        If ``radius`` is not positive, or fewer than two pixels of a particle's disc or ring lie in
        its micrograph.

    See Also
    --------
    label_particles : Labels the particles with the highest contrast first.

    Notes
    -----
    The contrast is :math:`(\bar b - \bar v) / \sigma`, with the opposite sign for bright particles.
    :math:`\bar v` is the mean of the pixels within ``radius`` of the centre, :math:`\bar b` and
    :math:`\sigma` are the mean and the standard deviation in the ring from there to 1.5 times the
    radius. Pixels outside the micrograph are left out. Neighbours in the ring lower the contrast.
    A ring of equal pixels gives an infinite contrast, or 0 if the disc has the same mean.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.datasets import local_contrast
    >>> micrograph = np.random.default_rng(0).normal(size=(64, 128))
    >>> y, x = np.ogrid[:64, :128]
    >>> micrograph[(y - 32) ** 2 + (x - 32) ** 2 <= 100] -= 2
    >>> micrograph[(y - 32) ** 2 + (x - 96) ** 2 <= 100] -= 1
    >>> local_contrast([micrograph], [[[32, 32], [96, 32]]], 10)[0].round()
    array([2., 1.])
    """
    radius = check_number(radius, "radius", "a positive number of stored pixels", above=0)
    items = check_micrographs(micrographs)
    centres = check_coordinates(in_order(coordinates, items), len(items))
    contrasts = np.empty(len(items), dtype=object)
    for i, (item, xy) in enumerate(zip(items, centres)):
        image = as_grid_image(item, name=f"micrograph {i}")
        measured = np.array([_contrast(image, centre, radius) for centre in xy])
        contrasts[i] = measured if dark else -measured
    return contrasts


def _contrast(image: GridImage, centre: np.ndarray, radius: float) -> float:
    """Return the mean of the ring minus that of the disc, in standard deviations of the ring."""
    reach = _RING * radius / image.step_xy
    middle = image.to_grid(centre[None])[0]
    low = np.maximum(np.ceil(middle - reach), 0).astype(int)
    high = np.minimum(np.floor(middle + reach), np.array(image.shape[::-1]) - 1).astype(int)
    x, y = (
        (np.arange(a, b + 1) - at) * step
        for a, b, at, step in zip(low, high, middle, image.step_xy)
    )
    distance = np.hypot(x, y[:, None])
    window = np.asarray(image.values)[low[1] : low[1] + len(y), low[0] : low[0] + len(x)]
    disc = window[distance <= radius]
    ring = window[(distance > radius) & (distance <= _RING * radius)]
    if len(disc) < 2 or len(ring) < 2:
        raise ValueError(
            f"fewer than two pixels of {image.name!r} lie within radius={radius:g} of "
            f"x = {centre[0]:g}, y = {centre[1]:g}, or in the ring around it; radius and "
            "coordinates must be in pixels of the micrograph as stored"
        )
    spread = float(np.std(ring, dtype=np.float64))
    difference = float(np.mean(ring, dtype=np.float64) - np.mean(disc, dtype=np.float64))
    if spread > 0:
        return difference / spread
    return np.copysign(np.inf, difference) if difference else 0.0
