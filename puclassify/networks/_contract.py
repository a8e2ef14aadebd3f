"""Requirements of the picker and the classifier on a network."""

from __future__ import annotations

import math

import torch
from torch import nn

from puclassify._parameters import check_probability

__all__ = ["check_unpadded", "set_head_bias"]


def set_head_bias(module: nn.Module, prior: float) -> None:
    """Set the last bias so that the predictions of a network start at the class prior.

    The bias of the last linear or convolutional layer of ``module.head`` (of the whole module if it
    has no head) becomes logit(prior). A layer without a bias is not changed. Without this, training
    with rare positives spends its first epochs on learning that they are rare.

    Parameters
    ----------
    module : torch.nn.Module
        The network, changed in place.
    prior : float
        Class prior, between 0 and 1.

    Examples
    --------
    >>> from puclassify.networks import ResNet8, set_head_bias
    >>> network = ResNet8(units=4)
    >>> set_head_bias(network, 0.1)
    >>> round(network.head.bias.item(), 4)
    -2.1972
    """
    check_probability(prior, "prior")
    head = getattr(module, "head", module)
    layers = [m for m in head.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    if layers and layers[-1].bias is not None:
        nn.init.constant_(layers[-1].bias, math.log(prior / (1 - prior)))


def check_unpadded(module: nn.Module, *, in_channels: int = 1) -> None:
    """Raise an error unless a network scores a tile exactly as it scores the tile's patches.

    Parameters
    ----------
    module : torch.nn.Module
        The network; it is not changed.
    in_channels : int, default=1
        Channels of its images.

    Raises
    ------
    TypeError
        If the module lacks ``receptive_field``, ``stride`` or ``features``.
    ValueError
        If its logits on a random tile do not have the shape implied by these attributes, or differ
        from its logits on the corresponding patches, as those of a padded network do near the
        border.

    Examples
    --------
    >>> from torch import nn
    >>> from puclassify.networks import FullyConvolutional, check_unpadded
    >>> check_unpadded(FullyConvolutional(nn.Conv2d(1, 2, 5), 2))
    >>> check_unpadded(FullyConvolutional(nn.Conv2d(1, 2, 5, padding=2), 2))
    Traceback (most recent call last):
        ...
    ValueError: module FullyConvolutional gives logits of shape (1, 1, 8, 8) for ...
    """
    name = type(module).__name__
    field, stride = _declared_field(module)
    side = field + 3 * stride
    tile = _random_tile(module, (1, in_channels, side, side))
    was_training = {m: m.training for m in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            on_tile = module(tile)
            n_positions = (side - field) // stride + 1
            expected = (1, 1, n_positions, n_positions)
            if tuple(on_tile.shape) != expected:
                raise ValueError(
                    f"module {name} gives logits of shape {tuple(on_tile.shape)} for a tile of "
                    f"{side} x {side} pixels; its receptive field of {field} and stride of "
                    f"{stride} imply {expected}: remove the padding, or correct the attributes"
                )
            patches = tile[0].unfold(1, field, stride).unfold(2, field, stride)
            patches = patches.permute(1, 2, 0, 3, 4).flatten(0, 1)
            on_patches = module(patches).reshape(expected)
    finally:
        for m, training in was_training.items():
            m.training = training
    error = (on_tile - on_patches).abs().max().item()
    scale = on_tile.abs().max().clamp(min=1).item()
    if not error <= 1e-3 * scale:
        raise ValueError(
            f"module {name} scores a tile differently from its patches (by up to {error:.3g}): the "
            "picker needs an unpadded, fully convolutional network; set padding=0 everywhere and "
            "remove global pooling"
        )


def _declared_field(module: nn.Module) -> tuple[int, int]:
    name = type(module).__name__
    if not hasattr(module, "features"):
        raise TypeError(
            f"module {name} has no attribute features, the layers that compute embeddings: see "
            "puclassify.networks.FullyConvolutional"
        )
    values = []
    for attribute in ("receptive_field", "stride"):
        value = getattr(module, attribute, None)
        if not isinstance(value, int) or value < 1:
            raise TypeError(
                f"module {name} has {attribute}={value!r}, expected a positive integer: "
                "micrographs can only be scored by an unpadded, fully convolutional network such "
                'as module="resnet9"'
            )
        values.append(value)
    return values[0], values[1]


def _random_tile(module: nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """Return noise of the module's device and dtype, from a separate generator."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    parameter = next(module.parameters(), noise)
    return noise.to(parameter.device, parameter.dtype)
