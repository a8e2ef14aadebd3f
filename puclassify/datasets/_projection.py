"""Random orientations, and projections of pseudo-atom densities onto pixels."""

from __future__ import annotations

import numpy as np

__all__ = ["paste_projections", "project_density", "random_quaternions", "rotation_matrices"]

# A pixel integrates over its own area; to second order this widens a Gaussian by the variance of
# a unit box.
_PIXEL_VARIANCE = 1 / 12
_LOWEST_EXPONENT = np.float32(-35.0)
_CHUNK = 16  # keeps the profiles in the processor's cache


def random_quaternions(rng, n: int) -> np.ndarray:
    """Draw orientations uniformly over SO(3).

    A normalised 4-D normal vector is uniform on the unit sphere of quaternions, which covers
    SO(3) twice and evenly (Shoemake, Graphics Gems III, 1992).

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    n : int
        How many.

    Returns
    -------
    ndarray of shape (n, 4)
        Unit quaternions x, y, z, w (scalar last) with w >= 0.
    """
    quaternions = rng.normal(size=(n, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions[quaternions[:, 3] < 0] *= -1
    return quaternions


def rotation_matrices(quaternions) -> np.ndarray:
    """Turn unit quaternions into rotation matrices.

    Parameters
    ----------
    quaternions : ndarray of shape (n, 4)
        Unit quaternions x, y, z, w (scalar last).

    Returns
    -------
    ndarray of shape (n, 3, 3)
        Matrices R that take a point p of the density to R p in the micrograph's frame.
    """
    x, y, z, w = np.asarray(quaternions, dtype=np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0).reshape(-1, 3, 3)


def project_density(density, rotations, shifts, radius: float, size: int) -> np.ndarray:
    """Project a density along the beam (z) in many orientations.

    Parameters
    ----------
    density : PseudoAtoms
        The density, in units of the particle's radius.
    rotations : ndarray of shape (n, 3, 3)
        Orientation of each projection.
    shifts : ndarray of shape (n, 2)
        x, y in pixels of the particle's centre from the middle pixel.
    radius : float
        The particle's radius in pixels.
    size : int
        Odd edge length of the projections in pixels.

    Returns
    -------
    ndarray of shape (n, size, size) and dtype float32
        Projected mass per radius squared, so that its values do not depend on the pixel size.

    Notes
    -----
    A Gaussian of width s and mass w projects to ``w / (2 pi s^2) exp(-(dx^2 + dy^2) / (2 s^2))``,
    which is separable: an image is a product of a (size, m) and an (m, size) matrix.
    """
    grid = np.arange(size, dtype=np.float32) - size // 2
    variance = (density.widths * radius) ** 2 + _PIXEL_VARIANCE
    amplitudes = (density.weights * radius**2 / (2 * np.pi * variance)).astype(np.float32)
    exponents = (-0.5 / variance).astype(np.float32)
    images = np.empty((len(rotations), size, size), dtype=np.float32)
    for start in range(0, len(rotations), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        atoms = density.centers @ np.swapaxes(rotations[chunk, :2], 1, 2) * radius
        atoms += shifts[chunk, None]
        along_x = _profiles(atoms[:, :, None, 0], exponents[:, None], grid)
        along_y = _profiles(atoms[:, None, :, 1], exponents, grid[:, None])
        np.matmul(along_y * amplitudes, along_x, out=images[chunk])
    return images


def _profiles(positions, exponents, grid) -> np.ndarray:
    """Give each pseudo-atom's unit Gaussian along one axis, in float32 for speed."""
    profiles = grid - positions.astype(np.float32)
    profiles *= profiles
    profiles *= exponents
    # Products of two profiles must not become denormal numbers, which are ~100 times slower.
    np.maximum(profiles, _LOWEST_EXPONENT, out=profiles)
    return np.exp(profiles, out=profiles)


def paste_projections(canvas, density, rotations, centers, radius: float) -> None:
    """Add the projections of particles to an image, in place.

    Parameters
    ----------
    canvas : ndarray of shape (height, width)
        Where they are added; what lies beyond its borders is cut off.
    density : PseudoAtoms
        The density of every particle.
    rotations : ndarray of shape (n, 3, 3)
        Their orientations.
    centers : ndarray of shape (n, 2)
        x, y of their centres in pixels of the canvas.
    radius : float
        Their radius in pixels.
    """
    half = int(np.ceil(1.1 * radius)) + 2
    nearest = np.rint(centers).astype(int)
    images = project_density(density, rotations, centers - nearest, radius, 2 * half + 1)
    for image, (x, y) in zip(images, nearest):
        top, left = y - half, x - half
        target = canvas[max(top, 0) : y + half + 1, max(left, 0) : x + half + 1]
        first_row, first_column = max(-top, 0), max(-left, 0)
        target += image[
            first_row : first_row + target.shape[0], first_column : first_column + target.shape[1]
        ]
