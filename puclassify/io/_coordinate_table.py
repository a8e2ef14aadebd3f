"""Rows of coordinates as table formats store them: micrograph name, x, y and score."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify.io._names import without_pick_suffix

__all__ = ["CoordinateTable", "file_stem", "micrograph_of_file"]


@dataclass(frozen=True)
class CoordinateTable:
    """Coordinates of several micrographs, one row per particle.

    The functions of a `CoordinateFormat` return and accept it.

    Parameters
    ----------
    names : list of str
        The micrograph of every row.
    values : ndarray of shape (n_rows, 2) or (n_rows, 3)
        x and y in pixels and, if there is one, the score.

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
        stripped: dict[Any, str] = {}  # a name of thousands of rows is one object
        plain = [
            stripped.get(name) or stripped.setdefault(name, str(name).strip()) for name in names
        ]
        if not all(plain):
            raise ValueError(f"{_place(plain.index(''), lines)} has no name of a micrograph")
        return cls(plain, np.column_stack(numbers))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> CoordinateTable:
        """Stack the coordinates of several micrographs.

        Parameters
        ----------
        arrays : mapping of str to ndarray of shape (k, 2) or (k, 3)
            Coordinates by micrograph name, all with the same number of columns.

        Returns
        -------
        CoordinateTable
            All rows, in the order of the mapping.
        """
        names = [name for name, array in arrays.items() for _ in range(len(array))]
        n_columns = max((array.shape[1] for array in arrays.values()), default=2)
        return cls(names, np.concatenate([np.empty((0, n_columns)), *arrays.values()]))

    def by_micrograph(self) -> dict[str, np.ndarray]:
        """Split the rows by micrograph.

        Returns
        -------
        dict of str to ndarray of shape (k, 2) or (k, 3)
            Micrographs in the order of their first rows, rows in the order of the table.
        """
        rows = defaultdict(list)
        for row, name in enumerate(self.names):
            rows[name].append(row)
        return {name: self.values[indices] for name, indices in rows.items()}

    def text_columns(self) -> list[list[str]]:
        """Format the numbers with as many digits as are needed to read the same numbers again.

        Returns
        -------
        list of 2 or 3 lists of str
            x, y and, if there is one, the score of every row.
        """
        return [[repr(number) for number in column] for column in self.values.T.tolist()]


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
            return np.array(list(map(float, column)), dtype=float)
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
