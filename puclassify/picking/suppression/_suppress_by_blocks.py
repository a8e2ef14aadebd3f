"""Greedy non-maximum suppression in rounds that need no order of all positions."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import torch

__all__ = ["ROUNDING", "disc_runs", "greedy_maxima"]

# Positions on a grid of fractional step sit exactly on the radius only up to rounding.
ROUNDING = 1 + 1e-9

_FEW = 12  # choices of a round that costs more than as many choices one by one
_AT_ONCE = 1 << 20  # elements of the arrays that grow with blocks or picks: bounds memory


def greedy_maxima(
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
    values : Tensor of shape (height, width)
        The map, on any device; NaN marks positions that do not take part.
    radius : float
        Suppression radius, in the unit of ``step_xy``.
    limit : float, default=-inf
        Only values above it take part.
    inside : (slice, slice), default=everything
        Rows and columns that take part.
    step_xy : (float, float), default=(1.0, 1.0)
        Distance of neighbouring positions along x and y.

    Returns
    -------
    Tensor of shape (k,), int64
        Flat indices by descending value, equal values in ascending order of the index.

    Notes
    -----
    The result is that of the plain loop over all positions in that order. The map is divided into
    blocks no larger than the radius across, so that a block holds at most one choice: its maximum.
    In every round the maxima that no maximum of a block within reach exceeds are chosen at once
    and their discs emptied: nothing that is left in a disc could have come before them, and the
    best position of all is always among them. Only the blocks around are looked at anew. Rounds
    are few: about 11 on a map of noise, and as many as picks lie behind one another where scores
    rise along a ramp. On a CPU a round costs as much as a dozen choices one by one, which is how
    the rest is chosen after a round with fewer.

    Examples
    --------
    >>> import torch
    >>> from puclassify.picking.suppression._suppress_by_blocks import greedy_maxima
    >>> values = torch.tensor([[0.0, 5.0, 3.0, 0.0, 4.0]])
    >>> greedy_maxima(values, radius=1.5, limit=0)
    tensor([1, 4])
    """
    blocks = _Blocks(values, radius * ROUNDING, limit, inside, step_xy)
    picks = []
    while len(chosen := blocks.unrivalled()):
        picks.append(blocks.take(chosen))
        if len(chosen) < _FEW and values.device.type == "cpu":
            picks.append(blocks.take_the_rest())
            break
    flat = torch.cat([*picks, chosen[:0]]).sort().values
    order = values.reshape(-1)[flat].sort(descending=True, stable=True).indices
    return flat[order]


