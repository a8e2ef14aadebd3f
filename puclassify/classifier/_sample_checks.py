"""Samples as a caller hands them over, checked against the network and the fit before."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import validate_data

from puclassify.classifier._pixels import PixelSource
from puclassify.networks import CompactCNN
from puclassify.regions import RegionTable

__all__ = ["SampleChecksMixin"]


class SampleChecksMixin:
    """Turns every kind of ``X`` into a `PixelSource` that fits the estimator."""

    def _check_samples(self, X, *, reset):
        """Return X as a `PixelSource`, checked against what was fitted."""
        n_axes = 0 if isinstance(X, RegionTable) else _n_dimensions(X)
        if isinstance(X, RegionTable):
            source = PixelSource(X, self._region_size(reset))
        elif n_axes in (3, 4):
            source = PixelSource(X)
        else:
            keep = isinstance(X, np.memmap)
            with np.errstate(over="ignore"):  # what does not fit float32 is refused as infinite
                checked = validate_data(
                    self,
                    X,
                    reset=reset,
                    dtype=None if keep else np.float32,
                    ensure_all_finite=not keep,
                    ensure_min_samples=2 if reset else 1,
                )
            source = PixelSource(X if keep else checked)
        if reset and n_axes != 2:  # an earlier fit may have been on feature rows
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
        if reset and len(source) < 2:
            raise ValueError(f"X holds {len(source)} samples; at least 2 are needed to fit")
        if not reset or self._continues():
            self._check_same_kind(source.sample_shape)
        return source

    def _region_size(self, reset):
        """Return the edge at which regions are cut: the receptive field of the network."""
        if not reset or self._continues():
            return getattr(self.module_, "receptive_field", None)
        if self._module_for((1, 0, 0)) in ("mlp", "cnn"):
            return None
        return getattr(self._build_module(self._first_prior, (1, 0, 0)), "receptive_field", None)

    def _check_same_kind(self, shape):
        fitted = self.image_shape_
        if len(shape) != len(fitted) or shape[0] != fitted[0]:
            hint = "; pass a single image as X[None]" if len(shape) < len(fitted) else ""
            raise ValueError(
                f"X holds samples of shape {shape} but was fitted on samples of {fitted}{hint}"
            )
        sized = getattr(self.module_, "receptive_field", None) is not None
        if shape != fitted and not sized and not isinstance(self.module_, CompactCNN):
            raise ValueError(
                f"X holds images of shape {shape} but was fitted on {fitted}; module='cnn' takes "
                "images of any size"
            )


def _n_dimensions(X):
    """Return the number of axes without converting data frames or sparse matrices."""
    if hasattr(X, "ndim"):
        return X.ndim
    try:
        return np.asarray(X).ndim
    except ValueError as error:
        raise ValueError(
            f"X is a {type(X).__name__} of samples whose shapes differ ({error}); crop or resize "
            "them to one shape"
        ) from error
