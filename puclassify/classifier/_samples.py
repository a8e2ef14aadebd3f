"""Samples: checked against the network and an earlier fit, and read batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.utils.validation import validate_data
from torch import nn

from puclassify._warnings import warn
from puclassify.networks import CompactCNN
from puclassify.regions import RegionTable

__all__ = ["PixelSource", "check_samples"]

_CHANNELS_FIRST = "if the channels are its last axis, pass np.moveaxis(X, -1, 1)"
_COLOURS = (1, 3, 4)
_SMALLEST_IMAGE = 8


class PixelSource:
    """Images or feature rows, read as float32 only for the rows that a batch asks for.

    ``X`` has shape (n, features), (n, h, w) or (n, c, h, w) and any real dtype (a memory-mapped
    array stays on disk), or is a `RegionTable`, whose regions are ``region_size`` pixels wide.
    """

    def __init__(self, X, region_size: int | None = None):
        if isinstance(X, RegionTable):
            if region_size is None:
                raise ValueError(
                    "a RegionTable says where regions are but not how large; this module has no "
                    "fixed receptive field, so put a RegionExtractor(size) in front: "
                    "make_pipeline(RegionExtractor(71), PUImageClassifier(...))"
                )
            self.sample_shape: tuple[int, ...] = (1, region_size, region_size)
        else:
            X = X if isinstance(X, np.ndarray) else np.asarray(X)
            if X.dtype.kind not in "biuf":
                kind = "Complex data not supported" if X.dtype.kind == "c" else "not numeric"
                raise ValueError(f"X has dtype {X.dtype}: {kind}; pass real numbers")
            if X.ndim not in (2, 3, 4):
                raise ValueError(
                    f"X must have shape (n, features), (n, h, w) or (n, c, h, w), got {X.shape}"
                )
            if 0 in X.shape:
                raise ValueError(f"X holds nothing: its shape is {X.shape}")
            self.sample_shape = X.shape[1:] if X.ndim != 3 else (1, *X.shape[1:])
        self.X = X

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: np.ndarray | slice) -> torch.Tensor:
        """Read samples into a float32 tensor on the CPU; refuse values that are not finite."""
        if isinstance(self.X, RegionTable):
            values = self.X[rows].pixels(self.sample_shape[-1])
        else:
            with np.errstate(over="ignore"):  # refused below, as infinite
                values = np.array(self.X[rows], dtype=np.float32, order="C")
        if not np.isfinite(values).all():
            bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            index = np.arange(len(self))[rows][bad][0]
            raise ValueError(
                f"Input X contains NaN, infinity or a value too large for float32 (first at "
                f"sample {index}); replace those values or leave the sample out"
            )
        return torch.from_numpy(values.reshape(-1, *self.sample_shape))


def check_samples(
    classifier, X, *, reset: bool, field: Callable[[], int | None], fitted: nn.Module | None
) -> PixelSource:
    """Return X as a `PixelSource` that the network of a classifier can read.

    ``field`` returns the receptive field, at which regions are cut; ``fitted`` is the network that
    X has to fit, if there is one already. With ``reset`` the number of features is set.
    """
    n_axes = 0 if isinstance(X, RegionTable) else _n_dimensions(X)
    if isinstance(X, RegionTable):
        source = PixelSource(X, field())
    elif n_axes in (3, 4):
        source = PixelSource(X)
    else:
        keep = isinstance(X, np.memmap)
        with np.errstate(over="ignore"):  # what does not fit float32 is refused as infinite
            checked = validate_data(
                classifier,
                X,
                reset=reset,
                dtype=None if keep else np.float32,
                ensure_all_finite=not keep,
                ensure_min_samples=2 if reset else 1,
            )
        source = PixelSource(X if keep else checked)
    if reset and n_axes == 4 and classifier.module != "mlp":  # to which the order is all the same
        _check_channels_first(source.X.shape)
    if reset and n_axes != 2:  # an earlier fit may have been on feature rows
        for name in ("n_features_in_", "feature_names_in_"):
            vars(classifier).pop(name, None)
    if reset and len(source) < 2:
        raise ValueError(f"X holds {len(source)} samples; at least 2 are needed to fit")
    if fitted is not None:
        _check_same_kind(source.sample_shape, classifier.image_shape_, fitted)
    return source


def _check_channels_first(shape: tuple[int, ...]) -> None:
    """Refuse images (n, h, h, c) and warn of (n, h, w, c), whose rows would pass for channels."""
    _, first, second, last = shape
    if last not in _COLOURS or min(first, second) < _SMALLEST_IMAGE:
        return
    taken = f"X has shape {shape}, which means {first} channels of {second} x {last} pixels"
    if first == second:
        raise ValueError(
            f"{taken}; {_CHANNELS_FIRST}. If they really are its second axis, "
            "pass np.swapaxes(X, 2, 3)"
        )
    if first >= 2 * _SMALLEST_IMAGE and last > 1:  # signals may have the shape (n, c, length, 1)
        warn(f"{taken}, and is used so; {_CHANNELS_FIRST}")


def _check_same_kind(shape, fitted_shape, module: nn.Module) -> None:
    """Refuse samples of another kind than those that a network was fitted on."""
    if len(shape) != len(fitted_shape) or shape[0] != fitted_shape[0]:
        hint = "; pass a single image as X[None]" if len(shape) < len(fitted_shape) else ""
        if len(shape) == len(fitted_shape) == 3 and shape[-1] == fitted_shape[0]:
            hint = f"; {_CHANNELS_FIRST}"
        raise ValueError(
            f"X holds samples of shape {shape} but was fitted on samples of {fitted_shape}{hint}"
        )
    is_sized = getattr(module, "receptive_field", None) is not None
    if shape != fitted_shape and not is_sized and not isinstance(module, CompactCNN):
        raise ValueError(
            f"X holds images of shape {shape} but was fitted on {fitted_shape}; module='cnn' "
            "accepts images of any size"
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
