"""Non-maximum suppression for a GPU: processes whole maps at once, with few synchronisations."""

from __future__ import annotations

import math

import numpy as np
import torch

from puclassify.picking.suppression._disc import make_disc

__all__ = ["suits_ranks", "suppress_by_ranks"]

_ROUNDS_AT_ONCE = 6  # before the host asks what is left; noise needs about 10 in all
_PAIRS_AT_ONCE = 1 << 24  # of positions and what is in their discs: bounds memory


def suits_ranks(values: torch.Tensor, radius: float, step_xy=(1.0, 1.0)) -> bool:
    """Return whether `suppress_by_ranks` is the fastest way: for small discs on a GPU."""
    in_disc = math.pi * radius**2 / (step_xy[0] * step_xy[1])
    return values.device.type == "cuda" and values.numel() * (in_disc + 1) <= _PAIRS_AT_ONCE


def suppress_by_ranks(
    values: torch.Tensor,
    radius: float,
    *,
    limit: float = -math.inf,
    inside: tuple[slice, slice] = np.s_[:, :],
    step_xy: tuple[float, float] = (1.0, 1.0),
) -> torch.Tensor:
    """Choose what `suppress_one_by_one` chooses, without asking the device for sizes in between.

    Every position gets a rank, so that no two are equal. Each round chooses all positions whose
    rank is the highest of their disc, and drops every position with a chosen one in its disc: a
    dozen operations on all positions and their discs. A GPU is done with them before the host
    could ask how many are left.
    """
    height, width = values.shape
    disc = make_disc(values.shape, radius, step_xy)
    up, left = disc.reach
    takes_part = torch.zeros_like(values, dtype=torch.bool)
    takes_part[inside] = values[inside] > limit
    # Adding 0 makes one number of 0 and -0.
    best_first = torch.where(takes_part, values + 0.0, -math.inf).view(-1)
    order = best_first.sort(descending=True, stable=True).indices
    ranks = torch.empty_like(order, dtype=torch.int32)
    ranks[order] = torch.arange(len(order), 0, -1, dtype=torch.int32, device=values.device)

    # On a board with a margin, every disc is the same sum of offsets; a rank of 0 is out.
    board = ranks.new_zeros(height + 2 * up, width + 2 * left)
    on_map = np.s_[up : up + height, left : left + width]
    board[on_map] = ranks.view(height, width) * takes_part
    chosen = torch.zeros_like(board)
    offsets = torch.tensor(
        [row * board.shape[1] + k for row, half in disc.runs for k in range(-half, half + 1)],
        dtype=torch.int32,
        device=values.device,
    )
    flat, flat_chosen = board.view(-1), chosen.view(-1)
    while len(remaining := torch.nonzero(flat)[:, 0]):
        discs = (remaining[:, None].int() + offsets).view(-1)
        ranks = flat.index_select(0, remaining)
        taken = torch.zeros_like(ranks)
        for _ in range(_ROUNDS_AT_ONCE):
            highest = flat.index_select(0, discs).view(len(remaining), -1).amax(dim=1)
            taken = torch.where(highest == ranks, ranks, 0).maximum(taken)
            flat_chosen.index_copy_(0, remaining, taken)
            best_taken = flat_chosen.index_select(0, discs).view(len(remaining), -1).amax(dim=1)
            ranks = ranks.masked_fill(best_taken > 0, 0)
            flat.index_copy_(0, remaining, ranks)
    ranks_of_chosen = chosen[on_map].reshape(-1)
    picks = torch.nonzero(ranks_of_chosen)[:, 0]
    return picks[ranks_of_chosen[picks].sort(descending=True).indices]
