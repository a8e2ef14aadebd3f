"""What a person wants to know of a model, as plain numbers and words."""

from __future__ import annotations

import os
from typing import Any

from puclassify.classifier import PUImageClassifier
from puclassify.models._decoder import Decoder
from puclassify.models._encoder import TAG
from puclassify.models._file import damaged, read_header
from puclassify.networks import holds_weights, read_card
from puclassify.picking import ParticlePicker

__all__ = ["model_info", "summary_of"]


def model_info(path: str | os.PathLike) -> dict[str, Any]:
    """Tell what is in a model file, without loading the model.

    Parameters
    ----------
    path : str or path-like
        A file of `save_model` or `save_pretrained`.

    Returns
    -------
    dict
        ``format_version``; ``versions`` of puclassify, python, numpy, scipy, scikit-learn and torch
        that wrote it; ``class``; ``network``, ``n_parameters``, ``receptive_field`` and ``stride``
        in pixels of what the network sees; ``epochs`` and ``train_loss`` of the last one;
        ``prior``, ``calibration`` (slope and intercept) and ``init``. For a picker also
        ``n_labels``, ``n_micrographs``, ``particle_diameter`` in ångström, ``pixel_size`` in
        ångström per stored pixel, ``threshold``, ``threshold_report``, ``expected_particles`` and
        ``pretrained`` (`ParticlePicker`'s ``pretrained_report_``); for a classifier
        ``classes`` and ``image_shape``. ``parameters`` are those of the estimator and, below their
        names, of its parts, each with its ``class``. Of a file of `save_pretrained` it is the card,
        with ``class`` "pretrained weights".

    Raises
    ------
    ValueError
        If the file is no model of a known version.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    This is what the file says of itself; `load_model` checks it.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> from puclassify import PUImageClassifier, save_model
    >>> from puclassify.models import model_info
    >>> X, y = np.random.default_rng(0).normal(size=(60, 4)), np.repeat([1, 0], [20, 40])
    >>> X[:30] += 2
    >>> classifier = PUImageClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(classifier, os.path.join(folder, "model.safetensors"))
    ...     info = model_info(os.path.join(folder, "model.safetensors"))
    >>> info["class"], info["epochs"], info["image_shape"]
    ('PUImageClassifier', 2, (4,))
    """
    path = os.fspath(path)
    if holds_weights(path):
        return {"class": "pretrained weights", **read_card(path)}
    header = read_header(path)
    try:
        summary = Decoder({}).decode(header.get("summary"), "summary")
        versions = Decoder({}).decode(header.get("versions"), "versions")
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    if not isinstance(summary, dict):
        raise damaged(path, "it has no summary")
    try:
        parameters = _parameters_of(header.get("estimator"))
    except RecursionError:
        raise damaged(path, "its description is nested too deep") from None
    version = header["format_version"]
    return {
        "format_version": version,
        "versions": versions,
        **summary,
        "parameters": parameters,
    }


def _parameters_of(value: Any) -> Any:
    """Return parameters as they are in a file, without making the objects that they describe."""
    if isinstance(value, list):
        return [_parameters_of(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(TAG)
    if kind == "object":
        of_object = value.get("params")
        params = of_object if isinstance(of_object, dict) else {}
        name = value.get("type", value.get("path"))
        return {"class": name, **{key: _parameters_of(one) for key, one in params.items()}}
    if kind in ("tuple", "dict"):
        return _parameters_of(value.get("items"))
    for key in ("value", "name", "path", "dtype", "type"):
        if kind is not None and key in value:
            return _parameters_of(value[key])
    return {key: _parameters_of(one) for key, one in value.items() if key != TAG}


def summary_of(estimator: Any) -> dict[str, Any]:
    """Return the summary of a fitted picker or classifier."""
    if isinstance(estimator, ParticlePicker):
        return {
            "class": "ParticlePicker",
            **_of_network(estimator.classifier_),
            "prior": float(estimator.prior_),
            "calibration": _plain(estimator.calibration_),
            "n_labels": int(estimator.n_labels_),
            "n_micrographs": int(estimator.n_micrographs_),
            "particle_diameter": float(estimator.particle_diameter),
            "pixel_size": _plain(estimator.pixel_size_),
            "threshold": float(estimator.threshold_),
            "threshold_report": _plain(estimator.threshold_report_),
            "expected_particles": _plain(estimator.expected_particles_),
            "init": _text(estimator.classifier_.init),
            "pretrained": _plain(estimator.pretrained_report_),
        }
    return {
        "class": "PUImageClassifier",
        **_of_network(estimator),
        "prior": float(estimator.prior_),
        "calibration": _plain(estimator.calibration_),
        "classes": estimator.classes_.tolist(),
        "image_shape": tuple(estimator.image_shape_),
        "init": _text(estimator.init),
    }


def _of_network(classifier: PUImageClassifier) -> dict[str, Any]:
    module, history = classifier.module_, classifier.history_
    last = history[-1].get("train_loss") if history else None
    return {
        "network": type(module).__name__,
        "n_parameters": sum(one.numel() for one in module.parameters()),
        "receptive_field": getattr(module, "receptive_field", None),
        "stride": getattr(module, "stride", None),
        "epochs": len(history),
        "train_loss": None if last is None else float(last),
    }


def _text(init: Any) -> str:
    return os.fspath(init)


def _plain(value: Any) -> Any:
    """Return numbers as Python's own."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_plain(one) for one in value)
    return float(value) if hasattr(value, "__float__") and not isinstance(value, str) else value
