"""Compact convolutional network for whole images of any size."""

from __future__ import annotations

import torch
from torch import nn

from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._initialization import initialize
from puclassify.networks._logits import full_precision_logits

__all__ = ["CompactCNN"]


def _convolution(in_channels: int, out_channels: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
        BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]


class CompactCNN(nn.Module):
    """Four padded convolutions and a global average: one logit for an image of any size.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layer; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Attributes
    ----------
    features : torch.nn.Sequential
        Maps images to embeddings (n, 4 * units, 1, 1).
    head : torch.nn.Conv2d
        A 1x1 convolution that maps the embedding to one logit.
    receptive_field, stride : None
        The network sees the whole image, so it cannot slide over a micrograph.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import CompactCNN
    >>> CompactCNN(in_channels=3, units=4)(torch.zeros(2, 3, 28, 20)).shape
    torch.Size([2, 1, 1, 1])
    """

    receptive_field = None
    stride = None

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        super().__init__()
        self.features = nn.Sequential(
            *_convolution(in_channels, units, 1),
            *_convolution(units, 2 * units, 2),
            *_convolution(2 * units, 2 * units, 1),
            *_convolution(2 * units, 4 * units, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Dropout(dropout),
        )
        self.head = nn.Conv2d(4 * units, 1, 1)
        initialize(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score images.

        Parameters
        ----------
        x : Tensor of shape (n, in_channels, h, w)
            Images of any size.

        Returns
        -------
        Tensor of shape (n, 1, 1, 1)
            The logits.
        """
        return full_precision_logits(self.head, self.features(x))