class _Blocks:
    """A map in blocks, and the maximum of each.

    Positions and blocks are numbered on a board that is the map with a margin around it, so that
    every disc and every neighbourhood lies on it.
    """

    def __init__(self, values, radius, limit, inside, step_xy):
        shape, step = values.shape, (step_xy[1], step_xy[0])
        runs, reach = disc_runs(shape, step, radius)
        # Half the reach: two blocks then reach just as far as a disc, and none is larger than it.
        side = [max(1, -(-r // 2)) for r in reach]
        self.margin = tuple(-(-r // s) for r, s in zip(reach, side))  # in blocks
        n_blocks = [-(-n // s) + 2 * m for n, s, m in zip(shape, side, self.margin)]
        self.top, self.left = (m * s for m, s in zip(self.margin, side))
        self.width, self.map_width = n_blocks[1] * side[1], shape[1]
        board = values.new_empty((n_blocks[0] * side[0], self.width))
        bottom, right = self.top + shape[0], self.left + shape[1]
        own = board[self.top : bottom, self.left : right]
        if values[inside].shape != shape:
            own.fill_(-math.inf)
        own[inside] = values[inside]
        for margin in (board[: self.top], board[bottom:], board[:, : self.left], board[:, right:]):
            margin.fill_(-math.inf)
        self.flat, self.limit, self.beyond = board.view(-1), limit, board.numel()

        def span(*limits):
            return torch.arange(*limits, device=values.device)

        rows, columns = (span(n) * s for n, s in zip(n_blocks, side))
        self.corner = (rows[:, None] * self.width + columns).view(-1)
        self.side, self.block_rows = side, span(side[0]) * self.width
        self.offsets = (self.block_rows[:, None] + span(side[1])).view(-1)
        rows, columns = (span(-m, m + 1) for m in self.margin)
        around = (rows[:, None] * n_blocks[1] + columns).view(-1)
        self.around = around[around != 0]
        self.runs, by_length = runs, _by_length(runs, self.width)
        self.starts = torch.tensor([*chain.from_iterable(by_length.values())], device=values.device)
        self.runs_of_length = [
            (self._rows(length), len(starts)) for length, starts in by_length.items()
        ]
        # A table: one row for every row of blocks.
        self.best = self._maxima(board, n_blocks)
        if self.best.isnan().any():
            board.nan_to_num_(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
            self.best = self._maxima(board, n_blocks)

    def _maxima(self, board, n_blocks):
        strips = board.view(n_blocks[0], self.side[0], self.width).amax(dim=1)
        return strips.view(*n_blocks, self.side[1]).amax(dim=2)

    def unrivalled(self) -> torch.Tensor:
        """Return the blocks with a maximum that comes before those of all blocks around."""
        highest = _highest_around(self.best, self.margin)
        before = (self.best.numel() - len(highest)) // 2
        best = self.best.view(-1)[before : before + len(highest)]
        blocks = torch.nonzero((best == highest) & (best > self.limit))[:, 0].add_(before)
        maxima = self.best.view(-1).index_select(0, blocks)
        ordered = maxima.sort().values
        if not (ordered[1:] == ordered[:-1]).any():
            return blocks
        # Equal values: the smaller position goes first.
        near = blocks[:, None] + self.around
        tied = self.best.view(-1)[near] == maxima[:, None]
        contested = torch.nonzero(tied.any(dim=1))[:, 0]
        goes = torch.ones_like(blocks, dtype=torch.bool)
        for part in contested.split(max(1, _AT_ONCE // max(1, len(self.around)))):
            others = near[part].view(-1).unique()
            at = torch.full_like(self.corner, self.flat.numel())
            at[others] = self.positions(others)
            mine = self.positions(blocks[part])
            goes[part] = ~(tied[part] & (at[near[part]] < mine[:, None])).any(dim=1)
        return blocks[goes]

    def take(self, blocks) -> torch.Tensor:
        """Choose the maxima of blocks and empty their discs; return their indices on the map."""
        chosen = self._positions_of_chosen(blocks)
        starts = _sums(self.starts, chosen).split([n * len(chosen) for _, n in self.runs_of_length])
        for (rows, _), of_length in zip(self.runs_of_length, starts, strict=True):
            rows.index_fill_(0, of_length, -math.inf)
        best = self.best.view(-1)
        best.index_fill_(0, blocks, -math.inf)  # a disc covers the whole block of its centre
        touched = torch.zeros_like(best, dtype=torch.bool)
        touched.index_fill_(0, _sums(blocks, self.around), True)
        touched = torch.nonzero(touched & (best > self.limit))[:, 0]
        for part in touched.split(max(1, _AT_ONCE // math.prod(self.side))):
            best.index_copy_(0, part, self._values(part).amax(dim=1))
        rows, columns = chosen // self.width - self.top, chosen % self.width - self.left
        return rows * self.map_width + columns

    def take_the_rest(self) -> torch.Tensor:
        """Choose what is left one by one, on a CPU; return the indices on the map."""
        best, (height, width) = self.best.numpy(), self.side
        board = self.flat.numpy().reshape(-1, self.width)
        rows, columns = self.margin
        across = 2 * rows + 1, 2 * columns + 1
        up, left = rows * height, columns * width
        disc = np.zeros((2 * up + 1, 2 * left + 1), dtype=bool)
        for row, half in self.runs:
            disc[up + row, left - half : left + half + 1] = True
        taken = []
        while (highest := best.max()) > self.limit:
            # Of equal maxima the first position, which need not be that of the first block.
            places = []
            for i, j in zip(*np.nonzero(best == highest)):
                block = board[i * height : (i + 1) * height, j * width : (j + 1) * width]
                row, column = divmod(int(np.argmax(block)), width)
                places.append((i * height + row, j * width + column, i, j))
            row, column, i, j = min(places)
            window = board[row - up : row + up + 1, column - left : column + left + 1]
            window[disc] = -math.inf
            i, j = i - rows, j - columns
            near = board[i * height : (i + across[0]) * height, j * width : (j + across[1]) * width]
            near = near.reshape(across[0], height, across[1], width).max(axis=(1, 3))
            best[i : i + across[0], j : j + across[1]] = near
            taken.append((row - self.top) * self.map_width + column - self.left)
        return torch.tensor(taken, dtype=torch.int64)

    def positions(self, blocks) -> torch.Tensor:
        """Find the first position on the board that holds the maximum of each block.

        Where none does, because it was emptied and left alone, the answer lies beyond the board.
        """
        is_best = self._values(blocks) == self.best.view(-1)[blocks, None]
        # Several times as fast as argmax.
        return self.corner[blocks] + torch.where(is_best, self.offsets, self.beyond).amin(dim=1)

    def _positions_of_chosen(self, blocks) -> torch.Tensor:
        is_best = self._values(blocks) == self.best.view(-1).index_select(0, blocks)[:, None]
        where = torch.nonzero(is_best.view(-1))[:, 0]
        if len(where) > len(blocks):  # some have several
            return self.positions(blocks)
        within = self.offsets.index_select(0, where % len(self.offsets))
        return within.add_(self.corner.index_select(0, blocks))

    def _values(self, blocks):
        rows = self._rows(self.side[1])
        values = rows.index_select(0, _sums(self.corner.index_select(0, blocks), self.block_rows))
        return values.view(len(blocks), math.prod(self.side))

    def _rows(self, length):
        """View the board as all its runs of so many positions, one from every position on.

        Whole runs are read and written several times as fast as the same positions one by one.
        """
        return self.flat.as_strided((self.flat.numel() - length + 1, length), (1, 1))


def _highest_around(table: torch.Tensor, reach) -> torch.Tensor:
    """Return the maximum of the rectangle around every entry of a table with a margin as wide.

    The entries are in one row, without those within the reach of the two ends.
    """
    flat = table.view(-1)
    for stride, distance in zip((table.shape[1], 1), reach):
        # Windows of 2, 4, 8, ... entries, and two of these that overlap for the whole length; what
        # they reach over the end of a row is margin.
        length, window = 1, 2 * distance + 1
        while length < window:
            shift = min(length, window - length)
            flat = torch.maximum(flat[: -shift * stride], flat[shift * stride :])
            length += shift
    return flat


def disc_runs(shape, step, radius) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Describe a disc by the positions of each of its rows.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the map, beyond which there is no need to go.
    step : (float, float)
        Distance of neighbouring positions along y and x.
    radius : float
        Radius of the disc in the same unit.

    Returns
    -------
    runs : list of (int, int)
        Every row, counted from the centre, and how far it reaches to either side.
    reach : (int, int)
        The largest of each.
    """
    reach = tuple(min(int(radius / s), n - 1) for s, n in zip(step, shape))
    runs = []
    for row in range(-reach[0], reach[0] + 1):
        half = 0
        while half < reach[1] and (row * step[0]) ** 2 + ((half + 1) * step[1]) ** 2 <= radius**2:
            half += 1
        runs.append((row, half))
    return runs, (reach[0], reach[1])


def _by_length(runs, width: int) -> dict[int, list[int]]:
    """Return where the runs of a disc start on a board of that width, from the centre."""
    by_length: dict[int, list[int]] = {}
    for row, half in runs:
        by_length.setdefault(2 * half + 1, []).append(row * width - half)
    return by_length


def _sums(numbers: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    return (numbers[:, None] + offsets).view(-1)
