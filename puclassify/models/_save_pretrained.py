"""From a fitted picker to a file of weights that other trainings start from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from puclassify._parameters import check_option
from puclassify.models._save_model import versions
from puclassify.networks import NETWORKS, write_weights
from puclassify.picking import ParticlePicker, PickerState
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

__all__ = ["save_pretrained"]


def save_pretrained(
    picker: ParticlePicker,
    path: str | os.PathLike,
    *,
    contrast: str = "dark",
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write the weights of a fitted picker as a start for other pickers.

    Parameters
    ----------
    picker : ParticlePicker
        A fitted one whose classifier is a network by name and whose fit estimated the quality of
        its picks (``threshold_report_`` is not None).
    path : str or path-like
        The file, by convention ``*.safetensors``. It is complete or absent at any time, and an
        existing one is replaced.
    contrast : {"dark", "bright"}, default="dark"
        Whether particles are darker or brighter than what surrounds them in the images that the
        network sees.
    about : mapping or None, default=None
        Further entries of the card, of what JSON can hold, such as ``{"limits": "..."}``.

    Raises
    ------
    TypeError
        If ``picker`` is no `ParticlePicker`, or its classifier no network.
    ValueError
        If the network has no name, the fit made no estimates, or ``about`` has an entry that the
        card has already.
    sklearn.exceptions.NotFittedError
        If the picker is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    ParticlePicker.from_pretrained : Picks with such a file at once.
    save_model : Stores a whole picker, to pick with it as it is.

    Notes
    -----
    ``PUImageClassifier(init=path)`` starts a training from the file. It is in the safetensors
    format: the network's state in float16, and a card in JSON, which says how large particles are
    in pixels of the network (``particle_pixels``), how they were preprocessed, the line from scores
    to the logit of a particle (``calibration``), what the training used and what it started from,
    what it is to be expected to find (``figures``), and its ``limits``. `model_info` and
    ``puclassify info`` show it.

    Half precision changes scores by about a thousandth.

    Examples
    --------
    >>> from puclassify import ParticlePicker, save_pretrained
    >>> picker = ParticlePicker(180, pixel_size=1.77).fit(X, y)               # doctest: +SKIP
    >>> save_pretrained(picker, "facility.safetensors")                       # doctest: +SKIP
    >>> ParticlePicker.from_pretrained(                                       # doctest: +SKIP
    ...     150, pixel_size=0.83, weights="facility.safetensors"
    ... ).predict(other_micrographs)
    """
    if type(picker) is not ParticlePicker:
        raise TypeError(f"picker must be a ParticlePicker, got {picker!r}")
    check_is_fitted(picker)
    check_option(contrast, "contrast", ("dark", "bright"))
    state = PickerState.of(picker)
    card = _card(picker, state) | {"contrast": contrast}
    taken = sorted(set(about or {}) & set(card) - {"limits"})
    if taken:
        raise ValueError(f"about holds {taken}, which the card says already")
    write_weights(path, state.classifier.module_.state_dict(), card | dict(about or {}))


def _card(picker: ParticlePicker, state: PickerState) -> dict[str, Any]:
    classifier, report = state.classifier, state.threshold_report
    if not (isinstance(classifier.module, str) and classifier.module in NETWORKS):
        raise ValueError(
            f"classifier__module={classifier.module!r} is no network by name, which other pickers "
            f"could build: train one of {list(NETWORKS)}"
        )
    if report is None:
        raise ValueError(
            "the fit made no estimates, so that nobody knows what its scores mean: fit with "
            "threshold='auto' and at least 10 labelled particles"
        )
    start = state.pretrained_report or {}
    seed = picker.random_state
    return {
        "network": classifier.module,
        "module_params": dict(classifier.module_params or {}),
        "particle_pixels": _particle_pixels(state),
        "preprocessing": {"clip": _clip(state.preprocessing)},
        "calibration": [float(one) for one in state.calibration],
        "started_from": start.get("sha256"),
        "seed": int(seed) if isinstance(seed, int | np.integer) else None,
        "steps": len(classifier.history_) * state.steps_per_epoch,
        "training": {
            "n_labels": state.n_labels,
            "n_micrographs": state.n_micrographs,
            "particle_diameter": float(picker.particle_diameter),
            "pixel_size": state.pixel_size
            if isinstance(state.pixel_size, str)
            else float(state.pixel_size),
            "prior": float(state.prior),
            "criterion": type(classifier.criterion).__name__
            if not isinstance(classifier.criterion, str)
            else classifier.criterion,
        },
        "figures": {name: _plain(value) for name, value in report.items()},
        "limits": (
            f"trained on {state.n_labels} labels in {state.n_micrographs} micrographs of particles "
            f"of {picker.particle_diameter:g} Å; how it does on others was not measured"
        ),
        "versions": versions(),
    }


def _steps_of(preprocessing: Any) -> list[Any]:
    return [preprocessing, *preprocessing.get_params(deep=True).values()]


def _particle_pixels(state: PickerState) -> float:
    """Return the diameter of a particle in pixels of what the network sees."""
    diameter = state.diameter
    for step in _steps_of(state.preprocessing):
        if type(step) is FourierDownsample:
            if isinstance(step.factor, str):
                return float(step.target_diameter)
            diameter = diameter / float(np.mean(step.factor))
    return float(diameter)


def _clip(preprocessing: Any) -> float | None:
    clips = [step.clip for step in _steps_of(preprocessing) if type(step) is NormalizeMicrograph]
    return None if not clips or clips[-1] is None else float(clips[-1])


def _plain(value: Any) -> Any:
    """Return what JSON can hold: NaN becomes None."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return float(value) if np.isfinite(value) else None
