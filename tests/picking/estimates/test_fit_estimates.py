"""Estimates of a fit, with scorers that need no training and whose truth is known."""

import numpy as np
import pytest

from puclassify import GridImage
from puclassify.datasets import label_particles
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.estimates._cross_fitting import HeldOutScores
from puclassify.picking.estimates._fit_estimates import PickEstimation, estimated_attributes
from puclassify.picking.estimates._pick_quality import PickEstimates

N_MICROGRAPHS, N_PARTICLES, N_OTHERS = 6, 40, 200
GEOMETRY, STRIDE, RADIUS = PickingGeometry(20.0), 4, 1.0


class Scorer:
    """Scores by what is stored; notes what it is trained on."""

    def __init__(self, scale=1.0, trainings=None, may_memorize=False, is_short=False):
        self.scale = scale
        self.trainings = [] if trainings is None else trainings
        self.may_memorize = may_memorize
        self.is_short = is_short

    def shortened(self, share):
        assert share < 1
        return Scorer(trainings=self.trainings, is_short=True)

    def fit(self, images, labels, prior, rng, report):
        assert report is None
        self.trainings.append(([image.name for image in images], labels, prior))


@pytest.fixture
def micrographs():
    """Images, their particles, and candidates by name: particles score 4 more than others."""
    rng = np.random.default_rng(0)
    images, truth, candidates = [], [], {}
    grid = np.stack(np.meshgrid(np.arange(5, 500, 20), np.arange(5, 500, 20)), -1).reshape(-1, 2)
    for number in range(N_MICROGRAPHS):
        xy = rng.permutation(grid)[: N_PARTICLES + N_OTHERS].astype(float)
        scores = rng.normal(size=len(xy))
        scores[:N_PARTICLES] += 4
        order = np.argsort(-scores)
        images.append(GridImage(np.zeros((500, 500)), name=f"mic{number}"))
        truth.append(xy[:N_PARTICLES])
        candidates[f"mic{number}"] = np.column_stack([xy, scores])[order]
    return images, truth, candidates


@pytest.fixture
def labels(micrographs):
    return label_particles(micrographs[1], 100, random_state=0)


@pytest.fixture
def candidates_of(micrographs):
    def pick(scorer, image):
        return micrographs[2][image.name] * [1, 1, scorer.scale]

    return pick


def estimation_of(micrographs, labels, **given):
    given = {"prior": "auto", "expected_particles": None, "threshold": "auto", **given}
    return PickEstimation(micrographs[0], labels, GEOMETRY, STRIDE, **given)


class TestHoldOut:
    def test_no_scorer_sees_the_labels_it_scores(self, micrographs, labels, candidates_of):
        scorer = Scorer()
        estimation = estimation_of(micrographs, labels)
        guess = estimation.prior
        estimation.hold_out(scorer, candidates_of, RADIUS, np.random.RandomState(0))
        (first, some, _), (second, others, _) = scorer.trainings
        assert sorted(first + second) == sorted(image.name for image in micrographs[0])
        assert sum(map(len, some)) + sum(map(len, others)) == 100
        assert [prior for *_, prior in scorer.trainings] == [guess, guess]

    def test_the_prior_becomes_that_of_the_number(self, micrographs, labels, candidates_of):
        estimation = estimation_of(micrographs, labels)
        true = GEOMETRY.estimated_prior(micrographs[0], STRIDE, N_MICROGRAPHS * N_PARTICLES)
        assert estimation.prior > 1.5 * true  # the guess
        estimation.hold_out(Scorer(), candidates_of, RADIUS, np.random.RandomState(0))
        assert estimation.prior == pytest.approx(true, rel=0.2)  # a lower quartile

    @pytest.mark.parametrize(
        ("given", "prior"),
        [
            ({"prior": 0.07}, 0.07),
            ({"expected_particles": 30}, 30 / 500**2 * np.pi * (20 / 8) ** 2),  # discs of labels
        ],
    )
    def test_a_prior_that_is_given_stays(self, micrographs, labels, candidates_of, given, prior):
        estimation = estimation_of(micrographs, labels, **given)
        estimation.hold_out(Scorer(), candidates_of, RADIUS, np.random.RandomState(0))
        assert estimation.prior == pytest.approx(prior)

    def test_nothing_is_trained_where_nothing_is_asked_for(
        self, micrographs, labels, candidates_of
    ):
        scorer = Scorer()
        estimation = estimation_of(micrographs, labels, threshold=0.5, expected_particles=40)
        estimation.hold_out(scorer, candidates_of, RADIUS, np.random.RandomState(0))
        assert scorer.trainings == []
        assert estimation.carry_over(scorer, candidates_of) is None


