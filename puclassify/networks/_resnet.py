"""Residual networks."""

from __future__ import annotations

from torch import nn

from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._fully_convolutional import FullyConvolutional
from puclassify.networks._residual_block import ResidualBlock

__all__ = ["ResNet8", "ResNet9", "ResNet16"]


def _halving(in_channels: int, out_channels: int, side: int) -> list[nn.Module]:
    """Make a convolution of stride 2."""
    return [
        nn.Conv2d(in_channels, out_channels, side, stride=2, bias=False),
        BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]


def _last(in_channels: int, out_channels: int, dilation: int, dropout: float) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, 3, dilation=dilation, bias=False),
        BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
    ]


class ResNet8(FullyConvolutional):
    """Residual network of eight convolutions; receptive field 71, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layers; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    Without padding, with batch normalisation after every convolution:

    ======================  ========  ======  ===============
    layer                   channels  stride  receptive field
    ======================  ========  ======  ===============
    7x7, stride 2           u         2       7
    residual 3x3, 3x3       u         2       15
    residual 3x3, 3x3 / 2   2u        4       23
    residual, dilation 2    2u        4       55
    3x3, dilation 2         4u        4       71
    ======================  ========  ======  ===============

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import ResNet8
    >>> network = ResNet8(units=4)
    >>> network(torch.zeros(1, 1, 71, 71)).shape
    torch.Size([1, 1, 1, 1])
    >>> network(torch.zeros(1, 1, 79, 71)).shape
    torch.Size([1, 1, 3, 1])
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        features = nn.Sequential(
            *_halving(in_channels, units, 7),
            ResidualBlock(units, units),
            ResidualBlock(units, 2 * units, strides=(1, 2)),
            ResidualBlock(2 * units, 2 * units, dilation=2),
            *_last(2 * units, 4 * units, 2, dropout),
        )
        super().__init__(features, 4 * units)


class ResNet9(FullyConvolutional):
    """Residual network of nine convolutions, most on the coarse grid; receptive field 71, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the residual blocks; the embedding has twice as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    It has more layers than `ResNet8` but a third of the operations: two strided convolutions reduce
    the image to the grid of the scores first, and the other layers are narrow and work on that
    grid. In picking it is as accurate (see the benchmarks). Without padding, with batch
    normalisation after every convolution:

    ======================  ========  ======  ===============
    layer                   channels  stride  receptive field
    ======================  ========  ======  ===============
    7x7, stride 2           u/2       2       7
    5x5, stride 2           u         4       15
    3 residuals 3x3, 3x3    u         4       63
    3x3                     2u        4       71
    ======================  ========  ======  ===============

    Examples
    --------
    >>> from puclassify.networks import ResNet9
    >>> network = ResNet9(units=4)
    >>> network.receptive_field, network.stride
    (71, 4)
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        first = max(1, units // 2)
        features = nn.Sequential(
            *_halving(in_channels, first, 7),
            *_halving(first, units, 5),
            *(ResidualBlock(units, units) for _ in range(3)),
            *_last(units, 2 * units, 1, dropout),
        )
        super().__init__(features, 2 * units)


class ResNet16(FullyConvolutional):
    """Residual network of sixteen convolutions; receptive field 91, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layers; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    Without padding, with batch normalisation after every convolution:

    =========================  ========  ======  ===============
    layer                      channels  stride  receptive field
    =========================  ========  ======  ===============
    7x7, stride 2              u         2       7
    4 residuals 3x3, 3x3       u         2       39
    residual 3x3 / 2, 3x3      2u        4       51
    2 residuals 3x3, 3x3       2u        4       83
    3x3                        4u        4       91
    =========================  ========  ======  ===============

    Examples
    --------
    >>> from puclassify.networks import ResNet16
    >>> network = ResNet16(units=4)
    >>> network.receptive_field, network.stride
    (91, 4)
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        features = nn.Sequential(
            *_halving(in_channels, units, 7),
            *(ResidualBlock(units, units) for _ in range(4)),
            ResidualBlock(units, 2 * units, strides=(2, 1)),
            *(ResidualBlock(2 * units, 2 * units) for _ in range(2)),
            *_last(2 * units, 4 * units, 1, dropout),
        )
        super().__init__(features, 4 * units)
