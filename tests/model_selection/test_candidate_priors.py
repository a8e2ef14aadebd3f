"""A search over the prior scores each candidate with its own, which nobody notices."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify.model_selection import make_pu_scorer

MESSAGE = r"pu_f1 has scored estimators with prior=0\.2 and with prior=0\.4, each with its own"


class ByFirstFeature(ClassifierMixin, BaseEstimator):
    """Predicts by the first feature; a prior "estimated" depends on the examples."""

    def __init__(self, prior=0.3, by=0.0):
        self.prior = prior
        self.by = by

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.prior_ = 0.3 + 0.01 * np.mean(X) if self.prior == "estimated" else self.prior
        return self

    def predict(self, X):
        return (X[:, 0] > self.by).astype(int)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    X[:300, 0] += 2.0
    y = np.zeros(600, dtype=int)
    y[:200] = 1
    return X, y


@pytest.mark.parametrize("named", [True, False])
def test_a_search_over_the_prior_warns_once(data, named):
    grid = {"prior": [0.2, 0.4, 0.6], "by": [0.5, 1.0]}
    scoring = "pu_f1" if named else make_pu_scorer("f1")
    with pytest.warns(UserWarning, match=MESSAGE) as caught:
        GridSearchCV(ByFirstFeature(), grid, scoring=scoring, cv=3).fit(*data)
    assert len(caught) == 1


def test_in_a_pipeline(data):
    pipeline = make_pipeline(StandardScaler(with_mean=False), ByFirstFeature())
    grid = {"byfirstfeature__prior": [0.2, 0.4]}
    with pytest.warns(UserWarning, match=MESSAGE):
        GridSearchCV(pipeline, grid, scoring="pu_f1", cv=3).fit(*data)


@pytest.mark.parametrize(
    ("grid", "scoring"),
    [
        ({"prior": [0.2, 0.4]}, make_pu_scorer("f1", prior=0.3)),
        ({"prior": [0.2, 0.4]}, "pu_lee_liu"),
        ({"by": [0.5, 1.0]}, "pu_f1"),
        ({"prior": ["estimated"]}, "pu_f1"),
    ],
    ids=["prior of the scorer", "needs none", "others", "estimated"],
)
def test_comparable_candidates(data, grid, scoring):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GridSearchCV(ByFirstFeature(), grid, scoring=scoring, cv=3).fit(*data)


def test_two_scorers_by_name(data):
    for prior in (0.2, 0.4):
        cross_val_score(ByFirstFeature(prior), *data, scoring="pu_f1", cv=3)
