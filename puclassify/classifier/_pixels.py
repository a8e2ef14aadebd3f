"""Whatever images come in, read as float32 tensors batch by batch."""

from __future__ import annotations

import numpy as np
import torch

from puclassify.regions import RegionTable

__all__ = ["PixelSource"]


class PixelSource:
    """Images or feature rows, cast to float32 only for the rows a batch asks for.

    Parameters
    ----------
    X : array of shape (n, features), (n, h, w) or (n, c, h, w), or RegionTable of n regions
        The samples, two-dimensional ones are rows of features. A memory-mapped array of any real
        dtype stays on disk.
    region_size : int or None, default=None
        Edge of the regions cut from a `RegionTable`; not used for arrays.

    Raises
    ------
    ValueError
        If the shape is none of those, the dtype is complex or not numeric, or a `RegionTable`
        comes without a ``region_size``.
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

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Read some samples.

        Parameters
        ----------
        rows : ndarray of int of shape (b,), or slice
            Which.

        Returns
        -------
        tensor of shape (b, c, h, w) or (b, features), float32
            The samples, on the CPU.

        Raises
        ------
        ValueError
            If one of them holds NaN, an infinity or a value that float32 cannot hold.
        """
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
