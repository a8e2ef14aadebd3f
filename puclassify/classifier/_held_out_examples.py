"""Examples that a fit holds out, and what it estimates from them."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.sparse import block_array, coo_array
from scipy.sparse.csgraph import connected_components

from puclassify._copies import numbers_of_equal, warn_of_copies
from puclassify._devices import resolve_device, resolve_precision
from puclassify._example_weights import ExampleWeights, are_equal, counted, systematic_sample
from puclassify.classifier._calibration import UNCALIBRATED, fit_calibration, is_calibrated
from puclassify.classifier._early_stopping import HeldOutLoss
from puclassify.classifier._forward import first_logits, run_in_batches
from puclassify.classifier._net import PUNet
from puclassify.classifier._prior_estimation import PriorEstimation
from puclassify.classifier._samples import PixelSource
from puclassify.classifier._trainer import Trained
from puclassify.regions import RegionTable

__all__ = ["HeldOutExamples", "hold_out"]


class HeldOutExamples:
    """Examples held out for early stopping, the estimate of the prior and the calibration.

    All three share them, and none are held out where none of the three is asked for. ``trained``
    are the rows to train on; ``stopping`` and ``estimation`` are callbacks of the training, or
    None. Examples of weight 0 are neither trained on nor held out.
    """

    def __init__(
        self,
        classifier,
        source: PixelSource,
        positive: np.ndarray,
        rng: np.random.RandomState,
        *,
        groups: ArrayLike | None = None,
        weights: ExampleWeights,
        estimates_prior: bool,
        unlabelled_is_everything: bool,
    ):
        _check_groups(groups, len(source))  # which may not be used
        self.trained = np.flatnonzero(weights.present)
        self.stopping: HeldOutLoss | None = None
        self.estimation: PriorEstimation | None = None
        self._scenario = classifier.scenario
        self._precision = classifier.precision
        self._device = resolve_device(classifier.device)
        self._source = source
        share = classifier.validation_fraction
        n_positive = np.sum(positive[self.trained])
        self._calibrates = is_calibrated(classifier.calibration, n_positive, share)
        if not (classifier.early_stopping or self._calibrates or estimates_prior):
            return
        present, groups = (
            self.trained,
            groups_of(source, groups, positive, one_set=self._scenario == "single_training_set"),
        )
        if groups is not None:
            groups = np.unique(groups[present], return_inverse=True)[1]
        trained, held = hold_out(positive[present], share, rng, groups)
        self.trained, self._held = present[trained], present[held]
        self._positive = positive[self._held]
        self._weights = weights
        if classifier.early_stopping:
            self.stopping = self._loss(unlabelled_is_everything)
        if estimates_prior:
            self.estimation = self._prior_estimation(classifier, positive, rng)

    def _loss(self, unlabelled_is_everything: bool) -> HeldOutLoss:
        labelled = self._held[self._positive]
        unlabelled = self._held if unlabelled_is_everything else self._held[~self._positive]
        targets = torch.zeros(len(labelled) + len(unlabelled))
        targets[: len(labelled)] = 1
        weights = None
        if self._weights.matter:
            weights = torch.from_numpy(self._weights.of_both(labelled, unlabelled))
        graded = np.concatenate([labelled, unlabelled])
        return HeldOutLoss(partial(self._logits_in_training, rows=graded), targets, weights)

    def _prior_estimation(
        self, classifier, positive: np.ndarray, rng: np.random.RandomState
    ) -> PriorEstimation:
        """Estimate the prior of examples that come as often as they count.

        The estimates accept weights of labelled positives only, as propensities.
        """
        rows = self._held
        if not are_equal(self._weights.given[rows]):
            rows = _drawn(rows, positive, self._weights.given, self._scenario, rng)
        n_labelled, n = counted(positive, self._weights.given)
        return PriorEstimation(
            classifier.prior,
            self._scenario,
            partial(self._logits_in_training, rows=rows),
            positive[rows],
            n_labelled / n,
            int(classifier.max_epochs),
            self._weights.relative_propensities(rows),
        )

    def calibration(self, trained: Trained) -> tuple[float, float]:
        """Return slope and intercept that calibrate the trained network, if that is asked for."""
        if not self._calibrates:
            return UNCALIBRATED
        dtype = resolve_precision(self._precision, self._device, coarse=trained.needs_float32)
        logits = self._logits(trained.module, dtype, self._held).numpy()
        return fit_calibration(
            logits,
            self._positive,
            trained.prior,
            self._scenario,
            sample_weight=self._weights.given[self._held],
            propensities=self._weights.relative_propensities(self._held),
            prior_is_given=self.estimation is None,
        )

    def _logits_in_training(self, net: PUNet, rows: np.ndarray) -> torch.Tensor:
        return self._logits(net.module_.network, net.scoring_dtype, rows)

    def _logits(self, module, autocast_dtype, rows) -> torch.Tensor:
        return run_in_batches(
            first_logits,
            module,
            self._source,
            device=self._device,
            autocast_dtype=autocast_dtype,
            rows=rows,
        )


def _drawn(rows, positive, weights, scenario, rng) -> np.ndarray:
    """Draw as many rows, each sample of the scenario in proportion to its weights."""
    generator = np.random.default_rng(rng.randint(2**31 - 1))
    samples = [rows]
    if scenario == "case_control":
        samples = [rows[positive[rows]], rows[~positive[rows]]]
    return np.concatenate(
        [sample[systematic_sample(weights[sample], len(sample), generator)] for sample in samples]
    )


def hold_out(
    positive: np.ndarray,
    share: float,
    rng: np.random.RandomState,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on and rows to hold out: a share of either label, at least one each.

    The rows of a group, (n,) whole numbers from 0, stay together. More than the share is held out
    where groups are large.
    """
    drawn = []
    for kind, of_kind in (("labelled positive", positive), ("unlabelled", ~positive)):
        rows = rng.permutation(np.flatnonzero(of_kind))
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True, calibration='platt' and an estimated prior hold out "
                f"examples of both labels, but y has only {len(rows)} {kind} example; leave "
                "early_stopping=False and calibration='auto', give the prior as a number, or give "
                "more examples"
            )
        drawn.append(rows[: min(max(1, round(share * len(rows))), len(rows) - 1)])
    held = np.concatenate(drawn)
    if groups is not None:
        held = _whole_groups(positive, [len(rows) for rows in drawn], groups, rng)
    return np.setdiff1d(np.arange(len(positive)), held), held


