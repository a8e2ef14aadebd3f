"""Where to cut a list of candidates whose probabilities are known."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from puclassify._parameters import is_number

__all__ = [
    "RULES",
    "check_threshold",
    "check_thresholds",
    "choose_threshold",
    "cuts",
    "is_rule",
    "quality",
]

RULES = ("precision", "recall")
_BEST_F1 = ("auto", "expected_f1")


def check_threshold(threshold, *, also: str = ""):
    """Refuse what is neither a logit nor a rule.

    Parameters
    ----------
    threshold : float, str or (str, float)
        The threshold.
    also : str, default=""
        What else the message says is taken.

    Returns
    -------
    float, str or (str, float)
        The same.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(threshold, str) and threshold in _BEST_F1:
        return threshold
    if is_number(threshold) and not np.isnan(threshold):
        return float(threshold)
    if isinstance(threshold, Sequence) and not isinstance(threshold, str) and len(threshold) == 2:
        name, target = threshold
        if name in RULES and is_number(target) and 0 < target < 1:
            return name, float(target)
    raise ValueError(
        f"threshold must be a number (a logit), 'auto', 'expected_f1', ('precision', p) or "
        f"('recall', r) with p or r between 0 and 1{also}; got {threshold!r}"
    )


def check_thresholds(thresholds) -> np.ndarray:
    """Refuse what is no sequence of logits.

    Parameters
    ----------
    thresholds : array-like of shape (m,)
        What the caller passed.

    Returns
    -------
    ndarray of shape (m,)
        The same as numbers.

    Raises
    ------
    ValueError
        If it has another shape, or one of them is NaN.
    """
    thresholds = np.asarray(thresholds, dtype=float)
    if thresholds.ndim != 1 or np.isnan(thresholds).any():
        raise ValueError(
            "thresholds must be a sequence of logits, none of them NaN, got an array of "
            f"shape {thresholds.shape} with {np.isnan(thresholds).sum()} NaN"
        )
    return thresholds


def is_rule(threshold) -> bool:
    """Tell whether a threshold that was checked takes estimates to find.

    Parameters
    ----------
    threshold : float, str or (str, float)
        The threshold.

    Returns
    -------
    bool
        False for a number.
    """
    return not is_number(threshold)


def quality(
    logits, thresholds, found: float, max_picks: int | None = None
) -> dict[str, np.ndarray]:
    """Expect precision, recall and F1 of the candidates above thresholds.

    Parameters
    ----------
    logits : ndarray of shape (n,)
        Of all candidates.
    thresholds : array-like of shape (m,)
        Logits.
    found : float
        Share of the particles that have a candidate.
    max_picks : int or None, default=None
        Of more candidates above a threshold, only so many are picks, the best.

    Returns
    -------
    dict of ndarray of shape (m,)
        ``n_picks``, ``n_particles``, ``precision`` (NaN without picks), ``recall`` and ``f1``.
    """
    ascending = np.sort(logits)
    n_picks = len(ascending) - np.searchsorted(ascending, thresholds, side="right")
    if max_picks is not None:
        n_picks = np.minimum(n_picks, max_picks)
    n_right = np.append(0.0, np.cumsum(expit(ascending[::-1])))
    n_particles = np.full(n_picks.shape, n_right[-1] / found)
    n_right = n_right[n_picks]
    with np.errstate(invalid="ignore"):  # 0 / 0 without picks, or without candidates
        f1 = 2 * n_right / (n_picks + n_particles)
        return {
            "n_picks": n_picks,
            "n_particles": n_particles,
            "precision": n_right / n_picks,
            "recall": n_right / n_particles,
            "f1": np.nan_to_num(f1, nan=0.0),
        }


def cuts(logits) -> tuple[np.ndarray, np.ndarray]:
    """Return where candidates can be cut in two.

    Parameters
    ----------
    logits : ndarray of shape (n,)
        Of all candidates. Equal ones stay together.

    Returns
    -------
    thresholds : ndarray of shape (m,), descending
        Halfway between two candidates; the last one is below all of them.
    n_picks : ndarray of shape (m,)
        Candidates above each.
    """
    ascending, counts = np.unique(logits, return_counts=True)
    below = np.append(ascending[0] - 1, ascending[:-1])
    return ((ascending + below) / 2)[::-1], np.cumsum(counts[::-1])


def choose_threshold(rule, logits, found: float) -> float:
    """Find the logit at which a rule cuts candidates.

    Parameters
    ----------
    rule : str or (str, float)
        "auto" and "expected_f1" make the expected F1 largest; ``("precision", p)`` takes as many
        as have an expected precision of p, ``("recall", r)`` as few as have a recall of r.
    logits : ndarray of shape (n,)
        Of all candidates.
    found : float
        Share of the particles that have a candidate.

    Returns
    -------
    float
        Halfway between two candidates.

    Warns
    -----
    UserWarning
        If no threshold is expected to reach a precision or recall; the one that comes nearest is
        taken.
    """
    thresholds, n_picks = cuts(logits)
    n_right = np.cumsum(expit(np.sort(logits)[::-1]))[n_picks - 1]
    n_particles = n_right[-1] / found
    name, target = (rule, None) if isinstance(rule, str) else rule
    if target is None:
        last = int(np.argmax(n_right / (n_picks + n_particles)))
    else:
        reached = n_right / (n_picks if name == "precision" else n_particles)
        enough = np.flatnonzero(reached >= target)
        if len(enough):
            last = int(enough[-1 if name == "precision" else 0])
        else:
            last = 0 if name == "precision" else len(thresholds) - 1
            warnings.warn(
                f"threshold={rule!r} is out of reach: the {name} is expected to be "
                f"{reached[last]:.3f} at most, which is what the threshold gives",
                UserWarning,
                stacklevel=5,
            )
    return float(thresholds[last])
