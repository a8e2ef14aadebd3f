"""Residual block without padding."""

from __future__ import annotations

import torch
from torch import nn

from puclassify.networks._batch_norm import BatchNorm2d

__all__ = ["ResidualBlock"]


class ResidualBlock(nn.Module):
    """Two unpadded 3x3 convolutions (``path``) beside a ``shortcut`` cropped to their centre.

    The shortcut is a 1x1 convolution where the block strides or the channels differ, the input
    elsewhere.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        strides: tuple[int, int] = (1, 1),
        dilation: int = 1,
    ):
        super().__init__()
        first, second = strides
        # Channels grow where the grid shrinks, since wide layers on the finer grid would cost most.
        between = in_channels if second > 1 else out_channels
        self.path = nn.Sequential(
            nn.Conv2d(in_channels, between, 3, first, dilation=dilation, bias=False),
            BatchNorm2d(between),
            nn.ReLU(inplace=True),
            nn.Conv2d(between, out_channels, 3, second, dilation=dilation, bias=False),
            BatchNorm2d(out_channels),
        )
        # The first output of the path sees the input pixel (field - 1) / 2 from the corner.
        self._margin = dilation * (1 + first)
        stride = first * second
        if stride == 1 and in_channels == out_channels:
            self.shortcut: nn.Module = nn.Identity()
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                BatchNorm2d(out_channels),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, in_channels, h, w) to a smaller (n, out_channels, h', w')."""
        m = self._margin
        return torch.relu(self.path(x) + self.shortcut(x[:, :, m:-m, m:-m]))
