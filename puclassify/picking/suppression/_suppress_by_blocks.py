"""Non-maximum suppression in rounds over blocks, without sorting all positions."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import torch

from puclassify.picking.suppression._disc import Disc, make_disc

__all__ = ["suppress_by_blocks"]

_FEW = 12  # choices: a round with fewer costs more than choosing them one by one
_AT_ONCE = 1 << 20  # elements of the arrays that grow with blocks or picks: bounds memory


def suppress_by_blocks(
    values: torch.Tensor,
    radius: float,
    *,
    limit: float = -math.inf,
    inside: tuple[slice, slice] = np.s_[:, :],
    step_xy: tuple[float, float] = (1.0, 1.0),
) -> torch.Tensor:
    """Choose what `suppress_one_by_one` chooses, at a cost of about O(n + k A) for discs of A.

    The map is divided into blocks no larger than the disc's radius, so that a block holds at most
    one choice: its maximum. Each round chooses all maxima that no maximum of a block within reach
    exceeds, and empties their discs: nothing left in a disc could have come before its centre, and
    the best position of all is always among them. Then only the blocks around need a new maximum.
    Noise needs about 11 rounds, but scores that rise along a ramp as many as picks lie behind one
    another; so on a CPU, after a round with few choices, the rest is chosen one by one.
    """
    blocks = _Blocks(values, make_disc(values.shape, radius, step_xy), limit, inside)
    picks = []
    while len(chosen := blocks.unrivalled()):
        picks.append(blocks.choose(chosen))
        if len(chosen) < _FEW and values.device.type == "cpu":
            picks.append(blocks.choose_the_rest())
            break
    flat = blocks.on_map(torch.cat([*picks, chosen[:0]]), values.shape[1]).sort().values
    order = values.reshape(-1)[flat].sort(descending=True, stable=True).indices
    return flat[order]


class _Blocks:
    """A map on a board of blocks, and a table with the maximum of each block.

    The map lies in a margin of -inf, wide enough for the disc of every position of the map and
    the neighbours of every block on it. For a disc that reaches 4 positions along both axes,
    blocks have 2 x 2 positions and the margin is 2 blocks wide; around a map of 3 x 5::

            +-----+-----+-----+-----+-----+-----+-----+
            |     |     |     |     |     |     |     |
            +-----+-----+-----+-----+-----+-----+-----+
            |     |     |     |     |     |     |     |
            +-----+-----+-----+-----+-----+-----+-----+    O  origin: the first position of the map
            |     |     | O x | x x | x   |     |     |    x  other positions of the map
            |     |     | x x | x x | x   |     |     |       the rest is -inf
            +-----+-----+-----+-----+-----+-----+-----+
            |     |     | x x | x x | x   |     |     |
            |     |     |     |     |     |     |     |
            +-----+-----+-----+-----+-----+-----+-----+
            |     |     |     |     |     |     |     |
            +-----+-----+-----+-----+-----+-----+-----+
            |     |     |     |     |     |     |     |
            +-----+-----+-----+-----+-----+-----+-----+

    "Positions" are flat indices of the board and "blocks" flat indices of the table, so that a
    neighbour is always the same number away.
    """

    def __init__(self, values: torch.Tensor, disc: Disc, limit: float, inside):
        self.limit = limit
        # Half the reach: two blocks then reach just as far as a disc, and none is larger than it.
        self.side = [max(1, -(-reach // 2)) for reach in disc.reach]  # of a block, in positions
        self.margin = [-(-reach // side) for reach, side in zip(disc.reach, self.side)]  # in blocks
        self.origin = [margin * side for margin, side in zip(self.margin, self.side)]
        table = [-(-n // s) + 2 * m for n, s, m in zip(values.shape, self.side, self.margin)]
        height, width = (n * side for n, side in zip(table, self.side))
        self.board = _board(values, inside, self.origin, (height, width))
        self.discs = _Discs(disc, self.board)
        (rows, columns), (up, left), device = self.side, self.margin, values.device
        self.corners = _flat(range(0, height, rows), range(0, width, columns), width, device)
        self.in_block = _flat(range(rows), range(columns), width, device)  # from its corner
        around = _flat(range(-up, up + 1), range(-left, left + 1), table[1], device)
        self.around = around[around != 0]  # from a block to those that its discs reach
        self.best = self._maxima(table)
        if self.best.isnan().any():
            self.board.nan_to_num_(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
            self.best = self._maxima(table)

    def _maxima(self, table) -> torch.Tensor:
        strips = self.board.view(table[0], self.side[0], -1).amax(dim=1)
        return strips.view(*table, self.side[1]).amax(dim=2)

    def on_map(self, positions: torch.Tensor, map_width: int) -> torch.Tensor:
        """Turn positions into flat indices of the map."""
        width = self.board.shape[1]
        rows, columns = positions // width - self.origin[0], positions % width - self.origin[1]
        return rows * map_width + columns

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
        is_first = torch.ones_like(blocks, dtype=torch.bool)
        for some in contested.split(max(1, _AT_ONCE // max(1, len(self.around)))):
            rivals = near[some].view(-1).unique()
            position = torch.full_like(self.corners, self.board.numel())
            position[rivals] = self._positions(rivals)
            own = self._positions(blocks[some])
            is_first[some] = ~(tied[some] & (position[near[some]] < own[:, None])).any(dim=1)
        return blocks[is_first]

    def choose(self, blocks: torch.Tensor) -> torch.Tensor:
        """Choose the maxima of blocks and empty their discs; return the positions."""
        chosen = self._positions_of_maxima(blocks)
        self.discs.empty(chosen)
        best = self.best.view(-1)
        best.index_fill_(0, blocks, -math.inf)  # a disc covers the whole block of its centre
        touched = torch.zeros_like(best, dtype=torch.bool)
        touched.index_fill_(0, _sums(blocks, self.around), True)
        touched = torch.nonzero(touched & (best > self.limit))[:, 0]
        for some in touched.split(max(1, _AT_ONCE // len(self.in_block))):
            best.index_copy_(0, some, self._values(some).amax(dim=1))
        return chosen

    def choose_the_rest(self) -> torch.Tensor:
        """Choose what is left one by one, on a CPU; return the positions."""
        best, board, disc = self.best.numpy(), self.board.numpy(), self.discs.disc.mask()
        (height, width), (up, left) = self.side, self.discs.disc.reach
        chosen = []
        while (highest := best.max()) > self.limit:
            # Of equal maxima the first position, which need not be that of the first block.
            places = []
            for i, j in zip(*np.nonzero(best == highest)):
                block = board[i * height : (i + 1) * height, j * width : (j + 1) * width]
                row, column = divmod(int(np.argmax(block)), width)
                places.append((i * height + row, j * width + column, i, j))
            row, column, i, j = min(places)
            board[row - up : row + up + 1, column - left : column + left + 1][disc] = -math.inf
            first, last = i - self.margin[0], i + self.margin[0] + 1
            start, stop = j - self.margin[1], j + self.margin[1] + 1
            near = board[first * height : last * height, start * width : stop * width]
            near = near.reshape(last - first, height, stop - start, width)
            best[first:last, start:stop] = near.max(axis=(1, 3))
            chosen.append(row * board.shape[1] + column)
        return torch.tensor(chosen, dtype=torch.int64)

    def _positions(self, blocks: torch.Tensor) -> torch.Tensor:
        """Return the first position that holds the maximum of each block.

        Where none does, because the block was emptied but not looked at, it is beyond the board.
        """
        is_best = self._values(blocks) == self.best.view(-1)[blocks, None]
        # Several times as fast as argmax.
        first = torch.where(is_best, self.in_block, self.board.numel()).amin(dim=1)
        return self.corners[blocks] + first

    def _positions_of_maxima(self, blocks: torch.Tensor) -> torch.Tensor:
        """Return the same for blocks that hold their maxima, most of them once."""
        is_best = self._values(blocks) == self.best.view(-1).index_select(0, blocks)[:, None]
        where = torch.nonzero(is_best.view(-1))[:, 0]
        if len(where) > len(blocks):  # some have several
            return self._positions(blocks)
        in_block = self.in_block.index_select(0, where % len(self.in_block))
        return in_block.add_(self.corners.index_select(0, blocks))

    def _values(self, blocks: torch.Tensor) -> torch.Tensor:
        """Return the values of blocks, of shape (number of blocks, positions in a block)."""
        rows, columns = self.side
        starts = _sums(self.corners.index_select(0, blocks), self.in_block[::columns])
        return _runs(self.board, columns).index_select(0, starts).view(-1, rows * columns)


class _Discs:
    """Empties discs on a board, by runs of equal length."""

    def __init__(self, disc: Disc, board: torch.Tensor):
        self.disc = disc
        starts: dict[int, list[int]] = {}  # by length, from the disc's centre
        for row, half in disc.runs:
            starts.setdefault(2 * half + 1, []).append(row * board.shape[1] - half)
        self.starts = torch.tensor([*chain.from_iterable(starts.values())], device=board.device)
        self.runs = [_runs(board, length) for length in starts]
        self.counts = [len(of_length) for of_length in starts.values()]

    def empty(self, centres: torch.Tensor) -> None:
        """Set the discs around some positions to -inf."""
        starts = _sums(self.starts, centres).split([n * len(centres) for n in self.counts])
        for runs, of_length in zip(self.runs, starts, strict=True):
            runs.index_fill_(0, of_length, -math.inf)


def _board(values: torch.Tensor, inside, origin, shape) -> torch.Tensor:
    """Put a map on a board of -inf, without the positions that are not inside."""
    board = values.new_empty(shape)
    top, left = origin
    bottom, right = top + values.shape[0], left + values.shape[1]
    on_board = board[top:bottom, left:right]
    if values[inside].shape != values.shape:
        on_board.fill_(-math.inf)
    on_board[inside] = values[inside]
    for margin in (board[:top], board[bottom:], board[:, :left], board[:, right:]):
        margin.fill_(-math.inf)
    return board


def _runs(board: torch.Tensor, length: int) -> torch.Tensor:
    """View a board as all its runs of that many positions, one from every position on.

    Whole runs are read and written several times as fast as the same positions one by one.
    """
    return board.as_strided((board.numel() - length + 1, length), (1, 1))


def _flat(rows: range, columns: range, row_length: int, device) -> torch.Tensor:
    """Return the flat indices of all pairs of rows and columns."""
    i, j = (torch.arange(r.start, r.stop, r.step, device=device) for r in (rows, columns))
    return (i[:, None] * row_length + j).view(-1)


def _sums(numbers: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    return (numbers[:, None] + offsets).view(-1)


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
