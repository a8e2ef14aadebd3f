"""Sampling labelled and unlabelled regions from micrographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from puclassify._parameters import check_number, check_whole_number
from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.io import as_grid_image, check_coordinates, check_micrographs, in_order
from puclassify.regions._labels_inside import labels_inside
from puclassify.regions._region_table import RegionTable

__all__ = ["positions_near", "sample_regions"]


def positions_near(image: GridImage, xy: np.ndarray, radius: float) -> np.ndarray:
    """Find the grid points near given positions.

    Parameters
    ----------
    image : GridImage of shape (height, width)
        The grid; its values are not used.
    xy : ndarray of shape (k, 2)
        Positions in stored pixels.
    radius : float
        Largest distance in stored pixels, inclusive. The grid point nearest to a position is
        always included.

    Returns
    -------
    ndarray of shape (m, 2), int
        Row and column of the grid points, without repeats, in row-major order.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import GridImage
    >>> from puclassify.regions import positions_near
    >>> positions_near(GridImage(np.zeros((9, 9))), np.array([[3.0, 5.0]]), 0.5)
    array([[5, 3]])
    """
    height, width = image.shape
    near = np.zeros((height, width), dtype=bool)
    reach = np.ceil(radius / image.step_xy).astype(int)
    dj, di = np.meshgrid(
        np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1), indexing="xy"
    )
    for x, y in image.to_grid(xy):
        j, i = np.clip(round(x), 0, width - 1), np.clip(round(y), 0, height - 1)
        near[i, j] = True
        distance = np.hypot((j + dj - x) * image.step_xy[0], (i + di - y) * image.step_xy[1])
        close = distance <= radius
        rows, columns = (i + di)[close], (j + dj)[close]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        near[rows[inside], columns[inside]] = True
    return np.argwhere(near)


def sample_regions(
    micrographs: Sequence | np.ndarray,
    coordinates: Sequence[ArrayLike],
    *,
    n_unlabeled: int = 1000,
    radius: float | Sequence[float] = 0.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[RegionTable, np.ndarray]:
    """Sample labelled and unlabelled regions from micrographs.

    Parameters
    ----------
    micrographs : sequence of n path, 2-D array or GridImage
        The micrographs.
    coordinates : sequence of n arrays of shape (k_i, 2), or DataFrame
        Labelled particle centres of each micrograph as x, y in stored pixels; ``k_i`` may be 0.
        Of all micrographs in a table, as for `puclassify.io.match_coordinates`.
    n_unlabeled : int, default=1000
        Unlabelled regions per micrograph, drawn uniformly with replacement from all its grid
        points, including those near labelled particles, so that they represent the micrograph.
    radius : float or sequence of n floats, default=0.0
        Every grid point within this distance of a label, in stored pixels, becomes a labelled
        region; the nearest one always does. A sequence has one radius for each micrograph.
    random_state : int, RandomState instance or None, default=None
        Seed of the sampling.

    Returns
    -------
    regions : RegionTable of m regions
        The regions, micrograph by micrograph.
    y : ndarray of shape (m,)
        1 for a labelled region, 0 for an unlabelled one.

    Raises
    ------
    ValueError
        If the two sequences differ in length, a parameter is out of range, or more than 3 per
        cent of the labels lie outside their micrograph.

    Warns
    -----
    UserWarning
        If a few labels lie outside their micrograph; these are ignored.

    See Also
    --------
    RegionExtractor : Cuts the regions out.

    Notes
    -----
    This is a case-control sample: the class prior to pass to a classifier is the fraction of *all*
    grid points that lie within ``radius`` of a particle.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import sample_regions
    >>> regions, y = sample_regions([np.zeros((64, 64))], [np.array([[10.0, 20.0]])],
    ...                             n_unlabeled=5, radius=1.0, random_state=0)
    >>> y
    array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    >>> regions[y == 1].xy.mean(axis=0)
    array([10., 20.])
    """
    check_whole_number(n_unlabeled, "n_unlabeled", at_least=0)
    items = check_micrographs(micrographs)
    images = [as_grid_image(item) for item in items]
    radii = _radii(radius, len(images))
    labels = check_coordinates(in_order(coordinates, items), len(images))
    labels, n_outside = labels_inside(images, labels, "coordinates")
    if n_outside:
        warn(f"{n_outside} labels in coordinates lie outside their micrograph and are ignored")
    rng = check_random_state(random_state)
    groups, xy, y = [], [], []
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        positive = positions_near(image, label, radii[index])
        height, width = image.shape
        unlabelled = np.column_stack(
            [rng.randint(height, size=n_unlabeled), rng.randint(width, size=n_unlabeled)]
        )
        positions = np.concatenate([positive, unlabelled])
        groups.append(np.full(len(positions), index))
        xy.append(image.to_micrograph(positions[:, ::-1]))
        y.append(np.repeat([1, 0], [len(positive), len(unlabelled)]))
    table = RegionTable(images, np.concatenate(groups), np.concatenate(xy))
    return table, np.concatenate(y)


def _radii(radius: float | Sequence[float], n_micrographs: int) -> list[float]:
    """Return one radius for each micrograph."""
    radii = [radius] * n_micrographs if np.ndim(radius) == 0 else list(radius)  # type: ignore
    if len(radii) != n_micrographs:
        raise ValueError(
            f"radius holds {len(radii)} numbers for {n_micrographs} micrographs; pass one number, "
            "or one for each micrograph"
        )
    expected = "a number of stored pixels >= 0"
    return [check_number(one, "radius", expected, at_least=0) for one in radii]
