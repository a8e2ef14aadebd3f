"""The probability that a candidate is a particle, by its score, estimated from held-out labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, log_expit

__all__ = ["ParticleProbability", "can_be_fitted"]

_FEWEST_DETECTED = 5  # labels with a candidate; fewer have no distribution to speak of

_N_BINS = 400
_N_SLOPES, _N_MIDPOINTS = 40, 60
_SLOPES = 0.5, 30.0  # in units of 1 / standard deviation of the labels' scores
_CERTAIN_QUANTILE, _CERTAIN_LOGIT = 0.9, 3.0
_TAILS = 0.05, 0.95
_MEANINGLESS = np.linspace(0.1, 0.8, 8)  # shares of the labels
_MANY_MEANINGLESS = 0.15
_MEANINGLESS_PRIOR = 0.01  # probability of all these shares together


@dataclass(frozen=True)
class ParticleProbability:
    r"""The logistic probability that a candidate is a particle, with its uncertainty.

    The logit of the probability is ``slope * score + intercept``; ``detected_fraction`` is the
    share of the particles that have a candidate. The uncertainty is a grid of m ``alternatives``
    (their slope, and their midpoint: the score of probability one half) whose
    ``alternative_weights`` add up to 1, over a histogram of the candidates (``bin_centres`` and
    ``bin_counts``).

    Notes
    -----
    Candidates are maxima of the score maps, particles and others. Let :math:`p(s)` be the
    probability that one of score :math:`s` is a particle. Labelled particles were drawn from all
    particles, so that the likelihood of their scores, and the number of particles, are

    .. math::
       L = \prod_{j \in \mathrm{labels}} \frac{p(s_j)}{\sum_{i \in m(j)} p(s_i)}, \qquad
       N = \frac{1}{f} \sum_i p(s_i),

    with the sums over the candidates of the label's micrograph :math:`m(j)` and over all, and
    :math:`f` the share of labels that have one. Within a micrograph labels are a random choice of
    its particles; how many each micrograph has, or whether it has any, does not matter. For
    :math:`p(s) = 1 / (1 + e^{-a (s - b)})` the likelihood has two parameters. It identifies them
    because the ratio of the two densities levels off where all candidates are particles; that
    some are, near the highest of the labels' scores, is assumed, as by all estimates of a class
    prior. The likelihood is laid out on a grid of :math:`\log a` and :math:`b`, weighted by a
    broad log-normal around the guessed number of particles, and averaged over rather than
    maximised, which halves the error of the number.

    Labels may also mean nothing, as those of two files of which one counts y from below. Such a
    label lies on any of the :math:`n(j)` candidates of its micrograph. With a share :math:`w` of
    them the factor of a label is

    .. math::
       (1 - w) \frac{p(s_j)}{\sum_{i \in m(j)} p(s_i)} + \frac{w}{n(j)}.

    All :math:`w` from .1 to .8 together have a prior probability of one in a hundred: hard
    particles score like nothing, too, so that labels are right unless the scores say otherwise.
    ``meaningless_share`` is the mean of :math:`w`.
    """

    slope: float
    intercept: float
    detected_fraction: float
    bin_centres: np.ndarray
    bin_counts: np.ndarray
    alternatives: np.ndarray
    alternative_weights: np.ndarray
    meaningless_share: float = 0.0

    @classmethod
    def fit(
        cls,
        label_scores: np.ndarray,
        candidate_scores: np.ndarray,
        *,
        guess: float,
        spread: float = 1.0,
        most: float = np.inf,
        label_weights: np.ndarray | None = None,
        label_groups: np.ndarray | None = None,
        candidate_groups: np.ndarray | None = None,
    ) -> ParticleProbability:
        """Estimate it from the scores of the labels among those of all candidates.

        A label without a candidate scores ``-inf``; ``label_weights`` says how many labels each
        score counts for, one if None. ``guess`` is the number of particles and ``spread`` the
        standard deviation of its logarithm, by default to within a factor of several; more than
        ``most`` are impossible. Groups are the micrographs, whole numbers from 0; None is one.
        """
        labels = _DetectedLabels.of(label_scores, label_weights, label_groups)
        if not labels.can_be_fitted:
            raise ValueError(
                f"{len(labels.scores)} of {len(label_scores)} labelled particles have a candidate "
                f"within the matching radius; at least {_FEWEST_DETECTED}, of different scores, "
                "are needed"
            )
        histogram = _score_histogram(labels, candidate_scores, candidate_groups)
        grid = _posterior_on_grid(labels, histogram, guess, spread, most)
        slope, intercept = _nearest_logistic(
            histogram.centres, grid.mean_probability, histogram.candidates
        )
        return cls(
            slope,
            intercept,
            labels.fraction,
            histogram.centres,
            histogram.candidates,
            grid.alternatives,
            grid.weights,
            grid.meaningless_share,
        )

    @property
    def n_particles(self) -> float:
        """Number of particles, those without a candidate included."""
        p = expit(self.slope * self.bin_centres + self.intercept)
        return float(self.bin_counts @ p) / self.detected_fraction

    @property
    def cautious_n_particles(self) -> float:
        """Lower quartile of the number of particles: contaminants can only add to it."""
        n_detected = self._particles_in_bins().sum(axis=1, keepdims=True)
        return float(self._quantiles(n_detected / self.detected_fraction, [0.25])[0, 0])

    @property
    def labels_are_partly_wrong(self) -> bool:
        """Whether so many labels mean nothing that a user has to know."""
        return self.meaningless_share > _MANY_MEANINGLESS

    def intervals(self, thresholds: ArrayLike) -> dict[str, np.ndarray]:
        """Return 90 % intervals of the quality of the candidates above n scores.

        ``precision`` (NaN without picks), ``recall`` and ``f1`` have shape (n, 2); ``n_particles``
        has shape (2,), since no threshold changes it.
        """
        below, which = np.unique(
            np.searchsorted(self.bin_centres, thresholds, side="right"), return_inverse=True
        )
        n_picks = _sums_from(self.bin_counts)[below]
        p = self._particles_in_bins()
        n_right = _sums_from(p)[:, below]
        n_particles = p.sum(axis=1, keepdims=True) / self.detected_fraction
        with np.errstate(invalid="ignore"):  # 0 / 0 without picks
            ends = {
                "precision": self._quantiles(n_right / n_picks),
                "recall": self._quantiles(n_right / n_particles),
                "f1": self._quantiles(2 * n_right / (n_picks + n_particles)),
            }
        return {
            "n_particles": self._quantiles(n_particles)[0],
            **{name: values[which] for name, values in ends.items()},
        }

    def _particles_in_bins(self) -> np.ndarray:
        """Return how many particles each alternative, a row, expects in each bin, a column."""
        slopes, midpoints = self.alternatives.T
        logits = slopes[:, None] * (self.bin_centres - midpoints[:, None])
        return expit(logits) * self.bin_counts

    def _quantiles(self, values, shares=_TAILS) -> np.ndarray:
        """Return weighted quantiles over the alternatives, in columns, of each column a row."""
        order = np.argsort(values, axis=0)
        weight_so_far = np.cumsum(self.alternative_weights[order], axis=0)
        at = [np.minimum((weight_so_far < share).sum(axis=0), len(order) - 1) for share in shares]
        ordered = np.take_along_axis(values, order, axis=0)
        return np.take_along_axis(ordered, np.array(at), axis=0).T


def can_be_fitted(label_scores: np.ndarray, label_weights: np.ndarray | None = None) -> bool:
    """Return whether labelled particles have a distribution of scores to speak of.

    They have none if fewer than five have a candidate, or if nine tenths of these have the same
    lowest score. Nine tenths of one higher score can be fitted.
    """
    return _DetectedLabels.of(label_scores, label_weights).can_be_fitted


class _DetectedLabels(NamedTuple):
    """The labels that have a candidate: its score, and how many labels each counts for."""

    scores: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    fraction: float  # of all labels, by weight

    @classmethod
    def of(cls, label_scores, label_weights, label_groups=None) -> _DetectedLabels:
        if label_weights is None:
            label_weights = np.ones(len(label_scores))
        if label_groups is None:
            label_groups = np.zeros(len(label_scores), dtype=int)
        has_candidate = np.isfinite(label_scores)
        weights = label_weights[has_candidate]
        fraction = (weights.sum() + 0.5) / (label_weights.sum() + 1)
        return cls(label_scores[has_candidate], weights, label_groups[has_candidate], fraction)

    @property
    def can_be_fitted(self) -> bool:
        enough = self.weights.sum() >= _FEWEST_DETECTED
        return bool(enough and self.scores.min() < self.certain_score)

    @property
    def certain_score(self) -> float:
        """The score from which on candidates are taken for particles."""
        return float(
            np.quantile(self.scores, _CERTAIN_QUANTILE, weights=self.weights, method="inverted_cdf")
        )

    @property
    def standard_deviation(self) -> float:
        mean = np.average(self.scores, weights=self.weights)
        return np.sqrt(np.average((self.scores - mean) ** 2, weights=self.weights))


class _ScoreHistogram(NamedTuple):
    """Weighted labels and candidates by bins of score; the first bin holds all lower ones, too."""

    lowest: float
    centres: np.ndarray
    labels: np.ndarray
    candidates: np.ndarray
    labels_in_group: np.ndarray  # (bins, groups), of the groups that have some
    candidates_in_group: np.ndarray  # (bins, groups)


class _GridPosterior(NamedTuple):
    """Alternatives of slope and midpoint, their weights, and the mean probability in each bin.

    ``meaningless_share`` is that of the labels which lie on any candidate.
    """

    alternatives: np.ndarray
    weights: np.ndarray
    mean_probability: np.ndarray
    meaningless_share: float


def _score_histogram(
    labels: _DetectedLabels, candidate_scores: np.ndarray, groups: np.ndarray | None
) -> _ScoreHistogram:
    width = labels.standard_deviation
    lowest = max(candidate_scores.min(), labels.scores.min() - 6 * width)
    highest = max(candidate_scores.max(), labels.scores.max()) + 1e-6 * width
    edges = np.linspace(lowest, highest, _N_BINS + 1)
    candidate_scores = np.maximum(candidate_scores, lowest)
    if groups is None:
        groups = np.zeros(len(candidate_scores), dtype=int)

    def in_groups(scores, of_scores, weights):
        counts = [
            np.histogram(scores[of_scores == group], edges, weights=weights[of_scores == group])[0]
            for group in np.unique(labels.groups)
        ]
        return np.column_stack(counts)

    return _ScoreHistogram(
        lowest,
        centres=(edges[1:] + edges[:-1]) / 2,
        labels=np.histogram(labels.scores, edges, weights=labels.weights)[0],
        candidates=np.histogram(candidate_scores, edges)[0],
        labels_in_group=in_groups(labels.scores, labels.groups, labels.weights),
        candidates_in_group=in_groups(candidate_scores, groups, np.ones(len(groups))),
    )


def _posterior_on_grid(
    labels: _DetectedLabels, histogram: _ScoreHistogram, guess: float, spread: float, most: float
) -> _GridPosterior:
    """Weigh slopes and midpoints by the likelihood of the labels and the guessed number.

    Numbers above ``most`` weigh nothing, unless even the lowest is above it.
    """
    certain_score = labels.certain_score
    slopes, midpoints = np.meshgrid(
        np.geomspace(*_SLOPES, _N_SLOPES) / labels.standard_deviation,
        np.linspace(histogram.lowest, certain_score, _N_MIDPOINTS),
        indexing="ij",
    )
    plausible = slopes * (certain_score - midpoints) >= _CERTAIN_LOGIT
    slopes, midpoints = slopes[plausible], midpoints[plausible]
    log_p = log_expit(slopes[:, None] * (histogram.centres - midpoints[:, None]))
    p = np.exp(log_p)
    n_detected = p @ histogram.candidates
    n_particles = n_detected / labels.fraction
    log_prior = -((np.log(n_particles / guess) / spread) ** 2) / 2
    log_prior[n_particles > max(most, n_particles.min())] = -np.inf
    log_weight = _log_likelihoods(p, log_p, histogram) + log_prior
    weights = np.exp(log_weight - log_weight.max())
    weights /= weights.sum()
    meaningless_share = float(weights[1:].sum(axis=1) @ _MEANINGLESS)
    weights = weights.sum(axis=0)
    alternatives = np.column_stack([slopes, midpoints])
    return _GridPosterior(alternatives, weights, weights @ p, meaningless_share)


def _log_likelihoods(p: np.ndarray, log_p: np.ndarray, histogram: _ScoreHistogram) -> np.ndarray:
    """Return those of each alternative, a column, and of shares of labels that mean nothing.

    The first row is that of labels which all mean something. The prior of the shares is included.
    """
    sums = p @ histogram.candidates_in_group
    in_bin, in_group = np.nonzero(histogram.labels_in_group)
    weights = histogram.labels_in_group[in_bin, in_group]
    right = np.exp(log_p[:, in_bin] - np.log(sums)[:, in_group])
    wrong = 1 / histogram.candidates_in_group.sum(axis=0)[in_group]
    rows = [log_p @ histogram.labels - np.log(sums) @ histogram.labels_in_group.sum(axis=0)]
    rows += [np.log((1 - share) * right + share * wrong) @ weights for share in _MEANINGLESS]
    prior = np.full(len(rows), _MEANINGLESS_PRIOR / len(_MEANINGLESS))
    prior[0] = 1 - _MEANINGLESS_PRIOR
    return np.array(rows) + np.log(prior)[:, None]


def _nearest_logistic(
    scores: np.ndarray, probabilities: np.ndarray, counts: np.ndarray
) -> tuple[float, float]:
    """Return slope and intercept of the logistic function nearest to probabilities.

    Nearest by the cross entropy over the candidates, which keeps the sum of the probabilities.
    """
    centre = float(np.average(scores, weights=counts))
    spread = math.sqrt(float(np.average((scores - centre) ** 2, weights=counts)))
    z = (scores - centre) / spread
    share = counts / counts.sum()

    def loss(parameters):
        logit = parameters[0] * z + parameters[1]
        residual = share * (expit(logit) - probabilities)
        value = share @ (np.logaddexp(0, logit) - probabilities * logit)
        return value, np.array([residual @ z, residual.sum()])

    scale, shift = minimize(loss, [1.0, 0.0], jac=True, method="BFGS").x
    slope = float(scale / spread)
    return slope, float(shift - slope * centre)


def _sums_from(values: np.ndarray) -> np.ndarray:
    """Return the sums of the last axis from each place on, and 0 beyond its end."""
    sums = np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([sums, np.zeros_like(sums[..., :1])], axis=-1)
