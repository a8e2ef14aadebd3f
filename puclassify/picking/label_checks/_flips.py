"""The eight ways to count x and y in an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["FLIPS", "Flip", "Size"]

Size = tuple[float, float]  # width and height in stored pixels


@dataclass(frozen=True)
class Flip:
    name: str
    code: str  # of the array of one micrograph, with xy, width and height
    apply: Callable[[np.ndarray, Size], np.ndarray]


def _stack(x, y):
    return np.stack([x, y], axis=-1)


FLIPS = (
    Flip("as given", "xy", lambda p, s: p),
    Flip(
        "y counted from below",
        "np.column_stack([xy[:, 0], height - 1 - xy[:, 1]])",
        lambda p, s: _stack(p[..., 0], s[1] - 1 - p[..., 1]),
    ),
    Flip(
        "x and y exchanged",
        "xy[:, ::-1]",
        lambda p, s: p[..., ::-1],
    ),
    Flip(
        "x counted from the right",
        "np.column_stack([width - 1 - xy[:, 0], xy[:, 1]])",
        lambda p, s: _stack(s[0] - 1 - p[..., 0], p[..., 1]),
    ),
    Flip(
        "turned by 180 degrees",
        "np.array([width - 1, height - 1]) - xy",
        lambda p, s: np.array([s[0] - 1, s[1] - 1]) - p,
    ),
    Flip(
        "x and y exchanged, and y counted from below",
        "np.column_stack([xy[:, 1], height - 1 - xy[:, 0]])",
        lambda p, s: _stack(p[..., 1], s[1] - 1 - p[..., 0]),
    ),
    Flip(
        "x and y exchanged, and x counted from the right",
        "np.column_stack([width - 1 - xy[:, 1], xy[:, 0]])",
        lambda p, s: _stack(s[0] - 1 - p[..., 1], p[..., 0]),
    ),
    Flip(
        "x and y exchanged, and turned by 180 degrees",
        "np.column_stack([width - 1 - xy[:, 1], height - 1 - xy[:, 0]])",
        lambda p, s: _stack(s[0] - 1 - p[..., 1], s[1] - 1 - p[..., 0]),
    ),
)
