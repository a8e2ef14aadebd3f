"""Pickles of networks read as data: tensors, dictionaries, and stand-ins for every other object."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

import torch

__all__ = ["StandIn", "read_network"]

# Tensors are kept beside the pickle, which takes 24 thousand bytes for the largest network.
_LONGEST_PICKLE = 2**20
_LARGEST_FILE = 2**28
# What torch writes of a network, and nothing that could grow without being in the file.
_OPCODES = frozenset(
    """
    PROTO STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE
    BINUNICODE8 BINBYTES SHORT_BINBYTES EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST APPEND
    APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_SET ADDITEMS GET BINGET LONG_BINGET PUT
    BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD NEWOBJ BINPERSID FRAME
    """.split()  # noqa: SIM905
)
_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_MAGIC = 0x1950A86A20F9469CFC6C  # of torch's files before they were ZIP archives
_VERSION = 1001


class StandIn:
    """An object of a class that is not loaded: its name, and the attributes that it had."""

    path = ""

    def __new__(cls, *args: Any) -> StandIn:
        """Make it, whatever its class is called with."""
        return super().__new__(cls)

    def __init__(self, *args: Any):
        self.attributes: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        """Keep its attributes."""
        self.attributes = state if isinstance(state, dict) else {}


def read_network(path: str) -> Any:
    """Return what ``torch.save`` wrote, with a `StandIn` for every object that is no data.

    Nothing but tensors, numbers, strings and containers is made, and no function of the file's is
    called.
    """
    if os.path.getsize(path) > _LARGEST_FILE:
        raise ValueError(f"it has more than {_LARGEST_FILE} bytes, which no detector needs")
    with open(path, "rb") as file:
        if zipfile.is_zipfile(file):
            return _from_archive(file)
        file.seek(0)
        return _from_old_file(file)


def _from_archive(file: Any) -> Any:
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        for name in entries:
            if name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
                raise ValueError(f"its archive holds {name!r:.80}, which leads out of it")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise ValueError("its archive is compressed, which those of torch.save are not")
        if sum(entry.file_size for entry in entries.values()) > size:
            raise ValueError("its archive holds more than the file")
        described = [name for name in entries if name.endswith("/data.pkl")]
        if len(described) != 1:
            raise ValueError("its archive holds no data.pkl of torch.save")
        folder = described[0].removesuffix("data.pkl")
        if entries[described[0]].file_size > _LONGEST_PICKLE:
            raise ValueError(f"its pickle is longer than {_LONGEST_PICKLE} bytes")

        def storage(key: str, dtype: torch.dtype, length: int) -> torch.Tensor:
            name = f"{folder}data/{key}"
            if name not in entries:
                raise ValueError(f"its tensors {key!r} are missing")
            return _values(archive.read(name), dtype, length)

        return _load(archive.read(described[0]), storage)


def _from_old_file(file: Any) -> Any:
    """Read a file of the kind before archives: pickles one after the other, then the values."""
    for expected in (_MAGIC, _VERSION):
        if _load(_next_pickle(file), _no_storage) != expected:
            raise ValueError("it is no file of torch.save")
    _load(_next_pickle(file), _no_storage)  # sizes of integers on the machine that wrote it
    pickled = _next_pickle(file)
    used: dict[str, tuple[torch.dtype, int]] = {}

    def note(key: str, dtype: torch.dtype, length: int) -> torch.Tensor:
        used[key] = dtype, length
        return torch.empty(length, dtype=dtype, device="meta")

    _load(pickled, note)
    keys = _load(_next_pickle(file), _no_storage)
    if not isinstance(keys, list) or set(keys) != set(used):
        raise ValueError("its tensors are missing")
    found = {}
    for key in keys:
        dtype, length = used[key]
        if int.from_bytes(file.read(8), "little") != length:
            raise ValueError(f"its tensors {key!r} have another length")
        n_bytes = length * dtype.itemsize
        if n_bytes > os.fstat(file.fileno()).st_size:
            raise ValueError(f"its tensors {key!r} are cut off")
        found[key] = _values(file.read(n_bytes), dtype, length)
    return _load(pickled, lambda key, dtype, length: found[key])


def _no_storage(key: str, dtype: torch.dtype, length: int) -> torch.Tensor:
    raise ValueError("it is no file of torch.save")


def _values(data: bytes, dtype: torch.dtype, length: int) -> torch.Tensor:
    if len(data) != length * dtype.itemsize:
        raise ValueError(f"tensors of {length} values have {len(data)} bytes")
    if not data:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype)


def _next_pickle(file: Any) -> bytes:
    """Return the bytes of a pickle; those behind the longest one are not looked at."""
    start = file.tell()
    read = io.BytesIO(file.read(_LONGEST_PICKLE))
    for opcode, _, _ in pickletools.genops(read):
        if opcode.name not in _OPCODES:
            raise ValueError(f"its pickle has {opcode.name}, which no network needs")
    file.seek(start + read.tell())
    return read.getvalue()[: read.tell()]


def _load(data: bytes, storage: Callable[[str, torch.dtype, int], torch.Tensor]) -> Any:
    pickled = _next_pickle(io.BytesIO(data))
    # The one in Python: that in C makes room for any number that an object is to be kept under.
    return _InertUnpickler(io.BytesIO(pickled), storage).load()


class _InertUnpickler(pickle._Unpickler):
    """An unpickler to which classes and functions are names."""

    def __init__(self, file: Any, storage: Callable[[str, torch.dtype, int], torch.Tensor]):
        super().__init__(file, encoding="utf-8")
        self._storage = storage
        self._classes: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for: a way to make a tensor or container, or a stand-in."""
        path = f"{module}.{name}"
        if path in _DATA:
            return _DATA[path]
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module.partition(".")[0] == "topaz" or module.startswith("torch.nn.modules."):
            return self._classes.setdefault(path, type(name, (StandIn,), {"path": path}))
        raise ValueError(
            f"it names {path}, which is no part of a detector and was not loaded: such a file "
            "could run any program"
        )

    def load_build(self) -> None:
        """Give attributes to stand-ins, and to nothing else."""
        stack = vars(self)["stack"]
        state = stack.pop()
        made = stack[-1]
        if isinstance(made, StandIn):
            made.__setstate__(state)
        elif not isinstance(made, OrderedDict):  # whose attributes are versions of modules
            raise ValueError(f"it sets attributes of a {type(made).__name__}")

    def load_dict(self) -> None:
        """Make a dictionary of simple keys."""
        items = self.pop_mark()  # type: ignore[attr-defined]
        self._append(_simple_dict(zip(items[::2], items[1::2], strict=True)))

    def load_setitem(self) -> None:
        """Put a value under a simple key."""
        stack = vars(self)["stack"]
        value, key = stack.pop(), stack.pop()
        _put(stack[-1], [(key, value)])

    def load_setitems(self) -> None:
        """Put values under simple keys."""
        items = self.pop_mark()  # type: ignore[attr-defined]
        _put(vars(self)["stack"][-1], zip(items[::2], items[1::2], strict=True))

    def load_additems(self) -> None:
        """Add simple values to a set."""
        items = _simple_set(self.pop_mark())  # type: ignore[attr-defined]
        found = vars(self)["stack"][-1]
        if not isinstance(found, set):
            raise ValueError("it adds to something that is no set")
        found |= items

    def _append(self, value: Any) -> None:
        vars(self)["stack"].append(value)

    dispatch: ClassVar[dict] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.DICT[0]: load_dict,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.ADDITEMS[0]: load_additems,
    }

    def persistent_load(self, pid: Any) -> Any:
        """Return the values that the file keeps beside the pickle, or a class with its source."""
        if isinstance(pid, tuple) and len(pid) == 4 and pid[0] == "module":
            if isinstance(pid[1], type) and issubclass(pid[1], StandIn):
                return pid[1]
            raise ValueError("it holds the source of something that is no network")
        kind, dtype, key, _, length = pid[:5]
        if kind != "storage" or not isinstance(dtype, torch.dtype) or type(length) is not int:
            raise ValueError("it refers to something that is no tensor")
        if not isinstance(key, str) or length < 0:
            raise ValueError("it refers to something that is no tensor")
        return self._storage(key, dtype, length)


