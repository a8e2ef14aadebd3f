"""The networks of Topaz detectors, built as that program describes them (``--describe``)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from puclassify.networks import BatchNorm2d, FullyConvolutional, ResidualBlock

__all__ = ["ARCHITECTURES", "TopazDetector"]


class Layer(NamedTuple):
    """A convolution, or a residual block of two 3x3 convolutions."""

    side: int
    stride: int = 1
    dilation: int = 1  # of a block, that of its second convolution
    is_block: bool = False


def _block(stride: int = 1, dilation: int = 1) -> Layer:
    return Layer(3, stride, dilation, is_block=True)


ARCHITECTURES: dict[str, tuple[Layer, ...]] = {
    "resnet8": (Layer(7, 2), _block(1, 2), _block(2, 2), _block(1, 2), Layer(5)),
    "resnet16": (
        Layer(7),
        _block(2),
        *[_block()] * 3,
        _block(2),
        *[_block()] * 2,
        Layer(5),
    ),
    "conv31": (Layer(7, 2), Layer(5, 2), Layer(5)),
    "conv63": (Layer(7, 2), Layer(5, 2), Layer(5, 2), Layer(5)),
    "conv127": (Layer(7, 2), Layer(5, 2), Layer(5, 2), Layer(5, 2), Layer(5)),
}


class TopazDetector(FullyConvolutional):
    """A network of the Topaz particle picker, for its trained weights.

    Parameters
    ----------
    architecture : {"resnet8", "resnet16", "conv31", "conv63", "conv127"}, default="resnet8"
        As named by that program; its networks differ in details from those of the same names in
        `puclassify.networks`.
    widths : sequence of int or None, default=None
        Channels of each layer or residual block. None is 32, doubled by every block of stride 2
        and by the last layer, for the residual networks and 32 for the others.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation.
    in_channels : int, default=1
        Channels of the images.

    References
    ----------
    .. [1] T. Bepler et al., "Positive-unlabeled convolutional neural networks for particle picking
       in cryo-electron micrographs", Nature Methods 16, 2019; arXiv:1803.08207.

    Examples
    --------
    >>> from puclassify.models import TopazDetector
    >>> network = TopazDetector("resnet16", widths=[4] * 5 + [8] * 3 + [16])
    >>> network.receptive_field, network.stride
    (91, 4)
    """

    def __init__(
        self,
        architecture: str = "resnet8",
        widths: Sequence[int] | None = None,
        batch_norm: bool = True,
        in_channels: int = 1,
    ):
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"architecture must be one of {list(ARCHITECTURES)}, got {architecture!r}"
            )
        layers = ARCHITECTURES[architecture]
        widths = _default_widths(layers) if widths is None else list(widths)
        if len(widths) != len(layers):
            raise ValueError(f"widths must be {len(layers)} numbers, got {widths!r}")
        is_residual = any(layer.is_block for layer in layers)
        parts = [
            _Block(layer, *channels, batch_norm)
            if layer.is_block
            else _convolution(
                layer, *channels, batch_norm, nn.ReLU() if is_residual else nn.PReLU()
            )
            for layer, channels in zip(layers, pairwise([in_channels, *widths]), strict=True)
        ]
        super().__init__(nn.Sequential(*parts), widths[-1])


def _default_widths(layers: Sequence[Layer]) -> list[int]:
    if not any(layer.is_block for layer in layers):
        return [32] * len(layers)
    widths, width, is_first_halving = [], 32, layers[0].stride == 1
    for index, layer in enumerate(layers):
        if layer.is_block and layer.stride == 2:
            width *= 1 if is_first_halving else 2
            is_first_halving = False
        width *= 2 if index == len(layers) - 1 else 1
        widths.append(width)
    return widths


def _convolution(
    layer: Layer, inputs: int, outputs: int, batch_norm: bool, activation: nn.Module
) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, layer.side, layer.stride, bias=not batch_norm)
    norm = [("bn", BatchNorm2d(outputs))] if batch_norm else []
    return nn.Sequential(OrderedDict([("conv", conv), *norm, ("act", activation)]))


class _Block(ResidualBlock):
    """Two unpadded 3x3 convolutions beside their input, or a projection of it.

    The sum is batch-normalised. An input with as many channels is thinned out by the stride.
    """

    def __init__(self, layer: Layer, inputs: int, outputs: int, batch_norm: bool):
        nn.Module.__init__(self)
        bias = not batch_norm
        stride, dilation = layer.stride, layer.dilation
        named = [
            ("conv0", nn.Conv2d(inputs, inputs, 3, bias=bias)),
            ("bn0", BatchNorm2d(inputs) if batch_norm else None),
            ("act0", nn.ReLU(inplace=True)),
            ("conv1", nn.Conv2d(inputs, outputs, 3, stride, dilation=dilation, bias=bias)),
        ]
        self.path = nn.Sequential(OrderedDict([(k, one) for k, one in named if one is not None]))
        self._margin, self._stride = 1 + dilation, stride
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn1 = BatchNorm2d(outputs) if batch_norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, h, w) to a smaller (n, outputs, h', w')."""
        m, s = self._margin, self._stride
        return torch.relu(self.bn1(self.path(x) + self.shortcut(x[:, :, m:-m:s, m:-m:s])))
