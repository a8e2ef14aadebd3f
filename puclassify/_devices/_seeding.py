"""Random numbers of a computation's own, drawn from generators that belong to the process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

__all__ = ["OwnGenerators", "may_draw"]

# Torch's layers that draw random numbers, or may hold one that does.
_DRAWING_LAYERS = (
    nn.modules.dropout._DropoutNd,
    nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RReLU,
)
_swapped = threading.RLock()  # torch has one generator for each device, which all threads share


class OwnGenerators:
    """Torch's generators of the CPU and of a device, as if one computation had them to itself.

    What draws, such as dropout or a new layer, does it within `drawing`: the state of the process's
    generators is exchanged for the computation's own, one thread at a time, and put back behind it.
    """

    def __init__(self, device: torch.device, seed: int):
        self.device, self._seed = device, seed
        self._states: list[torch.Tensor] | None = None

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Let torch draw from these generators; restore the caller's."""
        with _swapped:
            callers = self._read()
            if self._states is None:
                self._begin()
            else:
                self._write(self._states)
            try:
                yield
            finally:
                self._states = self._read()
                self._write(callers)

    def _begin(self) -> None:
        torch.default_generator.manual_seed(self._seed)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(self._seed)

    def _read(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        if self.device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self.device))
        return states

    def _write(self, states: list[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self.device)


def may_draw(*modules: Any) -> bool:
    """Return whether a call of these modules in training may draw from torch's generators.

    Torch's and this library's own layers are known; of all others, and of hooks, it is assumed.
    """
    if not all(isinstance(module, nn.Module) for module in modules):
        return True
    parts = [part for module in modules for part in module.modules()]
    return any(_is_foreign(part) or _is_drawing(part) for part in parts)


def _is_foreign(part: nn.Module) -> bool:
    is_known = type(part).__module__.startswith(("torch.nn.modules.", "puclassify."))
    return not is_known or bool(part._forward_hooks or part._forward_pre_hooks)


def _is_drawing(part: nn.Module) -> bool:
    # Mixup is drawn for the losses that mix.
    idle = isinstance(part, nn.modules.dropout._DropoutNd) and part.p == 0
    return (isinstance(part, _DRAWING_LAYERS) and not idle) or getattr(part, "mixes", False)
