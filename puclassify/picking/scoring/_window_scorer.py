"""Train any scikit-learn classifier on regions and slide it over whole micrographs."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import clone

from puclassify._progress import with_progress
from puclassify.grid import GridImage, map_length
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.scoring._score_map import pad_for_map
from puclassify.regions import RegionExtractor, sample_regions

__all__ = ["WindowScorer"]

_REGIONS_UNLABELLED = 5000  # over all micrographs
_REGIONS_LABELLED = 5000  # at most: every label has dozens, and each holds thousands of numbers
_WINDOWS_AT_ONCE = 4096
_PROBES = 32  # windows that tell classifiers apart
_LARGEST_LOGIT = 30.0  # for a probability of 0 or 1


class WindowScorer:
    """Scores micrographs with a classifier of flattened regions, which it trains in place.

    The classifier has ``predict_proba`` or ``decision_function``.
    """

    may_memorize = True  # as nearest neighbours and forests do
    n_epochs = 0
    weights = None  # pretrained ones
    device = None  # the classifier needs arrays
    stride = 4

    def __init__(self, classifier, geometry: PickingGeometry):
        if not (hasattr(classifier, "predict_proba") or hasattr(classifier, "decision_function")):
            raise TypeError(
                f"classifier must have predict_proba or decision_function, got {classifier!r}"
            )
        self.classifier = classifier
        self.geometry = geometry
        self.history: list[dict] = []

    def shortened(self, share: float) -> WindowScorer:
        """Return an untrained scorer like this one; there are no epochs to be a share of."""
        return WindowScorer(clone(self.classifier), self.geometry)

    def training_prior(self, prior: float) -> float:
        """Return the prior as it is; the classifier learns labelled against unlabelled."""
        return prior

    def fit(
        self,
        images: list[GridImage],
        labels: list[np.ndarray],
        prior: float,
        rng: np.random.RandomState,
        report=None,
        *,
        verbose: int = 0,
    ) -> None:
        """Train on regions around the labels (k_i, 2) and at random positions.

        Prior, report and verbosity are not used: the classifier has no epochs.
        """
        step = np.median([np.mean(image.step_xy) for image in images])
        diameter = self.geometry.diameter / float(step)
        self.size = 2 * int(np.ceil(0.75 * diameter)) + 1  # one and a half diameters, odd
        regions, y = sample_regions(
            images,
            labels,
            n_unlabeled=-(-_REGIONS_UNLABELLED // len(images)),
            radius=self.geometry.label_radii_on(images),
            random_state=rng,
        )
        if np.sum(y) > _REGIONS_LABELLED:
            positives = rng.permutation(np.flatnonzero(y == 1))[:_REGIONS_LABELLED]
            kept = np.concatenate([positives, np.flatnonzero(y == 0)])
            regions, y = regions[kept], y[kept]
        for name, value in self.classifier.get_params(deep=True).items():
            if name.rpartition("__")[2] == "random_state" and value is None:
                self.classifier.set_params(**{name: rng.randint(2**31 - 1)})
        self.classifier.fit(RegionExtractor(self.size, flatten=True).transform(regions), y)

    @classmethod
    def fit_all(
        cls, scorers, parts, prior: float, rng: np.random.RandomState, *, verbose: int = 0
    ) -> None:
        """Train several scorers, each on its own (images, labels), one after the other."""
        pairs = list(zip(scorers, parts, strict=True))
        shown = with_progress(pairs, len(pairs), "fold", "cross-fitting", verbose=verbose)
        for one, (images, labels) in shown:
            one.fit(images, labels, prior, rng)

    def score_map(
        self, image: GridImage, *, memory_budget: float | str = "auto", compile: bool = False
    ) -> GridImage:
        """Score a preprocessed micrograph window by window: logits at every fourth pixel.

        ``memory_budget`` and ``compile`` are for networks.
        """
        padded = pad_for_map(np.asarray(image.values, np.float32), self.size, self.stride)
        windows = sliding_window_view(padded, (self.size, self.size))[
            :: self.stride, :: self.stride
        ]
        shape = tuple(map_length(length, self.stride) for length in image.shape)
        rows = max(1, _WINDOWS_AT_ONCE // shape[1])
        logits = np.concatenate(
            [
                self._logits(windows[top : top + rows].reshape(-1, self.size**2))
                for top in range(0, shape[0], rows)
            ]
        )
        return image.with_values(logits.reshape(shape).astype(np.float32), step=self.stride)

    def fingerprint(self) -> str:
        """Return a digest of what the classifier says of windows of noise.

        Its bytes are no help: equal estimators can differ in them.
        """
        noise = np.random.default_rng(0).normal(size=(_PROBES, self.size**2)).astype(np.float32)
        logits = np.round(np.asarray(self._logits(noise), np.float64), 6) + 0.0  # no minus zero
        digest = hashlib.sha256(f"{type(self.classifier).__qualname__} {self.size}".encode())
        digest.update(logits.tobytes())
        return digest.hexdigest()[:16]

    def _logits(self, features):
        if not hasattr(self.classifier, "predict_proba"):
            return self.classifier.decision_function(features)
        probability = self.classifier.predict_proba(features)[:, 1]
        with np.errstate(divide="ignore"):
            logits = np.log(probability) - np.log1p(-probability)
        return np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)
