"""From region references to pixels, one row for one row."""

from __future__ import annotations

from sklearn.base import TransformerMixin

from puclassify._parameters import check_whole_number
from puclassify.base import PUBaseEstimator, UnchangedOutputMixin
from puclassify.regions._region_table import RegionTable

__all__ = ["RegionExtractor"]


class RegionExtractor(UnchangedOutputMixin, TransformerMixin, PUBaseEstimator):
    """Cut the regions of a `RegionTable` out of their micrographs.

    The step between references and a classifier in a `~sklearn.pipeline.Pipeline`: the number of
    samples stays, so splitters, searches and scorers work unchanged on the table in front of it.

    Parameters
    ----------
    size : int
        Edge of the square regions in pixels of the micrographs' grids, normally the receptive
        field of the network behind (71 for ``"resnet8"``).
    flatten : bool, default=False
        Whether to give ``(m, size * size)`` features, for classifiers that take no images.

    See Also
    --------
    RegionTable : What goes in.
    sample_regions : Draw the table from labelled micrographs.

    Notes
    -----
    The grid point nearest to the centre is the middle of the region; beyond the edge of its
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

    def __init__(self, size, *, flatten=False):
        self.size = size
        self.flatten = flatten

    def _check(self, X):
        expected = "a whole number of pixels >= 1"
        check_whole_number(self.size, "size", at_least=1, expected=expected)
        if not isinstance(X, RegionTable):
            raise TypeError(
                f"RegionExtractor takes a RegionTable, got {type(X).__name__}; make one with "
                "sample_regions(micrographs, coordinates)"
            )

    def fit(self, X, y=None):
        """Check the parameters; there is nothing to learn.

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

    def transform(self, X):
        """Cut the regions.

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
