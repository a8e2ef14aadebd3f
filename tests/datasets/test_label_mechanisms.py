import numpy as np
import pytest
from scipy.stats import norm, rankdata

from puclassify.datasets import label_particles, label_positives
from puclassify.datasets._label_mechanisms import (
    draw_labelled,
    local_density,
    mechanism_propensities,
)


class TestPropensities:
    ORDER = np.array([3.0, -1.0, 0.5, 0.5, 10.0, 2.0, -7.0, 0.5])

    @pytest.mark.parametrize("strength", [0, 0.25, 0.5, 0.9, 0.999, 1])
    @pytest.mark.parametrize("n_labels", [1, 3, 7, 8])
    def test_they_add_up_and_grow_with_the_order(self, strength, n_labels):
        e = mechanism_propensities(self.ORDER, n_labels, strength)
        assert e.sum() == pytest.approx(n_labels)
        assert e.min() >= 0
        assert e.max() <= 1
        assert np.all(np.diff(e[np.argsort(self.ORDER)]) >= -1e-12)
        assert e[2] == e[3] == e[7]
        if strength == 0:
            assert e == pytest.approx(n_labels / 8)

    @pytest.mark.parametrize("strength", [0.3, 0.5, 0.75])
    def test_the_odds_are_those_of_the_formula(self, strength):
        order = np.random.default_rng(0).normal(size=500)
        e = mechanism_propensities(order, 60, strength)
        z = norm.ppf((rankdata(order) - 0.5) / 500)
        slope = np.diff(np.log(e / (1 - e))[np.argsort(z)]) / np.diff(np.sort(z))
        assert slope == pytest.approx(strength / (1 - strength), rel=1e-6)
        stretched = mechanism_propensities(np.exp(order), 60, strength)
        assert stretched == pytest.approx(e)

    def test_strict_order(self):
        e = mechanism_propensities(self.ORDER, 2, 1)
        assert e.tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
        # three tie for the last label
        e = mechanism_propensities(self.ORDER, 4, 1)
        assert e == pytest.approx([1, 0, 1 / 3, 1 / 3, 1, 1, 0, 1 / 3])
        infinite = np.array([np.inf, -np.inf, 0.0])
        assert mechanism_propensities(infinite, 1, 1).tolist() == [1, 0, 0]


class TestDraw:
    def test_each_is_drawn_as_often_as_its_probability_says(self):
        rng = np.random.default_rng(0)
        e = mechanism_propensities(rng.normal(size=30), 10, 0.6)
        drawn = np.array([draw_labelled(e, 10, rng) for _ in range(20000)])
        assert np.all(drawn.sum(axis=1) == 10)
        z = (drawn.mean(axis=0) - e) / np.sqrt(e * (1 - e) / 20000)
        assert np.abs(z).max() < 4
        assert z.std() < 1.5

    def test_equal_probabilities_give_a_simple_random_sample(self):
        rng = np.random.default_rng(1)
        drawn = np.array([draw_labelled(np.full(6, 0.5), 3, rng) for _ in range(20000)])
        patterns, counts = np.unique(drawn, axis=0, return_counts=True)
        assert len(patterns) == 20
        assert np.abs(counts - 1000).max() < 4.5 * np.sqrt(1000)


class TestDensity:
    def test_like_sorting_all_distances(self):
        points = np.random.default_rng(0).normal(size=(40, 2))
        distances = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)
        assert local_density(points, 5) == pytest.approx(-distances[:, 5])
        assert np.isneginf(local_density(points[:5], 5)).all()
        assert local_density(np.empty((0, 2)), 5).shape == (0,)


