"""The folder of a RELION job: the files by which RELION and a program tell each other things."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from types import FrameType

__all__ = ["RelionJob", "coordinate_file", "mark_failed"]

_SUCCESS, _FAILURE, _ABORTED = (
    f"RELION_JOB_EXIT_{how}" for how in ("SUCCESS", "FAILURE", "ABORTED")
)
_ABORT = "RELION_JOB_ABORT_NOW"
_NODES = "RELION_OUTPUT_NODES.star"
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_TO_STOP = 5.0  # before a request that something has swallowed is repeated
_OF_A_JOB = re.compile(r".+?/job\d{3}[^/]*/(.*)", re.DOTALL)
# RELION 4 and 5 list a job's output under the names of their own nodes; others are not offered.
_COORDINATES_4 = "MicrographsCoords.star.relion.autopick"
_COORDINATES_5 = "MicrographCoordsGroup.star.relion.autopick"
_NUMBER_OF_COORDINATES = 2  # the type of RELION 3.1
_ONLY_4, _ONLY_5 = "MicrographsData.star", "MicrographGroupMetadata.star"


class RelionJob:
    """A job while it runs: its end is marked as RELION expects it, and it can be aborted.

    Used as a context manager. A request to abort, an interrupt or the end that a queue sends is a
    KeyboardInterrupt within the block, in the main thread; the block is marked as aborted when that
    leaves it, as failed when another error does, and else as done.
    """

    def __init__(self, folder: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        for name in (_SUCCESS, _FAILURE, _ABORTED):
            _remove(self._path(name))
        self._is_over = threading.Event()
        self._last_request = -_SECONDS_TO_STOP
        self._handlers: dict[int, object] = {}
        self._watch = threading.Thread(target=self._look, name="relion-abort", daemon=True)

    def __enter__(self) -> RelionJob:
        if threading.current_thread() is threading.main_thread():
            # A program that a shell starts in the background ignores interrupts.
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._interrupt)
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._is_over.set()
        self._watch.join()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if kind is None:
            _touch(self._path(_SUCCESS))
        elif issubclass(kind, KeyboardInterrupt):
            _touch(self._path(_ABORTED))
            _remove(self._path(_ABORT))
        else:
            mark_failed(self.folder)

    def write_nodes(self, name: str) -> None:
        """Tell RELION which file is the list of coordinates."""
        from puclassify.io import replace_files, star_block

        path = self._path(name)
        columns = {
            "rlnPipeLineNodeName": [path],
            "rlnPipeLineNodeTypeLabel": [self._type_of_coordinates()],
            "rlnPipeLineNodeType": [str(_NUMBER_OF_COORDINATES)],
        }
        replace_files({self._path(_NODES): star_block("output_nodes", columns)})

    def _type_of_coordinates(self) -> str:
        """Return the type as the version of RELION calls it that wrote the pipeline."""
        for path in (self._path("job_pipeline.star"), "default_pipeline.star"):
            with contextlib.suppress(OSError), open(path, errors="replace") as file:
                text = file.read()
                if _ONLY_5 in text or _ONLY_4 in text:
                    return _COORDINATES_5 if _ONLY_5 in text else _COORDINATES_4
        return _COORDINATES_5

    def _look(self) -> None:
        """Look for the request to abort, in a thread."""
        while not self._is_over.wait(_SECONDS_BETWEEN_LOOKS):
            if os.path.exists(self._path(_ABORT)):
                _interrupt_main_thread()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._is_over.is_set() and now - self._last_request >= _SECONDS_TO_STOP:
            self._last_request = now
            raise KeyboardInterrupt

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def mark_failed(folder: str) -> None:
    """Tell RELION that a job failed, if its folder is there and can be written."""
    with contextlib.suppress(OSError):
        _remove(os.path.join(folder, _SUCCESS))
        _remove(os.path.join(folder, _ABORTED))
        _touch(os.path.join(folder, _FAILURE))


def coordinate_file(name: str) -> str:
    """Return where RELION expects the picks of a micrograph, from the job's folder on.

    The folders of the job that made the micrograph are left out:
    ``MotionCorr/job002/Movies/m1.mrc`` has ``Movies/m1_autopick.star``. A ValueError refuses names
    that lead out of the job's folder.
    """
    match = _OF_A_JOB.fullmatch(name)
    rest = match[1] if match else name
    parts = rest.replace("\\", "/").split("/")
    is_plain = rest.isprintable() and not os.path.splitdrive(rest)[0]
    if rest.startswith(("/", "\\")) or ".." in parts or not parts[-1] or not is_plain:
        raise ValueError(
            f"the picks of the micrograph {name!r} would be written outside of the job's folder; "
            "RELION's names lead from the project's folder down to the micrograph: link it into "
            "the project and import it from there"
        )
    return f"{os.path.splitext(os.path.normpath(rest))[0]}_autopick.star"


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # which also ends a wait for other threads
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _touch(path: str) -> None:
    with open(path, "w"):
        pass


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
