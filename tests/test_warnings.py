"""Warnings that point at the user's own line."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import cross_val_score

from puclassify import _warnings

_SCOPE = {"__name__": "puclassify.somewhere", "warn": _warnings.warn}
exec(
    "def inner(*category): warn('suspicious', *category)\ndef outer(*category): inner(*category)",
    _SCOPE,
)
in_package = _SCOPE["outer"]  # two frames of a module of the package


class Suspicious(BaseEstimator):
    def fit(self, X, y):
        in_package()
        return self

    def score(self, X, y):
        return 0.0


def first_line_of(function) -> int:
    return function.__code__.co_firstlineno


def test_points_at_the_line_that_called_the_package():
    with pytest.warns(UserWarning, match="suspicious") as record:
        in_package()
    line = first_line_of(test_points_at_the_line_that_called_the_package) + 2
    assert (record[0].filename, record[0].lineno) == (__file__, line)


def test_keeps_the_category():
    with pytest.warns(RuntimeWarning, match="suspicious") as record:
        in_package(RuntimeWarning)
    assert record[0].filename == __file__


def test_skips_the_frames_of_scikit_learn():
    with pytest.warns(UserWarning, match="suspicious") as record:
        cross_val_score(Suspicious(), [[0.0]] * 4, [0, 1, 0, 1], cv=2)
    assert {(one.filename, one.lineno) for one in record} == {
        (__file__, first_line_of(Suspicious.fit) + 1)
    }
