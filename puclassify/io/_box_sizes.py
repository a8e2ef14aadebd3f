"""Corners of boxes around centres."""

from __future__ import annotations

import numpy as np

from puclassify.io._coordinate_table import CoordinateTable

__all__ = ["corners"]


def corners(table: CoordinateTable) -> list[list[float]]:
    """Return x and y of the corners, widths and heights, all as lists."""
    sizes = [table.number_column(title) for title in ("width", "height")]
    if table.names and any(size is None for size in sizes):
        raise ValueError("this format stores boxes: pass box_size= their side in pixels")
    width, height = [np.zeros(0) if size is None else size for size in sizes]
    x, y = table.values[:, 0] - width / 2, table.values[:, 1] - height / 2
    return [column.tolist() for column in (x, y, width, height)]
