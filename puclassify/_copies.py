"""Examples that are copies of others."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from puclassify._warnings import warn

__all__ = ["numbers_of_equal", "warn_of_copies"]


def numbers_of_equal(samples: Iterable[np.ndarray]) -> np.ndarray | None:
    """Return a number for each sample, equal for equal ones; None if no two are."""
    numbers: dict[bytes, int] = {}
    same = np.array(
        [
            numbers.setdefault(blake2b(sample.tobytes(), digest_size=16).digest(), len(numbers))
            for sample in samples
        ]
    )
    return None if len(numbers) == len(same) else same


def warn_of_copies(same: np.ndarray, positive: np.ndarray, *, one_set: bool, what: str) -> None:
    """Warn of copies among samples, given their numbers.

    A labelled sample may be in an unlabelled sample that was drawn separately, but not twice in a
    single training set.
    """
    n_again = len(same) - sum(len(np.unique(same[of_kind])) for of_kind in (positive, ~positive))
    n_both = len(np.intersect1d(same[positive], same[~positive]))
    if n_again:
        warn(
            f"{n_again} of {len(same)} {what} in X are copies of others, value for value; they are "
            "held out together with them, but nearly equal ones cannot be told: pass groups to fit"
        )
    if n_both and one_set:
        warn(
            f"{n_both} of the {np.sum(positive)} labelled {what} in X are also there without a "
            "label, value for value. A single training set holds each example once: leave the "
            "unlabelled copies out, or pass scenario='case_control' if the unlabelled sample was "
            "drawn separately"
        )
