"""Whether new micrographs are like those trained on, by the scores of their picks."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
from scipy.special import expit

from puclassify._warnings import warn
from puclassify.picking.estimates._pick_quality import PickQuality

__all__ = ["watched"]

_ENOUGH_PICKS = 5  # for their mean logit to say something
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

    A micrograph is unlike those trained on if the mean logit of its picks above ``threshold`` is
    lower than in one of 100 of them. Without estimates nothing is known, nor of a micrograph that
    was skipped and is None.
    """
    places, n_picks, sums, n_right = [], [], [], []
    for index, one in enumerate(results):
        yield one
        if quality is not None and one is not None:
            scores = picks_of(one)[:, 2]
            scores = scores[scores > threshold]
            places.append(index)
            n_picks.append(len(scores))
            sums.append(float(scores.sum()))
            n_right.append(float(expit(scores).sum()))
    if n_picks and quality is not None:
        numbers = np.array([places, n_picks, sums, n_right])
        _warn_if_unlike(*numbers, quality=quality, threshold=threshold)


def _warn_if_unlike(
    places, n_picks, sums, n_right, *, quality: PickQuality, threshold: float
) -> None:
    of_training = {name: one[0] for name, one in quality.expected(np.array([threshold])).items()}
    total = n_picks.sum()
    *lowest, lowest_of_all = quality.micrographs.lowest_mean_logit(
        threshold, np.append(n_picks, total)
    )
    unlike = np.flatnonzero((n_picks >= _ENOUGH_PICKS) & (sums < lowest * n_picks))
    if len(unlike) or (total >= _ENOUGH_PICKS and sums.sum() < lowest_of_all * total):
        which = unlike if len(unlike) else np.arange(len(n_picks))
        some = ", ".join(f"{place:.0f}" for place in places[which[:_NAMED]])
        some += ", ..." * (len(which) > _NAMED)
        expected = n_right[which].sum() / n_picks[which].sum()
        warn(
            f"micrographs unlike those trained on (of {len(n_picks)}, counted from 0): {some}. Of "
            f"their picks {expected:.0%} are expected to be right, {of_training['precision']:.0%} "
            f"there. {_CAUSES}"
        )
    elif len(n_picks) > 1 and total < _FEWEST * of_training["n_picks"] * len(n_picks):
        warn(
            f"{total:.0f} picks in {len(n_picks)} micrographs, where those trained on have "
            f"{of_training['n_picks']:.0f} each. Unless these are nearly empty, they are unlike "
            f"them. {_CAUSES}"
        )
