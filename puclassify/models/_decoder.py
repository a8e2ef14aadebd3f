"""From JSON and tensors to Python values: only of types that are known, or named by the caller."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator

from puclassify._devices import resolve_device
from puclassify._parameters import did_you_mean
from puclassify._warnings import warn
from puclassify.classifier import ClassifierState, PUImageClassifier, check_classifier_parameters
from puclassify.models._encoder import TAG, import_path
from puclassify.models._known import ESTIMATORS, NUMBERS, RECORDS, known_class
from puclassify.models._network import probe, rebuilt, same_logits
from puclassify.picking import ParticlePicker, PickerState

__all__ = ["Decoder"]

_LONGEST_TEXT = 10_000  # characters of a label
_LARGEST_TEXTS = 10**6  # characters of all of them, with what fills them up to the longest
_STATES: dict[type, Any] = {ParticlePicker: PickerState, PUImageClassifier: ClassifierState}


class Decoder:
    """Makes values of what `Encoder` wrote.

    ``custom`` are classes and functions of the caller, ``module`` one that stands for any network,
    and ``device`` replaces the device of classifiers.
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        custom: Iterable[Any] = (),
        module: Any = None,
        device: Any = None,
    ):
        self._tensors = dict(tensors)
        self._custom = {import_path(one): one for one in custom}
        self._module = module
        self._device = device
        self.used_module = False
        self._moved = False

    def decode(self, value: Any, where: str = "") -> Any:
        """Return the value; ``where`` it is names it in messages."""
        if isinstance(value, list):
            return [self.decode(one, where) for one in value]
        if not isinstance(value, dict):
            return value
        if TAG not in value:
            return {key: self.decode(one, _join(where, key)) for key, one in value.items()}
        make = self._makers.get(value[TAG]) if isinstance(value[TAG], str) else None
        if make is None:
            raise ValueError(f"{where} is of the unknown kind {value[TAG]!r}")
        return make(self, value, where)

    def _float(self, value: dict, where: str) -> float:
        numbers = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
        return numbers[_one_of(value.get("value"), numbers, where)]

    def _number(self, value: dict, where: str) -> float:
        kind = NUMBERS[_one_of(value.get("type"), NUMBERS, where)]
        parts = self._list(value, "parts", where)
        if len(parts) != kind.n_parts or not all(isinstance(part, float) for part in parts):
            raise ValueError(f"{where} holds no {value['type']}")
        return kind.type(*parts)

    def _tuple(self, value: dict, where: str) -> tuple:
        return tuple(self._list(value, "items", where))

    def _dict(self, value: dict, where: str) -> dict:
        pairs = self._list(value, "items", where)
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise ValueError(f"{where} holds no pairs of key and value")
        try:
            return dict(pairs)
        except TypeError as error:
            raise ValueError(f"{where} holds a key that cannot be one: {error}") from error

    def _list(self, value: dict, name: str, where: str) -> list:
        items = value.get(name)
        if not isinstance(items, list):
            raise ValueError(f"{where} lacks a list {name!r}")
        return self.decode(items, where)

    def _tensor(self, value: dict, where: str) -> torch.Tensor:
        return self._take(value.get("tensor"), where)

    def _array(self, value: dict, where: str) -> np.ndarray:
        tensor = self._take(value.get("tensor"), where)
        if tensor.dtype not in _NUMPY_HAS:
            raise ValueError(f"{where} is an array of {tensor.dtype}")
        return tensor.numpy()

    def _scalar(self, value: dict, where: str) -> Any:
        array = self._array(value, where)
        if array.shape:
            raise ValueError(f"{where} is an array of shape {array.shape}, not one number")
        return array[()]

    def _values(self, value: dict, where: str) -> np.ndarray:
        dtype, shape = value.get("dtype"), value.get("shape")
        items = self._list(value, "items", where)
        is_shape = isinstance(shape, list) and all(type(one) is int and one >= 0 for one in shape)
        if not is_shape or math.prod(shape or ()) != len(items):
            raise ValueError(f"{where} holds {len(items)} values, which is not shape {shape!r}")
        if dtype == "object":
            array = np.empty(len(items), dtype=object)
            for index, item in enumerate(items):
                array[index] = item
            return array.reshape(shape)
        width = re.fullmatch(r"U(\d{1,5})", dtype) if isinstance(dtype, str) else None
        if (
            width is None
            or int(width[1]) > _LONGEST_TEXT
            or int(width[1]) * len(items) > _LARGEST_TEXTS
        ):
            raise ValueError(f"{where} is an array of {len(items)} {dtype!r}")
        if not all(isinstance(item, str) and len(item) <= int(width[1]) for item in items):
            raise ValueError(f"{where} holds other values than strings of {dtype}")
        return np.array(items, dtype=dtype).reshape(shape)

    def _string(self, value: dict, where: str) -> np.str_:
        if not isinstance(value.get("value"), str):
            raise ValueError(f"{where} is no string")
        return np.str_(value["value"])

    def _bytes(self, value: dict, where: str) -> bytes:
        try:
            return bytes.fromhex(value.get("hex"))  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where} holds no bytes") from error

    def _torch_device(self, value: dict, where: str) -> torch.device:
        try:
            return torch.device(value.get("name"))  # type: ignore[arg-type]
        except (TypeError, RuntimeError) as error:
            raise ValueError(f"{where} names no device: {value.get('name')!r}") from error

    def _random_state(self, value: dict, where: str) -> np.random.RandomState:
        random_state = np.random.RandomState(0)
        try:
            random_state.set_state(self.decode(value.get("state"), where))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise ValueError(f"{where} holds no state of random numbers: {error}") from error
        return random_state

    def _record(self, value: dict, where: str) -> Any:
        kind = RECORDS[_one_of(value.get("type"), RECORDS, where)]
        return _made(kind, self._fields(value.get("fields"), kind, where), where)

    def _class(self, value: dict, where: str) -> type:
        found = known_class(value.get("name"))
        if found is None:
            raise ValueError(f"{where} names the unknown class {value.get('name')!r}")
        return found

    def _yours(self, value: dict, where: str) -> Any:
        path = value.get("path")
        is_module = where.rpartition(".")[2] == "module"
        if is_module and self._module is not None:
            self.used_module = True
            return self._module
        if isinstance(path, str) and path in self._custom:
            return self._custom[path]
        name = path.rpartition(".")[2] if isinstance(path, str) else path
        how = f"load_model(..., {f'module={name}' if is_module else f'custom=[{name}]'})"
        raise ValueError(
            f"{where} is {path!r}, which is not of puclassify and is not imported by itself: "
            f"import it, and pass {how}"
        )

    def _object(self, value: dict, where: str) -> Any:
        if "path" in value:
            kind = self._yours({"path": value["path"]}, f"{where} (its class)")
            if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
                raise ValueError(f"{where}: custom holds {kind!r}, which is no estimator")
        else:
            kind = ESTIMATORS[_one_of(value.get("type"), ESTIMATORS, where)]
        estimator = kind(**self._params(value.get("params"), kind, where))
        fitted = value.get("fitted")
        if fitted is None:
            return estimator
        if not isinstance(fitted, dict):
            raise ValueError(f"{_join(where, 'fitted')} is no object")
        if kind in _STATES:
            return self._fit(estimator, fitted, where)
        if kind in ESTIMATORS.values() and set(fitted) - {"_sklearn_output_config"}:
            raise ValueError(f"{where} has the unknown attributes {sorted(fitted)}")
        for name, one in fitted.items():
            if name.startswith("__") or hasattr(type(estimator), name):
                raise ValueError(f"{where} has the attribute {name!r}, which no fit sets")
            vars(estimator)[name] = self.decode(one, _join(where, name))
        return estimator

    def _params(self, params: Any, kind: type, where: str) -> dict[str, Any]:
        if not isinstance(params, dict):
            raise ValueError(f"{where} has no parameters")
        known = kind._get_param_names()  # type: ignore[attr-defined]
        for name in params:
            if name not in known:
                raise ValueError(
                    f"{where or kind.__name__} has the parameter {name!r}, which {kind.__name__} "
                    f"of this release does not know{did_you_mean(name, known)}: update puclassify"
                )
        decoded = {name: self.decode(one, _join(where, name)) for name, one in params.items()}
        if kind is PUImageClassifier:
            decoded["device"] = self._device_here(decoded.get("device", "auto"))
        return decoded

    def _device_here(self, stored: Any) -> Any:
        """Return the caller's device for a classifier, or the stored one where it is here."""
        if self._device is not None:
            return self._device
        try:
            resolve_device(stored)
        except ValueError as error:
            if not self._moved:
                warn(f"the model was saved with {error}. It was loaded with device='auto'")
            self._moved = True
            return "auto"
        return stored

    def _fit(self, estimator: Any, fitted: dict, where: str) -> Any:
        kind = _STATES[type(estimator)]
        fitted = dict(fitted)
        network = fitted.pop("network", None) if kind is ClassifierState else None
        values = self._fields(fitted, kind, where, given={"module": None})
        if kind is PickerState:
            return _checked(_made(kind, values, where), where).set_on(estimator)
        state = _checked(_made(kind, {**values, "module": None}, where), where)
        check_classifier_parameters(estimator)
        values["module"] = self._network(estimator, state.image_shape, network, where)
        return _made(kind, values, where).set_on(estimator)

    def _network(self, classifier: Any, image_shape, network: Any, where: str) -> Any:
        weights = network.get("weights") if isinstance(network, dict) else None
        if not isinstance(weights, dict):
            raise ValueError(f"{where or 'the classifier'} has no weights")
        tensors = {name: self._take(tensor, f"weights {name}") for name, tensor in weights.items()}
        module = rebuilt(classifier, image_shape, tensors)
        logits = self.decode(network.get("logits"), where)
        if logits is not None and not same_logits(logits, probe(module, classifier, image_shape)):
            raise ValueError(
                f"the network {type(module).__name__} gives other logits with these weights than "
                "when it was saved: is it the same class, of the same release?"
            )
        return module

    def _take(self, name: Any, where: str) -> torch.Tensor:
        """Return a tensor, each only once: what is made is no larger than the file."""
        if not isinstance(name, str) or name not in self._tensors:
            raise ValueError(f"{where} is a tensor {name!r} that is missing, or used elsewhere")
        return self._tensors.pop(name).clone()

    def _fields(self, values: Any, kind: type, where: str, given=()) -> dict[str, Any]:
        """Decode the fields of a dataclass, of which some are given otherwise."""
        if not isinstance(values, dict):
            raise ValueError(f"{where} has no fields")
        known = {one.name: one for one in fields(kind)}
        unknown = sorted(set(values) - (set(known) - set(given)))
        if unknown:
            raise ValueError(f"{where or kind.__name__} has the unknown values {unknown}")
        for name, one in known.items():
            if name not in values and name not in given and one.default is MISSING:
                raise ValueError(f"{where or kind.__name__} lacks {name!r}")
        return {name: self.decode(one, _join(where, name)) for name, one in values.items()}

    _makers: ClassVar[dict[str, Callable[[Any, dict, str], Any]]] = {
        "float": _float,
        "number": _number,
        "tuple": _tuple,
        "dict": _dict,
        "tensor": _tensor,
        "array": _array,
        "scalar": _scalar,
        "values": _values,
        "string": _string,
        "bytes": _bytes,
        "device": _torch_device,
        "random state": _random_state,
        "record": _record,
        "class": _class,
        "yours": _yours,
        "object": _object,
    }


_NUMPY_HAS = {
    torch.from_numpy(np.empty(0, dtype)).dtype
    for dtype in ["bool", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8"]
}


def _join(where: str, name: Any) -> str:
    return f"{where}.{name}" if where else str(name)


def _one_of(name: Any, names: Mapping[str, Any], where: str) -> str:
    if not isinstance(name, str) or name not in names:
        close = did_you_mean(name, names) if isinstance(name, str) else ""
        raise ValueError(f"{where or 'the model'} is of the unknown type {name!r}{close}")
    return name


def _made(kind: Any, values: dict[str, Any], where: str) -> Any:
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where or kind.__name__}: {error}") from error


def _checked(state: Any, where: str) -> Any:
    try:
        state.check()
    except ValueError as error:
        raise ValueError(f"{where or 'fitted'}: {error}") from error
    return state
