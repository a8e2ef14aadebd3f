"""Micelles around membrane proteins."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes
from scipy.spatial import cKDTree

from puclassify.datasets._molecules._molecule import MembraneBelt, Molecule, half_sphere

__all__ = ["add_belt", "find_belt"]

_GRID = 5.0  # ångström between the points of a micelle
_HALF_THICKNESS = 19.0  # of the belt at the protein
_WIDTH = 24.0  # from the protein's surface outwards
_CLOSEST = 6.0  # to the centre of a residue
_DALTONS_PER_POINT = 0.55 * 1.03 * _GRID**3 / 1.66  # of detergent, at a filling of 0.55
_HYDROPHOBIC = (71, 99, 113, 131, 147, 186)  # A, V, L and I, M, F, W, by their mass in dalton
_CHARGED = (115, 128, 129, 156)  # D, K and Q, E, R
_SLAB = 15.0  # half thickness of the membrane's hydrophobic core
_EXPOSED_WITHIN = 10.0
_DIRECTIONS = 400


def add_belt(molecule: Molecule, density: float = 1.0) -> Molecule:
    """Surround a membrane protein by the belt of a micelle.

    The belt is as thick as a membrane at the protein and thins out outwards; ``density`` is that
    of detergent for 1.
    """
    if molecule.belt is None:
        return molecule
    axis = np.array(molecule.belt.axis, np.float32)
    u, v = _perpendicular(axis)
    inside = molecule.points - molecule.belt.offset * axis
    height = inside @ axis
    flat = np.stack([inside @ u, inside @ v], axis=1)
    slab = flat[np.abs(height) < _HALF_THICKNESS]
    if not len(slab):
        return molecule
    reach = np.abs(slab).max() + _WIDTH
    line = np.arange(-reach, reach + _GRID, _GRID)
    plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    away = cKDTree(slab).query(plane, distance_upper_bound=_WIDTH)[0]
    # Pores are not filled: only what is outside the protein's shadow.
    shadow = binary_fill_holes((away < _CLOSEST).reshape(len(line), -1)).ravel()
    around = (away < _WIDTH) & ~shadow
    plane, away = plane[around], away[around]
    levels = np.arange(-_HALF_THICKNESS, _HALF_THICKNESS + 1, _GRID)
    half_height = _HALF_THICKNESS * np.sqrt(1 - (away / _WIDTH) ** 2)
    point, level = np.nonzero(np.abs(levels) <= half_height[:, None])
    belt = plane[point, :1] * u + plane[point, 1:] * v
    belt = (belt + (levels[level, None] + molecule.belt.offset) * axis).astype(np.float32)
    weights = np.full(len(belt), density * _DALTONS_PER_POINT, np.float32)
    return Molecule(
        name=molecule.name,
        points=np.concatenate([molecule.points, belt]),
        weights=np.concatenate([molecule.weights, weights]),
        width=molecule.width,
    )


def _perpendicular(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors that make a frame with the axis."""
    u = np.cross(axis, np.eye(3, dtype=np.float32)[np.abs(axis).argmin()])
    u /= np.linalg.norm(u)
    return u, np.cross(axis, u)


def find_belt(molecule: Molecule, masses: np.ndarray) -> MembraneBelt:
    """Find the slab whose exposed residues are the most hydrophobic.

    ``masses``, in dalton, tell the residues of a protein: one for each of the molecule's points.
    """
    tree = cKDTree(molecule.points)
    neighbours = tree.query_ball_point(molecule.points, _EXPOSED_WITHIN, return_length=True)
    exposed = neighbours < np.median(neighbours)
    value = np.isin(masses, _HYDROPHOBIC) * 1.0 - 1.5 * np.isin(masses, _CHARGED)
    points, value = molecule.points[exposed], value[exposed]
    best, belt = -np.inf, None
    for axis in half_sphere(_DIRECTIONS):
        height = points @ axis
        for offset in np.arange(height.min() + _SLAB, height.max() - _SLAB + 1, 2.0):
            in_slab = np.abs(height - offset) < _SLAB
            # Hydrophobic inside, the rest outside; a slab of few residues does not count.
            score = value[in_slab].sum() - value[~in_slab].mean() * in_slab.sum()
            if score > best:
                best, belt = score, (axis, offset)
    if belt is None:
        raise ValueError(f"{molecule.name!r} is too small to span a membrane")
    return MembraneBelt(tuple(np.round(belt[0], 4).tolist()), round(float(belt[1]), 1))
