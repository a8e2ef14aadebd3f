"""What non-maximum suppression is: the plain loop that the fast ways are tested against."""

from __future__ import annotations

import math

import numpy as np
import torch

from puclassify.picking.suppression._disc import ROUNDING

__all__ = ["suppress_one_by_one"]


def suppress_one_by_one(
    values: torch.Tensor,
    radius: float,
    *,
    limit: float = -math.inf,
    inside: tuple[slice, slice] = np.s_[:, :],
    step_xy: tuple[float, float] = (1.0, 1.0),
) -> torch.Tensor:
    """Visit the positions of a map from the highest value down; choose each that is still free.

    Only values above ``limit`` at positions ``inside`` count (NaN is not above anything). Equal
    values are visited by ascending index. The result is the flat indices in the order of choice,
    for n positions and k choices at a cost of O(n log n + n k).
    """
    allowed = np.zeros(values.shape, dtype=bool)
    allowed[inside] = True
    numbers = values.flatten().tolist()
    candidates = [i for i in np.flatnonzero(allowed).tolist() if numbers[i] > limit]
    chosen: list[tuple[int, int]] = []
    for index in sorted(candidates, key=lambda i: -numbers[i]):
        row, column = divmod(index, values.shape[1])
        if all(
            math.hypot(step_xy[1] * (row - i), step_xy[0] * (column - j)) > radius * ROUNDING
            for i, j in chosen
        ):
            chosen.append((row, column))
    return torch.tensor([i * values.shape[1] + j for i, j in chosen], dtype=torch.int64)
