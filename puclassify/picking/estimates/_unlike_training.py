"""Whether new micrographs are like those trained on, by the scores of their picks."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
from scipy.special import expit

from puclassify._warnings import warn
from puclassify.picking.estimates._pick_quality import PickQuality

__all__ = ["watched"]

_ENOUGH_PICKS = 10  # for their mean probability to say something
_FEWEST = 0.25  # of the picks of a training micrograph
_NAMED = 5  # micrographs in a message

_CAUSES = (
    "Are contrast, pixel size, defocus and particle those of the training micrographs? Estimates "
    "do not hold for others: label some of these, and train on them, too"
)


def watched(
    results: Iterable, quality: PickQuality | None, threshold: float, picks_of=lambda one: one
) -> Generator:
    """Pass results of micrographs on; warn at the end where picks are unlike the training's.

    A micrograph is unlike those trained on if its picks above ``threshold`` have lower
    probabilities than those of one in 200 of them. Without estimates nothing is known.
    """
    n_picks, n_right = [], []
    for one in results:
        yield one
        if quality is not None:
            scores = picks_of(one)[:, 2]
            scores = scores[scores > threshold]
            n_picks.append(len(scores))
            n_right.append(float(expit(scores).sum()))
    if n_picks and quality is not None:
        _warn_if_unlike(np.array(n_picks), np.array(n_right), quality, threshold)


def _warn_if_unlike(
    n_picks: np.ndarray, n_right: np.ndarray, quality: PickQuality, threshold: float
) -> None:
    of_training = quality.report(threshold)
    total = n_picks.sum()
    *lowest, lowest_of_all = quality.micrographs.lowest_precision(
        threshold, np.append(n_picks, total)
    )
    precision = n_right / np.maximum(n_picks, 1)
    unlike = np.flatnonzero((n_picks >= _ENOUGH_PICKS) & (precision < lowest))
    if len(unlike) or (total >= _ENOUGH_PICKS and n_right.sum() / total < lowest_of_all):
        which = unlike if len(unlike) else np.arange(len(n_picks))
        some = ", ".join(map(str, which[:_NAMED])) + (", ..." if len(which) > _NAMED else "")
        expected = n_right[which].sum() / n_picks[which].sum()
        warn(
            f"micrographs unlike those trained on (of {len(n_picks)}, counted from 0): {some}. Of "
            f"their picks {expected:.0%} are expected to be right, {of_training['precision']:.0%} "
            f"there. {_CAUSES}"
        )
    elif len(n_picks) > 1 and total < _FEWEST * of_training["n_picks"] * len(n_picks):
        warn(
            f"{total} picks in {len(n_picks)} micrographs, where those trained on have "
            f"{of_training['n_picks']:.0f} each. Unless these are nearly empty, they are unlike "
            f"them. {_CAUSES}"
        )
