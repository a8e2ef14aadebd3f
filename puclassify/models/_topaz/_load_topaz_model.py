"""From a detector file of Topaz to a picker."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from puclassify._warnings import warn
from puclassify.classifier import ClassifierState, PUImageClassifier
from puclassify.io import check_is_file
from puclassify.models._file import WRONG_VALUES
from puclassify.models._topaz._detector import ARCHITECTURES, TopazDetector
from puclassify.models._topaz._inert_unpickler import StandIn, read_network
from puclassify.picking import ParticlePicker, PickerState
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = ["load_topaz_model"]

_LAYER = re.compile(
    r"features\.features\.(\d+)\.(?:(conv|bn|act|proj|conv0|bn0|conv1|bn1)\.)?(\w+)"
)
_HEAD = {"classifier.weight": "head.weight", "classifier.bias": "head.bias"}
# Places of the layers with weights, beside those without: dropout, but no pooling.
_PLACES = {
    (0, 1, 2, 3, 4): "resnet8",
    (0, 2, 3, 5, 6): "resnet8",
    (0, 1, 2, 3, 4, 5, 6, 7, 8): "resnet16",
    (0, 1, 3, 4, 5, 6, 8, 9, 10): "resnet16",
}
_CONVOLUTIONS = {3: "conv31", 4: "conv63", 5: "conv127"}
_LONGEST_NAME = 200
_UNREADABLE = (*WRONG_VALUES, EOFError, MemoryError, pickle.UnpicklingError, zipfile.BadZipFile)


def load_topaz_model(
    path: str | os.PathLike,
    particle_diameter: float,
    *,
    pixel_size: float | str = 1.0,
    downsample: float = 1,
    threshold: float = 0.0,
    device: str | torch.device = "auto",
) -> ParticlePicker:
    """Read a detector that was trained by Topaz, as a fitted picker.

    The program is not needed, and nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
        A ``.sav`` file of ``topaz train``, or one that comes with the program: the weights
        (a state dict) or a pickled network. Architectures ``resnet8``, ``resnet16``, ``conv31``,
        ``conv63`` and ``conv127`` without pooling, with any number of units.
    particle_diameter : float
        In ångström, or in stored pixels with ``pixel_size=1.0``.
    pixel_size : float or "header", default=1.0
        As in `ParticlePicker`.
    downsample : float, default=1
        By how much micrographs have to be binned to look like those of the training, as
        ``topaz preprocess --scale``; 1 for micrographs that were preprocessed already.
    threshold : float, default=0.0
        Logit above which a maximum is a pick, as ``topaz extract --threshold`` (by default -6
        there).
    device : str or torch.device, default="auto"
        Where to score.

    Returns
    -------
    ParticlePicker
        A fitted one: its logits are those of the detector, uncalibrated, and what the file does not
        tell is unknown (``prior_`` is NaN, ``n_labels_`` and ``n_micrographs_`` are 0,
        ``threshold_report_`` is None). `save_model` stores it, and with ``warm_start=True`` its
        ``fit`` continues from the weights.

    Raises
    ------
    ValueError
        If the file is damaged, holds something else than such a detector, or a parameter is
        invalid; the message says why.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    load_model : Reads files of `save_model`.
    TopazDetector : The network.

    Notes
    -----
    Micrographs are normalised by `NormalizeMicrograph`, which like ``topaz normalize`` goes by a
    mixture of two normal distributions, but fits another one, so that logits on raw micrographs
    differ a little from that program's.

    A pickle can name any function to be called. Here names are looked up in a list of ten that make
    tensors and containers; classes of PyTorch and Topaz become objects that only keep their
    attributes, and any other name is refused.

    Examples
    --------
    >>> from puclassify import load_topaz_model, save_model
    >>> picker = load_topaz_model("model_epoch10.sav", 160, pixel_size=1.2, downsample=8)
    ... # doctest: +SKIP
    >>> picks = picker.predict(["mic_1.mrc", "mic_2.mrc"])                    # doctest: +SKIP
    >>> save_model(picker, "model.safetensors")                               # doctest: +SKIP
    """
    path = os.fspath(path)
    check_is_file(path, "a .sav file")
    try:
        params, weights = _read(path)
    except RecursionError:
        raise ValueError(f"{path} is no detector of Topaz: it is nested too deep") from None
    except _UNREADABLE as error:
        raise ValueError(f"{path} is no detector of Topaz that can be read: {error}") from error
    network = TopazDetector(**params)
    network.load_state_dict(weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    preprocessing = Pipeline(
        [("downsample", FourierDownsample(downsample)), ("normalize", NormalizeMicrograph())]
    )
    classifier = PUImageClassifier(
        TopazDetector, module_params=params, criterion="ge_binomial", device=device
    )
    picker = ParticlePicker(
        particle_diameter,
        pixel_size=pixel_size,
        classifier=classifier,
        preprocessing=preprocessing,
        threshold=threshold,
    )
    return _fitted(picker, network.eval())


def _fitted(picker: ParticlePicker, network: TopazDetector) -> ParticlePicker:
    """Make a picker the fitted one of a network whose training is unknown."""
    field = network.receptive_field
    classifier = ClassifierState(
        classes=np.array([0, 1]),
        module=network,
        image_shape=(1, field, field),
        prior=float("nan"),
        unlabelled_prior=float("nan"),
        calibration=(1.0, 0.0),
        history=[],
        needs_float32=False,
    ).set_on(clone(picker.classifier))
    return PickerState.untrained(picker, clone(picker.preprocessing), classifier).set_on(picker)


def _read(path: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the parameters of the network in a file, and its weights under our names."""
    loaded = read_network(path)
    if isinstance(loaded, StandIn):
        params, weights, _ = _converted(_checked(dict(_weights_of(loaded)), path))
        _check_layers(loaded, TopazDetector(**params))
        return params, weights
    if not isinstance(loaded, Mapping):
        raise ValueError(f"it holds a {type(loaded).__name__}, neither weights nor a network")
    params, weights, has_others = _converted(_checked(loaded, path))
    if has_others:
        warn(
            f"{path} holds weights of layers that have others without weights between them: these "
            "were taken for dropout. A detector that was trained with --pooling has the same "
            "weights and other scores; load the network instead of its weights to tell"
        )
    return params, weights


