"""Networks by the names in the tables, and the operations they need."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from puclassify.networks import NETWORKS, BatchNorm2d, FullyConvolutional, ResidualBlock

__all__ = ["build_network", "gflop"]


def build_network(name: str) -> nn.Module:
    """Build a registered network, with 32 units unless the name ends in ``:units``, or a variant.

    The variants "dilated" and "stride 8" are alternatives to ResNet9 that were not adopted.
    """
    if name in _VARIANTS:
        return _VARIANTS[name]()
    name, _, units = name.partition(":")
    return NETWORKS[name](units=int(units or 32))


def gflop(network: nn.Module) -> float:
    """Count the operations for one 1024 x 1024 map, in 1e9; multiply and add count as two."""
    edge = 1024 + network.receptive_field - network.stride
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.eval()(torch.zeros(1, 1, edge, edge))
    return counter.get_total_flops() / 1e9


def _layer(in_channels, out_channels, side, stride=1, dilation=1):
    convolution = nn.Conv2d(in_channels, out_channels, side, stride, dilation=dilation, bias=False)
    return [convolution, BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _dilated():
    """Build a network with fewer layers than ResNet9 and a slightly larger receptive field."""
    layers = [
        *_layer(1, 16, 7, 2),
        *_layer(16, 32, 5, 2),
        ResidualBlock(32, 32),
        ResidualBlock(32, 32, dilation=2),
        *_layer(32, 64, 3, 1, 2),
    ]
    return FullyConvolutional(nn.Sequential(*layers), 64)


def _stride_8():
    """Build a network with a map half as fine as that of ResNet9."""
    layers = [
        *_layer(1, 16, 7, 2),
        *_layer(16, 32, 5, 2),
        ResidualBlock(32, 32),
        *_layer(32, 64, 3, 2),
        ResidualBlock(64, 64),
        *_layer(64, 128, 1),
    ]
    return FullyConvolutional(nn.Sequential(*layers), 128)


_VARIANTS = {"dilated": _dilated, "stride 8": _stride_8}
