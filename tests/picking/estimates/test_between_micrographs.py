import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student

from puclassify.picking.estimates._between_micrographs import MicrographQuality

THRESHOLDS = np.array([-np.inf, 0.0, 0.7, 50.0])


def session(m, seed=0, spread=0.5):
    """Candidates of m micrographs, particles among others, whose scores move from one to the next.

    Returns the logits of each, of which the truth is drawn.
    """
    rng = np.random.default_rng(seed)
    each = []
    for _ in range(m):
        particles = rng.normal(2.0 + spread * rng.normal(), 1.0, 200)
        others = rng.normal(-4.0, 1.0, 800)
        each.append(np.concatenate([particles, others]))
    return each


def quality_of(each, areas=None):
    logits = np.concatenate(each)
    groups = np.repeat(np.arange(len(each)), [len(one) for one in each])
    order = np.argsort(logits, kind="stable")
    areas = np.ones(len(each)) if areas is None else areas
    return MicrographQuality(logits[order], groups[order], areas)


def expected(logits, threshold):
    """Return right picks, picks and particles, by going through the candidates."""
    p = [expit(one) for one in logits]
    picked = [one > threshold for one in logits]
    return sum(q for q, at in zip(p, picked) if at), sum(picked), sum(p)


class TestAdditions:
    def test_by_going_through_the_candidates(self):
        areas = np.array([1.0, 1.0, 2.0])
        each = session(3)
        found = quality_of(each, areas).additions(THRESHOLDS)
        factor = student.ppf(0.95, 3 + 2) * np.sqrt(2 / 3)

        def addition(values, typical):
            variance = sum((v - np.mean(values)) ** 2 for v in values)
            return factor * np.sqrt((3 * typical**2 + variance) / (3 + 2))

        for index, threshold in enumerate(THRESHOLDS):
            numbers = [expected(logits, threshold) for logits in each]
            precision = [logit((right + 0.5) / (n + 1)) for right, n, _ in numbers]
            recall = [logit((right + 0.5) / (total + 1)) for right, _, total in numbers]
            f1 = [logit((2 * right + 0.5) / (n + total + 1)) for right, n, total in numbers]
            assert found["precision"][index] == pytest.approx(addition(precision, 0.3))
            assert found["recall"][index] == pytest.approx(addition(recall, 0.4))
            assert found["f1"][index] == pytest.approx(addition(f1, 0.3))
        counts = [
            np.log((expected(logits, 0)[2] + 0.5) / area) for logits, area in zip(each, areas)
        ]
        assert found["n_particles"] == pytest.approx(addition(counts, 0.15))

    def test_of_one_micrograph_is_the_typical_one(self):
        found = quality_of(session(1)).additions(THRESHOLDS)
        assert found["recall"] == pytest.approx(student.ppf(0.95, 3) * np.sqrt(2) * 0.4)

    def test_grows_with_the_spread_and_falls_with_the_number(self):
        at = np.array([0.0])
        even, uneven = (
            quality_of(session(8, spread=spread)).additions(at)["recall"] for spread in (0.0, 1.5)
        )
        more = quality_of(session(32, spread=1.5)).additions(at)["recall"]
        assert even < uneven
        assert more < uneven


INTERVALS = {
    "precision": np.array([[0.7, 0.9], [0.8, 1.0], [0.0, 0.9], [np.nan, np.nan]]),
    "n_particles": np.array([90.0, 120.0]),
}


class TestWiden:
    def widened(self):
        return quality_of(session(4)).widen(INTERVALS, THRESHOLDS)

    def test_contains_what_was(self):
        for name, wider in self.widened().items():
            before = INTERVALS[name]
            with np.errstate(invalid="ignore"):
                assert not (wider[..., 0] > before[..., 0]).any()
                assert not (wider[..., 1] < before[..., 1]).any()

    def test_adds_on_the_scale_of_logits_and_of_logarithms(self):
        wider = self.widened()
        addition = quality_of(session(4)).additions(THRESHOLDS)
        low = expit(logit(0.7) - addition["precision"][0])
        assert wider["precision"][0, 0] == pytest.approx(low)
        assert wider["n_particles"][1] == pytest.approx(120 * np.exp(addition["n_particles"]))

    def test_shares_stay_shares(self):
        precision = self.widened()["precision"]
        assert (precision[:3] >= 0).all()
        assert (precision[:3] <= 1).all()
        assert np.isnan(precision[3]).all()


@pytest.mark.parametrize("m", [3, 6])
def test_holds_the_mean_over_as_many_new_micrographs(m):
    # Nothing else is uncertain here: the logits are those of the truth. The spread is that of
    # logits of the recall, 0.5 or so.
    held = []
    for seed in range(300):
        trained, new = session(m, seed), session(m, 1000 + seed)
        recall = [expected(np.concatenate(each), 1.0) for each in (trained, new)]
        value, of_new = (right / total for right, _, total in recall)
        interval = np.array([[value, value]])
        wider = quality_of(trained).widen({"recall": interval}, np.array([1.0]))
        low, high = wider["recall"][0]
        held.append(low <= of_new <= high)
    assert 0.85 <= np.mean(held) <= 0.97


class TestLowestMeanLogit:
    def test_by_its_formula(self):
        each = session(4)
        picks = [one[one > 1.0] for one in each]
        means = [one.mean() for one in picks]
        freedom = 3 + 3
        between = (3 * 0.4**2 + sum((m - np.mean(means)) ** 2 for m in means)) / freedom
        variance = between * (1 + 1 / 4) + np.concatenate(picks).var() / 20
        expected = np.mean(means) - student.ppf(0.99, freedom) * np.sqrt(variance)
        found = quality_of(each).lowest_mean_logit(1.0, np.array([20]))
        assert found == pytest.approx([expected])

    def test_few_micrographs_like_these_are_below(self):
        below = []
        for seed in range(200):
            (new,) = session(1, 1000 + seed)
            picks = new[new > 0]
            lowest = quality_of(session(5, seed)).lowest_mean_logit(0.0, np.array([len(picks)]))
            below.append(picks.mean() < lowest[0])
        assert np.mean(below) <= 0.03

    def test_few_picks_say_less(self):
        lowest = quality_of(session(5)).lowest_mean_logit(0.0, np.array([3, 30, 3000]))
        assert (np.diff(lowest) > 0).all()

    def test_without_picks(self):
        assert np.isnan(quality_of(session(3)).lowest_mean_logit(50.0, np.array([5]))).all()
