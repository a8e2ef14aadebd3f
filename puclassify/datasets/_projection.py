"""Random orientations, and projections of pseudo-atom densities onto pixels."""

from __future__ import annotations

import numpy as np

from puclassify.datasets._densities import PseudoAtoms

__all__ = [
    "add_patches",
    "paste_projections",
    "project_density",
    "random_quaternions",
    "rotation_matrices",
]

# A pixel integrates over its own area; to second order this widens a Gaussian by the variance of
# a unit box.
_PIXEL_VARIANCE = 1 / 12
_LOWEST_EXPONENT = np.float32(-35.0)
_CHUNK = 16  # keeps the profiles in the processor's cache


def random_quaternions(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw ``n`` orientations uniformly over SO(3), as quaternions x, y, z, w with w >= 0.

    A normalised 4-D normal vector is uniform on the unit sphere of quaternions, which covers
    SO(3) twice and evenly (Shoemake, Graphics Gems III, 1992).
    """
    quaternions = rng.normal(size=(n, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions[quaternions[:, 3] < 0] *= -1
    return quaternions


def rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Turn unit quaternions x, y, z, w into matrices that rotate the density into the frame."""
    x, y, z, w = np.asarray(quaternions, dtype=np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0).reshape(-1, 3, 3)


def project_density(
    density: PseudoAtoms, rotations: np.ndarray, shifts: np.ndarray, radius: float, size: int
) -> np.ndarray:
    """Project a density along the beam (z), once for every rotation matrix.

    ``shifts`` are x, y in pixels of the particle's centre from the middle pixel, ``size`` is the
    odd edge of the projections. The result, (n, size, size) in float32, is the projected mass per
    radius squared, so that it does not depend on the pixel size.

    A Gaussian of width s and mass w projects to ``w / (2 pi s^2) exp(-(dx^2 + dy^2) / (2 s^2))``,
    which is separable: an image is the product of a (size, m) and an (m, size) matrix.
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
    """Return each pseudo-atom's unit Gaussian along one axis, in float32 for speed."""
    profiles = grid - positions.astype(np.float32)
    profiles *= profiles
    profiles *= exponents
    # Products of two profiles must not become denormal numbers, which are ~100 times slower.
    np.maximum(profiles, _LOWEST_EXPONENT, out=profiles)
    return np.exp(profiles, out=profiles)


def paste_projections(
    canvas: np.ndarray,
    density: PseudoAtoms,
    rotations: np.ndarray,
    centers: np.ndarray,
    radius: float,
) -> None:
    """Add the projections of particles to a canvas, in place; what lies beyond it is cut off.

    ``centers`` are x, y in pixels of the canvas, ``radius`` is that of the particles in pixels.
    """
    half = int(np.ceil(density.reach * radius)) + 2
    nearest = np.rint(centers).astype(int)
    images = project_density(density, rotations, centers - nearest, radius, 2 * half + 1)
    add_patches(canvas, images, nearest - half)


def add_patches(canvas: np.ndarray, patches: np.ndarray, corners: np.ndarray) -> None:
    """Add patches whose first pixels lie at ``corners`` (x, y), cut off at the canvas's edges."""
    height, width = canvas.shape
    size = patches.shape[1]
    for patch, (left, top) in zip(patches, corners.tolist()):
        if -size < top < height and -size < left < width:
            part = patch[max(-top, 0) : height - top, max(-left, 0) : width - left]
            canvas[max(top, 0) : top + size, max(left, 0) : left + size] += part
