"""Seeds of the simulations."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from puclassify._parameters import check_whole_number

__all__ = ["Seed", "seed_sequence"]

Seed: TypeAlias = int | np.random.RandomState | np.random.Generator | None


def seed_sequence(random_state: Seed) -> np.random.SeedSequence:
    """Turn a random_state into a seed sequence; NumPy's global generator is left alone."""
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(random_state.randint(2**32, size=4, dtype=np.uint32).tolist())
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(random_state.integers(2**32, size=4).tolist())
    expected = "None, a whole number >= 0, a numpy RandomState or a numpy Generator"
    seed = check_whole_number(random_state, "random_state", at_least=0, expected=expected)
    return np.random.SeedSequence(seed)