def _whole_groups(positive, wanted, groups, rng) -> np.ndarray:
    """Draw groups until they hold the wanted numbers of positives and of unlabelled examples."""
    left = np.array([np.sum(positive), np.sum(~positive)])
    missing = np.array(wanted)
    in_group = np.column_stack(
        [np.bincount(groups, weights=of_kind) for of_kind in (positive, ~positive)]
    )
    held = []
    for group in rng.permutation(np.flatnonzero(in_group.sum(axis=1))):
        brings = in_group[group]
        if (brings[missing > 0] > 0).any() and (left - brings >= 1).all():
            held.append(group)
            missing, left = missing - brings, left - brings
        if (missing <= 0).all():
            break
    rows = np.flatnonzero(np.isin(groups, held))
    if not positive[rows].any() or positive[rows].all():
        raise ValueError(
            "the examples of each group are held out together, but no choice of groups leaves "
            "examples of both labels on either side; give smaller groups, or what needs no "
            "held-out examples: early_stopping=False, calibration=None and the prior as a number"
        )
    return rows


def groups_of(
    source: PixelSource,
    given: ArrayLike | None,
    positive: np.ndarray,
    *,
    one_set: bool = False,
) -> np.ndarray | None:
    """Return numbers of groups (n,) that are held out together, None where there are none.

    Those given, else the micrographs of regions; images that are the same, pixel for pixel, are in
    one group. A warning says so, but not of a labelled image that is also in an unlabelled sample
    that was drawn separately.
    """
    of_regions = given is None and isinstance(source.X, RegionTable)
    groups = _check_groups(source.X.groups if of_regions else given, len(source))
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1]
        if of_regions and groups.max() == 0:
            return None  # one micrograph, whose regions are all there is
    same = _same_images(source, positive, one_set)
    if same is None:
        return groups
    if groups is None:
        return same
    pairs = coo_array((np.ones(len(same)), (groups, same)))
    return connected_components(block_array([[None, pairs], [pairs.T, None]]))[1][groups]


def _check_groups(groups: ArrayLike | None, n_samples: int) -> np.ndarray | None:
    groups = None if groups is None else np.asarray(groups)
    if groups is not None and groups.shape != (n_samples,):
        raise ValueError(
            f"groups must hold one group for each of the {n_samples} samples of X, got shape "
            f"{groups.shape}"
        )
    if groups is not None:
        _check_names_of_groups(groups)
    return groups


def _check_names_of_groups(groups: np.ndarray) -> None:
    """Refuse names of groups that are missing, and fractions, which are weights."""
    missing = np.array([name is None or name != name for name in groups.tolist()], dtype=bool)
    if missing.any():
        raise ValueError(
            f"groups has no name for {missing.sum()} of {len(groups)} samples (None or NaN), the "
            f"first at index {missing.argmax()}; give each of these a group of its own"
        )
    if groups.dtype.kind == "f" and np.any(groups != np.round(groups)):
        raise ValueError(
            "groups holds fractions, the first at index "
            f"{np.argmax(groups != np.round(groups))}; are they weights? Pass them by name, "
            "sample_weight=..."
        )


def _same_images(source: PixelSource, positive: np.ndarray, one_set: bool) -> np.ndarray | None:
    """Return a number for each image, equal for equal ones; None if no two are."""
    if isinstance(source.X, RegionTable | np.memmap) or len(source.sample_shape) == 1:
        return None
    same = numbers_of_equal(source.X)
    if same is not None:
        warn_of_copies(same, positive, one_set=one_set, what="images")
    return same
