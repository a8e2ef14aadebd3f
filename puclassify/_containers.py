"""The data frames that ``set_output`` and others choose by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from sklearn import get_config

from puclassify._parameters import check_option

__all__ = [
    "CONTAINERS",
    "check_container",
    "container_of",
    "data_frame",
    "picks_in",
    "set_container",
]

CONTAINERS = ("default", "pandas", "polars")
_HOW = {"pandas": 'pip install "puclassify[pandas]"', "polars": "pip install polars"}


def check_container(value: Any, name: str = "transform", *, default: bool = True) -> str:
    """Return the name of a container; "default" is none of the data frames."""
    return check_option(value, name, CONTAINERS if default else CONTAINERS[1:])


def set_container(estimator: Any, transform: str | None) -> None:
    """Note the choice of ``set_output`` under the name by which scikit-learn's clone copies it."""
    if transform is not None:
        estimator._sklearn_output_config = {"transform": check_container(transform)}


def container_of(estimator: Any, *, also_global: bool = True) -> str:
    """Return what ``set_output`` chose, else scikit-learn's global choice if that counts."""
    chosen = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    if chosen is None and also_global:
        chosen = get_config()["transform_output"]
    return "default" if chosen is None else check_container(chosen)


def picks_in(container: str, picks: np.ndarray) -> Any:
    """Return the picks of one micrograph, (k, 3), in a container."""
    if container == "default":
        return picks
    return data_frame(container, dict(zip(("x", "y", "score"), picks.T)))


def data_frame(container: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """Make a data frame of a container other than "default"."""
    try:
        library = import_module(container)
    except ImportError as error:
        raise ImportError(
            f"data frames of {container} need {container}, which is not installed: "
            f"{_HOW[container]}"
        ) from error
    options = {"strict": False} if container == "polars" else {}  # further columns of any type
    return library.DataFrame(dict(columns), **options)
