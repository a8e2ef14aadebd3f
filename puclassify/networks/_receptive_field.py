"""Receptive field and stride of a network, from its layers."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from puclassify.networks._residual_block import ResidualBlock

__all__ = ["receptive_field"]


def receptive_field(module: nn.Module) -> tuple[int, int]:
    """Compute the receptive field and the stride of a network from its layers.

    Parameters
    ----------
    module : torch.nn.Module
        A sequence of square convolutions, poolings, residual blocks and layers that do not mix
        positions, nested to any depth.

    Returns
    -------
    field : int
        Side of the square of input pixels that one output depends on.
    stride : int
        Distance of neighbouring outputs, in input pixels.

    Examples
    --------
    >>> from torch import nn
    >>> from puclassify.networks import receptive_field
    >>> receptive_field(nn.Sequential(nn.Conv2d(1, 1, 7, stride=2), nn.Conv2d(1, 1, 3)))
    (11, 2)
    """
    field = stride = 1
    for window in _windows(module):
        dilation = _side(getattr(window, "dilation", 1), "dilation")
        field += (_side(window.kernel_size, "kernel_size") - 1) * dilation * stride
        stride *= _side(window.stride, "stride")
    return field, stride


def _windows(module: nn.Module) -> Iterator[nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d]:
    """Yield the convolutions and poolings along the longest path through ``module``."""
    if isinstance(module, ResidualBlock):
        yield from _windows(module.path)
    elif isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        yield module
    else:
        for child in module.children():
            yield from _windows(child)


def _side(value: int | tuple[int, ...], name: str) -> int:
    height, width = (value, value) if isinstance(value, int) else value
    if height != width:
        raise ValueError(f"{name} must be the same along both axes, got {value!r}")
    return height
