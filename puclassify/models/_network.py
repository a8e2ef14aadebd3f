"""Networks from a classifier's parameters and weights, and a probe that tells whether they fit."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from puclassify.classifier import Trainer, crop_to_field
from puclassify.networks import CompactCNN

__all__ = ["check_rebuilt", "probe", "rebuilt", "same_logits"]

_LARGEST_PROBE = 2**24  # pixels
_PROBE_SIDE = 64  # of networks that take images of any size
_MULTIPLIER = 2654435761
_TOLERANCE = 1e-3


def rebuilt(
    classifier: Any,
    image_shape: tuple[int, ...],
    weights: Mapping[str, torch.Tensor],
) -> nn.Module:
    """Build the network of a classifier's parameters and give it weights.

    A network by name is built without memory first: one of other shapes than the weights, which
    are in a file, is refused before it takes any.
    """
    trainer = Trainer.of(classifier)
    if isinstance(classifier.module, str):  # a module of the user's may not run there
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty layers, which are refused below
            _check_shapes(trainer.build(image_shape, 0.5), weights)
    module = trainer.build(image_shape, 0.5)
    _check_shapes(module, weights)
    module.load_state_dict(dict(weights), strict=True)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module.eval()


def _check_shapes(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse weights whose names, shapes or types are not those of a network."""
    wanted = module.state_dict()
    for name in [*wanted, *weights]:
        if name not in weights or name not in wanted:
            where = "the file" if name in wanted else f"the network {type(module).__name__}"
            raise ValueError(f"weights {name!r} are missing in {where}")
        for what in ("shape", "dtype"):
            in_file, in_network = getattr(weights[name], what), getattr(wanted[name], what)
            if in_file != in_network:
                raise ValueError(
                    f"weights {name!r} have the {what} {_text(in_file)} in the file and "
                    f"{_text(in_network)} in the network {type(module).__name__}"
                )


def _text(value: Any) -> str:
    return str(tuple(value)) if isinstance(value, torch.Size) else str(value)


def probe(module: nn.Module, classifier: Any, image_shape: Any = None) -> list[float] | None:
    """Return logits of a fixed sample, by which two networks can be told apart.

    None for networks that need huge samples or draw random numbers.
    """
    image_shape = classifier.image_shape_ if image_shape is None else image_shape
    field = getattr(module, "receptive_field", None)
    if len(image_shape) == 3 and isinstance(field, int):
        image_shape = (image_shape[0], field, field)
    elif isinstance(module, CompactCNN):
        image_shape = (image_shape[0], *(min(side, _PROBE_SIDE) for side in image_shape[1:]))
    n_pixels = math.prod(image_shape)
    if n_pixels > _LARGEST_PROBE:
        return None
    hashed = np.arange(2 * n_pixels, dtype=np.uint64) * np.uint64(_MULTIPLIER) % np.uint64(2**32)
    values = (hashed.astype(np.float64) / 2**31 - 1).astype(np.float32)
    x = torch.from_numpy(values.reshape(2, *image_shape))
    module = copy.deepcopy(module).cpu().eval()
    with torch.inference_mode():
        once, again = (module(crop_to_field(x, module)).reshape(2, -1)[:, 0] for _ in range(2))
    return once.double().tolist() if torch.equal(once.nan_to_num(), again.nan_to_num()) else None


def same_logits(one: Any, other: Any) -> bool:
    """Return whether two probes are those of one network, or cannot tell."""
    if one is None or other is None:
        return True
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    scale = max(1.0, float(np.nanmax(np.abs(one), initial=0.0)))
    return one.shape == other.shape and np.allclose(
        one, other, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True
    )


def check_rebuilt(classifier: Any, module: nn.Module) -> None:
    """Refuse a network that its classifier's parameters do not build."""
    weights = {name: one.detach().cpu() for name, one in module.state_dict().items()}
    how = f"module={classifier.module!r}, module_params={classifier.module_params!r}"
    try:
        other = rebuilt(classifier, classifier.image_shape_, weights)
        same = same_logits(probe(module, classifier), probe(other, classifier))
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"the network cannot be built again from {how}: {error}. Were these set after the "
            "fit, or was module_ changed? Set them back"
        ) from error
    if not same:
        raise ValueError(
            f"a network built from {how} and the weights of module_ gives other logits than "
            "module_: what it computes must be in its state_dict, such as registered buffers"
        )
