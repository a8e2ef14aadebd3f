"""Checks that what a module returns can be logits, which are any real numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from puclassify._warnings import warn

__all__ = ["check_unbounded", "warn_if_one_sided"]

# The last operation, as autograd records it, and what people call it.
_BOUNDED = {
    "Sigmoid": "a sigmoid",
    "Hardsigmoid": "a hard sigmoid",
    "Softmax": "a softmax",
    "LogSoftmax": "a log-softmax",
    "LogSigmoid": "a log-sigmoid",
    "Relu": "a ReLU",
    "Threshold": "a threshold",
    "Softplus": "a softplus",
    "Tanh": "a tanh",
    "Elu": "an ELU",
    "Celu": "a CELU",
    "Gelu": "a GELU",
    "Silu": "a SiLU",
    "Mish": "a Mish",
    "Hardswish": "a hard swish",
    "Abs": "an absolute value",
    "Exp": "an exponential",
}
_LIMITS = {  # a lower limit below 0 and an upper one above leave both signs
    "Hardtanh": ("_saved_min_val", "_saved_max_val"),
    "Clamp": ("_saved_min", "_saved_max"),
    "ClampMin": ("_saved_min", ""),
    "ClampMax": ("", "_saved_max"),
}
_SHAPING = {  # these keep the range of values
    *("View", "UnsafeView", "ReshapeAlias", "Alias", "Squeeze", "Unsqueeze", "Select", "Slice"),
    *("Permute", "Transpose", "T", "Expand", "Clone", "ToCopy", "Contiguous"),
    *("Mean", "Amax", "Amin", "Max", "AvgPool2D", "AdaptiveAvgPool2D", "MaxPool2DWithIndices"),
    *("AdaptiveMaxPool2D", "UpsampleNearest2D", "UpsampleBilinear2D"),
}
_PROBES = 8


def check_unbounded(logits: Any, module: nn.Module) -> None:
    """Refuse what is no tensor, or comes out of an activation such as a sigmoid or a ReLU."""
    name = type(module).__name__
    if not isinstance(logits, torch.Tensor):
        raise TypeError(
            f"module {name} returns a {type(logits).__name__}, where a tensor of logits was "
            "expected: let forward return the logits only"
        )
    last = _last_activation(logits)
    if last:
        raise ValueError(
            f"module {name} ends in {last}, which does not let its outputs be any number, as "
            "logits are: it would call every sample the same, or nearly so. Remove this last "
            "activation; predict_proba applies the sigmoid, and the criterion brings its own"
        )


def _last_activation(logits: torch.Tensor) -> str | None:
    """Name the activation that logits come from, by autograd's record; None if there is none."""
    node: Any = logits.grad_fn
    while node is not None:
        kind = node.name().partition("Backward")[0]
        if kind in _BOUNDED:
            return _BOUNDED[kind]
        if kind in _LIMITS:
            low, high = (getattr(node, limit, None) for limit in _LIMITS[kind])
            if (low is not None and low >= 0) or (high is not None and high <= 0):
                return f"a restriction to values from {low} to {high}"
            return None
        if kind not in _SHAPING:
            return None
        node = node.next_functions[0][0]
    return None


def warn_if_one_sided(module: nn.Module, blank: torch.Tensor) -> None:
    """Warn of a module whose outputs for noise have one sign, whatever that of its last weights.

    This finds sigmoids that autograd records under another name, in compiled modules for instance.
    """
    last = _last_layer(module, blank)
    if last is None:
        return
    noise = torch.randn(_PROBES, *blank.shape[1:], generator=torch.Generator().manual_seed(0))
    noise = torch.cat([noise, 100 * noise]).to(blank)
    weights = list(last.parameters(recurse=False))
    with torch.no_grad():
        outputs = [module(noise).flatten()]
        for weight in weights:
            weight.neg_()
        try:
            outputs.append(module(noise).flatten())
        finally:
            for weight in weights:
                weight.neg_()
    low, high = (float(limit) for limit in torch.cat(outputs).aminmax())
    if low >= 0 < high or low < 0 >= high:
        side, called = ("below", "positive") if low >= 0 else ("above", "unlabelled")
        warn(
            f"module {type(module).__name__} gives no logit {side} 0 for noise, even with the "
            f"signs of its last layer's weights reversed; it may call every sample {called}. If "
            "it ends in a sigmoid, a softmax, a ReLU or the like, remove that: the outputs are "
            "taken for logits"
        )


def _last_layer(module: nn.Module, blank: torch.Tensor) -> nn.Module | None:
    """Return the layer with parameters of its own that runs last."""
    ran: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, output: ran.append(layer))
        for layer in module.modules()
        if next(layer.parameters(recurse=False), None) is not None
    ]
    try:
        with torch.no_grad():
            module(blank)
    finally:
        for hook in hooks:
            hook.remove()
    return ran[-1] if ran else None
