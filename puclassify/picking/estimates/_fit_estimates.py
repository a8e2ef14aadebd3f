"""Estimation in the course of a fit: cross-fitting before the training, pick quality after it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.grid import GridImage
from puclassify.picking._geometry import PickingGeometry, areas_in_medians
from puclassify.picking.estimates._chance import ChanceTest, LabelMover
from puclassify.picking.estimates._cross_fitting import (
    FindCandidates,
    HeldOutScores,
    TrainEach,
    held_out_scores,
    label_and_candidate_scores,
)
from puclassify.picking.estimates._first_look import FirstLook
from puclassify.picking.estimates._particle_probability import can_be_fitted
from puclassify.picking.estimates._pick_quality import PickQuality, fit_pick_quality
from puclassify.picking.estimates._ranks import are_clearly_better, ranks_of_labels
from puclassify.picking.estimates._threshold_rules import ChosenRule, is_rule
from puclassify.picking.label_checks import check_orientation, shift_of_labels

__all__ = ["FEWEST_LABELS", "CrossFit", "EstimationTask", "cross_fit", "estimate_pick_quality"]

FEWEST_LABELS = 10  # for estimates by cross-fitting
_EPOCHS_SHARE = 0.35  # of the final training's epochs, for a cross-fitted one
_NEARLY_ALL = 0.4  # of the candidates, beyond which labels have no places beside them
_GUESS_SPREAD = 1.0  # of the logarithm of a number of particles: within a factor of several
_FIRST_LOOK_SPREAD = 0.5  # the same, where a pretrained network has counted
_FEW_LABELS = 30  # below which a pretrained network knows the number better than they do
# Standard errors from which on labels make a pretrained network worse. Held-out labels tell of half
# of the labels and a third of the training, which with many labels is not what all of them teach.
_CLEARLY_WORSE, _CLEARLY_WORSE_WITH_MANY = 1.0, 3.0
_MANY_LABELS = 60
_CONTRADICTION = 1.25  # by how much a given number may lie outside the interval of the estimate


@dataclass(frozen=True)
class EstimationTask:
    """What estimates are made from, and which of them the picker asks for.

    ``labels`` (k_i, 2) and ``matching_radius``, the largest distance from a label to its candidate,
    are in stored pixels; ``stride`` is that of the score maps in pixels of the images. ``prior``,
    ``expected_particles`` and ``threshold`` are those of the picker, checked. A ``suspicion``, a
    question, is added to warnings. A ``first_look`` is that of the pretrained network that the
    training starts from.
    """

    images: list[GridImage]
    labels: list[np.ndarray]
    geometry: PickingGeometry
    stride: int
    matching_radius: float
    prior: float | str
    expected_particles: float | None
    threshold: float | ChosenRule
    suspicion: str = ""
    first_look: FirstLook | None = None

    @property
    def wants_prior(self) -> bool:
        """Whether the prior is to be estimated from the labels."""
        return self.prior == "auto" and self.expected_particles is None

    @property
    def wants_threshold(self) -> bool:
        """Whether the threshold is a rule, which needs the quality of the picks."""
        return is_rule(self.threshold)

    @property
    def n_labels(self) -> int:
        """Labelled particles in all micrographs."""
        return sum(map(len, self.labels))

    @property
    def n_micrographs(self) -> int:
        """Micrographs that are trained on."""
        return len(self.images)

    def first_prior(self) -> float:
        """Return the prior as given, or the one of the expected or guessed number of particles."""
        if self.wants_prior and self.first_look is not None:
            n_particles, _ = self.guessed_and_most_particles()
            return self.geometry.estimated_prior(self.images, self.stride, n_particles)
        if self.prior == "auto":
            return self.geometry.prior(self.images, self.stride, self.expected_particles)
        return float(self.prior)

    def guessed_and_most_particles(self) -> tuple[float, float]:
        """Return a rough guess of the number of particles in all micrographs, and its limit."""
        most = self.geometry.most_particles(self.images)
        if self.first_look is None:
            return self.geometry.guessed_particles(self.images), most
        return max(min(self.first_look.particles_in(self.images), most), self.n_labels), most

    @property
    def guess_spread(self) -> float:
        """Standard deviation of the logarithm of the guess."""
        return _GUESS_SPREAD if self.first_look is None else _FIRST_LOOK_SPREAD


@dataclass(frozen=True)
class CrossFit:
    """What is known before the final training: its prior, and held-out scores where asked for.

    With ``keeps_pretrained`` the pretrained network is final as it is. ``mean_ranks`` are those of
    held-out labels by the pretrained network and by networks trained on other labels: geometric
    means of one more than the number of candidates above them.
    """

    prior: float
    held_out: HeldOutScores | None = None
    keeps_pretrained: bool = False
    mean_ranks: tuple[float, float] | None = None


def cross_fit(
    task: EstimationTask,
    scorer: Any,
    candidate_finder: Callable[[Any], FindCandidates],
    rng: np.random.RandomState,
    *,
    verbose: int = 0,
) -> CrossFit:
    """Score the labels by scorers that were not trained on them, and estimate the prior.

    ``scorer`` is not trained itself: shorter copies of it are, and ``candidate_finder`` turns each
    into a function from a micrograph to its candidates. Where the labels do not suffice, a warning
    says so.
    """
    prior = task.first_prior()
    if not (task.wants_threshold or task.wants_prior):
        return CrossFit(prior)
    if task.n_labels < FEWEST_LABELS and task.first_look is not None:
        _warn_of_too_few(task)
        return CrossFit(prior, keeps_pretrained=True)
    if task.n_labels < FEWEST_LABELS:
        _warn_of_no_estimates(task, f"y holds only {task.n_labels} labelled particles")
        return CrossFit(prior)

    def train(parts) -> list[FindCandidates]:
        shorter = [scorer.shortened(_EPOCHS_SHARE) for _ in parts]
        scorer.fit_all(shorter, parts, prior, rng, verbose=verbose)
        return [candidate_finder(one) for one in shorter]

    shift = shift_of_labels(task.images, task.labels, task.geometry.diameter)
    if shift is not None:
        _warn_of_no_estimates(task, _beside(shift))
        return CrossFit(prior)
    folds = copy.deepcopy(rng)
    held_out = _held_out(task, train, rng, verbose)
    keeps_pretrained, mean_ranks = False, None
    if task.first_look is not None:
        find = task.first_look.find_candidates
        by_pretrained = _held_out(task, lambda parts: [find for _ in parts], folds, verbose)
        ranks, others = ranks_of_labels(held_out), ranks_of_labels(by_pretrained)
        many = task.n_labels >= _MANY_LABELS
        deviations = _CLEARLY_WORSE_WITH_MANY if many else _CLEARLY_WORSE
        keeps_pretrained = are_clearly_better(others, ranks, deviations)
        mean_ranks = _mean_rank(others), _mean_rank(ranks)
        if keeps_pretrained:
            _warn_of_worse_ranks(mean_ranks)
        if keeps_pretrained or (_can_tell(by_pretrained) and not _can_tell(held_out)):
            held_out = by_pretrained  # which few labels suffice for
    without_estimates = CrossFit(prior, keeps_pretrained=keeps_pretrained, mean_ranks=mean_ranks)
    if not held_out.chance.labels_mean_something:
        _warn_of_no_estimates(task, _by_chance(task, held_out.chance))
        return without_estimates
    if not held_out.chance.labels_are_centred:
        _warn_of_no_estimates(task, _not_centred(held_out.chance))
        return without_estimates
    if not can_be_fitted(held_out.label_scores):
        _warn_of_no_estimates(
            task,
            "classifiers trained on half of the labels give nearly all of the other half one score "
            f"({task.n_labels} labels in all)",
        )
        return without_estimates
    probability = held_out.probability(*task.guessed_and_most_particles(), task.guess_spread)
    if probability.labels_are_partly_wrong:
        _warn_of_meaningless_labels(probability.meaningless_share)
    few_labels = task.first_look is not None and task.n_labels < _FEW_LABELS
    if task.wants_prior and not few_labels:
        n_particles = held_out.in_micrographs(probability.cautious_n_particles)
        prior = task.geometry.estimated_prior(task.images, task.stride, n_particles)
    return CrossFit(prior, held_out, keeps_pretrained, mean_ranks)


def _can_tell(held_out: HeldOutScores) -> bool:
    """Return whether estimates can be made of held-out scores."""
    chance = held_out.chance
    return (
        chance.labels_mean_something
        and chance.labels_are_centred
        and can_be_fitted(held_out.label_scores)
    )


def _held_out(
    task: EstimationTask, train: TrainEach, rng: np.random.RandomState, verbose: int
) -> HeldOutScores:
    radius = task.matching_radius
    move = LabelMover(task.geometry.diameter, radius, np.random.RandomState(0))
    return held_out_scores(train, task.images, task.labels, radius, rng, move, verbose=verbose)


def _mean_rank(n_above: np.ndarray) -> float:
    return float(np.exp(np.log1p(n_above).mean()))


def estimate_pick_quality(
    task: EstimationTask,
    held_out: HeldOutScores | None,
    find_candidates: FindCandidates,
    *,
    may_memorize: bool,
    verbose: int = 0,
) -> PickQuality | None:
    """Estimate the quality of the picks of the trained scorer that ``find_candidates`` uses.

    None without held-out scores, or if the scores do not suffice; a warning says so, and also if
    the estimate contradicts ``expected_particles``.
    """
    if held_out is None:
        return None
    scores = label_and_candidate_scores(
        find_candidates, task.images, task.labels, task.matching_radius, verbose=verbose
    )
    if not len(scores.candidates):
        return None  # the training diverged, which has a warning of its own
    guess, most = task.guessed_and_most_particles()
    quality = fit_pick_quality(
        held_out,
        scores,
        may_memorize=may_memorize,
        guess=guess,
        most=most,
        spread=task.guess_spread,
        areas=areas_in_medians(task.images),
    )
    if quality is None:
        _warn_of_no_estimates(
            task,
            "the classifier gives nearly all labelled particles one score, such as a probability "
            "of 1",
            prior="estimated from held-out labels",
        )
    else:
        _warn_if_contradicted(task.expected_particles, quality)
    return quality


def _beside(shift: np.ndarray) -> str:
    dx, dy = shift
    return (
        f"the labels lie beside what they label, which is {dx:+.1f} stored pixels further in x and "
        f"{dy:+.1f} in y. Are they corners of boxes instead of centres? If so, add what is missing"
    )


def _not_centred(chance: ChanceTest) -> str:
    near, by_chance = chance.near_and_by_chance
    return (
        f"only {near:.0%} of the labels lie on what classifiers trained on the others find within "
        f"a diameter, and {by_chance:.0%} would by chance: they lie around it. Do the labels "
        "mark the centres of the particles, and is particle_diameter that of one particle?"
    )


def _by_chance(task: EstimationTask, chance: ChanceTest) -> str:
    check = check_orientation(task.images, task.labels, particle_diameter=task.geometry.diameter)
    causes = [
        "labels in another orientation or binning, of other micrographs, or at random",
        "a particle_diameter that is not the particles'",
        "too few labels, or too short a training, for images as noisy as these",
    ]
    if check.fits:  # on something that is seen, but not by the classifiers
        causes = causes[::-1]
    elif check.reading != "cannot tell":
        causes[0] = (
            f"the labels are {check.reading} (confidence {check.confidence:.2f}; "
            "puclassify.picking.check_orientation says what to write)"
        )
    if task.n_labels > _NEARLY_ALL * len(chance.candidates):
        causes.insert(
            0,
            f"labels on nearly everything: {task.n_labels} of them where "
            f"{len(chance.candidates)} candidates are, which tell nothing about the rest (were "
            "all candidates of a prediction given as labels?)",
        )
    return (
        f"classifiers trained on half of the {task.n_labels} labels score the other half no higher "
        f"than places beside them (p = {chance.p_value:.2f}), so that they mean nothing. Likely "
        f"causes, the likeliest first: {'; '.join(causes)}"
    )


def _warn_of_no_estimates(task: EstimationTask, why: str, prior: str = "a guess") -> None:
    warn(
        f"the number of particles and the threshold could not be estimated: {why}. "
        f"The prior is {prior if task.wants_prior else 'as given'} and the "
        f"threshold {'a logit of 0' if task.wants_threshold else 'as given'}; label "
        f"{FEWEST_LABELS} particles or more (better 100), train longer, or pass numbers as "
        f"expected_particles and threshold{'. ' * bool(task.suspicion)}{task.suspicion}"
    )


def _warn_of_too_few(task: EstimationTask) -> None:
    warn(
        f"y holds only {task.n_labels} labelled particles, too few to tell whether training on "
        "them makes the pretrained network better: it was kept as it is, and the number of "
        f"particles and the threshold are what it implies. Label {FEWEST_LABELS} or more"
    )


def _warn_of_worse_ranks(mean_ranks: tuple[float, float]) -> None:
    before, after = mean_ranks
    warn(
        "training on the labels makes the pretrained network worse: held-out labels rank "
        f"{after:.3g} instead of {before:.3g} in the mean, 1 being the best candidate of a "
        "micrograph. It was kept as it is. Are the labels those of one kind of particle, and "
        "centred?"
    )


def _warn_of_meaningless_labels(share: float) -> None:
    warn(
        f"about {share:.0%} of the labels score like places without a particle. The estimates "
        "count the others, but the classifier learns from all. Are some in another orientation, "
        "binning or order of micrographs, such as two files in one, or of other particles? Look at "
        "them (puclassify.plotting.PicksDisplay)"
    )


def _warn_if_contradicted(expected_particles: float | None, quality: PickQuality) -> None:
    if expected_particles is None:
        return
    low, high = quality.report(0.0)["n_particles_interval"]
    if not low / _CONTRADICTION <= expected_particles <= high * _CONTRADICTION:
        warn(
            f"expected_particles={expected_particles:g} contradicts the labels, which imply "
            f"{quality.n_particles:.0f} ({low:.0f} to {high:.0f}) particles in a "
            "micrograph; is it the number in one micrograph, and were the labelled "
            "particles a random choice, not the clearest?"
        )
