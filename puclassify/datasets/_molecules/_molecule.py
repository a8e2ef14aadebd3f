"""A molecule as weighted points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

__all__ = ["NUCLEIC_ACID_CONTRAST", "MembraneBelt", "Molecule", "gather_points", "half_sphere"]

# For each dalton, relative to protein. Contrast with the ice is 1 - v * 0.93 g/ml: partial
# specific volumes v of 0.73 (protein) and 0.55 ml/g (nucleic acid).
NUCLEIC_ACID_CONTRAST = 1.5

_POINTS_IN_HULL = 2000  # of the farthest ones, where the hull cannot be computed


@dataclass(frozen=True)
class MembraneBelt:
    """Where a membrane, or the micelle in its place, surrounds a molecule.

    Parameters
    ----------
    axis : (float, float, float)
        The membrane's normal, a unit vector.
    offset : float
        Position of the membrane's middle along the axis, in ångström from the centre of the
        molecule.

    Examples
    --------
    >>> from puclassify.datasets import load_structure
    >>> load_structure("1u7g").belt  # an ammonia channel, whose membrane is across z
    MembraneBelt(axis=(0.107..., 0.031..., 0.993...), offset=-0.8...)
    """

    axis: tuple[float, float, float]
    offset: float


@dataclass(frozen=True, eq=False)
class Molecule:
    """A molecule, complex or density map to simulate micrographs of, as weighted points.

    Parameters
    ----------
    name : str
        Its name, such as the PDB id in lower case.
    points : ndarray of shape (n, 3)
        x, y, z of residues, atoms or voxels in ångström. They are moved so that their centre of
        mass is the origin.
    weights : ndarray of shape (n,)
        What each adds to the projected potential, in any unit; positive.
    width : float, default=3.0
        Standard deviation in ångström of the Gaussian that a point stands for.
    belt : MembraneBelt or None, default=None
        The membrane around it, if there is one, relative to the centre of mass.

    Attributes
    ----------
    diameter : float
        Longest extent in ångström: the largest distance of two points, and the width of one.

    Raises
    ------
    ValueError
        If there are no points, or they and the weights do not fit each other, are not finite or
        the weights are not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.datasets import Molecule
    >>> rod = Molecule("rod", np.c_[np.linspace(0, 200, 41), np.zeros((41, 2))], np.ones(41))
    >>> rod.diameter, rod.points.mean(axis=0).round(3).tolist()
    (206.0, [0.0, 0.0, 0.0])
    """

    name: str
    points: np.ndarray
    weights: np.ndarray
    width: float = 3.0
    belt: MembraneBelt | None = None
    diameter: float = field(init=False)

    def __post_init__(self) -> None:
        points = np.asarray(self.points, np.float32)
        weights = np.asarray(self.weights, np.float32)
        if points.ndim != 2 or points.shape[1:] != (3,) or not len(points):
            raise ValueError(
                f"points of {self.name!r} must be x, y, z in rows, at least one, got shape "
                f"{points.shape}"
            )
        if weights.shape != (len(points),):
            raise ValueError(
                f"weights of {self.name!r} must be one for each of {len(points)} points, got "
                f"shape {weights.shape}"
            )
        if not (np.isfinite(points).all() and np.isfinite(weights).all() and (weights > 0).all()):
            raise ValueError(
                f"points and weights of {self.name!r} must be finite, and weights positive"
            )
        centre = np.average(points.astype(np.float64), axis=0, weights=weights)
        points = (points - centre).astype(np.float32)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "diameter", _longest_extent(points) + 2 * float(self.width))

    def __repr__(self) -> str:
        return f"Molecule({self.name!r}, {len(self.points)} points, {self.diameter:.0f} Å)"


def _longest_extent(points: np.ndarray) -> float:
    if len(points) == 1:
        return 0.0
    try:
        corners = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # flat or few
        distance = np.square(points).sum(axis=1)
        corners = points[np.argsort(distance)[-_POINTS_IN_HULL:]]
    return float(pdist(corners).max())


def gather_points(
    points: np.ndarray, weights: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge points in cubes of edge ``spacing``: their centres, sums of weights and variances.

    The variance, along one axis and averaged over the three, is that of the points merged.
    """
    cubes = np.floor((points - points.min(axis=0)) / spacing).astype(np.int64)
    sides = cubes.max(axis=0) + 1
    _, cube = np.unique(
        (cubes[:, 0] * sides[1] + cubes[:, 1]) * sides[2] + cubes[:, 2], return_inverse=True
    )
    mass = np.bincount(cube, weights)
    centres = np.stack([np.bincount(cube, weights * x) for x in points.T], axis=1) / mass[:, None]
    squares = np.bincount(cube, weights * np.square(points - centres[cube]).sum(axis=1))
    return centres, mass, squares / (3 * mass)


def half_sphere(n: int) -> np.ndarray:
    """Return ``n`` directions, a spiral spread evenly over half of the sphere."""
    index = np.arange(n) + 0.5
    z, around = 1 - index / n, np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(around), radius * np.sin(around), z], axis=1)
