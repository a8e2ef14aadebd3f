import numpy as np
import pytest

from puclassify import GridImage
from puclassify.picking.estimates._chance import ChanceTest, LabelMover, best_nearby


def mover(seed=0, diameter=20.0):
    return LabelMover(diameter, diameter / 2, np.random.RandomState(seed))


def chance(at_labels, moved, candidates):
    """A test of scores, whose distances do not matter."""
    return ChanceTest(at_labels, moved, candidates, np.empty(0), np.empty((0, 20)))


class TestBestNearby:
    def test_by_looking_at_all(self):
        rng = np.random.default_rng(0)
        candidates = np.column_stack([rng.uniform(0, 100, (300, 2)), rng.normal(size=300)])
        places = rng.uniform(-20, 120, (40, 7, 2))
        distance = np.hypot(*np.moveaxis(places[..., None, :] - candidates[:, :2], -1, 0))
        scores = np.where(distance <= 9.0, candidates[:, 2], -np.inf)
        best = scores.argmax(axis=-1)[..., None]
        expected = scores.max(axis=-1)
        assert np.isinf(expected).any()
        found = best_nearby(places, candidates, 9.0)
        np.testing.assert_array_equal(found.scores, expected)
        of_best = np.take_along_axis(distance, best, -1)[..., 0]
        np.testing.assert_allclose(found.distances, np.where(expected > -99, of_best, np.inf))

    def test_without_candidates(self):
        scores, distances = best_nearby(np.zeros((2, 3, 2)), np.empty((0, 3)), 5.0)
        assert scores.shape == distances.shape == (2, 3)
        assert (scores == -np.inf).all()
        assert (distances == np.inf).all()


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
            chance(rng.normal(size=20), rng.normal(size=(20, 99)), self.candidates).p_value
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
        assert not chance(labels, moved, self.candidates).labels_mean_something
        assert chance(labels + 1.0, moved, self.candidates).labels_mean_something

    def test_labels_without_candidates(self):
        rng = np.random.default_rng(3)
        labels = np.full(30, -np.inf)
        assert not chance(labels, rng.normal(size=(30, 400)), self.candidates).labels_mean_something
        assert chance(np.empty(0), np.empty((0, 400)), self.candidates).p_value == 1.0


class TestCentred:
    image = GridImage(np.zeros((600, 600)))

    @pytest.fixture
    def found(self):
        """Eighty particles at least a diameter and a half apart, found to a pixel, among noise."""
        rng = np.random.default_rng(0)
        grid = 30.0 + 60 * np.stack(np.meshgrid(np.arange(10), np.arange(10)), -1).reshape(-1, 2)
        particles = rng.permutation(grid + rng.uniform(-10, 10, grid.shape))[:80]
        others = rng.uniform(0, 599, (900, 2))
        xy = np.concatenate([particles + rng.normal(0, 0.7, particles.shape), others])
        score = np.concatenate([rng.normal(4, 1, 80), rng.normal(0, 1, 900)])
        return particles, np.column_stack([xy, score])

    def of_labels(self, beside, found, n=80):
        particles, candidates = found
        angle = np.random.default_rng(1).uniform(0, 2 * np.pi, n)
        steps = np.column_stack([np.cos(angle), np.sin(angle)])
        labels = particles[:n] + beside * 20.0 * steps
        return mover().test(self.image, labels, labels, candidates)

    @pytest.mark.parametrize(
        ("beside", "centred"), [(0, True), (0.2, True), (0.5, False), (0.75, False)]
    )
    def test_labels_beside_particles(self, beside, centred, found):
        assert self.of_labels(beside, found).labels_are_centred == centred

    def test_ten_labels_suffice(self, found):
        assert self.of_labels(0.0, found, 10).labels_are_centred

    def test_shares(self, found):
        near, by_chance = self.of_labels(0.0, found).near_and_by_chance
        assert near > 0.9
        assert by_chance < 0.15

    def test_without_labels(self):
        none = mover().test(self.image, np.empty((0, 2)), np.empty((0, 2)), np.ones((5, 3)))
        assert not none.labels_are_centred
        assert none.near_and_by_chance == (0.0, 0.0)
