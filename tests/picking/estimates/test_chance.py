import numpy as np
import pytest

from puclassify import GridImage
from puclassify.picking.estimates._chance import ChanceTest, LabelMover, best_scores


def mover(seed=0, diameter=20.0):
    return LabelMover(diameter, diameter / 2, np.random.RandomState(seed))


class TestBestScores:
    def test_by_looking_at_all(self):
        rng = np.random.default_rng(0)
        candidates = np.column_stack([rng.uniform(0, 100, (300, 2)), rng.normal(size=300)])
        places = rng.uniform(-20, 120, (40, 7, 2))
        distance = np.hypot(*np.moveaxis(places[..., None, :] - candidates[:, :2], -1, 0))
        expected = np.where(distance <= 9.0, candidates[:, 2], -np.inf).max(axis=-1)
        assert np.isinf(expected).any()
        np.testing.assert_array_equal(best_scores(places, candidates, 9.0), expected)

    def test_without_candidates(self):
        scores = best_scores(np.zeros((2, 3, 2)), np.empty((0, 3)), 5.0)
        assert scores.shape == (2, 3)
        assert (scores == -np.inf).all()


class TestMoves:
    image = GridImage(np.zeros((200, 300)))

    def test_lead_a_diameter_or_two_away_and_stay_inside(self):
        labels = np.random.default_rng(0).uniform([25, 25], [275, 175], (30, 2))
        places = mover()(self.image, labels, labels)
        distance = np.hypot(*np.moveaxis(places - labels[:, None], -1, 0))
        assert distance.min() >= 20.0
        assert distance.max() <= 50.0 + 1e-9
        assert (places >= 19.5).all()
        assert (places <= [279.5, 179.5]).all()

    def test_avoid_all_labels(self):
        labels = np.random.default_rng(1).uniform([25, 25], [275, 175], (8, 2))
        places = mover()(self.image, labels[:4], labels)
        distance = np.hypot(*np.moveaxis(places[:, :, None] - labels, -1, 0))
        assert distance.min() >= 10.0

    def test_labels_near_the_border_are_left_out(self):
        labels = np.array([[5.0, 100.0], [150.0, 100.0], [150.0, 195.0]])
        places = mover()(self.image, labels, labels)
        assert np.isnan(places[[0, 2]]).all()
        assert np.isfinite(places[1]).all()

    def test_on_a_small_micrograph_none_is(self):
        labels = np.array([[5.0, 40.0], [40.0, 40.0]])
        places = mover()(GridImage(np.zeros((90, 90))), labels, labels)
        assert np.isfinite(places).all()


class TestChance:
    candidates = np.sort(np.random.default_rng(0).normal(size=500))

    def test_p_is_uniform_where_labels_mean_nothing(self):
        rng = np.random.default_rng(1)
        p = [
            ChanceTest(rng.normal(size=20), rng.normal(size=(20, 99)), self.candidates).p_value
            for _ in range(2000)
        ]
        shares = [np.mean(np.array(p) <= level) for level in (0.01, 0.05, 0.25, 0.5)]
        np.testing.assert_allclose(shares, [0.01, 0.05, 0.25, 0.5], atol=0.03)
        assert shares[0] < 0.02

    @pytest.mark.parametrize("best_of", [1, 3])
    def test_the_best_of_several_is_compared_with_the_best_of_as_many(self, best_of):
        rng = np.random.default_rng(2)
        labels = rng.normal(size=(30, best_of)).max(axis=1)
        moved = rng.normal(size=(30, 400, best_of)).max(axis=2)
        assert not ChanceTest(labels, moved, self.candidates).labels_mean_something
        assert ChanceTest(labels + 1.0, moved, self.candidates).labels_mean_something

    def test_labels_without_candidates(self):
        rng = np.random.default_rng(3)
        labels = np.full(30, -np.inf)
        assert not ChanceTest(
            labels, rng.normal(size=(30, 400)), self.candidates
        ).labels_mean_something
        assert ChanceTest(np.empty(0), np.empty((0, 400)), self.candidates).p_value == 1.0