def _checked(weights: Mapping[str, Any], path: str) -> Mapping[str, torch.Tensor]:
    """Refuse weights that would take more memory than the file."""
    for name, tensor in weights.items():
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{name!r:.80} is no tensor")
    if sum(tensor.nbytes for tensor in weights.values()) > os.path.getsize(path):
        raise ValueError("its tensors hold more values than the file")
    return weights


def _converted(
    weights: Mapping[str, torch.Tensor],
) -> tuple[dict[str, Any], dict[str, torch.Tensor], bool]:
    """Return the parameters of the network that weights are of, and these under our names.

    Also whether there were layers without weights that are not known from these.
    """
    layers: dict[int, dict[str, torch.Tensor]] = {}
    named: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        tensor = tensor.to(torch.int64 if tensor.dtype == torch.int64 else torch.float32)
        found = _LAYER.fullmatch(name) if isinstance(name, str) else None
        if found:
            part = f"{found[2]}.{found[3]}" if found[2] else found[3]
            layers.setdefault(int(found[1]), {})[part] = tensor
        elif name in _HEAD:
            named[_HEAD[name]] = tensor
        else:
            raise ValueError(
                f"{name!r} is no part of a detector; denoising models and autoencoders are not read"
            )
    places = tuple(sorted(layers))
    parts = [layers[place] for place in places]
    if any("conv.weight" in part for part in parts):
        if places not in _PLACES:
            raise ValueError(
                f"its layers with weights are at {places}, those of resnet8 and resnet16 without "
                f"pooling at one of {list(_PLACES)}"
            )
        architecture, has_others = _PLACES[places], len(places) <= places[-1]
        named |= _residual_names(parts)
    else:
        has_others = _has_layers_between(places, parts)
        named |= _plain_names(parts)
        n_layers = len({name.split(".")[1] for name in named if name.startswith("features")})
        if n_layers not in _CONVOLUTIONS:
            raise ValueError(f"it has {n_layers} convolutions, not {list(_CONVOLUTIONS)}")
        architecture = _CONVOLUTIONS[n_layers]
    params = _params(architecture, named)
    with torch.device("meta"):
        wanted = TopazDetector(**params).state_dict()
    for name in [*wanted, *named]:
        one, other = named.get(name), wanted.get(name)
        if one is None or other is None or one.shape != other.shape:
            raise ValueError(
                f"{name!r} of {architecture} has the shape "
                f"{None if one is None else tuple(one.shape)} in the file, and should have "
                f"{None if other is None else tuple(other.shape)}"
            )
    return params, named, has_others


