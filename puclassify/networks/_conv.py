"""Plain convolutional networks."""

from __future__ import annotations

from torch import nn

from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._fully_convolutional import FullyConvolutional

__all__ = ["Conv31", "Conv63", "Conv127"]


def _layers(
    in_channels: int, units: int, dropout: float, dilations: tuple[int, ...]
) -> list[nn.Module]:
    """Make a 7x7 and a 5x5 convolution of stride 2, then one 5x5 for each dilation."""
    n_middle = len(dilations)
    channels = [in_channels, units, *[2 * units] * n_middle, 4 * units]
    windows = [(7, 2, 1), (5, 2, 1), *((5, 1, dilation) for dilation in dilations)]
    layers: list[nn.Module] = []
    for inputs, outputs, (size, stride, dilation) in zip(
        channels[:-1], channels[1:], windows, strict=True
    ):
        layers += [
            nn.Conv2d(inputs, outputs, size, stride, dilation=dilation, bias=False),
            BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return [*layers, nn.Dropout(dropout)]


class Conv31(FullyConvolutional):
    """Plain network of three convolutions; receptive field 31, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layer; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    7x7 and 5x5 of stride 2 and one 5x5, unpadded, each with batch normalisation and ReLU.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import Conv31
    >>> Conv31(units=4)(torch.zeros(1, 1, 35, 31)).shape
    torch.Size([1, 1, 2, 1])
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        super().__init__(nn.Sequential(*_layers(in_channels, units, dropout, (1,))), 4 * units)


class Conv63(FullyConvolutional):
    """Plain network of four convolutions; receptive field 63, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layer; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    7x7 and 5x5 of stride 2 and two 5x5 of dilations 1, 2, unpadded, each with batch normalisation
    and ReLU.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import Conv63
    >>> Conv63(units=4)(torch.zeros(1, 1, 67, 63)).shape
    torch.Size([1, 1, 2, 1])
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        super().__init__(nn.Sequential(*_layers(in_channels, units, dropout, (1, 2))), 4 * units)


class Conv127(FullyConvolutional):
    """Plain network of six convolutions; receptive field 127, stride 4.

    Parameters
    ----------
    in_channels : int, default=1
        Channels of the images.
    units : int, default=32
        Channels of the first layer; the embedding has four times as many.
    dropout : float, default=0.0
        Dropout probability of the embedding in training.

    Notes
    -----
    7x7 and 5x5 of stride 2 and four 5x5 of dilations 1, 2, 2, 2, unpadded, each with batch
    normalisation and ReLU.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import Conv127
    >>> Conv127(units=4)(torch.zeros(1, 1, 131, 127)).shape
    torch.Size([1, 1, 2, 1])
    """

    def __init__(self, in_channels: int = 1, units: int = 32, dropout: float = 0.0):
        super().__init__(
            nn.Sequential(*_layers(in_channels, units, dropout, (1, 2, 2, 2))), 4 * units
        )