class TestParticles:
    @pytest.fixture
    def coordinates(self):
        rng = np.random.default_rng(0)
        return [rng.uniform(0, 500, size=(k, 2)) for k in (40, 0, 25, 3)]

    def test_labels_are_rows_of_the_coordinates(self, coordinates):
        contrast = [xy[:, 0] for xy in coordinates]
        for settings in (
            {},
            {"mechanism": "easiest_first", "easiness": contrast},
            {"mechanism": "densest_first"},
        ):
            labels, e = label_particles(
                coordinates, 20, return_propensities=True, random_state=0, **settings
            )
            assert labels.dtype == e.dtype == object
            assert sum(map(len, labels)) == 20
            for xy, row, weights in zip(coordinates, labels, e, strict=True):
                rows_of_labels = [
                    np.flatnonzero((xy == point).all(axis=1)).tolist() for point in row
                ]
                assert all(len(index) == 1 for index in rows_of_labels)
                assert rows_of_labels == sorted(rows_of_labels)
                assert weights.shape == (len(row),)
                assert ((weights > 0) & (weights <= 1)).all()

    def test_in_strict_order_over_all_micrographs(self, coordinates):
        contrast = [xy[:, 0] for xy in coordinates]
        labels = label_particles(
            coordinates, 12, mechanism="easiest_first", easiness=contrast, strength=1
        )
        expected = np.sort(np.concatenate(contrast))[-12:]
        assert np.sort(np.concatenate(labels)[:, 0]).tolist() == expected.tolist()

    def test_densest(self):
        rng = np.random.default_rng(0)
        crowd, few = rng.uniform(0, 50, size=(10, 2)), rng.uniform(0, 5000, size=(30, 2))
        labels = label_particles(
            [few, np.append(few + 7000, crowd, axis=0)], 10, mechanism="densest_first", strength=1
        )
        assert labels[1].tolist() == crowd.tolist()
        assert len(labels[0]) == 0

    def test_inverse_propensities_estimate_the_total(self, coordinates):
        contrast = [xy[:, 0] for xy in coordinates]
        settings = {"mechanism": "easiest_first", "easiness": contrast}
        totals, means = [], []
        for seed in range(400):
            labels, e = label_particles(
                coordinates, 25, return_propensities=True, random_state=seed, **settings
            )
            totals.append(np.sum(1 / np.concatenate(e)))
            means.append(np.sum(np.concatenate(labels)[:, 0] / np.concatenate(e)) / 68)
        assert np.mean(totals) == pytest.approx(68, rel=0.03)
        truth = np.concatenate(contrast).mean()
        assert np.mean(means) == pytest.approx(truth, rel=0.03)

    def test_seeds(self, coordinates):
        one, same, other = (
            np.concatenate(label_particles(coordinates, 10, random_state=seed)).tolist()
            for seed in (0, 0, 1)
        )
        assert one == same != other
        generator = np.random.default_rng(0)
        label_particles(coordinates, 10, random_state=generator)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"mechanism": "hardest"}, "mechanism must be 'uniform', .* got 'hardest'"),
            ({"mechanism": None}, "mechanism must be 'uniform', .* or 'densest_first', got None"),
            ({"strength": 1.5}, "strength must be a number from 0 to 1, got 1.5"),
            ({"strength": True}, "strength must be"),
            ({"mechanism": "easiest_first"}, "needs easiness, .* local_contrast"),
            ({"easiness": [[1]] * 4}, "easiness is not used by mechanism='uniform'"),
            (
                {"mechanism": "densest_first", "n_neighbors": 0},
                "n_neighbors must be a whole number >= 1, got 0",
            ),
            ({"n_labels": 69}, "n_labels=69 is more than the 68 positives"),
            ({"n_labels": 0}, "n_labels must be a whole number >= 1, got 0"),
            ({"n_labels": 2.0}, "n_labels must be a whole number"),
            (
                {"mechanism": "easiest_first", "easiness": [[1.0]]},
                "for each of the 4 micrographs, got 1",
            ),
            (
                {"mechanism": "easiest_first", "easiness": [np.ones(40), [], np.ones(24), [1] * 3]},
                r"easiness\[2\] must have shape \(25,\).* got \(24,\)",
            ),
            (
                {"mechanism": "easiest_first", "easiness": [[np.nan] * 40, [], [1] * 25, [1] * 3]},
                "40 of 68 positives is NaN; the first is positive number 0$",
            ),
        ],
        ids=lambda value: None,
    )
    def test_errors(self, arguments, message, coordinates):
        with pytest.raises(ValueError, match=message):
            label_particles(coordinates, **{"n_labels": 10, **arguments})
        with pytest.raises(TypeError, match=r"sequence of \(k, 2\) arrays|one \(k, 2\) array"):
            label_particles(coordinates[0], 10)


class TestPositives:
    def test_only_positives_and_their_number(self):
        rng = np.random.default_rng(0)
        y, X = np.where(rng.random(300) < 0.3, "p", "n"), rng.normal(size=(300, 2, 2))
        for settings in (
            {},
            {"mechanism": "easiest_first", "easiness": X[:, 0, 0]},
            {"mechanism": "densest_first", "X": X},
        ):
            labels, e = label_positives(y, 30, return_propensities=True, random_state=0, **settings)
            assert labels.sum() == 30
            assert np.all(y[labels == 1] == "p")
            assert e.sum() == pytest.approx(30)
            assert np.all((e > 0) == (y == "p"))

    def test_same_propensities_as_particles(self):
        rng = np.random.default_rng(0)
        xy, contrast = rng.uniform(0, 100, size=(50, 2)), rng.normal(size=50)
        y = np.append(np.ones(50), np.zeros(20))
        for settings, more in (
            ({"mechanism": "densest_first"}, {"X": np.append(xy, np.zeros((20, 2)), axis=0)}),
            ({"mechanism": "easiest_first"}, {"easiness": np.append(contrast, np.full(20, 9.0))}),
        ):
            particles = {"easiness": [contrast]} if "easiness" in more else {}
            settings |= {"strength": 0.7, "return_propensities": True, "random_state": 3}
            labels, e = label_particles([xy], 10, **settings, **particles)
            marked, of_all = label_positives(y, 10, **settings, **more)
            assert xy[marked[:50] == 1].tolist() == labels[0].tolist()
            assert of_all[marked == 1].tolist() == e[0].tolist()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"mechanism": "densest_first"}, "needs X, the features to measure distances on"),
            ({"mechanism": "densest_first", "X": [1.0]}, "X must have 6 rows, .* shape"),
            ({"mechanism": "easiest_first", "easiness": ["a"] * 6}, "easiness must be numbers"),
            (
                {"mechanism": "easiest_first", "easiness": np.ones((6, 1))},
                r"shape \(6,\), got \(3, 1\)",
            ),
            ({"n_labels": 4}, "n_labels=4 is more than the 3 positives"),
            ({"y": np.ones(6)}, "y holds one class only"),
            ({"y": None}, "target y is None"),
        ],
        ids=lambda value: None,
    )
    def test_errors(self, arguments, message):
        given = {"y": [1, 1, 1, 0, 0, 0], "n_labels": 2, **arguments}
        with pytest.raises(ValueError, match=message):
            label_positives(given.pop("y"), given.pop("n_labels"), **given)
