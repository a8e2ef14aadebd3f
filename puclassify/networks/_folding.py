"""Batch normalisation made part of the convolutions in front of it, for scoring."""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from puclassify.networks._conv import Conv31, Conv63, Conv127
from puclassify.networks._resnet import ResNet8, ResNet9, ResNet16

__all__ = ["fold_batch_norm"]

# Networks whose sequences are run as a whole, so that layers may merge.
_FOLDABLE = (ResNet8, ResNet9, ResNet16, Conv31, Conv63, Conv127)


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Return a network in eval mode that gives the same logits with fewer passes over memory.

    Parameters
    ----------
    module : torch.nn.Module
        The network, in eval mode; it stays as it is.

    Returns
    -------
    torch.nn.Module
        For this package's fully convolutional networks a copy whose convolutions have taken in
        the batch normalisation behind them; any other network itself.

    Examples
    --------
    >>> import torch
    >>> from puclassify.networks import ResNet8
    >>> from puclassify.networks._folding import fold_batch_norm
    >>> network, x = ResNet8(units=4).eval(), torch.randn(1, 1, 75, 71)
    >>> torch.allclose(fold_batch_norm(network)(x), network(x), atol=1e-5)
    True
    """
    if type(module) not in _FOLDABLE:
        return module
    module = copy.deepcopy(module)
    for sequence in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for index, (layer, following) in enumerate(pairwise(list(sequence))):
            if isinstance(layer, nn.Conv2d) and isinstance(following, _BatchNorm):
                sequence[index] = fuse_conv_bn_eval(layer, following)
                sequence[index + 1] = nn.Identity()
    return module
