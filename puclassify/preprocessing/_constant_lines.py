"""Rows and columns of one value, also in part, and regions that consist of them."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from puclassify._devices import take_rows
from puclassify.preprocessing._gray_scale import GrayScale

__all__ = ["constant_columns", "dead_pieces", "in_dead_columns", "in_dead_rows", "piece_length"]

_PIECES_OF_A_ROW = 32
_PIECES_OF_A_COLUMN = 8  # fewer, since columns are not read as a whole at first
_SHORTEST = 8  # pixels in a piece
_SEEN = 16  # pixels of a piece of a column that are looked at first
_CHANCE = 1e-3  # number of constant pieces to be expected, below which they are not chance
_INDEPENDENT = 0.25  # pixels in a pixel: neighbours are alike in smooth images
_SAMPLES_ALONG_AN_AXIS = 256
_ROWS_AT_ONCE = 128


def piece_length(length: int, n_pieces: int = _PIECES_OF_A_ROW) -> int:
    """Return the number of pixels in the pieces of a line; what remains belongs to the last."""
    return min(length, max(_SHORTEST, length // n_pieces))


def dead_pieces(
    level: np.ndarray,
    constant: np.ndarray,
    columns: np.ndarray,
    pixels: torch.Tensor,
    scale: GrayScale,
) -> np.ndarray:
    """Return which constant pieces of rows have a value that hardly occurs elsewhere.

    Where it is common, as the 0 of sparse counts, pieces are constant by chance. Elsewhere is
    outside constant pieces and ``columns`` (w,) that may have some.
    """
    if not constant.any():
        return constant
    step = -(-max(pixels.shape) // _SAMPLES_ALONG_AN_AXIS)
    some = scale.deviations(pixels[::step, ::step]).cpu().numpy()
    rows, across = (np.arange(0, n, step) for n in pixels.shape)
    length = piece_length(pixels.shape[1])
    elsewhere = ~constant[rows[:, None], _piece_of(across, length, pixels.shape[1])]
    elsewhere &= ~columns[across]
    others = some[elsewhere]
    return constant & _is_rare(level, others[np.isfinite(others)], length)


def in_dead_rows(
    pixels: torch.Tensor,
    scale: GrayScale,
    level: np.ndarray,
    dead: np.ndarray,
    marked: torch.Tensor,
) -> None:
    """Mark the pixels (h, w) in dead pieces of rows, and those beside them that have their value.

    They are followed as far as a piece is long, so that the slanted edge of a region is found.
    """
    if not dead.any():
        return
    width = pixels.shape[1]
    length = piece_length(width)
    distance, nearest = ndimage.distance_transform_edt(
        ~dead, sampling=(1 / length, 1), return_indices=True
    )
    near = distance < 1.5
    level = np.where(near, level[tuple(nearest)], np.float32(np.nan))
    piece = torch.from_numpy(_piece_of(np.arange(width), length, width)).to(pixels.device)
    for rows in torch.from_numpy(np.flatnonzero(near.any(axis=1))).split(_ROWS_AT_ONCE):
        levels = torch.from_numpy(level[rows.numpy()]).to(pixels.device)[:, piece]
        rows = rows.to(pixels.device)
        marked[rows] |= scale.deviations(take_rows(pixels, rows)) == levels


def constant_columns(
    pixels: torch.Tensor, scale: GrayScale, marked: torch.Tensor | None = None
) -> torch.Tensor:
    """Return which columns (w,) may have constant pieces, as far as some of their pixels show."""
    length = piece_length(len(pixels), _PIECES_OF_A_COLUMN)
    n_pieces, step = len(pixels) // length, max(1, length // _SEEN)

    def some_of(image: torch.Tensor) -> torch.Tensor:
        return image[: n_pieces * length].unflatten(0, (n_pieces, length))[:, ::step]

    values = scale.deviations(some_of(pixels))
    if marked is None:
        return (values.amin(1) == values.amax(1)).any(dim=0)
    return _constant(values, some_of(marked))[1].any(dim=0)


def in_dead_columns(pixels: torch.Tensor, scale: GrayScale, marked: torch.Tensor) -> None:
    """Mark the pixels (h, w) in dead pieces of columns, and those of their value in the next ones.

    Pixels that are marked already are looked past.
    """
    height = len(pixels)
    length = piece_length(height, _PIECES_OF_A_COLUMN)
    n_pieces = height // length
    columns = torch.nonzero(constant_columns(pixels, scale, marked))[:, 0]
    if not len(columns):
        return
    values, gone = scale.deviations(take_rows(pixels.T, columns)).T, marked[:, columns]
    pieces = (
        image[: n_pieces * length].unflatten(0, (n_pieces, length)) for image in (values, gone)
    )
    lowest, constant = (table.cpu().numpy() for table in _constant(*pieces))
    step = -(-max(pixels.shape) // _SAMPLES_ALONG_AN_AXIS)
    sampled = torch.where(marked[::step, ::step], np.nan, scale.deviations(pixels[::step, ::step]))
    # All pieces of the other columns vary.
    varies = np.ones((n_pieces, pixels.shape[1]), bool)
    varies[:, columns.cpu().numpy()] = ~constant
    rows = _piece_of(np.arange(0, height, step), length, height)
    others = sampled.cpu().numpy()[varies[rows][:, ::step]]
    n_all = varies.size
    dead = constant & _is_rare(lowest, others[np.isfinite(others)], length, n_all)
    if not dead.any():
        return
    beside = [np.where(dead, lowest, np.float32(np.nan))]
    for shift in (-1, 1):
        moved = np.roll(beside[0], shift, axis=0)
        moved[-1 if shift < 0 else 0] = np.nan
        beside.append(moved)
    piece = torch.from_numpy(_piece_of(np.arange(height), length, height)).to(pixels.device)
    found = torch.zeros_like(gone := marked[:, columns])
    for level in beside:
        found |= values == torch.from_numpy(level).to(pixels.device)[piece]
    marked[:, columns] = gone | found


def _constant(pieces: torch.Tensor, gone: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the lowest value along axis 1, and whether most pixels are there and have it."""
    lowest = pieces.masked_fill(gone, np.inf).amin(1)
    highest = pieces.masked_fill(gone, -np.inf).amax(1)
    return lowest, (lowest == highest) & (2 * gone.sum(1) < gone.shape[1])


def _is_rare(
    level: np.ndarray, others: np.ndarray, length: int, n_pieces: int | None = None
) -> np.ndarray:
    """Return which levels are too rare among other pixels to fill one of the pieces by chance."""
    if not len(others):
        return np.zeros(level.shape, bool)
    others = np.sort(others)
    found = np.searchsorted(others, level, "right") - np.searchsorted(others, level, "left")
    expected = (n_pieces or level.size) * (found / len(others)) ** (_INDEPENDENT * length)
    return expected < _CHANCE


def _piece_of(positions: np.ndarray, length: int, total: int) -> np.ndarray:
    return np.minimum(positions // length, total // length - 1)
