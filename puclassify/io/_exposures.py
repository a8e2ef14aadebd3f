"""The micrographs of a cryoSPARC job, from the ``.cs`` or ``.csg`` file of its exposures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from puclassify.io._cs_array import cs_text, is_cs, read_cs_array
from puclassify.io._known_formats import head_of
from puclassify.io._names import path_text
from puclassify.io._project_paths import find_in_project
from puclassify.io._result_group import ResultGroup, is_csg, read_group

__all__ = ["Exposure", "Exposures", "exposures_of", "is_exposures", "read_exposures"]

_BLOB = "micrograph_blob"
_ROW = "uid"
_GROUPS = ("mscope_params/exp_group_id", "ctf/exp_group_id")
_SAME = 1e-3  # relative difference up to which pixel sizes are one


@dataclass(frozen=True)
class Exposure:
    """A micrograph as cryoSPARC knows it.

    Parameters
    ----------
    uid : int
        Its number, by which picks refer to it.
    path : str
        Its path in the ``.cs`` file, relative to the folder of the project.
    file : str
        Where the file is.
    shape : (int, int)
        Height and width in pixels.
    pixel_size : float or None, default=None
        In ångström.
    exposure_group : int, default=0
        The group of exposures with common optics.

    Examples
    --------
    >>> from puclassify.io import Exposure
    >>> Exposure(7, "J2/motioncorrected/mic1.mrc", "/data/P1/J2/motioncorrected/mic1.mrc", (40, 30))
    Exposure(uid=7, path='J2/motioncorrected/mic1.mrc',
             file='/data/P1/J2/motioncorrected/mic1.mrc', shape=(40, 30), pixel_size=None,
             exposure_group=0)
    """

    uid: int
    path: str
    file: str
    shape: tuple[int, int]
    pixel_size: float | None = None
    exposure_group: int = 0


class Exposures(Sequence[str]):
    """Micrographs of a cryoSPARC job: a sequence of their files, which knows more of each.

    It is what `read_exposures` returns. Where micrographs are expected it is a list of paths;
    `write_coordinates` with ``micrographs=`` takes the numbers and paths from it that picks need.

    Parameters
    ----------
    exposures : iterable of Exposure
        One for each micrograph.

    Attributes
    ----------
    exposures : tuple of Exposure
        The micrographs.

    Examples
    --------
    >>> from puclassify.io import Exposure, Exposures
    >>> exposures = Exposures([Exposure(7, "J2/mic1.mrc", "/P1/J2/mic1.mrc", (40, 30), 1.5)])
    >>> list(exposures), exposures.pixel_size
    (['/P1/J2/mic1.mrc'], 1.5)
    """

    def __init__(self, exposures: Iterable[Exposure]):
        self.exposures = tuple(exposures)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Exposures: ...

    def __getitem__(self, index: int | slice) -> str | Exposures:
        if isinstance(index, slice):
            return Exposures(self.exposures[index])
        return self.exposures[index].file

    def __len__(self) -> int:
        return len(self.exposures)

    def __repr__(self) -> str:
        size = self.pixel_size
        return f"Exposures({len(self)} micrographs, pixel_size={size and round(size, 4)})"

    @property
    def pixel_size(self) -> float | None:
        """Ångström per pixel, None if it is not known or not the same of all."""
        sizes = {one.pixel_size for one in self.exposures}
        if not sizes or None in sizes:
            return None
        known = [size for size in sizes if size is not None]
        return known[0] if max(known) <= min(known) * (1 + _SAME) else None


def is_exposures(path: str) -> bool:
    """Return whether a path is a file that `read_exposures` reads, by its name."""
    return path.lower().endswith((".cs", ".csg"))


def read_exposures(
    source: Any, *, folder: str | os.PathLike[str] | None = None, blob: str = _BLOB
) -> Exposures:
    """Read which micrographs a cryoSPARC job has, with their numbers, sizes and pixel sizes.

    Parameters
    ----------
    source : str, path-like or Dataset
        The ``.cs`` or ``.csg`` file of exposures, of a job or exported from it, or a dataset of
        cryosparc-tools, as ``job.load_output("micrographs")`` returns it.
    folder : str, path-like or None, default=None
        The folder of the project, to which paths in the file are relative. None to look from the
        file's folder upwards. Needed for a dataset.
    blob : str, default="micrograph_blob"
        Which images: those that were corrected for motion and weighted by dose; or
        "micrograph_blob_non_dw", "micrograph_blob_denoised" where the job has them.

    Returns
    -------
    Exposures
        The micrographs in the order of the file, a sequence of paths.

    Raises
    ------
    FileNotFoundError
        If the file or one of its micrographs does not exist.
    ValueError
        If it is no file of exposures, is damaged, holds pickled objects, or names a file by an
        absolute path or one with ``..`` that leads out of ``folder``.

    See Also
    --------
    write_coordinates : Write picks for cryoSPARC, with ``micrographs=`` these.
    save_external_picks : Store picks in a running cryoSPARC.

    Notes
    -----
    Links within the project are followed, since cryoSPARC links what it imports.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from puclassify.io import read_exposures
    >>> kind = [("uid", "<u8"), ("micrograph_blob/path", "S20"),
    ...         ("micrograph_blob/shape", "<u4", (2,)), ("micrograph_blob/psize_A", "<f4")]
    >>> rows = np.array([(7, b"J2/mic1.mrc", (40, 30), 1.5)], dtype=kind)
    >>> with tempfile.TemporaryDirectory() as project:
    ...     os.mkdir(os.path.join(project, "J2"))
    ...     open(os.path.join(project, "J2", "mic1.mrc"), "w").close()
    ...     with open(os.path.join(project, "J2", "micrographs.cs"), "wb") as file:
    ...         np.save(file, rows)
    ...     exposures = read_exposures(os.path.join(project, "J2", "micrographs.cs"))
    >>> exposures, exposures.exposures[0].uid
    (Exposures(1 micrographs, pixel_size=1.5), 7)
    """
    folder = None if folder is None else path_text(folder, "folder")
    if not isinstance(source, (str, os.PathLike)):
        if folder is None:
            raise ValueError(
                "folder must be that of the project if source is a dataset, such as "
                "str(project.dir); got None"
            )
        return Exposures(_exposures(source, os.path.join(folder, ""), folder, blob))
    path = path_text(source, "source")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file of exposures {path}")
    try:
        return Exposures(_exposures(_columns(path, folder, blob), path, folder, blob))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read as exposures: it is not UTF-8 text") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as exposures: {error}") from error
    except (TypeError, LookupError, OverflowError) as error:  # fields of other types
        raise ValueError(
            f"{path} cannot be read as exposures ({type(error).__name__}: {error}); is it damaged?"
        ) from error


def exposures_of(source: Any, blob: str = _BLOB) -> Exposures:
    """Return the exposures of a dataset without looking for their files."""
    return Exposures(_exposures(source, "", None, blob, is_found=False))


def _columns(path: str, folder: str | None, blob: str) -> dict[str, np.ndarray]:
    """Return the columns of a file, or of the files of a group, in the order of the first."""
    head = head_of(path)
    if not is_cs(head) and is_csg(path, head):
        return _of_group(read_group(path), folder, blob)
    return _by_title(read_cs_array(path))


def _by_title(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {title: rows[title] for title in rows.dtype.names or ()}


def _of_group(group: ResultGroup, folder: str | None, blob: str) -> dict[str, np.ndarray]:
    if blob not in group.results:
        blobs = [name for name in group.results if name.endswith("blob") or "blob_" in name]
        raise ValueError(
            f"the group of type {group.kind!r} has no result {blob!r}; it has "
            f"{', '.join(blobs or group.results) or 'none'}"
        )
    own = group.file(blob, folder)
    columns = _by_title(read_cs_array(own))
    for name in ("mscope_params", "ctf"):
        if name not in group.results or f"{name}/exp_group_id" in columns:
            continue
        other = _by_title(read_cs_array(group.file(name, folder)))
        if f"{name}/exp_group_id" in other and _ROW in other and _ROW in columns:
            by_uid = dict(zip(other[_ROW].tolist(), other[f"{name}/exp_group_id"].tolist()))
            found = [by_uid.get(uid, 0) for uid in columns[_ROW].tolist()]
            columns[f"{name}/exp_group_id"] = np.array(found, dtype="<u4")
    return columns


def _exposures(
    columns: Any, path: str, folder: str | None, blob: str, is_found: bool = True
) -> list[Exposure]:
    """Return the exposures of columns by title: those of a file, or a dataset."""
    _check_titles(columns, blob)
    uids = [int(uid) for uid in columns[_ROW]]
    if len(set(uids)) < len(uids):
        raise ValueError("two exposures have the same uid; is the file damaged?")
    paths = [cs_text(one) for one in columns[f"{blob}/path"]]
    shapes = _shapes(columns[f"{blob}/shape"], blob)
    own = [one.removeprefix(">") for one in paths]
    files = _found(path, paths, folder) if is_found else own
    sizes: list[float | None] = [None] * len(paths)
    if f"{blob}/psize_A" in columns:
        sizes = [_pixel_size(one) for one in columns[f"{blob}/psize_A"]]
    titles = [title for title in _GROUPS if title in columns]
    groups = [int(one) for one in columns[titles[0]]] if titles else [0] * len(paths)
    return [Exposure(*one) for one in zip(uids, own, files, shapes, sizes, groups)]


def _check_titles(columns: Any, blob: str) -> None:
    missing = [one for one in (_ROW, f"{blob}/path", f"{blob}/shape") if one not in columns]
    if not missing:
        return
    kinds = dict.fromkeys(str(one).split("/")[0] for one in columns if "/" in str(one))
    if "location" in kinds or "blob" in kinds:
        hint = "it holds particles; take the micrographs of the job that they were picked on"
    elif [kind for kind in kinds if kind.startswith("micrograph_blob")]:
        hint = f"images there are {', '.join(kind for kind in kinds if 'blob' in kind)}: pass blob="
    else:
        hint = (
            "take the micrographs of a motion correction or CTF job, the .csg of the job, or "
            "its passthrough_...cs"
        )
    raise ValueError(f"there is no {missing[0]}; {hint} (it has {', '.join(kinds) or 'no fields'})")


def _found(path: str, names: Sequence[str], folder: str | None) -> list[str]:
    found = [find_in_project(path, name, folder) for name in names]
    missing = [name for name, file in zip(names, found) if not file]
    if missing:
        where = folder or "the file's folder up to the project's"
        raise FileNotFoundError(
            f"{len(missing)} of the {len(names)} micrographs of {path} are missing, such as "
            f"{missing[0]!r}, looked for in {where}; state the folder of the project"
        )
    return found


def _shapes(column: Any, blob: str) -> list[tuple[int, int]]:
    shapes = np.asarray(column)
    if shapes.shape[1:] != (2,) or not (shapes > 0).all():
        raise ValueError(f"{blob}/shape has to hold the positive height and width of micrographs")
    return [(int(height), int(width)) for height, width in shapes.tolist()]


def _pixel_size(value: Any) -> float | None:
    size = float(np.float64(np.format_float_positional(np.float32(value))))  # 1.06, not 1.05999994
    return size if np.isfinite(size) and size > 0 else None
