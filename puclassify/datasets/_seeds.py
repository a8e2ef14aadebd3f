"""Seeds of what is simulated."""

from __future__ import annotations

import numpy as np

from puclassify._parameters import check_whole_number

__all__ = ["seed_sequence"]


def seed_sequence(random_state) -> np.random.SeedSequence:
    """Turn a random_state into a seed sequence without touching NumPy's global generator.

    Parameters
    ----------
    random_state : int, RandomState instance, Generator or None
        As the caller gave it; of a generator, numbers are drawn.

    Returns
    -------
    numpy.random.SeedSequence
        For `numpy.random.default_rng`.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(random_state.randint(2**32, size=4, dtype=np.uint32).tolist())
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(random_state.integers(2**32, size=4).tolist())
    expected = "None, a whole number >= 0, a numpy RandomState or a numpy Generator"
    seed = check_whole_number(random_state, "random_state", at_least=0, expected=expected)
    return np.random.SeedSequence(seed)