class TestCarryOver:
    def test_another_scale_of_scores_tells_the_same(self, micrographs, labels, candidates_of):
        estimation = estimation_of(micrographs, labels)
        estimation.hold_out(Scorer(), candidates_of, RADIUS, np.random.RandomState(0))
        one, other = (estimation.carry_over(Scorer(scale), candidates_of) for scale in (1.0, 8.0))
        assert one.n_particles == pytest.approx(N_PARTICLES, rel=0.2)
        assert other.n_particles == pytest.approx(one.n_particles, rel=1e-3)
        assert other.calibration[0] == pytest.approx(one.calibration[0] / 8, rel=1e-3)
        np.testing.assert_allclose(other.logits, one.logits, atol=0.01)

    def test_no_candidates_tell_nothing(self, micrographs, labels, candidates_of):
        estimation = estimation_of(micrographs, labels)
        estimation.hold_out(Scorer(), candidates_of, RADIUS, np.random.RandomState(0))
        assert estimation.carry_over(Scorer(), lambda scorer, image: np.empty((0, 3))) is None


class TestWhatWasLearnt:
    """Held-out scores are worse than those of other particles, learnt ones better."""

    @pytest.fixture
    def estimates(self, micrographs, labels):
        """Less of a difference while short, and more for the labels that were learnt."""

        def pick(scorer, image):
            images, truth, candidates = micrographs
            picks, index = candidates[image.name].copy(), images.index(image)
            picks[np.isin(picks[:, 0] + 1e3 * picks[:, 1], truth[index] @ [1, 1e3]), 2] -= (
                1.5 * scorer.is_short
            )
            learnt = np.isin(picks[:, 0] + 1e3 * picks[:, 1], labels[index] @ [1, 1e3])
            picks[learnt, 2] += 0.0 if scorer.is_short else 0.3
            return picks[np.argsort(-picks[:, 2])]

        estimation = estimation_of(micrographs, labels)
        estimation.hold_out(Scorer(), pick, RADIUS, np.random.RandomState(0))
        both, held_out = (
            estimation.carry_over(Scorer(may_memorize=may), pick) for may in (False, True)
        )
        return both, held_out

    def test_the_number(self, estimates):
        for told in estimates:
            assert told.n_particles == pytest.approx(N_PARTICLES, rel=0.15)

    def test_both_tell_the_recall_better(self, estimates, micrographs):
        rng = np.random.default_rng(1)
        of_particles = rng.normal(4.0, size=100_000)
        errors = []
        for told in estimates:
            slope, intercept = told.calibration
            thresholds = slope * np.array([1.5, 2.0, 2.5]) + intercept
            truth = np.mean(slope * of_particles + intercept > thresholds[:, None], axis=1)
            errors.append(told.expected_quality(thresholds)["recall"] - truth)
        both, held_out = np.abs(errors).max(axis=1)
        assert both < 0.75 * held_out

    def test_intervals_hold_the_estimates(self, estimates):
        for told in estimates:
            expected = told.expected_quality()
            for name in ("precision", "recall", "f1", "n_particles"):
                low, high = np.transpose(expected[f"{name}_interval"])
                assert np.all((low <= expected[name]) & (expected[name] <= high))

    def test_intervals_hold_both(self, estimates):
        both, held_out = (told.report(0.0)["n_particles_interval"] for told in estimates)
        assert both[0] < held_out[0] < N_PARTICLES < held_out[1] == both[1]


def test_each_kind_may_have_one_score_if_both_have_two():
    candidates = np.sort(np.random.default_rng(0).normal(size=500))
    at = candidates[450]
    held_out = HeldOutScores(np.full(20, at), candidates)
    estimates = PickEstimates.fit(held_out, np.full(20, at + 1.0), candidates, 60.0, 1.0)
    low, high = estimates.report(0.0)["n_particles_interval"]
    assert 20 < low < high < 500


class TestEstimatedAttributes:
    @pytest.mark.parametrize(
        ("threshold", "logit"), [(0.7, 0.7), ("auto", 0.0), (("recall", 0.9), 0.0)]
    )
    def test_without_estimates(self, threshold, logit):
        attributes = estimated_attributes(None, threshold)
        assert attributes["threshold_"] == logit
        assert attributes["calibration_"] == (1.0, 0.0)
        assert attributes["threshold_report_"] is attributes["expected_particles_"] is None

    def test_are_those_at_the_threshold(self, micrographs, labels, candidates_of):
        estimation = estimation_of(micrographs, labels)
        estimation.hold_out(Scorer(), candidates_of, RADIUS, np.random.RandomState(0))
        estimates = estimation.carry_over(Scorer(), candidates_of)
        attributes = estimated_attributes(estimates, 1.5)
        report = attributes["threshold_report_"]
        assert report["n_picks"] * N_MICROGRAPHS == pytest.approx(np.sum(estimates.logits > 1.5))
        assert report["n_particles"] == attributes["expected_particles_"] == estimates.n_particles
