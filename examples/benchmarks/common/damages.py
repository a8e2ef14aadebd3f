"""Damage of detectors and of programs that align movies, done to sound micrographs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["DAMAGES", "damaged"]

Damage = Callable[[np.ndarray, np.random.Generator, float, float], None]


def damaged(name: str, pixels: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a float32 copy (h, w) with a damage, and which of its pixels are damaged."""
    before = np.array(pixels, np.float32)
    after = before.copy()
    median = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(before - median)))
    DAMAGES[name](after, np.random.default_rng(seed), median, spread)
    return after, after != before


def _frame(width: int, level: Callable[[float, float], float]) -> Damage:
    def damage(pixels, rng, median, spread):
        value = level(median, spread)
        pixels[:width] = pixels[-width:] = value
        pixels[:, :width] = pixels[:, -width:] = value

    return damage


def _set(where: Callable[[int, int], tuple], level: Callable[[float, float], float]) -> Damage:
    def damage(pixels, rng, median, spread):
        pixels[where(*pixels.shape)] = level(median, spread)

    return damage


def _hot(n: int, spreads: float, side: int = 1) -> Damage:
    def damage(pixels, rng, median, spread):
        for row, column in rng.integers(0, np.array(pixels.shape) - side, (n, 2)):
            pixels[row : row + side, column : column + side] += np.float32(spreads * spread)

    return damage


def _salt_and_pepper(pixels, rng, median, spread):
    which = rng.random(pixels.shape) < 0.001
    bright = rng.random(pixels.shape) < 0.5
    pixels[which] = (median + np.where(bright, 30, -30) * spread)[which]


def _tilted(pixels, rng, median, spread):
    row, column = np.indices(pixels.shape)
    pixels[column < 0.05 * row] = 0


def _saturated_noisily(pixels, rng, median, spread):
    pixels[:, -20:] = median + 1e4 * spread * (1 + rng.random((len(pixels), 20)))


def _beam_stop(depth: float) -> Damage:
    def damage(pixels, rng, median, spread):
        row, column = np.indices(pixels.shape)
        radius = pixels.shape[0] / 8
        stop = (row - pixels.shape[0]) ** 2 + (column - pixels.shape[1] / 2) ** 2 < radius**2
        pixels[stop] += np.float32(-depth * spread)

    return damage


def _not_finite(pixels, rng, median, spread):
    pixels[rng.random(pixels.shape) < 0.0005] = np.nan
    pixels[3, 4], pixels[5, 6] = np.inf, -np.inf


def _zero(median: float, spread: float) -> float:
    return 0.0


def _below(median: float, spread: float) -> float:
    return median - 6 * spread


def _bright(median: float, spread: float) -> float:
    return median + 1e4 * spread


DAMAGES: dict[str, Damage] = {
    "none": lambda pixels, rng, median, spread: None,
    "frame of 1 zero": _frame(1, _zero),
    "frame of 8 zeros": _frame(8, _zero),
    "frame of 40 zeros": _frame(40, _zero),
    "frame of 8 at -6 spreads": _frame(8, _below),
    "frame of 8 NaN": _frame(8, lambda median, spread: np.nan),
    "right side of 25 zeros": _set(lambda h, w: np.s_[:, -25:], _zero),
    "two sides of 13 and 9 zeros": lambda pixels, *_: (
        _set(lambda h, w: np.s_[:13], _zero)(pixels, *_),
        _set(lambda h, w: np.s_[:, :9], _zero)(pixels, *_),
    ),
    "slanted side of zeros": _tilted,
    "dead row": _set(lambda h, w: np.s_[h // 3], _zero),
    "dead column": _set(lambda h, w: np.s_[:, w // 3], _zero),
    "dead half column at -6 spreads": _set(lambda h, w: np.s_[: h // 2, w // 3], _below),
    "dead block": _set(lambda h, w: np.s_[h // 4 : h // 4 + 80, w // 4 : w // 4 + 60], _zero),
    "dead quadrant": _set(lambda h, w: np.s_[: h // 2, : w // 2], _zero),
    "1 pixel of 1e5 spreads": _hot(1, 1e5),
    "1 pixel of 1e30 spreads": _hot(1, 1e30),
    "20 pixels of 1000 spreads": _hot(20, 1e3),
    "20 pixels of 25 spreads": _hot(20, 25),
    "20 clusters of 3 x 3": _hot(20, 1e3, side=3),
    "hot column": _set(lambda h, w: np.s_[:, w // 2], _bright),
    "0.1 % salt and pepper": _salt_and_pepper,
    "saturated edge": _set(lambda h, w: np.s_[:, -20:], _bright),
    "saturated edge with noise": _saturated_noisily,
    "beam stop at -100 spreads": _beam_stop(100),
    "beam stop at -30 spreads": _beam_stop(30),
    "NaN and infinite pixels": _not_finite,
}