def _tensor(values: Any, offset: int, shape: tuple, strides: tuple, *_: Any) -> torch.Tensor:
    """Return a tensor of stored values, all of which lie in the file."""
    numbers = (offset, *shape, *strides)
    if not isinstance(values, torch.Tensor) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("it describes a tensor that cannot be one")
    count = 1
    for side in shape:
        count *= side
    last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    if count > len(values) or (count and last >= len(values)):
        raise ValueError("it describes a tensor that is larger than its values")
    return torch.as_strided(values, shape, strides, offset)


def _simple(key: Any) -> Any:
    """Return a key; a tuple of tuples of tuples could take a lifetime to be hashed."""
    if not isinstance(key, str | int | float | bytes | None):
        raise ValueError(f"it has a {type(key).__name__} as a key, which no network has")
    return key


def _put(target: Any, items: Any) -> None:
    if not isinstance(target, dict):
        raise ValueError("it puts values into something that is no dictionary")
    for key, value in items:
        target[_simple(key)] = value


def _simple_dict(items: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((_simple(key), value) for key, value in items)


def _simple_set(items: Any = ()) -> set[Any]:
    return {_simple(item) for item in items}


_DATA: dict[str, Any] = {
    "collections.OrderedDict": _simple_dict,
    "__builtin__.set": _simple_set,
    "builtins.set": _simple_set,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}
