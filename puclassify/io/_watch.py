"""The files of a folder that another program is writing, as they become complete."""

from __future__ import annotations

import glob
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

from puclassify._parameters import check_number
from puclassify._warnings import warn
from puclassify.io._complete_files import what_is_missing
from puclassify.io._names import path_text

__all__ = ["FolderWatch", "watch"]

_log = logging.getLogger("puclassify.watch")
_NAMED = 3  # files in a message


def watch(
    folder: str | os.PathLike[str],
    pattern: str = "*.mrc",
    *,
    idle: float | None = None,
    timeout: float | None = None,
    interval: float = 1.0,
    stop: threading.Event | Callable[[], bool] | None = None,
    status: Callable[[str], object] | None = None,
) -> FolderWatch:
    """Yield the files of a folder as soon as each is complete, while others are still written.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    pattern : str, optional
        Which files, in the language of `glob.glob` within the folder, by default ``"*.mrc"``;
        ``"**/*_DW.mrc"`` includes subfolders.
    idle : float or None, default=None
        Seconds without a new file, or a change of one that is not complete, after which the watch
        ends. None waits without end.
    timeout : float or None, default=None
        Seconds after which it ends in any case.
    interval : float, default=1.0
        Seconds between two looks.
    stop : threading.Event, callable or None, default=None
        Ends the watch once it is set, or returns true. `FolderWatch.stop` does so, too.
    status : callable or None, default=None
        Called with a line of text whenever the numbers of files change, such as ``print``. The
        lines also go to the logger "puclassify.watch", at the level INFO.

    Returns
    -------
    FolderWatch
        An iterator of paths, each once, in alphabetical order among those found in one look.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    TypeError
        If ``folder`` or ``pattern`` is not text.
    ValueError
        If a number of seconds is not positive.

    Warns
    -----
    UserWarning
        At the end, of files that never became complete.

    See Also
    --------
    puclassify.ParticlePicker.iter_predict : Picks the files as they come.

    Notes
    -----
    A file is complete if its size and its time of change are the same in two looks, and an MRC file
    is as long as its header says; a file of another image format must be readable. Files that are
    there at the start are included. No file is held open, and folders on network file systems work,
    since nothing but their contents is asked for.

    With ``n_jobs=None`` a picker picks every file as it comes; with more jobs it waits until there
    is one for each.

    Examples
    --------
    >>> import os, tempfile
    >>> import mrcfile, numpy as np
    >>> from puclassify.io import watch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("mic2.mrc", "mic1.mrc"):
    ...         mrcfile.write(os.path.join(folder, name), np.zeros((3, 4), np.float32))
    ...     [os.path.basename(path) for path in watch(folder, interval=0.01, idle=0.05)]
    ['mic1.mrc', 'mic2.mrc']
    """
    return FolderWatch(
        path_text(folder, "folder"),
        path_text(pattern, "pattern"),
        idle=_seconds(idle, "idle"),
        timeout=_seconds(timeout, "timeout"),
        interval=check_number(interval, "interval", "a positive number of seconds", above=0),
        stop=stop,
        status=status,
    )


class FolderWatch(Iterator):
    """An iterator over the complete files of a folder, made by `watch`.

    Parameters
    ----------
    folder, pattern : str
        As for `watch`.
    idle, timeout, interval : float
        As for `watch`, infinity for never.
    stop : threading.Event, callable or None, default=None
        As for `watch`.
    status : callable or None, default=None
        As for `watch`.

    Attributes
    ----------
    n_found : int
        Files that were complete, and are yielded.
    incomplete : dict of str to str
        Why each of the other files is not complete, as of the last look.

    See Also
    --------
    puclassify.io.watch : Makes it, and says what it does.

    Examples
    --------
    >>> import tempfile
    >>> from puclassify.io import watch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = watch(folder)
    ...     files.stop()
    ...     list(files)
    []
    """

    def __init__(
        self,
        folder: str,
        pattern: str,
        *,
        idle: float,
        timeout: float,
        interval: float,
        stop: threading.Event | Callable[[], bool] | None = None,
        status: Callable[[str], object] | None = None,
    ):
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"there is no folder {folder} to watch; create it first")
        self.incomplete: dict[str, str] = {}
        self.n_found = 0
        self._pattern = os.path.join(glob.escape(folder), pattern)
        self._idle, self._timeout, self._interval = idle, timeout, interval
        self._asked = stop.is_set if isinstance(stop, threading.Event) else stop
        self._status = status
        self._stopped = threading.Event()
        self._seen: dict[str, tuple] = {}  # sizes and times of files that are not complete
        self._reasons: dict[str, str | None] = {}  # that one of them is not, once looked into
        self._found: set[str] = set()
        self._ready: list[str] = []
        self._begin = self._changed = time.monotonic()
        self._said = ""

    def __iter__(self) -> FolderWatch:
        return self

    def __next__(self) -> str:
        while not self._is_stopped():
            if self._ready:
                return self._ready.pop(0)
            self._look()
            if self._ready:
                continue
            if time.monotonic() - self._changed >= self._idle:
                break
            self._stopped.wait(self._interval)
        self._end()
        raise StopIteration

    def stop(self) -> None:
        """End the watch, from any thread; files that were not yielded yet are left out."""
        self._stopped.set()

    def _is_stopped(self) -> bool:
        if self._stopped.is_set() or (self._asked is not None and self._asked()):
            return True
        return time.monotonic() - self._begin >= self._timeout

    def _look(self) -> None:
        """Take note of all files, and of those that have become complete."""
        paths = sorted(set(glob.glob(self._pattern, recursive=True)) - self._found)
        before, self._seen = self._seen, {}
        self.incomplete = {}
        for path in paths:
            try:
                if not os.path.isfile(path):
                    continue
                missing = self._missing(path, before)
            except OSError:  # removed or renamed meanwhile, or not to be read yet
                missing = "it cannot be read"
            if missing is None:
                self._found.add(path)
                self._ready.append(path)
                del self._seen[path], self._reasons[path]
            else:
                self.incomplete[path] = missing
        if self._seen != before or self._ready:
            self._changed = time.monotonic()
        self.n_found += len(self._ready)
        self._say(f"{self.n_found} files complete, {len(self.incomplete)} not yet")

    def _missing(self, path: str, before: dict[str, tuple]) -> str | None:
        """Return what a file lacks; one that has not changed is looked into once."""
        status = os.stat(path)
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        self._seen[path] = stamp
        if before.get(path) != stamp:
            self._reasons.pop(path, None)
            return "it is being written"
        if path not in self._reasons:
            self._reasons[path] = what_is_missing(path)
        return self._reasons[path]

    def _say(self, line: str) -> None:
        if line == self._said:
            return
        self._said = line
        _log.info(line)
        if self._status is not None:
            self._status(line)

    def _end(self) -> None:
        if self.incomplete:
            some = "; ".join(f"{path} ({why})" for path, why in [*self.incomplete.items()][:_NAMED])
            some += "; ..." * (len(self.incomplete) > _NAMED)
            n_files, self.incomplete = len(self.incomplete), {}
            warn(f"{n_files} files never became complete while they were watched: {some}")


def _seconds(value: float | None, name: str) -> float:
    if value is None:
        return float("inf")
    return check_number(value, name, "a positive number of seconds or None", above=0)
