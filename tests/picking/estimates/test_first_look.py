"""What a pretrained network is taken to say, for candidates of which each is a particle or not."""

import numpy as np
import pytest
from scipy.special import expit

from puclassify import GridImage
from puclassify.picking.estimates._first_look import FirstLook, warn_if_nearly_empty

LINE = 2.0, -1.0
N_MICROGRAPHS = 5


@pytest.fixture
def candidates():
    """Scores of candidates whose logit is that of the line, and which of them are particles."""
    rng = np.random.default_rng(0)
    scores = [rng.normal(0, 2, 300) for _ in range(N_MICROGRAPHS)]
    truth = [rng.uniform(size=300) < expit(LINE[0] * one + LINE[1]) for one in scores]
    return scores, truth


def look_at(scores):
    images = [GridImage(np.zeros((200, 300)), name=str(i)) for i in range(len(scores))]

    def find(image):
        found = scores[int(image.name)]
        return np.column_stack([np.zeros((len(found), 2)), found])

    return FirstLook.at(images, find, LINE), images


def test_numbers_and_f1_are_those_of_the_truth(candidates):
    scores, truth = candidates
    look, images = look_at(scores)
    n_true = sum(map(np.sum, truth))
    assert look.n_particles == pytest.approx(n_true, rel=0.05)
    assert look.particles_in(images[:2]) == pytest.approx(0.4 * n_true, rel=0.05)
    every, right = np.concatenate(scores), np.concatenate(truth)
    order = np.argsort(-every)
    f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(every) + 1) + n_true)
    assert look.expected_f1 == pytest.approx(f1.max(), abs=0.04)


def test_quality_is_that_of_the_truth_and_unsure(candidates):
    scores, truth = candidates
    look, _ = look_at(scores)
    quality = look.quality()
    report = quality.report(0.0)
    every, right = np.concatenate(scores), np.concatenate(truth)
    picked = LINE[0] * every + LINE[1] > 0
    assert report["precision"] == pytest.approx(right[picked].mean(), abs=0.03)
    assert report["recall"] == pytest.approx((right & picked).sum() / right.sum(), abs=0.03)
    assert report["n_picks"] == picked.sum() / N_MICROGRAPHS
    low, high = report["n_particles_interval"]
    assert low < right.sum() / N_MICROGRAPHS < high
    assert high / low > 1.15  # the line itself may be wrong
    assert quality.calibration == LINE


def test_a_line_that_is_off_by_a_deviation_is_within_the_intervals(candidates):
    scores, _ = candidates
    shifted = [np.random.default_rng(1).uniform(size=300) < expit(2 * one - 2) for one in scores]
    look, _ = look_at(scores)
    report = look.quality().report(0.0)
    every, right = np.concatenate(scores), np.concatenate(shifted)
    low, high = report["precision_interval"]
    assert low < right[2 * every - 1 > 0].mean() < high
    low, high = report["n_particles_interval"]
    assert low < right.sum() / N_MICROGRAPHS < high


def test_without_candidates():
    look, _ = look_at([np.empty(0), np.empty(0)])
    assert (look.n_particles, look.expected_f1, look.quality()) == (0.0, 0.0, None)
    with pytest.warns(UserWarning, match="next to nothing like particles"):
        warn_if_nearly_empty(None, 0.0)


def test_nearly_empty_micrographs_are_told(candidates):
    scores, _ = candidates
    look, _ = look_at(scores)
    warn_if_nearly_empty(look.quality(), 0.0)  # no warning, which would be an error
    empty, _ = look_at([one - 9 for one in scores])
    with pytest.warns(UserWarning, match="finds next to nothing"):
        warn_if_nearly_empty(empty.quality(), 0.0)
    unsure, _ = look_at([np.minimum(one, -0.1) for one in scores])
    with pytest.warns(UserWarning, match="is unsure of these micrographs"):
        warn_if_nearly_empty(unsure.quality(), -1.4)
