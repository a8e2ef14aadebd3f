import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from puclassify.picking.estimates._particle_probability import (
    ParticleProbability,
    _DetectedLabels,
    _log_likelihoods,
    _score_histogram,
)


def candidates_and_labels(rng, n_particles=1200, n_others=8000, apart=5.0, n_labels=100, missed=0):
    """Draw normal scores; every n-th particle may have no candidate."""
    particles = rng.normal(apart, 1.0, n_particles)
    if missed:
        particles[::missed] = -np.inf
    others = rng.normal(0.0, 1.0, n_others)
    chosen = rng.permutation(n_particles)[:n_labels]
    return particles[chosen], np.concatenate([particles[np.isfinite(particles)], others])


def weighted_quantile(values, weights, share):
    """The smallest value that, with those below it, has a share of the weight."""
    total = 0.0
    for value, weight in sorted(zip(values, weights)):
        total += weight
        if total >= share:
            return value
    return value


class TestNumberOfParticles:
    @pytest.mark.parametrize("apart", [3.0, 5.0])
    @pytest.mark.parametrize("guess", [400, 1200, 3000])
    def test_of_normal_scores(self, apart, guess):
        # With equal spread the probability is a logistic function of the score.
        numbers = []
        for seed in range(10):
            drawn = candidates_and_labels(np.random.default_rng(seed), apart=apart)
            numbers.append(ParticleProbability.fit(*drawn, guess=guess).n_particles)
        assert abs(np.mean(numbers) / 1200 - 1) < 0.1
        assert np.std(numbers) / 1200 < 0.12

    def test_counts_those_without_a_candidate(self):
        labels, others = candidates_and_labels(np.random.default_rng(0), missed=4)
        probability = ParticleProbability.fit(labels, others, guess=1000)
        assert probability.detected_fraction == pytest.approx(np.isfinite(labels).mean(), abs=0.01)
        assert abs(probability.n_particles / 1200 - 1) < 0.15

    @pytest.mark.parametrize("most", [300, 900])
    def test_is_never_impossible(self, most):
        drawn = candidates_and_labels(np.random.default_rng(0), apart=3.0)
        probability = ParticleProbability.fit(*drawn, guess=3000, most=most)
        assert probability.n_particles <= 1.02 * most
        assert probability.intervals([0.0])["n_particles"].max() <= most

    @pytest.mark.parametrize("spread", ["even", "uneven", "on two of six"])
    def test_however_labels_are_spread_over_micrographs(self, spread):
        # Micrographs differ: in later ones particles are fewer and others more.
        shares = {
            "even": [1 / 6] * 6,
            "uneven": [0.5, 0.3, 0.1, 0.05, 0.05, 0.0],
            "on two of six": [0.5, 0.5, 0, 0, 0, 0],
        }[spread]
        numbers = []
        for seed in range(12):
            rng = np.random.default_rng(seed)
            drawn = [
                candidates_and_labels(rng, n, 2000, 4.0, round(120 * share))
                for n, share in zip([400, 300, 200, 100, 100, 100], shares)
            ]
            labels, candidates = zip(*drawn)
            probability = ParticleProbability.fit(
                np.concatenate(labels),
                np.concatenate(candidates),
                guess=1200,
                label_groups=np.repeat(np.arange(6), [len(one) for one in labels]),
                candidate_groups=np.repeat(np.arange(6), [len(one) for one in candidates]),
            )
            numbers.append(probability.n_particles / 1200)
        assert abs(np.mean(numbers) - 1) < 0.1
        assert np.std(numbers) < 0.15

    def test_interval_holds_the_truth_nine_times_in_ten(self):
        held = 0
        for seed in range(60):
            drawn = candidates_and_labels(np.random.default_rng(seed), apart=4.0)
            low, high = ParticleProbability.fit(*drawn, guess=1000).intervals([2.0])["n_particles"]
            held += low <= 1200 <= high
        assert 45 <= held <= 60

    def test_is_the_same_on_any_scale(self):
        labels, others = candidates_and_labels(np.random.default_rng(0))
        one = ParticleProbability.fit(labels, others, guess=1000)
        other = ParticleProbability.fit(7 * labels - 40, 7 * others - 40, guess=1000)
        assert other.n_particles == pytest.approx(one.n_particles, rel=1e-3)
        assert 7 * other.slope == pytest.approx(one.slope, rel=1e-3)


