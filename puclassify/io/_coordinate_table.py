"""Rows of coordinates as table formats store them: micrograph name, x, y and score."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from puclassify._containers import check_container, data_frame
from puclassify._coordinate_columns import (
    HEADER,
    OWN_SIZES,
    check_finite,
    frame_columns,
    frame_values,
    holds_frames,
    is_frame,
    plain_titles,
    warn_of_boxes,
)
from puclassify._warnings import warn
from puclassify.io._names import without_pick_suffix
from puclassify.io._optics_groups import GROUP, linked_groups, merged_groups

if TYPE_CHECKING:
    from puclassify.io._exposures import Exposure

__all__ = [
    "CoordinateTable",
    "by_name",
    "file_stem",
    "frame_as_table",
    "is_table",
    "joined",
    "micrograph_of_file",
]


@dataclass(frozen=True)
class CoordinateTable:
    """Coordinates of several micrographs, one row per particle.

    The functions of a `CoordinateFormat` return and accept it, and so does `write_coordinates`.

    Parameters
    ----------
    names : list of str
        The micrograph of every row.
    values : ndarray of shape (n_rows, 2) or (n_rows, 3)
        x and y in pixels and, if there is one, the score.
    columns : mapping of str to sequence, default={}
        Further columns of the file, with a value for every row: ``width`` and ``height`` of boxes
        and ``estimated_width`` and ``estimated_height`` of particles, in pixels, ``label``, and
        others under the title that they have in the file. None where a row has no value.
    shapes : mapping of str to (int, int), default={}
        Height and width of micrographs by name, where they are known.
    micrographs : sequence of str, default=()
        Micrographs that the file names although they may have no rows.
    exposures : mapping of str to Exposure, default={}
        What cryoSPARC knows of micrographs by name, to write files for it.
    optics : sequence of mapping of str to str, default=()
        Optics groups of a STAR file: its columns, such as ``rlnVoltage``, by title. The column
        ``rlnOpticsGroup`` has the number of that of every row.

    Examples
    --------
    >>> from puclassify.io import CoordinateTable
    >>> table = CoordinateTable.from_text(["mic1", "mic1"], [["1", "3"], ["2", "4.5"]])
    >>> table.by_micrograph()
    {'mic1': array([[1. , 2. ], [3. , 4.5]])}
    >>> table.text_columns()
    [['1.0', '3.0'], ['2.0', '4.5']]
    """

    names: list[str]
    values: np.ndarray
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    micrographs: Sequence[str] = ()
    exposures: Mapping[str, Exposure] = field(default_factory=dict)
    optics: Sequence[Mapping[str, str]] = ()

    @classmethod
    def from_text(
        cls,
        names: Iterable[str],
        columns: Sequence[Sequence[Any]],
        lines: Sequence[int] | None = None,
    ) -> CoordinateTable:
        """Convert columns of text or numbers.

        Parameters
        ----------
        names : iterable of str
            The micrograph of every row.
        columns : sequence of 2 or 3 sequences of str
            x, y and possibly the score of every row. A score column with gaps is dropped.
        lines : sequence of int or None, default=None
            The line of the file that every row starts on, for messages. None to count rows.

        Returns
        -------
        CoordinateTable
            The rows as numbers.

        Raises
        ------
        ValueError
            If an x or y is not a finite number, a score is not a number, or a name is empty.
        """
        numbers = [_numbers(column, lines) for column in columns]
        bad = np.flatnonzero(~np.isfinite(numbers[0]) | ~np.isfinite(numbers[1]))
        if bad.size:
            first = int(bad[0])
            raise ValueError(
                f"the coordinates of {_place(first, lines)} are {columns[0][first]!r}, "
                f"{columns[1][first]!r}, expected two finite numbers"
            )
        if len(numbers) == 3 and np.isnan(numbers[2]).any():
            del numbers[2]
        plain = list(names)
        stripped = {name: str(name).strip() for name in set(plain)}
        if any(name != text for name, text in stripped.items()):
            plain = [stripped[name] for name in plain]  # a name of many rows is one object
        if not all(stripped.values()):
            raise ValueError(f"{_place(plain.index(''), lines)} has no name of a micrograph")
        return cls(plain, np.column_stack(numbers))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> CoordinateTable:
        """Stack the coordinates of several micrographs.

        Parameters
        ----------
        arrays : mapping of str to ndarray of shape (k, 2) or (k, 3), or to DataFrame
            Coordinates by micrograph name, all with the same number of columns.

        Returns
        -------
        CoordinateTable
            All rows, in the order of the mapping.
        """
        arrays = {
            name: frame_values(one, f"that of {name!r}") if is_frame(one) else one
            for name, one in arrays.items()
        }
        names = [name for name, array in arrays.items() for _ in range(len(array))]
        n_columns = max((array.shape[1] for array in arrays.values()), default=2)
        values = np.concatenate([np.empty((0, n_columns)), *arrays.values()])
        return cls(names, values, micrographs=tuple(arrays))

    @classmethod
    def from_frame(cls, frame: Any) -> CoordinateTable:
        """Convert a data frame of pandas, polars, PyArrow or another library.

        Parameters
        ----------
        frame : DataFrame, or mapping of str to DataFrame
            Columns ``image_name``, ``x_coord``, ``y_coord`` and possibly ``score``, or common other
            names of them as in `read_coordinates`, those of RELION included; others are kept as
            ``columns``. A column of scores with gaps is left out. A mapping is what
            ``starfile.read`` returns of a file with several blocks: the one with coordinates is
            converted, and that of the optics groups kept.

        Returns
        -------
        CoordinateTable
            The rows of the frame.

        Raises
        ------
        TypeError
            If ``frame`` is no data frame, or a lazy one.
        ValueError
            If there is no column of names, x or y, a name, x or y is missing or not finite, or two
            columns have one title; the message names the row by its number and its index.

        Warns
        -----
        UserWarning
            If several columns could be x, y or the score, or widths and heights are those of boxes
            whose corners x and y may be.

        Examples
        --------
        >>> import pandas
        >>> from puclassify.io import CoordinateTable
        >>> frame = pandas.DataFrame({"micrograph": ["mic1"], "x": [1], "y": [2.5], "class": [3]})
        >>> table = CoordinateTable.from_frame(frame)
        >>> table.by_micrograph(), table.columns
        ({'mic1': array([[1. , 2.5]])}, {'class': [3]})
        """
        optics: list[Mapping[str, str]] = []
        if holds_frames(frame):
            frame, optics = _block_of_coordinates(frame), _groups_in(frame)
        if not is_frame(frame):
            raise TypeError(f"frame must be a data frame, got {type(frame).__name__}")
        what = "the data frame"
        found = frame_columns(frame, what, gaps_in_scores=True)
        if found.names is None:
            raise ValueError(
                f"{what} has no column image_name with the micrograph of every row, it has "
                f"{list(frame.columns)}; rename the column, or pass a frame for each micrograph"
            )
        warn_of_boxes(what, list(found.others))
        check_finite(found.values, frame, what)
        own = {title: name for name, title in OWN_SIZES.items()}
        others = {own.get(title, title): values for title, values in found.others.items()}
        groups, column = linked_groups(optics, others.get(GROUP), len(found.names))
        if groups and column is not None:
            others[GROUP] = column
        return cls(found.names, found.values, others, optics=groups)

    def to_frame(self, library: str = "pandas") -> Any:
        """Return a data frame.

        Parameters
        ----------
        library : {"pandas", "polars"}, default="pandas"
            The package of the data frame, which has to be installed.

        Returns
        -------
        DataFrame
            Columns ``image_name``, ``x_coord``, ``y_coord``, ``score`` if there is one, and the
            further ones; ``width`` and ``height`` of boxes are titled ``box_w`` and ``box_h``, as
            in CSV files.

        Raises
        ------
        ImportError
            If the package is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from puclassify.io import CoordinateTable
        >>> CoordinateTable(["mic1"], np.array([[1.0, 2.5]]), {"label": ["top"]}).to_frame()
          image_name  x_coord  y_coord label
        0       mic1      1.0      2.5   top
        """
        titles = HEADER[1 : 1 + self.values.shape[1]]
        columns = dict(zip(titles, self.values.T))
        others = {OWN_SIZES.get(title, title): list(one) for title, one in self.columns.items()}
        everything = {HEADER[0]: self.names, **columns, **others}
        return data_frame(check_container(library, "library", default=False), everything)

    def number_column(self, title: str) -> np.ndarray | None:
        """Return a further column as numbers.

        Parameters
        ----------
        title : str
            A key of ``columns``.

        Returns
        -------
        ndarray of shape (n_rows,) or None
            None without such a column or if a row has no number in it.
        """
        try:
            numbers = np.array([float(value) for value in self.columns[title]], dtype=float)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return numbers if np.isfinite(numbers).all() else None

    def by_micrograph(self) -> dict[str, np.ndarray]:
        """Split the rows by micrograph.

        Returns
        -------
        dict of str to ndarray of shape (k, 2) or (k, 3)
            Micrographs in the order of their first rows, rows in the order of the table.
        """
        runs: dict[str, list[np.ndarray]] = defaultdict(list)
        for name, start, end in self._runs():
            runs[name].append(self.values[start:end])
        return {name: np.concatenate(parts) for name, parts in runs.items()}

    def rows_by_micrograph(self) -> dict[str, list[int]]:
        """Return where the rows of every micrograph are.

        Returns
        -------
        dict of str to list of int
            Micrographs in the order of their first rows.
        """
        rows: dict[str, list[int]] = defaultdict(list)
        for name, start, end in self._runs():
            rows[name] += range(start, end)
        return dict(rows)

    def _runs(self) -> Iterator[tuple[str, int, int]]:
        """Yield the name, first row and end of rows of one micrograph behind one another."""
        start = 0
        for name, group in groupby(self.names):
            end = start + len(list(group))
            yield name, start, end
            start = end

    def split(self) -> dict[str, CoordinateTable]:
        """Split the table by micrograph, with those that have no rows.

        Returns
        -------
        dict of str to CoordinateTable
            In the order of ``micrographs``, then of the rows.
        """
        rows = self.rows_by_micrograph()
        names = dict.fromkeys([*self.micrographs, *rows])
        return {name: self._selected(name, rows.get(name, [])) for name in names}

    def _selected(self, name: str, rows: list[int]) -> CoordinateTable:
        columns = {title: [one[row] for row in rows] for title, one in self.columns.items()}
        shapes = {name: self.shapes[name]} if name in self.shapes else {}
        exposures = {name: self.exposures[name]} if name in self.exposures else {}
        values = self.values[rows]
        return CoordinateTable([name] * len(rows), values, columns, shapes, (name,), exposures)

    def text_columns(self) -> list[list[str]]:
        """Format the numbers with as many digits as are needed to read the same numbers again.

        Returns
        -------
        list of 2 or 3 lists of str
            x, y and, if there is one, the score of every row.
        """
        return [[repr(number) for number in column] for column in self.values.T.tolist()]


def _groups_in(frames: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the optics groups of what ``starfile.read`` returns, a dict if there is one."""
    optics = frames.get("optics")
    if isinstance(optics, Mapping):
        return [{title: str(value) for title, value in optics.items()}]
    if optics is None:
        return []
    columns = {str(title): list(optics[title]) for title in optics.columns}
    return [
        {title: str(values[row]) for title, values in columns.items()} for row in range(len(optics))
    ]


