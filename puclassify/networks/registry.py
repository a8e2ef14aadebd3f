"""The networks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from puclassify._parameters import did_you_mean
from puclassify.networks._cnn import CompactCNN
from puclassify.networks._conv import Conv31, Conv63, Conv127
from puclassify.networks._mlp import MLP
from puclassify.networks._resnet import ResNet8, ResNet9, ResNet16

# puclassify.networks exports what is listed here.
__all__ = [
    "MLP",
    "NETWORKS",
    "CompactCNN",
    "Conv31",
    "Conv63",
    "Conv127",
    "ResNet8",
    "ResNet9",
    "ResNet16",
    "resolve_network",
]

NETWORKS: dict[str, type[nn.Module]] = {
    "mlp": MLP,
    "cnn": CompactCNN,
    "resnet8": ResNet8,
    "resnet9": ResNet9,
    "resnet16": ResNet16,
    "conv31": Conv31,
    "conv63": Conv63,
    "conv127": Conv127,
}
"""Networks by the name that ``module`` accepts; add an entry to make your own known by name."""


def resolve_network(module: Any) -> Callable[..., nn.Module]:
    """Return the class or factory that builds a network.

    Parameters
    ----------
    module : str, class or callable
        A name in `NETWORKS`, a `torch.nn.Module` class, or a function that returns a module.

    Returns
    -------
    callable
        Called with ``**module_params``, it returns a new network.

    Raises
    ------
    ValueError
        If no network has that name.
    TypeError
        If ``module`` is an instance of a network, or cannot build one.

    Examples
    --------
    >>> from puclassify.networks import resolve_network
    >>> resolve_network("resnet8")(units=4).receptive_field
    71
    """
    if isinstance(module, str):
        if module in NETWORKS:
            return NETWORKS[module]
        raise ValueError(
            f"module must be one of {list(NETWORKS)}, a class or a factory, got {module!r}"
            f"{did_you_mean(module, NETWORKS)}"
        )
    if isinstance(module, nn.Module):
        raise TypeError(
            f"module is an instance of {type(module).__name__}, which would carry its trained "
            "weights from one cross-validation fold into the next: pass the class, or a function "
            "that returns a new module, and its arguments as module_params"
        )
    if isinstance(module, type) and not issubclass(module, nn.Module):
        raise TypeError(f"module must be a subclass of torch.nn.Module, got {module!r}")
    if callable(module):
        return module
    raise TypeError(
        f"module must be one of {list(NETWORKS)}, a torch.nn.Module class or a factory, "
        f"got {module!r}"
    )
