"""Random numbers that are even over the orders of magnitude."""

from __future__ import annotations

from typing import overload

import numpy as np

__all__ = ["log_uniform"]


@overload
def log_uniform(rng: np.random.Generator, low: float, high: float) -> float: ...


@overload
def log_uniform(rng: np.random.Generator, low: float, high: float, n: int) -> np.ndarray: ...


def log_uniform(rng, low, high, n=None):
    """Draw a positive number, or ``n`` of them, evenly in the logarithm."""
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), n))
    return float(drawn) if n is None else drawn
