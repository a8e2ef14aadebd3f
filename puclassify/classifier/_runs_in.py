"""Whether a network can be trained in a precision."""

from __future__ import annotations

import torch
from torch import nn

from puclassify._devices import autocast

__all__ = ["check_runs_in"]

_WRONG = (
    "PyTorch's bfloat16 convolutions on CPUs return wrong values for maps that are one pixel wide "
    "and higher than that, as these images become in this network"
)


def check_runs_in(dtype: torch.dtype, module: nn.Module, sample: torch.Tensor) -> None:
    """Raise RuntimeError for a network that does not run, or not rightly, in a precision.

    The sample (1, *image_shape) lies on the network's device.
    """
    narrow = []

    def look(layer, arguments, output):
        if output.ndim == 4 and output.shape[-1] == 1 < output.shape[-2]:
            narrow.append(layer)

    layers = [one for one in module.modules() if isinstance(one, nn.Conv2d)]
    hooks = [one.register_forward_hook(look) for one in layers]
    try:
        with torch.no_grad(), autocast(sample.device, dtype):
            module.eval()(sample)
    finally:
        for hook in hooks:
            hook.remove()
    # With AMX they read memory that nobody wrote: oneDNN, in PyTorch 2.13.
    if narrow and sample.device.type == "cpu":
        raise RuntimeError(_WRONG)