def is_table(value: Any) -> bool:
    """Return whether a value is a table or data frame, or several frames of ``starfile.read``."""
    return isinstance(value, CoordinateTable) or is_frame(value) or holds_frames(value)


def frame_as_table(value: Any) -> Any:
    """Return a data frame, or those of ``starfile.read``, as a table, anything else as it is."""
    is_other = not isinstance(value, CoordinateTable) and is_table(value)
    return CoordinateTable.from_frame(value) if is_other else value


def by_name(value: Any) -> Any:
    """Return the rows of a table by micrograph, anything else as it is."""
    value = frame_as_table(value)
    return value.by_micrograph() if isinstance(value, CoordinateTable) else value


def joined(tables: Sequence[CoordinateTable]) -> CoordinateTable:
    """Put tables one below the other; the score stays only if all rows have one."""
    if len(tables) == 1:
        return tables[0]
    filled = [table for table in tables if table.names]
    width = min((table.values.shape[1] for table in filled), default=2)
    titles = dict.fromkeys(title for table in filled for title in table.columns)
    columns = {
        title: [
            value
            for table in filled
            for value in table.columns.get(title, [None] * len(table.names))
        ]
        for title in titles
    }
    optics = _joined_optics(filled, columns)
    return CoordinateTable(
        [name for table in filled for name in table.names],
        np.concatenate([np.empty((0, width)), *(table.values[:, :width] for table in filled)]),
        columns,
        {name: shape for table in tables for name, shape in table.shapes.items()},
        tuple(dict.fromkeys(name for table in tables for name in table.micrographs)),
        {name: one for table in tables for name, one in table.exposures.items()},
        optics,
    )


