"""The methods of pulearn and pu-toolbox, and their settings.

``METHODS`` holds all that ``other_libraries.py`` measures, with two objectives of this package for
comparison. A library is imported when one of its methods is built. Not included are PNU of
pu-toolbox, which needs labelled negatives, its DGPU, which needs a generative model, and its
methods for shifted data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

__all__ = ["METHODS", "Method", "Sample"]


@dataclass(frozen=True)
class Sample:
    """Training data of a method."""

    X: np.ndarray  # (n, pixels)
    y: np.ndarray  # 1 is labelled positive, 0 is unlabelled
    prior: float  # share of positives: of the unlabelled rows (case-control) or of all rows
    seed: int  # for the method

    @property
    def n_labelled(self) -> int:
        """Number of labelled rows."""
        return int(self.y.sum())

    @property
    def is_large(self) -> bool:
        """Whether to limit the number of passes over the data."""
        return len(self.y) > 10_000


@dataclass(frozen=True)
class Method:
    """A method of a library, and its settings in words for the table."""

    build: Callable[[Sample], Any]  # returns the unfitted estimator
    setting: str
    one_set: bool  # made for a single training set; otherwise for a case-control sample
    centred: bool  # subtract the mean training image, and divide by the standard deviation


METHODS: dict[str, dict[str, Method]] = {"pulearn": {}, "pu-toolbox": {}, "puclassify": {}}


def method(library: str, name: str, setting: str, *, one_set: bool, centred: bool = False):
    """Add the decorated function to ``METHODS``."""

    def enter(build):
        setting_in_full = f"{setting}, images centred" if centred else setting
        METHODS[library][name] = Method(build, setting_in_full, one_set, centred)
        return build

    return enter


def forest(seed):
    """Build a random forest with leaves of five images, for smooth probabilities."""
    return RandomForestClassifier(min_samples_leaf=5, random_state=seed)


@method("pulearn", "elkan_noto", "random forest, leaves of 5", one_set=True)
def _(sample):
    from pulearn import ElkanotoPuClassifier

    return ElkanotoPuClassifier(forest(sample.seed), hold_out_ratio=0.2, random_state=sample.seed)


@method("pulearn", "elkan_noto_mlp", "MLPClassifier 300-300, 20 passes (large: 3)", one_set=True)
def _(sample):
    from pulearn import ElkanotoPuClassifier

    # With more passes it memorises the labelled images.
    passes = 3 if sample.is_large else 20
    network = MLPClassifier((300, 300), max_iter=passes, random_state=sample.seed)
    return ElkanotoPuClassifier(network, hold_out_ratio=0.2, random_state=sample.seed)


@method("pulearn", "weighted_elkan_noto", "random forest, leaves of 5", one_set=True)
def _(sample):
    from pulearn import WeightedElkanotoPuClassifier

    return WeightedElkanotoPuClassifier(
        forest(sample.seed),
        labeled=sample.n_labelled,
        unlabeled=len(sample.y) - sample.n_labelled,
        hold_out_ratio=0.2,
        random_state=sample.seed,
    )


@method("pulearn", "bagging", "100 decision trees, bags as large as the labels", one_set=False)
def _(sample):
    from pulearn import BaggingPuClassifier

    return BaggingPuClassifier(
        n_estimators=100,
        max_samples=sample.n_labelled,
        oob_score=False,
        random_state=sample.seed,
    )


@method("pulearn", "nnpu", "linear, learning_rate=1 instead of 0.01", one_set=False, centred=True)
def _(sample):
    from pulearn import NNPUClassifier

    return NNPUClassifier(prior=sample.prior, learning_rate=1.0, random_state=sample.seed)


def bayesian(class_name):
    """Return a builder of one of the Bayesian classifiers of pulearn, which have no settings."""

    def build(sample):
        import pulearn

        return getattr(pulearn, class_name)()

    return build


for name, class_name in (
    ("naive_bayes", "PositiveNaiveBayesClassifier"),
    ("weighted_naive_bayes", "WeightedNaiveBayesClassifier"),
    ("tan", "PositiveTANClassifier"),
    ("weighted_tan", "WeightedTANClassifier"),
):
    method("pulearn", name, "defaults", one_set=True)(bayesian(class_name))


@method("pu-toolbox", "elkan_noto", "logistic regression, defaults", one_set=True)
def _(sample):
    from pu_toolbox import ElkanNotoClassifier

    return ElkanNotoClassifier(random_state=sample.seed)


@method("pu-toolbox", "upu", "linear, squared loss, defaults", one_set=False)
def _(sample):
    from pu_toolbox import UPUClassifier

    return UPUClassifier(sample.prior, random_state=sample.seed)


@method("pu-toolbox", "upu_rbf", "200 Gaussians as wide as the median distance", one_set=False)
def _(sample):
    from pu_toolbox import UPUClassifier

    return UPUClassifier(
        sample.prior, basis="rbf", kernel_width=median_distance(sample), random_state=sample.seed
    )


@method(
    "pu-toolbox",
    "nnpu",
    "its own network: linear, 200 epochs (large: 10)",
    one_set=False,
    centred=True,
)
def _(sample):
    from pu_toolbox import NonNegativePUClassifier

    return NonNegativePUClassifier(class_prior=sample.prior, **nnpu_settings(sample))


@method(
    "pu-toolbox",
    "nnpu_mlp",
    "four layers of 300, Adam 3e-4, 200 epochs (large: 10)",
    one_set=False,
    centred=True,
)
def _(sample):
    import torch
    from pu_toolbox import NonNegativePUClassifier
    from torch import nn

    # No batch normalisation: labelled and unlabelled images go through the network separately, and
    # each would be normalised by its own mean.
    torch.manual_seed(sample.seed)
    layers: list[nn.Module] = []
    for width in (sample.X.shape[1], 300, 300, 300):
        layers += [nn.Linear(width, 300), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(300, 1))
    return NonNegativePUClassifier(
        network,
        class_prior=sample.prior,
        optimizer=torch.optim.Adam(network.parameters(), lr=3e-4),
        **nnpu_settings(sample),
    )


@method(
    "pu-toolbox", "dist_pu", "its own network: 64 units, epochs=1000", one_set=False, centred=True
)
def _(sample):
    from pu_toolbox import DistPUClassifier

    return DistPUClassifier(sample.prior, epochs=1000, random_state=sample.seed)


@method(
    "pu-toolbox",
    "llsvm",
    "linear, learning_rate=1e-4 for all 3000 epochs",
    one_set=False,
    centred=True,
)
def _(sample):
    from pu_toolbox import LLSVMClassifier

    # With the default of 5e-6 it stops before it has learnt anything.
    svm = LLSVMClassifier(learning_rate=1e-4, early_stopping=False, random_state=sample.seed)
    return WithPrior(svm, sample.prior)


@method(
    "pu-toolbox", "ldce", "linear, given the share that is not labelled", one_set=True, centred=True
)
def _(sample):
    from pu_toolbox import LDCEClassifier

    return LDCEClassifier(flip_probability=unlabelled_share(sample), random_state=sample.seed)


@method("pu-toolbox", "kldce", "Gaussian kernel, given the share not labelled", one_set=True)
def _(sample):
    from pu_toolbox import KLDCEClassifier

    return KLDCEClassifier(
        flip_probability=unlabelled_share(sample),
        sigma=median_distance(sample),
        random_state=sample.seed,
    )


@method("pu-toolbox", "pusb", "logistic regression, defaults", one_set=False)
def _(sample):
    from pu_toolbox import PUSBClassifier

    return PUSBClassifier()


@method("pu-toolbox", "pusb_kernel", "300 Gaussians, width by cross-validation", one_set=False)
def _(sample):
    from pu_toolbox import PUSBKernelClassifier

    return WithPrior(PUSBKernelClassifier(random_state=sample.seed), sample.prior)


@method("pu-toolbox", "lbe", "logistic regression, defaults", one_set=True)
def _(sample):
    from pu_toolbox import LBEClassifier

    return WithPrior(LBEClassifier(), sample.prior)


@method(
    "pu-toolbox", "self_pu", "its own network: 128 units, defaults", one_set=False, centred=True
)
def _(sample):
    from pu_toolbox import SelfPUClassifier

    return SelfPUClassifier(sample.prior, random_state=sample.seed)


@method("pu-toolbox", "infomax_pu", "its own network, defaults", one_set=False)
def _(sample):
    from pu_toolbox import InfoMaxPUClassifier

    return InfoMaxPUClassifier(class_prior=sample.prior, random_state=sample.seed)


@method("pu-toolbox", "contrastive_pu", "its own network: 128 units, defaults", one_set=False)
def _(sample):
    from pu_toolbox import WeightedContrastivePUClassifier

    return WeightedContrastivePUClassifier(sample.prior, random_state=sample.seed)


def own(criterion):
    """Return a builder of this package's classifier with the settings of digits and mnist."""

    def build(sample):
        from common.image_classifiers import (
            classifier_for,
            large_set_settings,
            small_set_settings,
        )

        settings = large_set_settings(5e-3) if sample.is_large else small_set_settings()
        classifier = classifier_for(criterion, settings["mlp"], sample.prior)
        classifier.set_params(random_state=sample.seed)
        return classifier.set_params(max_epochs=10) if sample.is_large else classifier

    return build


for name in ("nnpu", "dist_pu"):
    setting = "four layers of 300, 30 epochs (large: 10)"
    method("puclassify", name, setting, one_set=False)(own(name))


@dataclass
class WithPrior:
    """A classifier of pu-toolbox whose ``fit`` needs the prior."""

    classifier: Any
    prior: float

    def fit(self, X, y):
        """Fit with the prior and return the classifier itself."""
        return self.classifier.fit(X, y, class_prior=self.prior)


def nnpu_settings(sample):
    """Return parameters for nnPU of pu-toolbox: defaults, with ten epochs on the large sets."""
    epochs = {"max_epochs": 10} if sample.is_large else {}
    return {"random_state": sample.seed, **epochs}


def median_distance(sample):
    """Return the median distance between images, the usual width of a Gaussian kernel."""
    some = np.random.default_rng(sample.seed).choice(len(sample.X), 500, replace=False)
    X = sample.X[some].astype(np.float64)
    squares = (X**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0))
    return float(np.median(distances[np.triu_indices(len(X), 1)]))


def unlabelled_share(sample):
    """Return the share of the positives in a single training set that is not labelled."""
    return 1 - sample.n_labelled / (sample.prior * len(sample.y))
