"""Batch normalisation that survives short trainings and batches of a single value."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _DebiasedBatchNorm(_BatchNorm):
    """Batch normalisation whose running statistics do not remember their start values.

    The update weight of batch t is max(momentum, 1 / t), a plain average at first, so that a
    training of a few batches leaves usable statistics; PyTorch's own would still be half made of
    mean 0 and variance 1 after six. A batch with one value per channel has no variance: it is
    normalised with the running statistics, where PyTorch raises.
    """

    num_batches_tracked: torch.Tensor

    def __init__(self, num_features: int, *, momentum: float | None = 0.1, affine: bool = True):
        super().__init__(num_features, momentum=momentum, affine=affine)
        # Counted on the host: reading num_batches_tracked would wait for the accelerator.
        self._n_batches = 0

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        self._n_batches = int(self.num_batches_tracked)

    def forward(self, x):
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
    """`torch.nn.BatchNorm1d` for short trainings and single values.

    Parameters
    ----------
    num_features : int
        Channels of the input.
    momentum : float or None, default=0.1
        Least weight of a batch in the running statistics; None averages all batches alike.
    affine : bool, default=True
        Whether to learn a scale and a shift for each channel.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks._batch_norm import BatchNorm1d
    >>> norm = BatchNorm1d(1)
    >>> _ = norm(torch.tensor([[3.0], [5.0]]))
    >>> norm.running_mean
    tensor([4.])
    """


class BatchNorm2d(_DebiasedBatchNorm, nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` for short trainings and single values.

    Parameters
    ----------
    num_features : int
        Channels of the input.
    momentum : float or None, default=0.1
        Least weight of a batch in the running statistics; None averages all batches alike.
    affine : bool, default=True
        Whether to learn a scale and a shift for each channel.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks._batch_norm import BatchNorm2d
    >>> norm = BatchNorm2d(1)
    >>> _ = norm(torch.full((1, 1, 2, 2), 4.0))
    >>> norm.running_mean
    tensor([4.])
    """
