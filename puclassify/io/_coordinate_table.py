"""Rows of coordinates as every table format stores them: micrograph name, x, y and score."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from puclassify.io._names import without_pick_suffix

__all__ = ["CoordinateTable", "micrograph_of_file"]


@dataclass(frozen=True)
class CoordinateTable:
    """Coordinates of all micrographs, one row a particle.

    Parameters
    ----------
    names : list of str
        The micrograph of every row.
    values : ndarray of shape (n_rows, 2) or (n_rows, 3)
        x and y, and the score if there is one.
    """

    names: list[str]
    values: np.ndarray

    @classmethod
    def from_text(cls, names, columns) -> CoordinateTable:
        """Convert columns of text.

        Parameters
        ----------
        names : sequence of str
            The micrograph of every row.
        columns : sequence of 2 or 3 sequences of str
            x, y and possibly the score of every row. A score column with gaps is left out.

        Returns
        -------
        CoordinateTable
            The rows as numbers.

        Raises
        ------
        ValueError
            If an x or y is not a finite number, or a score is not a number.
        """
        numbers = [np.array([_number(text) for text in column]) for column in columns]
        bad = np.flatnonzero(~np.isfinite(numbers[0]) | ~np.isfinite(numbers[1]))
        if bad.size:
            first = int(bad[0])
            raise ValueError(
                f"the coordinates of row {first + 1} are {columns[0][first]!r}, "
                f"{columns[1][first]!r}, expected two finite numbers"
            )
        if len(numbers) == 3 and np.isnan(numbers[2]).any():
            del numbers[2]
        return cls([str(name).strip() for name in names], np.column_stack(numbers))

    @classmethod
    def from_mapping(cls, coordinates) -> CoordinateTable:
        """Put the coordinates of several micrographs below each other.

        Parameters
        ----------
        coordinates : mapping of str to ndarray of shape (k, 2) or (k, 3)
            Coordinates by micrograph name.

        Returns
        -------
        CoordinateTable
            All rows.

        Raises
        ------
        ValueError
            If some micrographs have scores and others do not.
        """
        filled = {name: array for name, array in coordinates.items() if len(array)}
        scored = {name: array.shape[1] == 3 for name, array in filled.items()}
        if len(set(scored.values())) > 1:
            with_score = next(name for name, has in scored.items() if has)
            without = next(name for name, has in scored.items() if not has)
            raise ValueError(
                f"picks must have a score on all micrographs or on none: those of {with_score!r} "
                f"have three columns, those of {without!r} two"
            )
        names = [name for name, array in filled.items() for _ in range(len(array))]
        n_columns = max((array.shape[1] for array in coordinates.values()), default=2)
        return cls(names, np.concatenate([np.empty((0, n_columns)), *filled.values()]))

    def by_micrograph(self) -> dict[str, np.ndarray]:
        """Split the rows by micrograph.

        Returns
        -------
        dict of str to ndarray of shape (k, 2) or (k, 3)
            Micrographs in the order in which they first occur, rows in the order of the table.
        """
        rows = defaultdict(list)
        for row, name in enumerate(self.names):
            rows[name].append(row)
        return {name: self.values[indices] for name, indices in rows.items()}

    def split(self, names) -> dict[str, CoordinateTable]:
        """Make a table of each micrograph.

        Parameters
        ----------
        names : iterable of str
            Micrographs, also such as have no rows.

        Returns
        -------
        dict of str to CoordinateTable
            Tables with the same columns.
        """
        found, nothing = self.by_micrograph(), self.values[:0]
        arrays = {name: found.get(name, nothing) for name in names}
        return {name: CoordinateTable([name] * len(xy), xy) for name, xy in arrays.items()}

    def text_columns(self) -> list[list[str]]:
        """Write the numbers with as many digits as it takes to read the same numbers again.

        Returns
        -------
        list of 2 or 3 lists of str
            x, y and, if there is one, the score of every row.
        """
        return [[repr(number) for number in column] for column in self.values.T.tolist()]


def micrograph_of_file(path: str) -> str:
    """Name the micrograph that a coordinate file belongs to if it holds only one.

    Parameters
    ----------
    path : str
        The coordinate file.

    Returns
    -------
    str
        Its name without folder, extension and RELION's suffix ``_autopick`` or ``_manualpick``.
    """
    return without_pick_suffix(os.path.splitext(os.path.basename(path))[0])


def _number(text) -> float:
    """Convert text; what is missing is not a number."""
    return float(text) if not isinstance(text, str) or text.strip() else np.nan
