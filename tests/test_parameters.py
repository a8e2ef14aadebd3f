"""Checks of parameters."""

import math

import numpy as np
import pytest

from puclassify._parameters import (
    check_flag,
    check_number,
    check_option,
    check_probability,
    check_scenario,
    check_score_vector,
    check_whole_number,
    did_you_mean,
    is_number,
)


class TestIsNumber:
    @pytest.mark.parametrize("value", [2, 0.5, np.float32(1), np.int8(3), math.nan, -math.inf])
    def test_real_numbers(self, value):
        assert is_number(value)

    @pytest.mark.parametrize("value", [True, np.True_, "2", None, 1j, [1.0]])
    def test_anything_else(self, value):
        assert not is_number(value)


class TestNumber:
    @pytest.mark.parametrize(("value", "bounds"), [(3, {"above": 0}), (0, {"at_least": 0})])
    def test_returns_a_float(self, value, bounds):
        checked = check_number(value, "radius", "a number", **bounds)
        assert checked == value
        assert type(checked) is float

    @pytest.mark.parametrize("value", [True, "1", math.nan, math.inf, -math.inf, None])
    def test_refuses_what_is_no_finite_number(self, value):
        with pytest.raises(ValueError, match=r"^radius must be a positive number, got "):
            check_number(value, "radius", "a positive number")

    @pytest.mark.parametrize(
        "bounds", [{"above": 2}, {"below": 2}, {"at_least": 2.5}, {"at_most": 1.5}]
    )
    def test_refuses_what_lies_outside_the_bounds(self, bounds):
        with pytest.raises(ValueError, match=r"^lr must be small, got 2$"):
            check_number(2, "lr", "small", **bounds)

    @pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, -0.1, 1.1])
    def test_probabilities_exclude_both_ends(self, value):
        assert check_probability(0.5, "prior") == 0.5
        with pytest.raises(ValueError, match="prior must be a number between 0 and 1, both"):
            check_probability(value, "prior")


class TestDidYouMean:
    @pytest.mark.parametrize("value", ["GE-kl", "ge_k", "ge-kl"])
    def test_names_the_nearest(self, value):
        assert did_you_mean(value, {"pn": 1, "ge_kl": 2}) == "; did you mean 'ge_kl'?"

    def test_says_nothing_where_no_name_is_near(self):
        assert did_you_mean("xxxx", ["pn", "ge_kl"]) == ""


class TestWholeNumber:
    @pytest.mark.parametrize("value", [2, np.int64(2)])
    def test_returns_an_int(self, value):
        assert type(check_whole_number(value, "n_bins", at_least=1)) is int

    @pytest.mark.parametrize("value", [0, -1, 1.0, True, "2", None])
    def test_refuses_anything_else(self, value):
        with pytest.raises(ValueError, match=r"^n_bins must be a whole number >= 1, got "):
            check_whole_number(value, "n_bins", at_least=1)


class TestFlag:
    @pytest.mark.parametrize("value", [True, False, np.False_])
    def test_returns_a_bool(self, value):
        assert check_flag(value, "subpixel") is bool(value)

    @pytest.mark.parametrize("value", [0, 1, "True", None])
    def test_refuses_anything_else(self, value):
        with pytest.raises(ValueError, match=r"^subpixel must be True or False, got "):
            check_flag(value, "subpixel")


class TestOption:
    def test_returns_it(self):
        assert check_option("b", "method", ["a", "b"]) == "b"

    @pytest.mark.parametrize("value", ["d", None, ["a"], np.array(["a", "b"])])
    def test_lists_the_options(self, value):
        with pytest.raises(ValueError, match=r"^method must be 'a', 'b' or 'c', got "):
            check_option(value, "method", ["a", "b", "c"])

    def test_scenarios(self):
        assert check_scenario("case_control") == "case_control"
        with pytest.raises(ValueError, match="'case_control' or 'single_training_set', got 'cc'"):
            check_scenario("cc")


class TestScoreVector:
    def test_returns_it(self):
        scores = np.array([0.5, -np.inf])
        assert check_score_vector(scores, "scores") is scores

    def test_hints_at_the_second_column_of_probabilities(self):
        with pytest.raises(ValueError, match=r"got \(3, 2\): pass predict_proba\(X\)\[:, 1\]"):
            check_score_vector(np.zeros((3, 2)), "y_score")

    def test_counts_nan(self):
        with pytest.raises(ValueError, match="1 of 3 are NaN, the first at index 1"):
            check_score_vector(np.array([0.0, np.nan, 1.0]), "scores")
