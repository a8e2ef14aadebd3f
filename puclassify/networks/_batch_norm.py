"""Batch normalisation for short trainings and batches of a single value."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _DebiasedBatchNorm(_BatchNorm):
    """Batch normalisation whose running statistics do not depend on their start values.

    The update weight of batch t is max(momentum, 1 / t), at first a plain average, so that a
    training of a few batches leaves usable statistics; after six batches PyTorch's own are still
    half mean 0 and variance 1. A batch with one value per channel has no variance: it is normalised
    with the running statistics, where PyTorch raises. ``momentum=None`` averages all batches alike.
    """

    num_batches_tracked: torch.Tensor

    def __init__(self, num_features: int, *, momentum: float | None = 0.1, affine: bool = True):
        super().__init__(num_features, momentum=momentum, affine=affine)
        # Counted on the host: reading num_batches_tracked would wait for the accelerator.
        self._n_batches = 0

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        self._n_batches = int(self.num_batches_tracked)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise ``x`` and, in training, update the running statistics."""
        self._check_input_dim(x)
        use_batch = self.training and x.numel() > x.shape[1]
        weight = 0.0
        if use_batch:
            self.num_batches_tracked.add_(1)
            self._n_batches += 1
            weight = max(self.momentum or 0.0, 1 / self._n_batches)
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_batch,
            weight,
            self.eps,
        )


class BatchNorm1d(_DebiasedBatchNorm, nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` for short trainings and single values."""


class BatchNorm2d(_DebiasedBatchNorm, nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` for short trainings and single values."""
