"""A table of image regions: positions in micrographs, not pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from puclassify.grid import GridImage, mirror_index
from puclassify.io import as_grid_image, check_micrographs

__all__ = ["RegionTable"]


class RegionTable:
    """A table of image regions: the micrograph and the position of each.

    A row holds three numbers and no pixels, and tables sliced from this one share its micrographs.
    Rows are selected as in an array, so a table can be ``X`` in scikit-learn's splitters and
    searches.

    Parameters
    ----------
    micrographs : sequence of path, 2-D array or GridImage
        The micrographs that the rows refer to. Paths are read once, here, into memory; of files
        that do not fit there, pass memory-mapped arrays, such as ``mrcfile.mmap(path).data``.
    micrograph_index : array-like of int of shape (n_regions,)
        The index of each region's micrograph.
    xy : array-like of shape (n_regions, 2)
        The x and y of each region's centre in stored pixels.

    Attributes
    ----------
    groups : ndarray of shape (n_regions,)
        The index of each region's micrograph; pass it as ``groups`` to
        `sklearn.model_selection.GroupKFold` to keep whole micrographs together.
    xy : ndarray of shape (n_regions, 2)
        The centre of each region in stored pixels.
    micrographs : list of GridImage
        The micrographs.
    shape : (int, int)
        Number of regions, and 3.

    Raises
    ------
    ValueError
        If the lengths or shapes do not match, an index has no micrograph or a position is not
        finite.
    TypeError
        If ``micrographs`` is a single micrograph.

    See Also
    --------
    sample_regions : Samples labelled and unlabelled regions from micrographs.
    RegionExtractor : Cuts the regions out.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import RegionTable
    >>> table = RegionTable([np.zeros((64, 64)), np.ones((32, 48))], [0, 1, 1],
    ...                     [[10, 20], [30, 5], [4, 4]])
    >>> len(table)
    3
    >>> table[1:].groups
    array([1, 1])
    """

    def __init__(
        self, micrographs: Sequence | np.ndarray, micrograph_index: ArrayLike, xy: ArrayLike
    ):
        self.micrographs: list[GridImage] = [
            as_grid_image(item) for item in check_micrographs(micrographs)
        ]
        self.groups = _whole_numbers(micrograph_index)
        self.xy = _pairs(xy)
        if len(self.groups) != len(self.xy):
            raise ValueError(
                f"micrograph_index has {len(self.groups)} rows but xy has {len(self.xy)}; "
                "pass one micrograph index and one (x, y) for each region"
            )
        n_micrographs = len(self.micrographs)
        if not np.isin(self.groups, np.arange(n_micrographs)).all():
            raise ValueError(
                f"micrograph_index runs from {self.groups.min()} to {self.groups.max()} but there "
                f"are {n_micrographs} micrographs, counted from 0"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of regions, and 3 for micrograph, x and y."""
        return len(self.groups), 3

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, rows: Any) -> RegionTable:
        if isinstance(rows, tuple):  # scikit-learn indexes with ``table[rows, ...]``
            if len(rows) != 2 or rows[1] is not Ellipsis:
                raise IndexError(
                    f"a RegionTable is indexed by regions only, got {rows!r}; positions are in "
                    "table.xy, indices of micrographs in table.groups"
                )
            rows = rows[0]
        if isinstance(rows, (int, np.integer)):
            rows = [rows]
        selected = object.__new__(RegionTable)
        selected.micrographs = self.micrographs
        selected.groups = self.groups[rows]
        selected.xy = self.xy[rows]
        return selected

    def __repr__(self) -> str:
        return f"RegionTable({len(self)} regions in {len(self.micrographs)} micrographs)"

    def pixels(self, size: int) -> np.ndarray:
        """Cut the regions out.

        Parameters
        ----------
        size : int
            Edge of the square regions in pixels of the micrographs' grids.

        Returns
        -------
        ndarray of shape (n_regions, 1, size, size), float32
            The pixels around the grid point nearest to each centre, which is at index
            ``size // 2``. Beyond the micrograph's edge the image is mirrored.
        """
        cut = np.empty((len(self), 1, size, size), dtype=np.float32)
        window = np.arange(size) - size // 2
        for index in np.unique(self.groups):
            image = self.micrographs[index]
            rows = np.flatnonzero(self.groups == index)
            centres = np.rint(image.to_grid(self.xy[rows])).astype(np.intp)
            height, width = image.shape
            i = mirror_index(centres[:, 1, None] + window, height)
            j = mirror_index(centres[:, 0, None] + window, width)
            cut[rows, 0] = image.values[i[:, :, None], j[:, None, :]]
        return cut


def _whole_numbers(micrograph_index: ArrayLike) -> np.ndarray:
    index = np.asarray(micrograph_index)
    if index.size and index.dtype.kind not in "iu":
        raise ValueError(
            f"micrograph_index must hold whole numbers, got {index.dtype}; pass the index in "
            "micrographs of each region's micrograph"
        )
    if index.ndim != 1:
        raise ValueError(f"micrograph_index must be of shape (n_regions,), got {index.shape}")
    return index.astype(np.intp)


def _pairs(xy: ArrayLike) -> np.ndarray:
    pairs = np.asarray(xy, dtype=np.float64)
    if pairs.size == 0:
        return pairs.reshape(0, 2)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"xy must be of shape (n_regions, 2), x and y, got {pairs.shape}")
    if not np.isfinite(pairs).all():
        raise ValueError(
            "xy holds NaN or infinite positions; pass a finite x and y for every region"
        )
    return pairs
