"""Multilayer perceptron for features that are not images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from puclassify.networks._batch_norm import BatchNorm1d
from puclassify.networks._initialization import initialize
from puclassify.networks._logits import full_precision_logits

__all__ = ["MLP"]


class MLP(nn.Module):
    """Multilayer perceptron that standardises its input.

    Parameters
    ----------
    in_features : int
        Features of a sample, or elements of an image, which is flattened.
    hidden : sequence of int, default=(64, 64)
        Widths of the hidden layers; the last is the embedding. Empty for a linear model.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Attributes
    ----------
    features : torch.nn.Sequential
        Maps samples to embeddings (n, hidden[-1]).
    head : torch.nn.Linear
        Maps the embedding to one logit.
    receptive_field, stride : None
        The network sees the whole sample.

    Notes
    -----
    The input is batch-normalised, with running statistics that average all batches alike (its
    distribution does not drift), so that features of any scale train fast.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import MLP
    >>> MLP(in_features=5)(torch.zeros(3, 5)).shape
    torch.Size([3, 1])
    """

    receptive_field = None
    stride = None

    def __init__(self, in_features: int, hidden: Sequence[int] = (64, 64), dropout: float = 0.0):
        super().__init__()
        layers: list[nn.Module] = [
            nn.Flatten(),
            BatchNorm1d(in_features, affine=False, momentum=None),
        ]
        width = in_features
        for next_width in hidden:
            layers += [nn.Linear(width, next_width), nn.ReLU(inplace=True)]
            width = next_width
        self.features = nn.Sequential(*layers, nn.Dropout(dropout))
        self.head = nn.Linear(width, 1)
        initialize(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score samples.

        Parameters
        ----------
        x : Tensor of shape (n, ...)
            Samples of ``in_features`` elements each.

        Returns
        -------
        Tensor of shape (n, 1)
            The logits.
        """
        return full_precision_logits(self.head, self.features(x))
