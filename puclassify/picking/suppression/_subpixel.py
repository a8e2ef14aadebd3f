"""Position of a maximum between the grid points of a map."""

from __future__ import annotations

import torch

__all__ = ["subpixel_offsets"]


def subpixel_offsets(
    values: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """Fit a paraboloid to the 3 x 3 values around each position; return the offset to its top.

    Offsets are (column, row) in grid steps, between -0.5 and 0.5; 0 in the outermost rows and
    columns, beside values that are not finite, and where the position is no local maximum. The
    least-squares fit of ``a + b x + c y + d x^2 + e x y + f y^2`` to nine values at x, y in
    {-1, 0, 1} has closed-form coefficients; its top solves a 2 x 2 linear system.
    """
    if min(values.shape) < 3:
        return torch.zeros(len(rows), 2, dtype=torch.float64, device=values.device)
    around = torch.arange(-1, 2, device=values.device)
    middle_row = rows.clamp(1, values.shape[0] - 2)
    middle_column = columns.clamp(1, values.shape[1] - 2)
    is_inner = (middle_row == rows) & (middle_column == columns)
    patches = values[
        middle_row[:, None, None] + around[:, None], middle_column[:, None, None] + around
    ].double()
    # Relative to the peak: a large constant background would use up the digits.
    patches = patches - patches[:, 1:2, 1:2].clone()
    is_peak = is_inner & torch.isfinite(patches).all(2).all(1) & (patches <= 0).all(2).all(1)

    by_column, by_row = patches.sum(dim=1), patches.sum(dim=2)
    b = (by_column[:, 2] - by_column[:, 0]) / 6
    c = (by_row[:, 2] - by_row[:, 0]) / 6
    d = (by_column[:, 0] - 2 * by_column[:, 1] + by_column[:, 2]) / 6
    f = (by_row[:, 0] - 2 * by_row[:, 1] + by_row[:, 2]) / 6
    e = (patches[:, 2, 2] - patches[:, 2, 0] - patches[:, 0, 2] + patches[:, 0, 0]) / 4
    determinant = 4 * d * f - e**2
    has_top = is_peak & (d < 0) & (determinant > 0)
    top = torch.stack([e * c - 2 * f * b, e * b - 2 * d * c], dim=1)
    top = (top / determinant[:, None]).clamp(-0.5, 0.5)
    return torch.where(has_top[:, None], top, torch.zeros_like(top))
