"""The probability that a candidate is a particle, from labels that nobody learnt from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

__all__ = ["PickPosterior", "can_be_fitted"]

_FEWEST_FOUND = 5  # labels with a candidate; of fewer there is no distribution to speak of

_N_BINS = 400
_N_SLOPES, _N_MIDDLES = 40, 60
_SLOPES = 0.5, 30.0  # in units of 1 / standard deviation of the labels' scores
_SURE_QUANTILE, _SURE_LOGIT = 0.9, 3.0
_TAILS = 0.05, 0.95


@dataclass(frozen=True)
class PickPosterior:
    r"""How probable it is at any score that a candidate is a particle, and how many there are.

    Parameters
    ----------
    slope, intercept : float
        The logit of that probability is ``slope * score + intercept``.
    found : float
        Share of the particles that have a candidate at all.
    n_candidates : int
        Candidates it was fitted to.
    edges : ndarray of shape (n_bins + 1,)
        Bins of score.
    counts : ndarray of shape (n_bins,)
        Candidates in them.
    weights : ndarray of shape (m,)
        Of the alternatives, adding up to 1.
    alternatives : ndarray of shape (m, 2)
        Slope and the score at probability one half of the alternatives that are as good or nearly.

    Notes
    -----
    Candidates are maxima of the score maps, particles and others. Let :math:`p(s)` be the
    probability that one of score :math:`s` is a particle. Labelled particles were drawn from all
    particles, so that the likelihood of their scores, and the number of particles, are

    .. math::
       L = \prod_{j \in \mathrm{labels}} \frac{p(s_j)}{\sum_i p(s_i)}, \qquad
       N = \frac{1}{f} \sum_i p(s_i),

    with the sums over all candidates and :math:`f` the share of labels that have one. For
    :math:`p(s) = 1 / (1 + e^{-a (s - b)})` the likelihood has two parameters. It tells them apart
    because the ratio of the two densities levels off where all candidates are particles; that
    some are, near the highest of the labels' scores, is assumed, as by all estimates of a class
    prior. The likelihood is laid out on a grid of :math:`\log a` and :math:`b`, weighted by a
    broad log-normal around the guessed number of particles, and averaged over rather than
    maximised, which halves the error of the number.
    """

    slope: float
    intercept: float
    found: float
    n_candidates: int
    edges: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    alternatives: np.ndarray

    @classmethod
    def fit(
        cls, labels, candidates, *, guess: float, spread: float = 1.0, weights=None
    ) -> PickPosterior:
        """Estimate it from the scores of labels among those of all candidates.

        Parameters
        ----------
        labels : ndarray of shape (k,)
            Scores of the candidates on labelled particles; ``-inf`` for a label without one.
        candidates : ndarray of shape (n,)
            Scores of all candidates.
        guess : float
            Number of particles.
        spread : float, default=1.0
            Standard deviation of its logarithm: to within a factor of several, unless it is known
            better.
        weights : ndarray of shape (k,) or None, default=None
            How many labels each of ``labels`` counts for; None is one.

        Returns
        -------
        PickPosterior
            The estimate.

        Raises
        ------
        ValueError
            If it is one that `can_be_fitted` denies.
        """
        weights = np.ones(len(labels)) if weights is None else weights
        has_candidate = np.isfinite(labels)
        hits, of_hits = labels[has_candidate], weights[has_candidate]
        if not can_be_fitted(labels, weights):
            raise ValueError(
                f"{len(hits)} of {len(labels)} labelled particles have a candidate within the "
                f"matching radius; at least {_FEWEST_FOUND}, of different scores, are needed"
            )
        n_hits = of_hits.sum()
        found = (n_hits + 0.5) / (weights.sum() + 1)
        mean = np.average(hits, weights=of_hits)
        width = np.sqrt(np.average((hits - mean) ** 2, weights=of_hits))
        low = max(candidates.min(), hits.min() - 6 * width)
        edges = np.linspace(low, max(candidates.max(), hits.max()) + 1e-6 * width, _N_BINS + 1)
        counts = np.histogram(np.maximum(candidates, low), edges)[0]
        at_labels = np.histogram(hits, edges, weights=of_hits)[0]
        middles = (edges[1:] + edges[:-1]) / 2
        sure = _sure(hits, of_hits)
        slopes = np.geomspace(*_SLOPES, _N_SLOPES) / width
        halves = np.linspace(low, sure, _N_MIDDLES)
        slopes, halves = (axis.ravel() for axis in np.meshgrid(slopes, halves, indexing="ij"))
        plausible = slopes * (sure - halves) >= _SURE_LOGIT
        slopes, halves = slopes[plausible], halves[plausible]
        log_p = log_expit(slopes[:, None] * (middles - halves[:, None]))
        n_found = np.exp(log_p) @ counts
        log_weight = log_p @ at_labels - n_hits * np.log(n_found)
        log_weight -= (np.log(n_found / found / guess) / spread) ** 2 / 2
        weights = np.exp(log_weight - log_weight.max())
        weights /= weights.sum()
        slope, intercept = _nearest_logistic(middles, weights @ np.exp(log_p), counts)
        return cls(
            slope,
            intercept,
            found,
            len(candidates),
            edges,
            counts,
            weights,
            np.column_stack([slopes, halves]),
        )

    @property
    def n_particles(self) -> float:
        """Estimate the number of particles, those without a candidate included.

        Returns
        -------
        float
            Labelled ones included.
        """
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        return float(self.counts @ expit(self.slope * middles + self.intercept)) / self.found

    @property
    def cautious_n_particles(self) -> float:
        """Return the lower quartile of the number of particles.

        Contaminants that look like particles can only add to the number, whatever the method.

        Returns
        -------
        float
            Labelled ones included.
        """
        n_found = self._particles_in_bins().sum(axis=1, keepdims=True)
        return float(self._quantiles(n_found / self.found, [0.25])[0, 0])

    def intervals(self, thresholds) -> dict[str, np.ndarray]:
        """Return 90 % intervals of the number of particles, and of precision, recall and F1.

        Parameters
        ----------
        thresholds : array-like of shape (n,)
            Scores; candidates above each are picks.

        Returns
        -------
        dict of ndarray of shape (n, 2)
            Lower and upper ends of ``precision`` (NaN without picks), ``recall`` and ``f1``; of
            shape (2,) for ``n_particles``, which no threshold changes.
        """
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        below, which = np.unique(
            np.searchsorted(middles, thresholds, side="right"), return_inverse=True
        )
        n_picks = _sums_from(self.counts)[below]
        p = self._particles_in_bins()
        n_right, n_particles = _sums_from(p)[:, below], p.sum(axis=1, keepdims=True) / self.found
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
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        slopes, halves = self.alternatives.T
        return expit(slopes[:, None] * (middles - halves[:, None])) * self.counts

    def _quantiles(self, values, shares=_TAILS) -> np.ndarray:
        """Return weighted quantiles over the alternatives, in columns, of each column a row."""
        order = np.argsort(values, axis=0)
        weight_so_far = np.cumsum(self.weights[order], axis=0)
        at = [np.minimum((weight_so_far < share).sum(axis=0), len(order) - 1) for share in shares]
        ordered = np.take_along_axis(values, order, axis=0)
        return np.take_along_axis(ordered, np.array(at), axis=0).T


def can_be_fitted(labels, weights=None) -> bool:
    """Tell whether labelled particles have a distribution of scores to speak of.

    Parameters
    ----------
    labels : ndarray of shape (k,)
        Scores of the candidates on labelled particles; ``-inf`` for a label without one.
    weights : ndarray of shape (k,) or None, default=None
        How many labels each counts for; None is one.

    Returns
    -------
    bool
        False if fewer than five labels have a candidate, or nine tenths of these the same lowest
        score. Nine tenths of one higher score can be fitted.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    has_candidate = np.isfinite(labels)
    hits, of_hits = labels[has_candidate], weights[has_candidate]
    return bool(of_hits.sum() >= _FEWEST_FOUND and hits.min() < _sure(hits, of_hits))


def _sure(hits, weights) -> float:
    """Return a score from which on candidates are taken for particles."""
    return float(np.quantile(hits, _SURE_QUANTILE, weights=weights, method="inverted_cdf"))


def _sums_from(values) -> np.ndarray:
    """Return the sums of the last axis from each place on, and 0 beyond its end."""
    sums = np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([sums, np.zeros_like(sums[..., :1])], axis=-1)


def _nearest_logistic(x, p, counts) -> tuple[float, float]:
    """Return slope and intercept of the logistic function nearest to probabilities.

    Nearest by the cross entropy over the candidates, which keeps the sum of the probabilities.
    """
    centre = float(np.average(x, weights=counts))
    spread = math.sqrt(float(np.average((x - centre) ** 2, weights=counts)))
    z = (x - centre) / spread
    share = counts / counts.sum()

    def loss(parameters):
        logit = parameters[0] * z + parameters[1]
        residual = share * (expit(logit) - p)
        value = share @ (np.logaddexp(0, logit) - p * logit)
        return value, np.array([residual @ z, residual.sum()])

    scale, shift = minimize(loss, [1.0, 0.0], jac=True, method="BFGS").x
    slope = float(scale / spread)
    return slope, float(shift - slope * centre)
