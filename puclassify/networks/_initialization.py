"""Start values of the weights."""

from __future__ import annotations

from torch import nn

__all__ = ["initialize"]


def initialize(module: nn.Module) -> None:
    """Give convolutions and linear layers Kaiming-normal weights and zero biases, in place.

    He et al. (ICCV 2015), equation 10, over the incoming connections. A layer named ``head`` is
    scaled for the identity, every other one for the ReLU behind it.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            is_head = name.rpartition(".")[2] == "head"
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if is_head else "relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
