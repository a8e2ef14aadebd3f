"""Cutting regions out of micrographs, as a step of a pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if

from puclassify._containers import set_container
from puclassify._parameters import check_flag, check_whole_number
from puclassify.base import PUBaseEstimator
from puclassify.regions._region_table import RegionTable

__all__ = ["RegionExtractor"]


class RegionExtractor(TransformerMixin, PUBaseEstimator):
    """Cut the regions of a `RegionTable` out of their micrographs.

    In a `~sklearn.pipeline.Pipeline` it stands between the table and a classifier. It keeps the
    number of samples, so splitters, searches and scorers work on the table unchanged.

    Parameters
    ----------
    size : int
        Edge of the square regions in pixels of the micrographs' grids, normally the receptive
        field of the network that follows (71 for ``"resnet8"``).
    flatten : bool, default=False
        Whether to return ``(m, size * size)`` features, for classifiers that do not accept images.
        Only these become data frames by `set_output`.

    See Also
    --------
    RegionTable : The table of regions.
    sample_regions : Samples a table from labelled micrographs.

    Notes
    -----
    A region is centred on the grid point nearest to its position; beyond the edge of the
    micrograph the image is mirrored.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import RegionExtractor, RegionTable
    >>> micrograph = np.arange(100.0).reshape(10, 10)
    >>> RegionExtractor(3).fit_transform(RegionTable([micrograph], [0], [[4, 5]]))
    array([[[[43., 44., 45.],
             [53., 54., 55.],
             [63., 64., 65.]]]], dtype=float32)
    """

    def __init__(self, size: int, *, flatten: bool = False):
        self.size = size
        self.flatten = flatten

    def _check(self, X: RegionTable) -> None:
        expected = "a whole number of pixels >= 1"
        check_whole_number(self.size, "size", at_least=1, expected=expected)
        check_flag(self.flatten, "flatten")
        if not isinstance(X, RegionTable):
            raise TypeError(
                f"RegionExtractor needs a RegionTable, got {type(X).__name__}; make one with "
                "sample_regions(micrographs, coordinates)"
            )

    def fit(self, X: RegionTable, y: Any = None) -> Self:
        """Check the parameters; nothing is learned.

        Parameters
        ----------
        X : RegionTable
            The regions.
        y : None
            Ignored.

        Returns
        -------
        RegionExtractor
            The transformer itself.
        """
        self._check(X)
        return self

    def transform(self, X: RegionTable) -> np.ndarray:
        """Cut the regions out.

        Parameters
        ----------
        X : RegionTable of m regions
            The regions.

        Returns
        -------
        ndarray of shape (m, 1, size, size) or (m, size * size), float32
            Their pixels.

        Raises
        ------
        TypeError
            If ``X`` is not a `RegionTable`.
        """
        self._check(X)
        cut = X.pixels(self.size)
        return cut.reshape(len(cut), -1) if self.flatten else cut

    @available_if(lambda extractor: extractor.flatten)
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features of flattened regions.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of size * size str
            ``pixel_0_0``, by row and column.
        """
        places = np.ndindex(self.size, self.size)
        return np.array([f"pixel_{row}_{column}" for row, column in places], dtype=object)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose what `transform` returns of flattened regions; images stay arrays.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            "default" for arrays, else DataFrames; None changes nothing.

        Returns
        -------
        RegionExtractor
            The transformer itself.
        """
        set_container(self, transform)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.two_d_array = False  # but a table of regions
        return tags
