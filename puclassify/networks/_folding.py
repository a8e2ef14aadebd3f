"""Batch normalisation merged into the convolutions before it, for faster scoring."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._fully_convolutional import FullyConvolutional
from puclassify.networks._residual_block import ResidualBlock

__all__ = ["fold_batch_norm", "unfolded_batch_norms"]

# The children that the ``forward`` of these classes is known to call as a whole.
_CALLED_WHOLE: dict[type[nn.Module], tuple[str, ...]] = {
    FullyConvolutional: ("features",),
    ResidualBlock: ("path", "shortcut"),
}
# A subclass runs like its base if it overrides none of these.
_RUN_BY = ("forward", "__call__", "__iter__", "__getitem__", "__setitem__", "__len__")


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Return a network that computes the same logits with fewer passes over memory.

    Parameters
    ----------
    module : torch.nn.Module
        The network, in eval mode; it is not changed.

    Returns
    -------
    torch.nn.Module
        A copy in which convolutions have absorbed the batch normalisations that directly follow
        them in a `torch.nn.Sequential`; the network itself if there is nothing to fold.

    See Also
    --------
    unfolded_batch_norms : Which batch normalisations stay, and why.

    Notes
    -----
    Only sequences that are known to run as a whole are folded: the features of a
    `FullyConvolutional` network or of a subclass that inherits its ``forward``, and the sequences
    and residual blocks nested in them. A module with a ``forward`` of its own may use its layers in
    any way and stays as it is.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import ResNet8, fold_batch_norm
    >>> network, x = ResNet8(units=4).eval(), torch.randn(1, 1, 75, 71)
    >>> torch.allclose(fold_batch_norm(network)(x), network(x), atol=1e-5)
    True
    """
    if not _foldable(module):
        return module
    module = copy.deepcopy(module)
    for sequence, index in _foldable(module):
        layer, norm = sequence[index], sequence[index + 1]
        assert isinstance(layer, nn.Conv2d)
        assert isinstance(norm, _BatchNorm)
        sequence[index] = fuse_conv_bn_eval(layer, norm)
        sequence[index + 1] = nn.Identity()
    return module


def unfolded_batch_norms(module: nn.Module) -> dict[str, str]:
    """Report the batch normalisations that `fold_batch_norm` leaves in a network.

    Parameters
    ----------
    module : torch.nn.Module
        The network, in eval mode.

    Returns
    -------
    dict of str to str
        The reason by the name of the layer; empty if all are folded.

    Examples
    --------
    >>> from puclassify.networks import ResNet8, unfolded_batch_norms
    >>> unfolded_batch_norms(ResNet8(units=4).eval())
    {}
    >>> class Squared(ResNet8):
    ...     def forward(self, x):
    ...         return super().forward(x**2)
    >>> unfolded_batch_norms(Squared(units=4).eval())["features.1"]
    'Squared.forward is not known to run features as a whole'
    """
    layers = fold_batch_norm(module).named_modules(remove_duplicate=False)
    return {name: _reason(module, name) for name, layer in layers if isinstance(layer, _BatchNorm)}


def _foldable(module: nn.Module) -> list[tuple[nn.Sequential, int]]:
    """Return the sequences that are known to run as a whole and the places to fold in them."""
    running = list(_run_whole(module))
    # A module with a forward of its own may also run single layers of a sequence that it shares.
    strangers = [m for m in running if not _children(m)]
    used_by_strangers = {id(part) for m in strangers for part in m.modules()}
    sequences = {id(m): m for m in running if isinstance(m, nn.Sequential)}
    return [
        (sequence, index)
        for key, sequence in sequences.items()
        if key not in used_by_strangers
        for index, (layer, norm) in enumerate(pairwise(sequence))
        if isinstance(norm, _BatchNorm) and not _obstacle(layer, norm)
    ]


def _run_whole(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the module and all parts that are known to be called as a whole, nested ones too."""
    yield module
    for child in _children(module).values():
        yield from _run_whole(child)


def _children(module: nn.Module) -> dict[str, nn.Module]:
    """Return the children that the module's ``forward`` is known to call as a whole, by name."""
    if _runs_like(module, nn.Sequential):
        return {name: child for name, child in module._modules.items() if child is not None}
    for kind, names in _CALLED_WHOLE.items():
        if _runs_like(module, kind):
            return {name: getattr(module, name) for name in names}
    return {}


def _runs_like(module: nn.Module, kind: type[nn.Module]) -> bool:
    inherited = all(getattr(type(module), m, None) is getattr(kind, m, None) for m in _RUN_BY)
    return isinstance(module, kind) and inherited and "forward" not in vars(module)


def _obstacle(layer: nn.Module, norm: nn.Module) -> str:
    """Return why a layer cannot absorb the batch normalisation that follows it, "" if it can."""
    if type(layer) is not nn.Conv2d:
        return "it does not directly follow a torch.nn.Conv2d"
    if type(norm) not in (BatchNorm2d, nn.BatchNorm2d):
        return f"{type(norm).__name__} is not a plain BatchNorm2d"
    if norm.running_mean is None:
        return "it has no running statistics"
    if layer.training or norm.training:
        return "it is in training mode; call eval() first"
    if any(m._forward_hooks or m._forward_pre_hooks for m in (layer, norm)):
        return "hooks are registered on it or on its convolution"
    return ""


def _reason(module: nn.Module, name: str) -> str:
    """Return why the batch normalisation of this name is not folded."""
    owner, before = module, module
    for part in name.split("."):
        children = _children(owner)
        if part not in children:
            return f"{type(owner).__name__}.forward is not known to run {part} as a whole"
        position = list(children).index(part)
        before = list(children.values())[position - 1] if position else owner
        owner = children[part]
    return _obstacle(before, owner) or "its sequence is also part of a module with its own forward"
