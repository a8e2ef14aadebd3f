"""The frame of a file of coordinates: where the pixels of the micrographs lie in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from puclassify._parameters import check_option
from puclassify.grid import GridImage
from puclassify.io._coordinate_table import CoordinateTable
from puclassify.io._micrograph_shapes import known_exposures, micrograph_shapes
from puclassify.io._optics_groups import scaled_groups

__all__ = ["Frame"]

_SIZES_X = ("width", "estimated_width")
_SIZES_Y = ("height", "estimated_height")


@dataclass(frozen=True)
class Frame:
    """Step and offset of the micrographs' pixels, and the corner from which y counts."""

    step: Any = 1.0
    offset: Any = 0.0
    origin: str = "top-left"
    shapes: Any = None
    micrographs: Any = None

    def __post_init__(self) -> None:
        """Check the parameters, before any file is read."""
        check_option(self.origin, "origin", ["top-left", "bottom-left"])
        object.__setattr__(
            self, "_grid", GridImage(np.empty((1, 1)), step=self.step, offset=self.offset)
        )

    def to_micrographs(self, table: CoordinateTable) -> CoordinateTable:
        """Convert coordinates of a file to pixels of the micrographs as stored."""
        shapes = self._known_shapes(table, in_file=True)
        values = self._turned(table, table.values, shapes)
        values[:, :2] = self._grid.to_grid(values[:, :2])  # type: ignore[attr-defined]
        return self._scaled(table, values, shapes, 1 / self._step)

    def to_file(self, table: CoordinateTable) -> CoordinateTable:
        """Convert coordinates on the micrographs to those of a file, the inverse."""
        values = table.values.copy()
        values[:, :2] = self._grid.to_micrograph(values[:, :2])  # type: ignore[attr-defined]
        scaled = self._scaled(table, values, self._known_shapes(table, in_file=False), self._step)
        values = self._turned(scaled, scaled.values, scaled.shapes)
        names = list(dict.fromkeys([*table.names, *table.micrographs]))
        return replace(scaled, values=values, exposures=known_exposures(names, self.micrographs))

    @property
    def _step(self) -> np.ndarray:
        return self._grid.step_xy  # type: ignore[attr-defined]

    def _known_shapes(self, table: CoordinateTable, in_file: bool) -> dict[str, tuple[int, int]]:
        """Return sizes of micrographs; the caller's are those of the stored ones."""
        names = list(dict.fromkeys([*table.names, *table.micrographs]))
        given = micrograph_shapes(names, self.shapes, self.micrographs)
        if in_file:
            given = {name: _times(shape, self._step) for name, shape in given.items()}
        return {**given, **table.shapes} if in_file else {**table.shapes, **given}

    def _turned(self, table: CoordinateTable, values: np.ndarray, shapes: Any) -> np.ndarray:
        values = values.copy()
        if self.origin == "top-left" or not len(values):
            return values
        missing = [name for name in dict.fromkeys(table.names) if name not in shapes]
        if missing:
            raise ValueError(
                f"origin='bottom-left' needs the height of {missing[0]!r} and {len(missing) - 1} "
                "other micrographs: pass micrographs= their paths, or shapes= (height, width)"
            )
        heights = np.array([shapes[name][0] for name in table.names], dtype=float)
        values[:, 1] = heights - 1 - values[:, 1]
        return values

    def _scaled(
        self,
        table: CoordinateTable,
        values: np.ndarray,
        shapes: dict[str, tuple[int, int]],
        factor: np.ndarray,
    ) -> CoordinateTable:
        """Return the table with other values, and with its lengths in pixels of the other frame."""
        columns = dict(table.columns)
        if (factor != 1).any():
            for titles, by in ((_SIZES_X, factor[0]), (_SIZES_Y, factor[1])):
                for title in titles:
                    lengths = table.number_column(title)
                    if lengths is not None:
                        columns[title] = (lengths * by).tolist()
        shapes = {name: _times(shape, factor) for name, shape in shapes.items()}
        optics = scaled_groups(table.optics, factor)
        return replace(table, values=values, columns=columns, shapes=shapes, optics=optics)


def _times(shape: tuple[int, int], factor_xy: np.ndarray) -> tuple[int, int]:
    return round(shape[0] * float(factor_xy[1])), round(shape[1] * float(factor_xy[0]))
