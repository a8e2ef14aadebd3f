import numpy as np
import pytest

from puclassify._example_weights import ExampleWeights, counted, systematic_sample

POSITIVE = np.array([True, False, True, False])


class TestCheck:
    def test_none_and_equal_ones_are_exactly_one(self):
        for given in (None, np.full(4, 0.3), [7, 7, 7, 7], [True] * 4):
            weights = ExampleWeights.check(given, np.full(4, 0.3), POSITIVE)
            assert weights.given.tolist() == [1, 1, 1, 1]
            assert weights.labelled.tolist() == [1, 0, 1, 0]
            assert weights.relative_propensities(np.arange(4)) is None

    def test_labelled_positives_count_by_the_quotient(self):
        weights = ExampleWeights.check([1, 2, 4, 0], [0.5, np.nan, 0.25, np.nan], POSITIVE)
        assert weights.given.tolist() == [0.25, 0.5, 1, 0]
        assert weights.labelled.tolist() == [1 / 8, 0, 1, 0]
        assert weights.present.tolist() == [True, True, True, False]
        assert weights.relative_propensities(np.array([2, 1, 0])).tolist() == [0.5, 1, 1]
        assert weights.relative_propensities(np.array([1, 3])) is None

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ([1, -1, 1, 1], "1 of 4 are not: the one at index 1 is -1; give 0 to leave"),
            ([1, 1, np.nan, np.inf], "2 of 4 are not: the one at index 2 is nan"),
            ([1, 1, None, 1], "the one at index 2 is nan"),
            ([1, 1, 1], r"must have shape \(4,\), one number for each example, got \(3,\)"),
            ([[1]] * 4, r"got \(4, 1\)"),
            (2.0, r"got \(\)"),
            (["1"] * 4, "must be one number for each example: got <U1"),
            ([0, 1, 0, 1], "is zero for all 2 labelled positives, one class of y; give"),
            ([1, 0, 1, 0], "is zero for all 2 unlabelled examples"),
        ],
        ids=str,
    )
    def test_refused(self, given, message):
        with pytest.raises(ValueError, match="^sample_weight .*" + message):
            ExampleWeights.check(given, None, POSITIVE)


def test_numbers_of_examples_by_weight():
    assert counted(POSITIVE, None) == counted(POSITIVE, np.full(4, 0.3)) == (2, 4)
    assert counted(POSITIVE, np.array([1.0, 0, 0, 3])) == (1, 4)


class TestSystematicSample:
    def test_whole_shares_come_exactly_as_often(self):
        drawn = systematic_sample(np.array([2.0, 0, 1, 3]), 12, np.random.default_rng(0))
        assert np.bincount(drawn, minlength=4).tolist() == [4, 0, 2, 6]

    def test_others_on_average(self):
        shares, rng = np.array([0.5, 2.2, 0.3]), np.random.default_rng(0)
        counts = [np.bincount(systematic_sample(shares, 4, rng), minlength=3) for _ in range(4000)]
        expected = 4 * shares / shares.sum()
        np.testing.assert_allclose(np.mean(counts, axis=0), expected, atol=0.03)
        assert (np.abs(np.array(counts) - expected) < 1).all()
