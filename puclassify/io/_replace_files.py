"""Files that are written completely or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["append_text", "locked", "remove_abandoned_drafts", "replace_files"]

_DRAFT = re.compile(r"\.([0-9a-f]{12})-(\d+)-\d+\.part")
_numbers = itertools.count()


def replace_files(texts: Mapping[str, str | bytes | Iterable[bytes | memoryview]]) -> None:
    """Write texts, bytes or pieces of bytes by path; each file is the old or the complete new one.

    No file is changed before all new ones are on the disk, and all are when this returns. Links are
    followed. Existing files keep their permissions; new ones get the usual ones.
    """
    for path in texts:
        _check_target(path)
    drafts: dict[str, str] = {}  # path by draft
    try:
        for path, text in texts.items():
            target = os.path.realpath(path)
            draft = os.path.join(os.path.dirname(target), _draft_name())
            drafts[draft] = path
            with _naming(path), open(draft, "xb") as file:
                file.writelines(_pieces(text))
            if os.path.exists(target):
                shutil.copymode(target, draft)
        for draft, path in drafts.items():
            with _naming(path):
                _sync(draft, os.O_RDWR)
        for draft, path in drafts.items():
            with _naming(path):
                os.replace(draft, os.path.realpath(path))
        _sync_folders(os.path.dirname(draft) for draft in drafts)
    finally:
        for draft in drafts:
            if os.path.exists(draft):
                os.remove(draft)


def _pieces(text: str | bytes | Iterable[bytes | memoryview]) -> Iterable[bytes | memoryview]:
    if isinstance(text, str):
        return [text.encode()]
    return [text] if isinstance(text, bytes) else text


def append_text(path: str, text: str) -> None:
    """Append text to a file that `replace_files` made: all of it, or nothing and an OSError."""
    data = text.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        with _naming(path):
            try:
                n_written = os.write(descriptor, data)
                while n_written < len(data):  # the rest tells why
                    n_written += os.write(descriptor, data[n_written:])
            except OSError:
                os.ftruncate(descriptor, size)
                raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other processes that do the same out of a folder, where the file system can."""
    descriptor = None
    with contextlib.suppress(OSError):
        if fcntl is not None:
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def remove_abandoned_drafts(folder: str) -> None:
    """Remove what processes of this machine that were killed left behind while they wrote."""
    for name in os.listdir(folder):
        match = _DRAFT.fullmatch(name)
        if match and match[1] == _machine() and not _is_running(int(match[2])):
            with contextlib.suppress(OSError):
                os.remove(os.path.join(folder, name))


def _draft_name() -> str:
    """Return a name that no other process uses, and that tells whose draft it is."""
    return f".{_machine()}-{os.getpid()}-{next(_numbers)}.part"


def _machine() -> str:
    """Return what tells apart machines, and containers that count their processes themselves."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:12]


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return True
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Name the file in errors of the system, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"cannot write {path}: {reason}", path) from error


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folders(folders: Iterable[str]) -> None:
    """Make renamings outlive a power cut, where the system can open folders."""
    for folder in set(folders):
        with contextlib.suppress(OSError):
            _sync(folder, os.O_RDONLY)


def _check_target(path: str) -> None:
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {os.path.dirname(path) or folder}"
        )
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    # Replacing a file does not need write permission on it, so the system would not refuse.
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise PermissionError(f"cannot write {path}: it is write-protected")
