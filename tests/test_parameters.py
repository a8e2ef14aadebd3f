"""Checks of parameters."""

import math

import numpy as np
import pytest

from puclassify._parameters import (
    check_flag,
    check_n_jobs,
    check_number,
    check_option,
    check_pair,
    check_possible_prior,
    check_probability,
    check_scenario,
    check_score_vector,
    check_seed,
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


class TestPair:
    @pytest.mark.parametrize("value", [2, np.float32(2), (2, 2.0), np.array([2, 2])])
    def test_one_number_counts_for_both(self, value):
        pair = check_pair(value, "step", "a number or a pair", above=0)
        assert pair == (2.0, 2.0)
        assert [type(number) for number in pair] == [float, float]

    @pytest.mark.parametrize(
        "value", [0, (1, 0), (1, math.nan), (1, "2"), (1, 2, 3), [[1, 2]], (1, True), "ab", None]
    )
    def test_names_the_whole_value(self, value):
        with pytest.raises(ValueError) as raised:
            check_pair(value, "step", "a number or a pair", above=0)
        assert str(raised.value) == f"step must be a number or a pair, got {value!r}"


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

    def test_prior_below_the_labelled_share(self):
        check_possible_prior(0.3, 60, 200)
        message = r"prior=0\.2 is impossible .* 60 of 200 examples \(0\.300\) are labelled"
        with pytest.raises(ValueError, match=message):
            check_possible_prior(0.2, 60, 200)


class TestScoreVector:
    def test_returns_it(self):
        scores = np.array([0.5, -np.inf])
        assert check_score_vector(scores, "scores") is scores

    def test_hints_at_the_second_column_of_probabilities(self):
        with pytest.raises(ValueError, match=r"got \(3, 2\): pass predict_proba\(X\)\[:, 1\]"):
            check_score_vector(np.zeros((3, 2)), "y_score")

    @pytest.mark.parametrize("scores", [[1, 0], [True, False], (1.0, 0.0), np.float32([1, 0])])
    def test_numbers_of_any_kind_become_float64(self, scores):
        checked = check_score_vector(scores, "scores")
        assert checked.dtype == np.float64
        assert checked.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("scores", "got"), [(["1", "0"], "<U1"), ([1j, 0], "complex128"), ([[1], [0, 1]], "")]
    )
    def test_refuses_what_is_no_number(self, scores, got):
        with pytest.raises(ValueError, match=f"scores must be one number for each .*{got}"):
            check_score_vector(scores, "scores")

    def test_refuses_infinity_where_asked(self):
        with pytest.raises(ValueError, match=r"weights must be finite, but 1 of 2 .* index 1;"):
            check_score_vector([0.0, np.inf], "weights", finite=True)

    def test_counts_nan(self):
        with pytest.raises(ValueError, match="1 of 3 are NaN, the first at index 1"):
            check_score_vector(np.array([0.0, np.nan, 1.0]), "scores")


class TestJobsAndSeeds:
    @pytest.mark.parametrize("value", [None, 1, -1, np.int64(2)])
    def test_numbers_of_jobs(self, value):
        check_n_jobs(value)

    @pytest.mark.parametrize("value", [0, True, 1.5, "all"])
    def test_no_numbers_of_jobs(self, value):
        with pytest.raises(ValueError, match=r"n_jobs must be None, or .* other than 0;.* got"):
            check_n_jobs(value)

    @pytest.mark.parametrize("value", [None, 3, np.random.RandomState(0)])
    def test_seeds(self, value):
        check_seed(value)

    def test_generators_are_no_seeds(self):
        message = r"random_state must be .* got Generator.*random_state=int\(rng\.integers\(2\*\*32"
        with pytest.raises(ValueError, match=message):
            check_seed(np.random.default_rng(0))
