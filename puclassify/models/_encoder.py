"""From Python values to JSON and tensors: what a model file says of an estimator."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from puclassify.classifier import ClassifierState, PUImageClassifier
from puclassify.models._known import ESTIMATORS, NUMBERS, RECORDS, name_of_class
from puclassify.models._network import check_rebuilt, probe
from puclassify.picking import ParticlePicker, PickerState

__all__ = ["TAG", "Encoder", "import_path"]

TAG = "$"
_DEEPEST = 60
# Attributes of an estimator that belong to the process: callbacks of scikit-learn.
_TRANSIENT = ("_skl_callbacks", "_callback_fit_ctx", "_skl_callbacks_to_teardown")


class Encoder:
    """Encodes values as JSON; arrays and weights go to ``tensors``.

    Parameters named in ``omit`` are left at their defaults; ``omitted`` are those that were met.
    """

    def __init__(self, omit: Iterable[str] = ()):
        self.omit = set(omit)
        self.omitted: set[str] = set()
        self.tensors: dict[str, torch.Tensor] = {}

    def encode(self, value: Any, where: str, depth: int = 0) -> Any:
        """Return JSON for a value; ``where`` it is names it in messages."""
        if depth > _DEEPEST:
            raise TypeError(f"{where} is nested more than {_DEEPEST} deep, or holds itself")
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {TAG: "float", "value": repr(value)}
        return self._tagged(value, where, depth)

    def _tagged(self, value: Any, where: str, depth: int) -> Any:
        for name, number in NUMBERS.items():
            if type(value) is number.type:
                parts = self._all(number.parts(value), where, depth)
                return {TAG: "number", "type": name, "parts": parts}
        if type(value) in (list, tuple):
            items = self._all(value, where, depth)
            return items if type(value) is list else {TAG: "tuple", "items": items}
        if isinstance(value, Mapping):
            return self._mapping(value, where, depth)
        if isinstance(value, np.generic | np.ndarray):
            return self._numpy(value, where, depth)
        if type(value) in (torch.Tensor, torch.nn.Parameter):
            return {TAG: "tensor", "tensor": self._store(value.detach())}
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, bytes):
            return {TAG: "bytes", "hex": value.hex()}
        if isinstance(value, torch.device):
            return {TAG: "device", "name": str(value)}
        if isinstance(value, np.random.RandomState):
            return {TAG: "random state", "state": self.encode(value.get_state(), where, depth + 1)}
        if is_dataclass(value) and RECORDS.get(type(value).__name__) is type(value):
            of_record = self._of(_shallow(value), where, depth)
            return {TAG: "record", "type": type(value).__name__, **of_record}
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            known = name_of_class(value)
            if known is not None:
                return {TAG: "class", "name": known}
            return {TAG: "yours", "path": import_path(value)}
        if isinstance(value, BaseEstimator):
            return self._estimator(value, where, depth)
        raise TypeError(
            f"{where}={value!r} cannot be stored: a model file holds data, no code. Leave it at "
            f"its default in the file by save_model(..., omit=[{_parameter(where)!r}]), or use "
            "joblib.dump, which stores everything, and load only files that you trust"
        )

    def _all(self, values, where: str, depth: int) -> list:
        return [self.encode(one, f"{where}[{i}]", depth + 1) for i, one in enumerate(values)]

    def _of(self, parts: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
        encoded = {
            name: self.encode(one, f"{where}__{name}" if where else name, depth + 1)
            for name, one in parts.items()
        }
        return {"fields": encoded}

    def _mapping(self, value: Mapping, where: str, depth: int) -> dict:
        if all(type(key) is str and key != TAG for key in value):
            items = value.items()
            return {key: self.encode(one, f"{where}[{key!r}]", depth + 1) for key, one in items}
        pairs = [[key, one] for key, one in value.items()]
        return {TAG: "dict", "items": self._all(pairs, where, depth)}

    def _numpy(self, value: np.generic | np.ndarray, where: str, depth: int) -> dict:
        array = np.asarray(value)
        if array.dtype.kind in "OU":
            if isinstance(value, np.str_):
                return {TAG: "string", "value": str(value)}
            items = self._all(array.ravel().tolist(), where, depth)
            dtype = "object" if array.dtype.kind == "O" else array.dtype.str[1:]
            return {TAG: "values", "dtype": dtype, "shape": list(array.shape), "items": items}
        try:
            native = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
            tensor = torch.from_numpy(native)
        except TypeError as error:
            raise TypeError(f"{where} is an array of {array.dtype}, no type of tensors") from error
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {TAG: kind, "tensor": self._store(tensor)}

    def _store(self, tensor: torch.Tensor, name: str = "") -> str:
        name = name or f"array.{len(self.tensors)}"
        self.tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        return name

    def _estimator(self, value: BaseEstimator, where: str, depth: int) -> dict:
        known = ESTIMATORS.get(type(value).__name__) is type(value)
        kind = {"type": type(value).__name__} if known else {"path": import_path(type(value))}
        params = self._params(value, where, depth)
        return {TAG: "object", **kind, "params": params} | self._fitted(value, where, depth)

    def _params(self, value: BaseEstimator, where: str, depth: int) -> dict[str, Any]:
        given = value.get_params(deep=False)
        defaults = {
            name: one.default for name, one in inspect.signature(type(value)).parameters.items()
        }
        for name in self.omit & set(given):
            if defaults.get(name, inspect.Parameter.empty) is inspect.Parameter.empty:
                raise ValueError(f"omit holds {name!r}, which has no default to be left at")
            self.omitted.add(name)
        return {
            name: self.encode(one, f"{where}__{name}" if where else name, depth + 1)
            for name, one in given.items()
            if name not in self.omit
        }

    def _fitted(self, value: BaseEstimator, where: str, depth: int) -> dict:
        """Return what a fit has set, nothing if there was none."""
        if isinstance(value, ParticlePicker):
            if not hasattr(value, "classifier_"):
                return {}
            state = PickerState.of(value)
            return {"fitted": self._of(_shallow(state), where, depth)["fields"]}
        if isinstance(value, PUImageClassifier):
            if not hasattr(value, "module_"):
                return {}
            return {"fitted": self._classifier(value, where, depth)}
        params = set(value.get_params(deep=False)) | set(_TRANSIENT)
        if isinstance(value, torch.nn.Module):  # a loss, whose state is that of a training
            return {}
        fitted = {name: one for name, one in vars(value).items() if name not in params}
        return {"fitted": self._of(fitted, where, depth)["fields"]} if fitted else {}

    def _classifier(self, value: PUImageClassifier, where: str, depth: int) -> dict[str, Any]:
        parts = _shallow(ClassifierState.of(value))
        module = parts.pop("module")
        check_rebuilt(value, module)
        prefix = f"network.{where}." if where else "network."
        weights = {
            name: self._store(tensor, prefix + name) for name, tensor in module.state_dict().items()
        }
        network = {"weights": weights, "logits": self.encode(probe(module, value), where)}
        return {**self._of(parts, where, depth)["fields"], "network": network}


def _shallow(state: Any) -> dict[str, Any]:
    return {one.name: getattr(state, one.name) for one in fields(state)}


def _parameter(where: str) -> str:
    """Return the name of the parameter that a place lies in."""
    return where.partition("[")[0].rpartition("__")[2]


def import_path(value: Any) -> str:
    """Return where a class or function would be imported from."""
    return f"{value.__module__}.{value.__qualname__}"
