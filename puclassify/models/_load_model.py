"""From a file to a fitted estimator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import torch

from puclassify._devices import resolve_device
from puclassify.classifier import PUImageClassifier
from puclassify.models._decoder import Decoder
from puclassify.models._file import WRONG_VALUES, damaged, open_model
from puclassify.networks import resolve_network
from puclassify.picking import ParticlePicker

__all__ = ["load_model"]


def load_model(
    path: str | os.PathLike,
    *,
    module: Callable[..., Any] | None = None,
    custom: Iterable[Any] = (),
    device: str | torch.device | None = None,
) -> ParticlePicker | PUImageClassifier:
    """Read a fitted picker or classifier from a file of `save_model`.

    Nothing in the file is executed or imported.

    Parameters
    ----------
    path : str or path-like
        The file.
    module : class, callable or None, default=None
        The network's class or factory, where it is your own: the file holds its name and its
        weights.
    custom : iterable of classes and functions, default=()
        Others of your own that the file may name, such as a transformer's class.
    device : str, torch.device or None, default=None
        Where to predict and train. None is the ``device`` that was saved, or "auto", with a
        warning, where this machine has none: what was trained on a GPU opens without one.

    Returns
    -------
    ParticlePicker or PUImageClassifier
        With the parameters and fitted attributes that were saved; its predictions are the same.

    Raises
    ------
    ValueError
        If the file is damaged, of an unknown version, or names a class, parameter, value or network
        that is unknown or does not fit its weights; the message says what.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    UserWarning
        If the device that was saved is not here.

    See Also
    --------
    save_model : Writes it.
    load_topaz_model : Reads detectors of another program.

    Notes
    -----
    With ``load_model(path).set_params(warm_start=True)`` a further ``fit`` continues from the
    weights.

    Whether weights and network belong together is tested by the logits of a fixed sample, which
    the file holds. The checksum of the file finds accidents; it is no signature.

    Examples
    --------
    >>> import os, tempfile
    >>> from puclassify import ParticlePicker, PUImageClassifier, load_model, save_model
    >>> from puclassify.datasets import make_micrographs
    >>> data = make_micrographs(2, shape=(256, 256), particles_per_micrograph=12, random_state=0)
    >>> picker = ParticlePicker(
    ...     data.particle_diameter,
    ...     classifier=PUImageClassifier("resnet9", max_epochs=1),
    ...     expected_particles=12,
    ...     threshold=0.0,
    ...     random_state=0,
    ... ).fit(data.micrographs[:1], data.coordinates[:1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "picker.safetensors")
    ...     save_model(picker, path)
    ...     loaded = load_model(path)
    >>> loaded.n_labels_, loaded.particle_diameter
    (12, 40.0)
    """
    path = os.fspath(path)
    custom = _check_custom(custom)
    if module is not None:
        resolve_network(module)
    if device is not None:
        resolve_device(device)
    with open_model(path) as (header, tensors):
        decoder = Decoder(tensors, custom, module, device)
        try:
            estimator = decoder.decode(header.get("estimator"))
        except RecursionError:
            raise damaged(path, "its description is nested too deep") from None
        except WRONG_VALUES as error:
            raise damaged(path, str(error)) from error
    if not isinstance(estimator, ParticlePicker | PUImageClassifier):
        raise damaged(path, f"it holds a {type(estimator).__name__}, not a picker or classifier")
    if not hasattr(estimator, "prior_"):
        raise damaged(path, f"the {type(estimator).__name__} in it is not fitted")
    if module is not None and not decoder.used_module:
        raise ValueError(f"module={module!r} was given, but {path} holds a network of puclassify")
    return estimator


def _check_custom(custom: Iterable[Any]) -> list[Any]:
    custom = list(custom)
    for one in custom:
        if not (hasattr(one, "__module__") and hasattr(one, "__qualname__")):
            raise TypeError(f"custom must hold classes and functions, got {one!r}")
    return custom
