"""Greedy non-maximum suppression for a GPU: whole maps at once, and hardly a word with the host."""

from __future__ import annotations

import math

import torch

from puclassify.picking.suppression._suppress_by_blocks import ROUNDING, disc_runs

__all__ = ["greedy_ranks", "suits_ranks"]

_ROUNDS_AT_ONCE = 6  # between two questions to the device; noise takes about 10 in all
_PAIRS_AT_ONCE = 1 << 24  # of positions and what is in their discs: bounds memory


def suits_ranks(values: torch.Tensor, radius: float, step_xy=(1.0, 1.0)) -> bool:
    """Tell whether `greedy_ranks` is the faster way to the picks of a map.

    Parameters
    ----------
    values, radius, step_xy
        As of `greedy_ranks`.

    Returns
    -------
    bool
        True for maps on a GPU whose positions have small discs: those of a network with a stride.
    """
    in_disc = math.pi * radius**2 / (step_xy[0] * step_xy[1])
    return values.device.type == "cuda" and values.numel() * (in_disc + 1) <= _PAIRS_AT_ONCE


def greedy_ranks(
    values: torch.Tensor,
    radius: float,
    *,
    limit: float = -math.inf,
    inside: tuple[slice, slice] = (slice(None), slice(None)),
    step_xy=(1.0, 1.0),
) -> torch.Tensor:
    """Choose positions of a map, best first, none within a radius of a better chosen one.

    Parameters
    ----------
    values, radius, limit, inside, step_xy
        As of `puclassify.picking.suppression._suppress_by_blocks.greedy_maxima`.

    Returns
    -------
    Tensor of shape (k,), int64
        Flat indices by descending value, equal values in ascending order of the index.

    Notes
    -----
    The result is that of `greedy_maxima`. Every position gets its rank, so that no two are equal.
    In a round all positions whose rank is the highest of their disc are chosen, and every position
    with a chosen one in its disc leaves. That is a dozen operations on all positions and their
    discs, none of which has to know how many there are: a GPU is done with them before the host
    could ask.

    Examples
    --------
    >>> import torch
    >>> from puclassify.picking.suppression._suppress_by_ranks import greedy_ranks
    >>> values = torch.tensor([[0.0, 5.0, 3.0, 0.0, 4.0]])
    >>> greedy_ranks(values, radius=1.5, limit=0)
    tensor([1, 4])
    """
    height, width = values.shape
    runs, (up, left) = disc_runs(values.shape, (step_xy[1], step_xy[0]), radius * ROUNDING)
    takes_part = torch.zeros_like(values, dtype=torch.bool)
    takes_part[inside] = values[inside] > limit
    # Adding 0 makes one number of 0 and -0.
    best_first = torch.where(takes_part, values + 0.0, -math.inf).view(-1)
    order = best_first.sort(descending=True, stable=True).indices
    ranks = torch.empty_like(order, dtype=torch.int32)
    ranks[order] = torch.arange(len(order), 0, -1, dtype=torch.int32, device=values.device)

    # On a board with a margin, every disc is the same sum of offsets; a rank of 0 is out.
    board = ranks.new_zeros(height + 2 * up, width + 2 * left)
    own = board[up : up + height, left : left + width]
    own.copy_(ranks.view(height, width) * takes_part)
    chosen = torch.zeros_like(board)
    offsets = torch.tensor(
        [row * board.shape[1] + k for row, half in runs for k in range(-half, half + 1)],
        dtype=torch.int32,
        device=values.device,
    )
    board, chosen = board.view(-1), chosen.view(-1)
    while len(left_over := torch.nonzero(board)[:, 0]):
        discs = (left_over[:, None].int() + offsets).view(-1)
        ranks = board.index_select(0, left_over)
        taken = torch.zeros_like(ranks)
        for _ in range(_ROUNDS_AT_ONCE):
            highest = board.index_select(0, discs).view(len(left_over), -1).amax(dim=1)
            taken = torch.where(highest == ranks, ranks, 0).maximum(taken)
            chosen.index_copy_(0, left_over, taken)
            best_taken = chosen.index_select(0, discs).view(len(left_over), -1).amax(dim=1)
            ranks = ranks.masked_fill(best_taken > 0, 0)
            board.index_copy_(0, left_over, ranks)
    chosen = chosen.view(height + 2 * up, width + 2 * left)
    chosen = chosen[up : up + height, left : left + width].reshape(-1)
    picks = torch.nonzero(chosen)[:, 0]
    return picks[chosen[picks].sort(descending=True).indices]
