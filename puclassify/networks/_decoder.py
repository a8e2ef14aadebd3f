"""Decoder of the hybrid of classifier and autoencoder."""

from __future__ import annotations

import math

import torch
from torch import nn

from puclassify._parameters import check_whole_number
from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._initialization import initialize

__all__ = ["Decoder"]

# Without a given stride, double until the first layer makes at most this many pixels.
_LARGEST_START = 8


class Decoder(nn.Module):
    """Transposed convolutions that map each embedding to the image around its position.

    A map of embeddings from a fully convolutional network becomes one image: the images of its
    positions, ``stride`` pixels apart, merge where they overlap.

    Parameters
    ----------
    in_channels : int
        Channels of the embedding.
    image_shape : (int, int, int)
        Channels, height and width of the image of one embedding: those of the training images or,
        for large maps, of a cheaper central region.
    stride : int or None, default=None
        Stride of the network that computed the embedding, a power of two. None if every image has
        one embedding.
    units : int, default=32
        Channels of the hidden layers.

    Raises
    ------
    ValueError
        If ``stride`` is not a power of two or ``image_shape`` is not three positive integers.

    Notes
    -----
    The cost of one embedding grows with ``in_channels * units * height * width / stride ** 2``. The
    output is centred: `puclassify.losses.reconstruction_error` compares it with the centre of the
    images.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import Decoder
    >>> Decoder(128, (1, 71, 71))(torch.zeros(2, 128, 1, 1)).shape
    torch.Size([2, 1, 71, 71])
    >>> Decoder(128, (1, 31, 31), stride=4)(torch.zeros(2, 128, 8, 8)).shape
    torch.Size([2, 1, 59, 59])
    """

    def __init__(
        self,
        in_channels: int,
        image_shape: tuple[int, int, int],
        *,
        stride: int | None = None,
        units: int = 32,
    ):
        super().__init__()
        if len(image_shape) != 3 or min(image_shape) < 1:
            raise ValueError(
                "image_shape must be (channels, height, width), three positive integers, got "
                f"{image_shape!r}"
            )
        channels, *size = image_shape
        n_doublings = _n_doublings(max(size), stride)
        start, kernel, raw = zip(*(_plan(side, n_doublings) for side in size), strict=True)
        self._margins = [(made - side) // 2 for made, side in zip(raw, size, strict=True)]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(in_channels, units, start, bias=False),
            BatchNorm2d(units),
            nn.ReLU(inplace=True),
        ]
        for doubling in range(n_doublings):
            window = kernel if doubling == n_doublings - 1 else (4, 4)
            layers += [
                nn.ConvTranspose2d(units, units, window, 2, bias=False),
                BatchNorm2d(units),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(units, channels, 1)
        initialize(self)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Reconstruct images.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_channels, h, w)
            The embeddings.

        Returns
        -------
        Tensor of shape (n, channels, (h - 1) * stride + height, (w - 1) * stride + width)
            The images.
        """
        top, left = self._margins
        raw = self.layers(embedding)
        height, width = raw.shape[2:]
        return self.head(raw[:, :, top : height - top, left : width - left])


def _n_doublings(size: int, stride: int | None) -> int:
    if stride is None:
        return max(0, math.ceil(math.log2(size / _LARGEST_START)))
    check_whole_number(stride, "stride", at_least=1, expected="a power of two")
    if stride & (stride - 1):
        raise ValueError(f"stride must be a power of two, got {stride!r}")
    return stride.bit_length() - 1


def _plan(side: int, n_doublings: int) -> tuple[int, int, int]:
    """Return the first kernel, the last kernel and the resulting side, at least ``side``.

    Kernels of 4 and stride 2 turn n pixels into 2 n + 2; a last kernel of 3 turns them into
    2 n + 1. The resulting side has the parity of ``side``, so that the crop is centred.
    """
    if n_doublings == 0:
        return side, 1, side
    last = 3 if side % 2 else 4
    start = 1
    while (made := _side_made(start, n_doublings, last)) < side:
        start += 1
    return start, last, made


def _side_made(start: int, n_doublings: int, last: int) -> int:
    side = start
    for _ in range(n_doublings - 1):
        side = 2 * side + 2
    return 2 * side + last - 2