class TestLabelsThatMeanNothing:
    """Some labels lie on any candidate."""

    @staticmethod
    def spoilt(share, seed):
        rng = np.random.default_rng(seed)
        labels, candidates = candidates_and_labels(rng)
        wrong = rng.random(len(labels)) < share
        labels[wrong] = rng.choice(candidates, wrong.sum())
        return ParticleProbability.fit(labels, candidates, guess=1000)

    @pytest.mark.parametrize("share", [0.25, 0.5])
    def test_do_not_count(self, share):
        fits = [self.spoilt(share, seed) for seed in range(10)]
        assert abs(np.mean([one.n_particles for one in fits]) / 1200 - 1) < 0.12
        assert abs(np.mean([one.meaningless_share for one in fits]) - share) < 0.06

    def test_right_ones_all_count(self):
        assert max(self.spoilt(0.0, seed).meaningless_share for seed in range(10)) < 0.02

    def test_the_likelihood_by_its_formula(self):
        # One alternative in one place of the grid, in float64, label by label.
        labels = np.array([1.0, 2.0, 2.5, 3.0, 3.5, 0.2])
        candidates = np.concatenate([labels, np.linspace(-2, 1, 30)])
        groups, of_labels = np.arange(36) % 2, np.array([0, 0, 1, 1, 1, 0])
        label_weights = np.array([1, 1, 0.5, 1, 2, 1])
        detected = _DetectedLabels.of(labels, label_weights, of_labels)
        histogram = _score_histogram(detected, candidates, groups)
        p = expit(3 * (histogram.centres - 1.5))[None]
        found = _log_likelihoods(p, np.log(p), histogram)[:, 0]
        width = histogram.centres[1] - histogram.centres[0]
        edges = np.append(histogram.centres - width / 2, np.inf)
        in_bins = [
            np.searchsorted(edges, scores, side="right") - 1 for scores in (labels, candidates)
        ]
        expected = []
        for share in [0.0, *np.arange(1, 9) / 10]:
            total = np.log(0.99 if share == 0 else 0.01 / 8)
            for index, group, weight in zip(in_bins[0], of_labels, label_weights):
                others = in_bins[1][groups == group]
                right = p[0, index] / p[0, others].sum()
                total += weight * np.log((1 - share) * right + share / len(others))
            expected.append(total)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


class TestProbability:
    def test_is_that_of_normal_scores(self):
        errors = []
        for seed in range(10):
            labels, others = candidates_and_labels(np.random.default_rng(seed), apart=4.0)
            probability = ParticleProbability.fit(labels, others, guess=1000)
            scores = np.sort(others)
            density = 1200 * norm.pdf(scores, 4.0), 8000 * norm.pdf(scores)
            truth = density[0] / sum(density)
            estimated = expit(probability.slope * scores + probability.intercept)
            errors.append(np.abs(estimated - truth)[truth > 0.01].mean())
        assert np.mean(errors) < 0.06

    def test_adds_up_to_the_number(self):
        labels, others = candidates_and_labels(np.random.default_rng(1))
        probability = ParticleProbability.fit(labels, others, guess=1000)
        total = (
            expit(probability.slope * others + probability.intercept).sum()
            / probability.detected_fraction
        )
        assert total == pytest.approx(probability.n_particles, rel=0.01)


class TestIntervals:
    def test_precision_falls_and_recall_grows_with_more_picks(self):
        labels, others = candidates_and_labels(np.random.default_rng(0), apart=3.0)
        probability = ParticleProbability.fit(labels, others, guess=1000)
        intervals = probability.intervals([2.5, 1.0])
        few, many = intervals["precision"]
        assert few[0] > many[1]
        few, many = intervals["recall"]
        assert few[1] < many[0]
        for name in ("precision", "recall", "f1"):
            low, high = intervals[name].T
            assert (low >= 0).all()
            assert (low < high).all()
            assert (high <= 1).all()

    def test_by_hand(self):
        labels, others = candidates_and_labels(np.random.default_rng(0), apart=3.0)
        probability = ParticleProbability.fit(labels, others, guess=1000)
        centres = probability.bin_centres
        thresholds = [3.1, -np.inf, 1.0, others.max() + 1]
        got = probability.intervals(thresholds)
        for row, threshold in enumerate(thresholds):
            values = {"precision": [], "recall": [], "f1": [], "n_particles": []}
            n_picks = probability.bin_counts[centres > threshold].sum()
            for slope, midpoint in probability.alternatives:
                p = probability.bin_counts * expit(slope * (centres - midpoint))
                right, number = (
                    p[centres > threshold].sum(),
                    p.sum() / probability.detected_fraction,
                )
                values["precision"].append(right / n_picks if n_picks else np.nan)
                values["recall"].append(right / number)
                values["f1"].append(2 * right / (n_picks + number))
                values["n_particles"].append(number)
            for name, of_all in values.items():
                expected = [
                    weighted_quantile(of_all, probability.alternative_weights, q)
                    for q in (0.05, 0.95)
                ]
                ends = got[name] if name == "n_particles" else got[name][row]
                np.testing.assert_allclose(ends, expected, err_msg=name)

    @pytest.mark.parametrize(
        "labels", [[1.0, 2.0, 3.0, 4.0], [2.0] * 9, [2.0] * 29 + [4.0], [-np.inf] * 9]
    )
    def test_too_few_labels_are_refused(self, labels):
        with pytest.raises(ValueError, match="labelled particles have a candidate"):
            ParticleProbability.fit(np.array(labels), np.arange(50.0), guess=10)
