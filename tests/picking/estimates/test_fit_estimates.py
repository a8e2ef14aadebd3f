"""Estimates of a fit, with scorers that need no training and whose truth is known."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from puclassify import GridImage
from puclassify.datasets import label_particles
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.estimates._chance import ChanceTest
from puclassify.picking.estimates._cross_fitting import HeldOutScores, MatchedScores
from puclassify.picking.estimates._first_look import FirstLook
from puclassify.picking.estimates._fit_estimates import (
    EstimationTask,
    _by_chance,
    cross_fit,
    estimate_pick_quality,
)
from puclassify.picking.estimates._pick_quality import fit_pick_quality
from puclassify.picking.estimates._threshold_rules import check_threshold

N_MICROGRAPHS, N_PARTICLES, N_OTHERS = 6, 40, 200
# Particles score 4 more than others, with a standard deviation of 1: their log-odds by Bayes.
LINE = (4.0, -8.0 + np.log(N_PARTICLES / N_OTHERS))
GEOMETRY, STRIDE, RADIUS = PickingGeometry(20.0), 4, 1.0


class Scorer:
    """Scores by what is stored; records what it is trained on."""

    def __init__(self, scale=1.0, trainings=None, may_memorize=False, is_short=False):
        self.scale = scale
        self.trainings = [] if trainings is None else trainings
        self.may_memorize = may_memorize
        self.is_short = is_short

    def shortened(self, share):
        assert share < 1
        return Scorer(trainings=self.trainings, is_short=True)

    @staticmethod
    def fit_all(scorers, parts, prior, rng, *, verbose):
        for scorer, (images, labels) in zip(scorers, parts, strict=True):
            scorer.trainings.append(([image.name for image in images], labels, prior))


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
def candidate_finder(micrographs):
    def find(scorer, image):
        return micrographs[2][image.name] * [1, 1, scorer.scale]

    return lambda scorer: partial(find, scorer)


def task_of(micrographs, labels, prior="auto", expected_particles=None, threshold="auto"):
    threshold = check_threshold(threshold)
    return EstimationTask(
        micrographs[0], labels, GEOMETRY, STRIDE, RADIUS, prior, expected_particles, threshold
    )


def cross_fitted(task, candidate_finder, scorer=None):
    scorer = Scorer() if scorer is None else scorer
    return cross_fit(task, scorer, candidate_finder, np.random.RandomState(0))


def quality_of(task, held_out, candidate_finder, scorer):
    return estimate_pick_quality(
        task, held_out, candidate_finder(scorer), may_memorize=scorer.may_memorize
    )


class TestPretrained:
    """Cross-fits of a scorer that starts from a pretrained one, which sees all particles."""

    @pytest.fixture
    def task(self, micrographs, labels, candidate_finder):
        look = FirstLook.at(micrographs[0], candidate_finder(Scorer()), LINE)
        return replace(task_of(micrographs, labels), first_look=look)

    def test_the_first_prior_is_that_of_the_count(self, task, micrographs):
        n_particles = task.first_look.n_particles
        assert n_particles == pytest.approx(N_MICROGRAPHS * N_PARTICLES, rel=0.1)
        prior = GEOMETRY.estimated_prior(micrographs[0], STRIDE, n_particles)
        assert task.first_prior() == pytest.approx(prior)
        given = replace(task, expected_particles=30)
        assert given.first_prior() == replace(given, first_look=None).first_prior()

    def test_trainings_that_rank_labels_as_high_are_used(self, task, candidate_finder):
        before = cross_fitted(task, candidate_finder)
        assert not before.keeps_pretrained
        assert before.mean_ranks[0] == before.mean_ranks[1]

    def test_the_pretrained_scorer_is_kept_where_trainings_forget(self, task, micrographs):
        rng = np.random.default_rng(1)

        def forgetful(scorer):
            def find(image):
                found = micrographs[2][image.name].copy()
                found[:, 2] = rng.normal(size=len(found))
                return found[np.argsort(-found[:, 2])]

            return find

        with pytest.warns(UserWarning, match="makes the pretrained network worse"):
            before = cross_fitted(task, forgetful)
        assert before.keeps_pretrained
        pretrained, trained = before.mean_ranks
        assert 1 <= pretrained < 30 < trained  # of 240 candidates, 40 particles
        true = GEOMETRY.estimated_prior(micrographs[0], STRIDE, N_MICROGRAPHS * N_PARTICLES)
        assert before.prior == pytest.approx(true, rel=0.2)

    def test_fewer_than_30_labels_leave_the_prior(self, task, micrographs, candidate_finder):
        few = replace(task, labels=label_particles(micrographs[1], 20, random_state=0))
        assert cross_fitted(few, candidate_finder).prior == few.first_prior()
        assert cross_fitted(task, candidate_finder).prior != task.first_prior()


class TestCrossFit:
    def test_no_scorer_sees_the_labels_it_scores(self, micrographs, labels, candidate_finder):
        scorer = Scorer()
        task = task_of(micrographs, labels)
        cross_fitted(task, candidate_finder, scorer)
        (first, some, _), (second, others, _) = scorer.trainings
        assert sorted(first + second) == sorted(image.name for image in micrographs[0])
        assert sum(map(len, some)) + sum(map(len, others)) == 100
        guess = task.first_prior()
        assert [prior for *_, prior in scorer.trainings] == [guess, guess]

    def test_the_prior_becomes_that_of_the_number(self, micrographs, labels, candidate_finder):
        task = task_of(micrographs, labels)
        true = GEOMETRY.estimated_prior(micrographs[0], STRIDE, N_MICROGRAPHS * N_PARTICLES)
        assert task.first_prior() > 1.5 * true  # the guess
        prior = cross_fitted(task, candidate_finder).prior
        assert prior == pytest.approx(true, rel=0.2)  # a lower quartile

    @pytest.mark.parametrize(
        ("given", "prior"),
        [
            ({"prior": 0.07}, 0.07),
            ({"expected_particles": 30}, 30 / 500**2 * np.pi * (20 / 8) ** 2),  # discs of labels
        ],
    )
    def test_a_prior_that_is_given_stays(self, micrographs, labels, candidate_finder, given, prior):
        before = cross_fitted(task_of(micrographs, labels, **given), candidate_finder)
        assert before.prior == pytest.approx(prior)
        assert before.held_out is not None

    def test_nothing_is_trained_where_nothing_is_asked_for(
        self, micrographs, labels, candidate_finder
    ):
        scorer = Scorer()
        task = task_of(micrographs, labels, threshold=0.5, expected_particles=40)
        held_out = cross_fitted(task, candidate_finder, scorer).held_out
        assert scorer.trainings == []
        assert held_out is None
        assert quality_of(task, held_out, candidate_finder, scorer) is None


class TestPickQuality:
    @pytest.fixture
    def task(self, micrographs, labels):
        return task_of(micrographs, labels)

    @pytest.fixture
    def held_out(self, task, candidate_finder):
        return cross_fitted(task, candidate_finder).held_out

    def test_does_not_depend_on_the_scale_of_scores(self, task, held_out, candidate_finder):
        one, other = (
            quality_of(task, held_out, candidate_finder, Scorer(scale)) for scale in (1.0, 8.0)
        )
        assert one.n_particles == pytest.approx(N_PARTICLES, rel=0.2)
        assert other.n_particles == pytest.approx(one.n_particles, rel=1e-3)
        assert other.calibration[0] == pytest.approx(one.calibration[0] / 8, rel=1e-3)
        np.testing.assert_allclose(other.logits, one.logits, atol=0.01)

    def test_without_candidates_there_is_none(self, task, held_out):
        def find_nothing(image):
            return np.empty((0, 3))

        assert estimate_pick_quality(task, held_out, find_nothing, may_memorize=False) is None

    def test_report_is_that_at_the_threshold(self, task, held_out, candidate_finder):
        quality = quality_of(task, held_out, candidate_finder, Scorer())
        report = quality.report(1.5)
        assert report["n_picks"] * N_MICROGRAPHS == pytest.approx(np.sum(quality.logits > 1.5))
        assert report["n_particles"] == quality.n_particles
        assert all(isinstance(value, (float, tuple)) for value in report.values())


class TestSources:
    """Held-out scores are lower than those of other particles, training scores higher."""

    @pytest.fixture
    def qualities(self, micrographs, labels):
        """Particles stand out less for a shorter training, and labels more after the final one."""

        def find(scorer, image):
            images, truth, candidates = micrographs
            picks, index = candidates[image.name].copy(), images.index(image)
            picks[np.isin(picks[:, 0] + 1e3 * picks[:, 1], truth[index] @ [1, 1e3]), 2] -= (
                1.5 * scorer.is_short
            )
            is_label = np.isin(picks[:, 0] + 1e3 * picks[:, 1], labels[index] @ [1, 1e3])
            picks[is_label, 2] += 0.0 if scorer.is_short else 0.3
            return picks[np.argsort(-picks[:, 2])]

        def finder(scorer):
            return partial(find, scorer)

        task = task_of(micrographs, labels)
        held_out = cross_fitted(task, finder).held_out
        return [
            quality_of(task, held_out, finder, Scorer(may_memorize=may)) for may in (False, True)
        ]

    def test_the_number(self, qualities):
        for quality in qualities:
            assert quality.n_particles == pytest.approx(N_PARTICLES, rel=0.15)

    def test_both_estimate_the_recall_better(self, qualities):
        rng = np.random.default_rng(1)
        of_particles = rng.normal(4.0, size=100_000)
        errors = []
        for quality in qualities:
            slope, intercept = quality.calibration
            thresholds = slope * np.array([1.5, 2.0, 2.5]) + intercept
            truth = np.mean(slope * of_particles + intercept > thresholds[:, None], axis=1)
            errors.append(quality.expected_quality(thresholds)["recall"] - truth)
        both, held_out = np.abs(errors).max(axis=1)
        assert both < 0.75 * held_out

    def test_intervals_hold_the_estimates(self, qualities):
        for quality in qualities:
            expected = quality.expected_quality()
            for name in ("precision", "recall", "f1", "n_particles"):
                low, high = np.transpose(expected[f"{name}_interval"])
                assert np.all((low <= expected[name]) & (expected[name] <= high))

    def test_intervals_hold_both(self, qualities):
        both, held_out = (quality.report(0.0)["n_particles_interval"] for quality in qualities)
        assert both[0] < held_out[0] < N_PARTICLES < held_out[1]
        assert both[1] == pytest.approx(held_out[1], rel=0.05)  # around estimates of their own


def test_each_source_may_have_one_score_if_both_have_two():
    candidates = np.sort(np.random.default_rng(0).normal(size=500))
    at = candidates[450]
    held_out = HeldOutScores(np.full(20, at), candidates, None)
    one = np.zeros(500, dtype=int)
    scores = MatchedScores(np.full(20, at + 1.0), candidates, one[:20], one)
    quality = fit_pick_quality(held_out, scores, guess=60.0, areas=np.ones(1))
    low, high = quality.report(0.0)["n_particles_interval"]
    assert 20 < low < high < 500


@pytest.mark.parametrize(("n_candidates", "named"), [(150, True), (249, True), (300, False)])
def test_labels_on_nearly_everything_are_a_likely_cause(labels, n_candidates, named):
    noise = np.random.default_rng(0).normal(size=(N_MICROGRAPHS, 500, 500))
    images = [GridImage(pixels.astype(np.float32)) for pixels in noise]
    nothing = np.zeros((100, 5))
    chance = ChanceTest(nothing[:, 0], nothing, np.zeros(n_candidates), nothing[:, 0], nothing)
    reason = _by_chance(task_of((images,), labels), chance)
    assert ("first: labels on nearly everything: 100 of them where" in reason) == named
    assert "labels in another orientation or binning" in reason
