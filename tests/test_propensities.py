import numpy as np
import pytest

from puclassify._propensities import effective_size, weights_of_labelled

POSITIVE = np.array([True, False, True, True])


def test_inverse_up_to_the_largest():
    weights = weights_of_labelled([0.5, np.nan, 0.25, 1.0], POSITIVE)
    assert weights.tolist() == [0.5, 1.0, 0.25]
    assert weights_of_labelled([1, 0, 1, 1], POSITIVE).tolist() == [1, 1, 1]
    assert weights_of_labelled(np.full(4, 0.3), POSITIVE).tolist() == [1, 1, 1]
    assert weights_of_labelled(None, POSITIVE).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("propensities", "message"),
    [
        ([0.5, 0.5, 0.0, 0.5], r"1 of 3 are not: the one at index 2 is 0;"),
        ([2.0, 0.5, 4.0, 0.5], r"2 of 3 are not: the one at index 0 is 2; .* not its inverse"),
        ([0.5, 0.5, 0.5, np.nan], r"the one at index 3 is nan"),
        ([0.5, 0.5, 0.5, None], r"the one at index 3 is nan"),
        ([0.5] * 5, r"must have shape \(4,\), one number for each example, got \(5,\)$"),
        ([0.5] * 3, r"got \(3,\); if these belong to the labelled positives only"),
        (0.5, r"got \(\)"),
        ([[0.5]] * 4, r"got \(4, 1\)"),
        (["0.5"] * 4, r"must be one number for each example: got <U3"),
        ([True] * 4, r"must be one number for each example: got bool"),
        (["a", 1, 1, object()], r"must be one number for each example"),
    ],
    ids=lambda value: None,
)
def test_refused(propensities, message):
    with pytest.raises(ValueError, match="^propensities .*" + message):
        weights_of_labelled(propensities, POSITIVE)


def test_effective_size_is_that_of_the_variance():
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 1, 50)
    means = np.average(rng.normal(size=(20000, 50)), axis=1, weights=weights)
    assert 1 / np.var(means) == pytest.approx(effective_size(weights), rel=0.03)
    assert effective_size(weights) < 45
    assert effective_size(np.full(50, 0.3)) == pytest.approx(50)
