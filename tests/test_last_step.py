import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify._last_step import last_step, own_prior, own_scenario


class WithPrior(DummyClassifier):
    """A classifier with the attribute and the parameter of this package's."""

    scenario = "single_training_set"

    def fit(self, X, y):
        self.prior_ = 0.25
        return super().fit(X, y)


@pytest.fixture
def search():
    pipeline = make_pipeline(StandardScaler(), WithPrior())
    grid = {"withprior__random_state": [0]}
    return GridSearchCV(pipeline, grid, cv=2).fit(np.zeros((8, 1)), np.arange(8) % 2)


def test_last_step_of_a_search_over_a_pipeline(search):
    assert type(last_step(search)) is WithPrior


@pytest.mark.parametrize("own", [None, "auto"])
def test_own_prior_and_scenario(search, own):
    assert own_prior(search, own, own=own) == 0.25
    assert own_scenario(search, own, own=own) == "single_training_set"


@pytest.mark.parametrize("own", [None, "auto"])
def test_given_ones_win(search, own):
    assert own_prior(search, 0.4, own=own) == 0.4
    assert own_scenario(search, "case_control", own=own) == "case_control"


def test_none_is_a_prior_where_auto_means_the_own_one(search):
    assert own_prior(search, None, own="auto") is None


def test_estimators_without_them():
    assert own_scenario(BaseEstimator(), None, own=None) == "case_control"
    assert own_prior(BaseEstimator(), None, own=None, required=False) is None
    with pytest.raises(
        ValueError, match=r"prior='auto' means .* BaseEstimator has none; give prior"
    ):
        own_prior(BaseEstimator(), "auto", own="auto", fix="prior=<number>")