def _joined_optics(
    tables: Sequence[CoordinateTable], columns: dict[str, list[Any]]
) -> Sequence[Mapping[str, str]]:
    """Return the groups of all tables, and renumber those of the rows in ``columns``."""
    parts = [(table.optics, table.columns[GROUP]) for table in tables if table.optics]
    if not parts:
        return ()
    if len(parts) < len(tables):
        warn(
            f"{len(tables) - len(parts)} of {len(tables)} tables of coordinates have no optics "
            "groups: those of the others are left out"
        )
        del columns[GROUP]
        return ()
    groups, columns[GROUP] = merged_groups(parts)
    return groups


def _block_of_coordinates(frames: Mapping[str, Any]) -> Any:
    """Return the one data frame with coordinates of what ``starfile.read`` returns."""
    found = {}
    for name, frame in frames.items():
        titles = plain_titles(map(str, frame.columns)) if is_frame(frame) else []
        if any(title in ("rlncoordinatex", "x", "xcoord") for title in titles):
            found[name] = frame
    if len(found) == 1:
        return next(iter(found.values()))
    raise ValueError(
        f"of the {len(frames)} blocks {list(frames)}, {len(found)} hold coordinates, where one is "
        "expected; pass the data frame of one block"
    )


def micrograph_of_file(path: str) -> str:
    """Return the micrograph that a coordinate file is named after.

    This is the file name without folder, extension and RELION's ``_autopick`` or ``_manualpick``.
    """
    return without_pick_suffix(file_stem(path))