def _residual_names(parts: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    named = {}
    for index, part in enumerate(parts):
        for name, tensor in part.items():
            layer, _, value = name.partition(".")
            if layer == "proj":
                layer = "shortcut"
            elif layer in ("conv0", "bn0", "conv1"):
                layer = f"path.{layer}"
            named[f"features.{index}.{layer}.{value}"] = tensor
    return named


def _plain_names(parts: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    named, index = {}, -1
    for part in parts:
        weight = part.get("weight")
        if weight is None:
            raise ValueError("a layer has no weight")
        if weight.ndim == 4:
            index, layer = index + 1, "conv"
        else:
            layer = "bn" if "running_mean" in part else "act"
        for name, tensor in part.items():
            key = f"features.{index}.{layer}.{name}"
            if key in named:
                raise ValueError(f"two layers could be {key}")
            named[key] = tensor
    return named


def _has_layers_between(places: tuple[int, ...], parts: list[dict[str, torch.Tensor]]) -> bool:
    """Return whether a layer without weights follows each convolution, and refuse more of them."""
    starts = [place for place, part in zip(places, parts) if part["weight"].ndim == 4]
    n_each = 3 if any("running_mean" in part for part in parts) else 2
    steps = set(np.diff(starts).tolist())
    if not starts or starts[0] != 0 or not (steps == {n_each} or steps == {n_each + 1}):
        raise ValueError(
            f"its convolutions are at {starts}, which is a network with pooling or another one"
        )
    return steps != {n_each}


def _params(architecture: str, named: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    widths, channels = [], 1
    for index in range(len(ARCHITECTURES[architecture])):
        name = f"features.{index}."
        weight = named.get(f"{name}conv.weight", named.get(f"{name}path.conv1.weight"))
        if weight is None or weight.ndim != 4:
            raise ValueError(f"layer {index} of {architecture} has no weights")
        widths.append(len(weight))
        channels = weight.shape[1] if index == 0 else channels
    return {
        "architecture": architecture,
        "widths": widths,
        "batch_norm": any("running_mean" in name for name in named),
        "in_channels": channels,
    }


def _weights_of(network: StandIn) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a pickled network's parameters and buffers."""
    for prefix, layer in _layers_of(network):
        for kind in ("_parameters", "_buffers"):
            for name, value in _items(layer.attributes.get(kind)):
                if value is not None:
                    yield f"{prefix}{name}", value


def _items(values: Any) -> list[tuple[str, Any]]:
    return list(values.items()) if isinstance(values, dict | OrderedDict) else []


def _check_layers(network: StandIn, ours: TopazDetector) -> None:
    """Refuse a pickled network whose layers do not compute what ours do: pooled, or filled."""
    found = [one for _, one in _layers_of(network)]
    theirs = [one.attributes for one in found if one.path.endswith(".Conv2d")]
    layers = [vars(one) for one in ours.modules() if isinstance(one, torch.nn.Conv2d)]
    # The stride of a projection, of one pixel, is that of the convolution beside it.
    described = [
        sorted(_geometry(one) for one in each if one.get("kernel_size") != (1, 1))
        for each in (theirs, layers)
    ]
    if any("pool" in one.path.lower() for one in found):
        raise ValueError("it has pooling layers, which are not read")
    if described[0] != described[1]:
        raise ValueError(
            "its convolutions have other strides, dilations or paddings than those of "
            f"{network.path}: was it saved filled? {described[0]} instead of {described[1]}"
        )


def _layers_of(network: StandIn) -> list[tuple[str, StandIn]]:
    """Return the layers with what their names start with; none may be in two places."""
    found, waiting = {id(network): ("", network)}, [("", network)]
    while waiting:
        prefix, layer = waiting.pop()
        for name, child in _items(layer.attributes.get("_modules")):
            if not isinstance(child, StandIn):
                continue
            if id(child) in found:
                raise ValueError(f"its layer {prefix}{name!s:.80} is in two places")
            if len(prefix) + len(str(name)) > _LONGEST_NAME:
                raise ValueError("its layers are nested too deep")
            found[id(child)] = (f"{prefix}{name}.", child)
            waiting.append(found[id(child)])
    return list(found.values())


def _geometry(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "dilation", "padding")
    return tuple(_plain_text(attributes.get(name)) for name in names)


def _plain_text(value: Any) -> str:
    """Return the text of a number or of several; other values have none that is short for sure."""
    numbers = value if isinstance(value, tuple) else (value,)
    is_plain = len(numbers) < 9 and all(isinstance(one, int | str) for one in numbers)
    return f"{value!r:.80}" if is_plain else type(value).__name__
