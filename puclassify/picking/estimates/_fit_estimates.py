"""How many particles there are and how good the picks are, estimated in the course of a fit."""

from __future__ import annotations

import warnings
from functools import partial

from puclassify.classifier import UNCALIBRATED
from puclassify.picking._geometry import in_all
from puclassify.picking.estimates._cross_fitting import HeldOutScores, held_out_scores, scores_of
from puclassify.picking.estimates._particle_probability import can_be_fitted
from puclassify.picking.estimates._pick_quality import PickEstimates
from puclassify.picking.estimates._threshold_rules import is_rule

__all__ = ["FEWEST_LABELS", "PickEstimation", "estimated_attributes"]

FEWEST_LABELS = 10  # for estimates by cross-fitting
_SHORTER = 0.35  # epochs of a cross-fitted training, of those of the final one
_CONTRADICTION = 1.25  # by how much a given number may lie outside the interval of the estimate
_ONE_SCORE = (
    "the classifier gives nearly all labelled particles one score, such as a probability of 1"
)


class PickEstimation:
    """Makes the `PickEstimates` of a picker, half of it before the training and half after.

    `hold_out` comes first, has labels scored by scorers that have not learnt from them, and tells
    the prior of the training. `carry_over` takes what they tell to the scorer that was trained.
    Where the labels do not tell, a warning says so to the caller of the ``fit`` that calls these.

    Parameters
    ----------
    images : list of n GridImage
        The preprocessed micrographs.
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres in stored pixels.
    geometry : PickingGeometry
        The radii.
    stride : int
        Grid pixels between the map positions of the scorer.
    prior : float or "auto"
        Of the picker, checked.
    expected_particles : float or None
        Of the picker, checked.
    threshold : float, str or (str, float)
        Of the picker, checked.

    Attributes
    ----------
    prior : float
        P(y = 1) among unlabelled map positions: as given or guessed, and as estimated after
        `hold_out` where that is asked for.

    Raises
    ------
    ValueError
        If so many particles cannot be in a micrograph.
    """

    def __init__(self, images, labels, geometry, stride, *, prior, expected_particles, threshold):
        self.images = images
        self.labels = labels
        self.geometry = geometry
        self.stride = stride
        self.expected_particles = expected_particles
        self.is_prior_wanted = prior == "auto" and expected_particles is None
        self.is_threshold_wanted = is_rule(threshold)
        if prior == "auto":
            prior = geometry.prior(images, stride, expected_particles)
        self.prior = float(prior)
        self._held_out: HeldOutScores | None = None

    def hold_out(self, scorer, candidates, radius: float, rng, *, verbose: int = 0) -> None:
        """Score the labels by scorers that have not learnt from them, if anything is to be told.

        Parameters
        ----------
        scorer : NetworkScorer or WindowScorer
            Not trained yet; others like it are trained in its place, in less time.
        candidates : callable
            Takes a trained scorer and a micrograph; returns all candidates as x, y, score by
            descending score.
        radius : float
            Largest distance from a label to its candidate, in stored pixels.
        rng : RandomState
            Seeds the trainings.
        verbose : int, default=0
            Above 0 a line is printed.

        Warns
        -----
        UserWarning
            If there are too few labels, or they do not rank above other candidates.
        """
        if not (self.is_threshold_wanted or self.is_prior_wanted):
            return
        n_labels = sum(map(len, self.labels))
        if n_labels < FEWEST_LABELS:
            self._warn_of_none(f"y holds {n_labels} labelled particles only")
            return

        def train(images, labels):
            shorter = scorer.shortened(_SHORTER)
            shorter.fit(images, labels, self.prior, rng, None)
            return partial(candidates, shorter)

        if verbose:
            print("cross-fitting, for the number of particles and the threshold")
        found = held_out_scores(train, self.images, self.labels, radius, rng)
        if not can_be_fitted(found.labels) or not found.rank():
            self._warn_of_none(
                "classifiers trained on half of the labels do not tell the other half from the "
                f"rest of the micrographs, or give nearly all of it one score, with {n_labels} "
                "labels in all"
            )
            return
        self._held_out, self._radius = found, radius
        if self.is_prior_wanted:
            posterior = found.posterior(self.geometry.guessed_particles(self.images))
            n_particles = found.once(posterior.cautious_n_particles)
            self.prior = self.geometry.estimated_prior(self.images, self.stride, n_particles)

    def carry_over(self, scorer, candidates) -> PickEstimates | None:
        """Take what the held-out labels tell to the scorer that is to pick.

        Parameters
        ----------
        scorer : NetworkScorer or WindowScorer
            Trained.
        candidates : callable
            As of `hold_out`.

        Returns
        -------
        PickEstimates or None
            None where nothing was held out, or the scores tell nothing.

        Warns
        -----
        UserWarning
            If nearly all labels have one score, or ``expected_particles`` contradicts them.
        """
        if self._held_out is None:
            return None
        learnt, found = scores_of(
            partial(candidates, scorer), self.images, self.labels, self._radius
        )
        if not len(found):
            return None  # training diverged, of which a warning tells
        estimates = PickEstimates.fit(
            self._held_out,
            None if scorer.may_memorize else learnt,
            found,
            self.geometry.guessed_particles(self.images),
            in_all(self.images),
        )
        if estimates is None:
            self._warn_of_none(_ONE_SCORE)
        else:
            self._warn_if_contradicted(estimates)
        return estimates

    def _warn_of_none(self, why):
        prior = "a guess" if self._held_out is None else "estimated from held-out labels"
        warnings.warn(
            f"how many particles there are, and where to cut, could not be estimated: {why}. "
            f"The prior is {prior if self.is_prior_wanted else 'as given'} and the "
            f"threshold {'a logit of 0' if self.is_threshold_wanted else 'as given'}; label "
            f"{FEWEST_LABELS} particles or more (better 100), train longer, or pass numbers as "
            "expected_particles and threshold",
            UserWarning,
            stacklevel=5,
        )

    def _warn_if_contradicted(self, estimates):
        given = self.expected_particles
        if given is None:
            return
        low, high = estimates.report(0.0)["n_particles_interval"]
        if not low / _CONTRADICTION <= given <= high * _CONTRADICTION:
            warnings.warn(
                f"expected_particles={given:g} contradicts the labels, which tell "
                f"{estimates.n_particles:.0f} ({low:.0f} to {high:.0f}) particles in a "
                "micrograph; is it the number in one micrograph, and were the labelled "
                "particles a random choice, not the clearest?",
                UserWarning,
                stacklevel=5,
            )


def estimated_attributes(estimates: PickEstimates | None, threshold) -> dict:
    """Return the attributes of a picker that are estimated.

    Parameters
    ----------
    estimates : PickEstimates or None
        From `PickEstimation.carry_over`.
    threshold : float, str or (str, float)
        The logit that decides. Without estimates it may be a rule, which nothing can be found for
        and 0 stands in for.

    Returns
    -------
    dict
        By the names of the attributes.
    """
    if estimates is None:
        return {
            "threshold_": 0.0 if is_rule(threshold) else float(threshold),
            "threshold_report_": None,
            "expected_particles_": None,
            "calibration_": UNCALIBRATED,
            "_picks": None,
        }
    return {
        "threshold_": threshold,
        "threshold_report_": estimates.report(threshold),
        "expected_particles_": estimates.n_particles,
        "calibration_": estimates.calibration,
        "_picks": estimates,
    }
