"""
The methods of other libraries, and how they are set
====================================================

Every method of pulearn and pu-toolbox that ``other_libraries.py`` measures is entered here in
``METHODS``, with two objectives of this package's. A library is imported when one of its methods is
built. Left out are pu-toolbox's PNU, which wants labelled negatives, its DGPU, which wants a
generative model, and its methods for shifted data.
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
    """What a method is trained on.

    Parameters
    ----------
    X : ndarray of shape (n, pixels)
        Images as rows.
    y : ndarray of int of shape (n,)
        1 is labelled positive, 0 is unlabelled.
    prior : float
        Share of positives: among the unlabelled rows for a case-control sample, among all rows for
        one training set.
    seed : int
        For the method.
    """

    X: np.ndarray
    y: np.ndarray
    prior: float
    seed: int

    @property
    def n_labelled(self) -> int:
        """How many rows are labelled."""
        return int(self.y.sum())

    @property
    def is_large(self) -> bool:
        """Whether passes over the data have to be counted."""
        return len(self.y) > 10_000


@dataclass(frozen=True)
class Method:
    """One way of training.

    Parameters
    ----------
    build : callable
        Makes the unfitted estimator for a sample.
    setting : str
        How it is set, for the table.
    one_set : bool
        Whether the method is made for one training set.
    centred : bool
        Whether the mean training image is subtracted from all images, and all pixels are divided
        by their standard deviation.
    """

    build: Callable[[Sample], Any]
    setting: str
    one_set: bool
    centred: bool


METHODS: dict[str, dict[str, Method]] = {"pulearn": {}, "pu-toolbox": {}, "puclassify": {}}


def method(library: str, name: str, setting: str, *, one_set: bool, centred: bool = False):
    """Enter the decorated function into the table of methods."""

    def enter(build):
        setting_in_full = f"{setting}, images centred" if centred else setting
        METHODS[library][name] = Method(build, setting_in_full, one_set, centred)
        return build

    return enter


def forest(seed):
    """Make a random forest whose shares of votes are smoother than those of single images."""
    return RandomForestClassifier(min_samples_leaf=5, random_state=seed)


@method("pulearn", "elkan_noto", "random forest, leaves of 5", one_set=True)
def _(sample):
    from pulearn import ElkanotoPuClassifier

    return ElkanotoPuClassifier(forest(sample.seed), hold_out_ratio=0.2, random_state=sample.seed)


@method("pulearn", "elkan_noto_mlp", "MLPClassifier 300-300, 20 passes (large: 3)", one_set=True)
def _(sample):
    from pulearn import ElkanotoPuClassifier

    # More passes teach it the labelled images by heart.
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
    """Return what makes one of pulearn's Bayesian classifiers, which are told nothing."""

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

    # No batch normalisation: labelled and unlabelled images go through the network in turn, and
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

    # With the default of 5e-6 it stops early, before it has learnt.
    svm = LLSVMClassifier(learning_rate=1e-4, early_stopping=False, random_state=sample.seed)
    return Told(svm, sample.prior)


@method(
    "pu-toolbox", "ldce", "linear, told the share that is not labelled", one_set=True, centred=True
)
def _(sample):
    from pu_toolbox import LDCEClassifier

    return LDCEClassifier(flip_probability=unlabelled_share(sample), random_state=sample.seed)


@method("pu-toolbox", "kldce", "Gaussian kernel, told the share not labelled", one_set=True)
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

    return Told(PUSBKernelClassifier(random_state=sample.seed), sample.prior)


@method("pu-toolbox", "lbe", "logistic regression, defaults", one_set=True)
def _(sample):
    from pu_toolbox import LBEClassifier

    return Told(LBEClassifier(), sample.prior)


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
    """Return what makes this package's classifier, set as in ``digits.py`` or ``mnist.py``."""

    def build(sample):
        import digits as small
        import mnist as large
        from pu_images import classifier_for

        settings = (large if sample.is_large else small).SETTINGS["mlp"]
        classifier = classifier_for(criterion, settings, sample.prior)
        classifier.set_params(random_state=sample.seed)
        return classifier.set_params(max_epochs=10) if sample.is_large else classifier

    return build


for name in ("nnpu", "dist_pu"):
    setting = "four layers of 300, 30 epochs (large: 10)"
    method("puclassify", name, setting, one_set=False)(own(name))


@dataclass
class Told:
    """A classifier of pu-toolbox that takes the prior in ``fit``."""

    classifier: Any
    prior: float

    def fit(self, X, y):
        """Fit with the prior; return the classifier itself."""
        return self.classifier.fit(X, y, class_prior=self.prior)


def nnpu_settings(sample):
    """Return parameters of pu-toolbox's nnPU: its own, but ten epochs of the large sets."""
    epochs = {"max_epochs": 10} if sample.is_large else {}
    return {"random_state": sample.seed, **epochs}


def median_distance(sample):
    """Return the median distance of images, a usual width of a Gaussian kernel."""
    some = np.random.default_rng(sample.seed).choice(len(sample.X), 500, replace=False)
    X = sample.X[some].astype(np.float64)
    squares = (X**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0))
    return float(np.median(distances[np.triu_indices(len(X), 1)]))


def unlabelled_share(sample):
    """Return the share of the positives of one training set that is not labelled."""
    return 1 - sample.n_labelled / (sample.prior * len(sample.y))
