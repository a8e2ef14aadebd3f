"""Which pretrained weights a network starts from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from puclassify.networks._weights import read_weights
from puclassify.networks.registry import NETWORKS

__all__ = ["INITS", "Pretrained", "check_init", "load_pretrained"]

INITS = ("random", "auto", "pretrained")
_FOLDER = Path(__file__).parent / "weights"  # of the package, one file for a network by name


@dataclass(frozen=True)
class Pretrained:
    """Weights that a network can start from, and their card."""

    state_dict: Mapping[str, torch.Tensor]
    card: Mapping[str, Any]
    source: str

    def give_to(self, network: nn.Module) -> nn.Module:
        """Set the weights of a network that they fit, in place; return it."""
        network.load_state_dict(dict(self.state_dict), strict=True)
        return network


def check_init(init: Any) -> None:
    """Refuse what is neither a name nor a path; files are opened later."""
    if not isinstance(init, str | os.PathLike):
        raise TypeError(
            f"init must be one of {INITS} or the path of a file of save_pretrained, got {init!r}"
        )


def load_pretrained(init: str | os.PathLike, network: nn.Module) -> Pretrained | None:
    """Return the weights that a network, which is not changed, starts from.

    None stands for random ones: for "random", and for "auto" where the package has no weights that
    fit. Others that do not fit are refused.
    """
    check_init(init)
    if init == "random":
        return None
    if init in INITS:
        path = _in_package(network)
        if path is None:
            if init == "auto":
                return None
            raise ValueError(
                f"init='pretrained' has no weights for a {type(network).__name__} in this "
                f"package, only for {_available() or 'no network'}: set init='random', another "
                "module, or init to the path of a file of save_pretrained"
            )
    else:
        path = os.fspath(init)
        if not os.path.exists(path):
            raise ValueError(
                f"init={init!r} is neither one of {INITS} nor a file that exists: pass the path of "
                "a file of save_pretrained"
            )
    weights = _read(path, os.stat(path).st_mtime_ns)
    problem = _misfit(weights, network)
    if not problem:
        return weights
    if init == "auto":
        return None
    raise ValueError(
        f"init={init!r} has weights of {weights.card['network']!r} with module_params="
        f"{weights.card['module_params']}, which do not fit this {type(network).__name__}: "
        f"{problem}. Set module and module_params as these, or init='random'"
    )


def _in_package(network: nn.Module) -> str | None:
    """Return the file of the package for a network's class, None if there is none."""
    for name, kind in NETWORKS.items():
        path = _FOLDER / f"{name}.safetensors"
        if type(network) is kind and path.exists():
            return str(path)
    return None


def _available() -> str:
    return ", ".join(name for name in NETWORKS if (_FOLDER / f"{name}.safetensors").exists())


@lru_cache(maxsize=4)
def _read(path: str, modified: int) -> Pretrained:
    return Pretrained(*read_weights(path), path)


def _misfit(weights: Pretrained, network: nn.Module) -> str:
    """Return why weights are not those of a network, "" if they are."""
    if NETWORKS.get(weights.card["network"]) not in (None, type(network)):
        return "it is another network"
    wanted = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    present = {name: tuple(one.shape) for name, one in weights.state_dict.items()}
    differing = sorted(set(present.items()) ^ set(wanted.items()))
    if not differing:
        return ""
    name = differing[0][0]
    return (
        f"{name!r} is {present.get(name, 'missing')} in the file and "
        f"{wanted.get(name, 'missing')} in the network"
    )
