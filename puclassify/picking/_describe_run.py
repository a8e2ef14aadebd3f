"""What makes the picks of a run: texts by name, which are equal if and only if the picks are."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from puclassify.picking.streaming import MicrographPipeline

__all__ = ["describe_run"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_OF_THE_MACHINE = ("n_jobs", "verbose")  # they change no result


def describe_run(pipeline: MicrographPipeline, logit: float) -> dict[str, str]:
    """Describe all that decides what is picked; not where and how fast it is computed."""
    return {
        "version of puclassify": _version(),
        "threshold": repr(float(logit)),
        "classifier": pipeline.scorer.fingerprint(),
        "calibration": _text(pipeline.calibration),
        "preprocessing": _text(pipeline.preprocessing),
        "nms": _text(pipeline.suppression),
        "particle_diameter": _text(float(pipeline.particle_diameter)),
        "pixel_size": _text(pipeline.pixel_size),
        "symmetry": repr(pipeline.symmetry),
    }


def _version() -> str:
    try:
        return importlib.metadata.version("puclassify")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _text(value: Any) -> str:
    """Return a text that is the same in every process, for estimators with what they learnt."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        public = {
            name: part
            for name, part in vars(value).items()
            if not name.startswith("_") and name not in _OF_THE_MACHINE
        }
        return f"{type(value).__qualname__}{_text(public)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        return f"{value.dtype} {value.shape} {digest}"
    if isinstance(value, float):  # also the picker's own kinds of them
        return (
            f"{type(value).__qualname__} {float(value)!r} {_text(getattr(value, '__dict__', {}))}"
        )
    return _ADDRESS.sub("", repr(value))
