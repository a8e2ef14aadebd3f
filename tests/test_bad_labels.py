"""Labels and scores that mean nothing, given to everything that takes labels."""

import warnings

import numpy as np
import pandas as pd
import pytest

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.calibration import PUPlattScaling
from puclassify.metrics import (
    match_picks,
    pick_average_precision_score,
    pick_precision_recall_curve,
    pu_accuracy_score,
    pu_average_precision_score,
    pu_calibration_error,
    pu_f1_score,
    pu_precision_score,
    pu_recall_score,
    pu_risk_score,
    pu_roc_auc_score,
)
from puclassify.picking import check_orientation
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior
from puclassify.regions import sample_regions

RNG = np.random.default_rng(0)
IMAGES = [RNG.normal(size=(96, 96)).astype(np.float32) for _ in range(3)]
CENTRES = [RNG.uniform(10, 80, (5, 2)) for _ in range(3)]
Y, SCORES = np.repeat([1, 0], [20, 40]), RNG.normal(size=60)
ROWS = RNG.normal(size=(60, 3)).astype(np.float32)

BAD_LABELS = {
    "None": None,
    "a number": 1,
    "a text": "labels",
    "nothing": [],
    "one less": Y[1:],
    "one more": np.append(Y, 1),
    "two columns": np.column_stack([Y, Y]),
    "NaN": np.where(np.arange(60) == 5, np.nan, Y),
    "infinite": np.where(np.arange(60) == 5, np.inf, Y),
    "all labelled": np.ones(60),
    "none labelled": np.zeros(60),
    "three classes": np.arange(60) % 3,
    "numbers between": Y * 0.5,
    "complex": Y + 1j,
    "objects": np.array([object()] * 60),
    "a mapping": dict(enumerate(Y)),
    "a set": {0, 1},
    "a gap": pd.Series(Y, dtype="Int64").where(np.arange(60) != 5),
    "words": np.array(["here", "there"])[Y],
    "dates": np.array(["2026-01-01"] * 60, dtype="datetime64[D]"),
}
BAD_SCORES = {
    name: BAD_LABELS[name]
    for name in ("None", "a number", "a text", "nothing", "one less", "one more", "two columns")
    + ("NaN", "complex", "objects", "a mapping", "a set", "words", "dates")
}
BAD_CENTRES = {
    "None": None,
    "a number": 5.0,
    "a text": "labels",
    "a flat list": [1.0, 2.0],
    "three columns": np.zeros((4, 3)),
    "one column": np.zeros((4, 1)),
    "NaN": [[5.0, np.nan]],
    "infinite": [[5.0, np.inf]],
    "complex": np.ones((2, 2)) * 1j,
    "words": [["here", "there"]],
    "objects": [[object(), object()]],
    "a mapping": {"x": 1.0, "y": 2.0},
    "a ragged list": [[1.0, 2.0], [3.0]],
    "outside": [[5000.0, 7000.0]] * 4,
    "huge": [[1e300, 1e300]] * 4,
    "far below zero": [[-500.0, -700.0]] * 4,
    "a frame without x": pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]}),
    "dates": np.array([["2026-01-01"] * 2], dtype="datetime64[D]"),
}
CLASSIFIERS = [
    lambda y: PUImageClassifier(max_epochs=1).fit(ROWS, y),
    *(
        lambda y, kind=kind: kind().fit_scores(SCORES, y)
        for kind in (BBEPrior, DEDPULPrior, ElkanNotoPrior)
    ),
    lambda y: PUPlattScaling(0.3).fit(SCORES, y),
]
METRICS = [
    pu_accuracy_score,
    pu_average_precision_score,
    pu_calibration_error,
    pu_f1_score,
    pu_precision_score,
    pu_recall_score,
    pu_risk_score,
    pu_roc_auc_score,
]
PICKERS = {
    "fit": lambda y: ParticlePicker(
        20, classifier=PUImageClassifier("conv31", max_epochs=1), threshold=0.0, label_radius=5
    ).fit(IMAGES, y),
    "check_orientation": lambda y: check_orientation(IMAGES, y),
    "sample_regions": lambda y: sample_regions(IMAGES, y),
    "match_picks": lambda y: match_picks(CENTRES, y, radius=5.0),
    "average precision": lambda y: pick_average_precision_score(y, SCORED, radius=5.0),
    "curve": lambda y: pick_precision_recall_curve(y, SCORED, radius=5.0),
}
ANYWHERE = ("outside", "huge", "far below zero")  # of micrographs whose size is not known
SCORED = [np.column_stack([xy, xy[:, 0]]) for xy in CENTRES]


def refuses(call, *arguments):
    with warnings.catch_warnings(action="ignore"), pytest.raises((ValueError, TypeError)) as caught:
        call(*arguments)
    message = str(caught.value)
    assert len(message) > 20
    assert not any(text in message for text in ("broadcast", "subscriptable", "NoneType' object"))


@pytest.mark.parametrize("fit", CLASSIFIERS)
@pytest.mark.parametrize("kind", BAD_LABELS)
def test_labels_of_examples(fit, kind):
    refuses(fit, BAD_LABELS[kind])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", [kind for kind in BAD_LABELS if kind != "words"])
def test_labels_of_metrics(metric, kind):
    of_labels = (pu_accuracy_score, pu_f1_score, pu_precision_score, pu_recall_score)
    predicted = Y if metric in of_labels else 1 / (1 + np.exp(SCORES))
    refuses(lambda y: metric(y, predicted, prior=0.3), BAD_LABELS[kind])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", BAD_SCORES)
def test_scores_of_metrics(metric, kind):
    refuses(lambda scores: metric(Y, scores, prior=0.3), BAD_SCORES[kind])


@pytest.mark.parametrize("use", PICKERS)
@pytest.mark.parametrize("kind", BAD_CENTRES)
@pytest.mark.parametrize("which", ["of all", "of one"])
def test_centres(use, kind, which):
    if which == "of one" and (
        kind == "three columns"  # the last one is a score
        or (kind in ANYWHERE and use not in ("fit", "sample_regions"))
    ):
        return
    bad = BAD_CENTRES[kind]
    refuses(PICKERS[use], bad if which == "of all" else [CENTRES[0], bad, CENTRES[2]])
