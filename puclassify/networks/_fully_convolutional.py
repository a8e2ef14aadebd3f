"""Networks that score patches and whole micrographs alike."""

from __future__ import annotations

import torch
from torch import nn

from puclassify.networks._initialization import initialize
from puclassify.networks._logits import full_precision_logits
from puclassify.networks._receptive_field import receptive_field

__all__ = ["FullyConvolutional"]


class FullyConvolutional(nn.Module):
    """An unpadded feature extractor and a 1x1 convolution that maps features to logits.

    An image of the size of the receptive field gives one logit; a larger one gives a map of logits,
    ``stride`` pixels apart, each equal to the logit of its patch.

    Parameters
    ----------
    features : torch.nn.Module
        Unpadded layers that map (n, in_channels, h, w) to embeddings (n, embedding_channels, h',
        w').
    embedding_channels : int
        Channels of the embedding.

    Attributes
    ----------
    features : torch.nn.Module
        The feature extractor.
    head : torch.nn.Conv2d
        A 1x1 convolution that maps the embedding to one logit.
    receptive_field : int
        Side of the square that one logit depends on, in pixels.
    stride : int
        Distance of neighbouring logits, in pixels.

    Notes
    -----
    For scoring, batch normalisation in ``features`` is folded into the convolutions (see
    `fold_batch_norm`), also in subclasses, unless they override ``forward``.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import FullyConvolutional
    >>> network = FullyConvolutional(torch.nn.Conv2d(1, 8, 5, stride=2), 8)
    >>> network.receptive_field, network.stride
    (5, 2)
    >>> network(torch.zeros(3, 1, 9, 5)).shape
    torch.Size([3, 1, 3, 1])
    """

    def __init__(self, features: nn.Module, embedding_channels: int):
        super().__init__()
        self.features = features
        self.head = nn.Conv2d(embedding_channels, 1, 1)
        self.receptive_field, self.stride = receptive_field(features)
        initialize(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score images.

        Parameters
        ----------
        x : Tensor of shape (n, in_channels, h, w)
            Images at least as large as the receptive field.

        Returns
        -------
        Tensor of shape (n, 1, (h - receptive_field) // stride + 1, (w - ...) // stride + 1)
            The logits.
        """
        if min(x.shape[2:]) < self.receptive_field:
            raise ValueError(
                f"images of {x.shape[2]} x {x.shape[3]} pixels are smaller than the receptive "
                f"field of {type(self).__name__}, {self.receptive_field}: pass larger images or "
                'use module="cnn", which works on any size'
            )
        return full_precision_logits(self.head, self.features(x))