def file_stem(path: str) -> str:
    """Return a file's name without folder and extension."""
    return os.path.splitext(os.path.basename(path))[0]


def _numbers(column: Sequence[Any], lines: Sequence[int] | None) -> np.ndarray:
    try:
        # Python reads 1_000 as 1000; in a file it is a typing error or a name.
        if not (isinstance(column[0], str) and "_" in "".join(column)):
            return np.fromiter(map(float, column), float, len(column))
    except (IndexError, TypeError, ValueError):
        pass
    return np.array([_number(text, row, lines) for row, text in enumerate(column)], dtype=float)


def _number(text: Any, row: int, lines: Sequence[int] | None) -> float:
    if isinstance(text, str) and not text.strip():
        return np.nan
    try:
        if isinstance(text, str) and "_" in text:
            raise ValueError(text)
        return float(text)
    except ValueError as error:
        hint = ""
        if isinstance(text, str) and _is_number(text.replace(",", ".", 1)):
            hint = "; write decimals with a point"
        raise ValueError(
            f"{_place(row, lines)} holds {text!r}, which is no number{hint}"
        ) from error


def _place(row: int, lines: Sequence[int] | None) -> str:
    return f"row {row + 1}" if lines is None else f"line {lines[row]}"


def _is_number(text: str) -> bool:
    if "_" in text:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
