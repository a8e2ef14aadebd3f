"""
Other libraries on the same images
==================================

Trains the methods of pulearn and pu-toolbox on the images, the labelled positives and the seeds
of the other benchmarks, as rows of pixels, and prints accuracy and area under the ROC curve on the
test images. Neither library is a dependency of this package, so they have their own environment::

    python -m venv others
    others/bin/pip install pulearn pu-toolbox torch
    others/bin/python examples/benchmarks/other_libraries.py --data digits
    PUCLASSIFY_DATA=... others/bin/python examples/benchmarks/other_libraries.py --data mnist \
        --libraries pulearn --methods elkan_noto bagging

``--libraries puclassify`` measures two objectives of this package's, where it is installed.
Methods that take the class prior are told the true one. Methods made for one training set, some
positives of which are labelled, get every image once; methods made for a separate positive sample
(case-control) get the labelled images in front of all of them. An error is printed in the row of
its method. Left out are pu-toolbox's PNU, which wants labelled negatives, its DGPU, which wants a
generative model, and its methods for shifted data.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent))
from image_sets import ImageSet, digits, fashion_mnist, mnist

DATA = {"digits": (digits, 100), "mnist": (mnist, 1000), "fashion": (fashion_mnist, 3000)}
HEADER = (
    "data",
    "library",
    "method",
    "accuracy: mean (sd)",
    "ROC AUC: mean (sd)",
    "seconds of fit",
    "seeds",
    "unlabelled",
    "setting",
)


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


@method("pulearn", "naive_bayes", "defaults", one_set=True)
def _(sample):
    from pulearn import PositiveNaiveBayesClassifier

    return PositiveNaiveBayesClassifier()


@method("pulearn", "weighted_naive_bayes", "defaults", one_set=True)
def _(sample):
    from pulearn import WeightedNaiveBayesClassifier

    return WeightedNaiveBayesClassifier()


@method("pulearn", "tan", "defaults", one_set=True)
def _(sample):
    from pulearn import PositiveTANClassifier

    return PositiveTANClassifier()


@method("pulearn", "weighted_tan", "defaults", one_set=True)
def _(sample):
    from pulearn import WeightedTANClassifier

    return WeightedTANClassifier()


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


@method("puclassify", "nnpu", "four layers of 300, 30 epochs (large: 10)", one_set=False)
def _(sample):
    return own_classifier(sample, "nnpu").set_params(criterion__surrogate="sigmoid")


@method("puclassify", "dist_pu", "four layers of 300, 30 epochs (large: 10)", one_set=False)
def _(sample):
    return own_classifier(sample, "dist_pu")


def own_classifier(sample, criterion):
    """Return this package's classifier with the settings of ``digits.py`` or ``mnist.py``."""
    import digits as small
    import mnist as large

    from puclassify import PUImageClassifier

    settings = (large if sample.is_large else small).SETTINGS["mlp"]
    classifier = PUImageClassifier(
        criterion=criterion, prior=sample.prior, random_state=sample.seed, **settings
    )
    classifier.set_params(module_params={"in_features": sample.X.shape[1]})
    return classifier.set_params(max_epochs=10) if sample.is_large else classifier


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


def arrange(images: ImageSet, n_positive, n_unlabelled, seed, *, one_set) -> Sample:
    """Draw what a method is trained on.

    Parameters
    ----------
    images : ImageSet
        The images.
    n_positive : int
        How many positives are labelled.
    n_unlabelled : int or None
        How many of the training images are taken for unlabelled ones, at random; None is all.
    seed : int
        Draws the labelled positives, and of the rest those that are taken.
    one_set : bool
        Whether every image is to appear once, with or without a label, or the labelled images
        in front of the unlabelled ones, among which they stay.

    Returns
    -------
    Sample
        Labelled rows come first.
    """
    labelled = images.labelled(n_positive, seed)
    unlabelled = np.arange(len(images.train))
    if n_unlabelled is not None:
        rng = np.random.default_rng([seed, n_unlabelled])
        unlabelled = rng.choice(unlabelled, n_unlabelled, replace=False)
    if one_set:
        unlabelled = unlabelled[~np.isin(unlabelled, labelled)]
    rows = np.concatenate([labelled, unlabelled])
    counted = rows if one_set else unlabelled
    return Sample(
        images.train[rows].reshape(len(rows), -1),
        np.repeat([1, 0], [len(labelled), len(unlabelled)]),
        float(images.train_truth[counted].mean()),
        seed,
    )


def measure(built: Method, images, n_positive, n_unlabelled, seed) -> tuple[float, float, float]:
    """Return accuracy and ROC AUC on the test images, and the seconds of the fit."""
    sample = arrange(images, n_positive, n_unlabelled, seed, one_set=built.one_set)
    X = images.test.reshape(len(images.test), -1)
    if built.centred:
        mean, spread = sample.X.mean(axis=0), sample.X.std()
        sample, X = replace(sample, X=(sample.X - mean) / spread), (X - mean) / spread
    classifier = built.build(sample)
    started = time.perf_counter()
    classifier = classifier.fit(sample.X, sample.y)
    seconds = time.perf_counter() - started
    if hasattr(classifier, "decision_function"):
        scores = classifier.decision_function(X)
    else:
        scores = classifier.predict_proba(X)[:, 1]
    found = classifier.predict(X) == 1
    return np.mean(found == images.test_truth), roc_auc_score(images.test_truth, scores), seconds


def row(name, library, key, images, n_positive, options) -> str:
    """Measure one method over the seeds; an error is printed, not raised."""
    chosen = METHODS[library][key]
    used = options.unlabelled or len(images.train)
    try:
        values = np.array(
            [
                measure(chosen, images, n_positive, options.unlabelled, seed)
                for seed in range(options.seeds)
            ]
        )
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        measured = [text[:200].replace("|", "/"), "", "", "0"]
    else:
        mean, spread = values.mean(axis=0), values.std(axis=0)
        measured = [
            f"{100 * mean[0]:.1f} ({100 * spread[0]:.1f})",
            f"{mean[1]:.3f} ({spread[1]:.3f})",
            f"{mean[2]:.1f}",
            str(len(values)),
        ]
    return "| " + " | ".join([name, library, key, *measured, f"{used}", chosen.setting]) + " |"


def main():
    """Run the comparison from the command line."""
    names = list(dict.fromkeys(name for methods in METHODS.values() for name in methods))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--libraries", nargs="+", choices=list(METHODS), default=["pulearn", "pu-toolbox"]
    )
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=["digits"])
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument(
        "--unlabelled", type=int, help="take so many of the training images (default: all)"
    )
    options = parser.parse_args()
    print(", ".join(version(name) for name in (*options.libraries, "scikit-learn", "torch")), "\n")
    print("| " + " | ".join(HEADER) + " |")
    print("|" + " --- |" * len(HEADER), flush=True)
    for name in options.data:
        load, n_positive = DATA[name]
        images = load()
        for library in options.libraries:
            for key in METHODS[library]:
                if key in options.methods:
                    print(row(name, library, key, images, n_positive, options), flush=True)


def version(name):
    """Return the name and version of an installed distribution."""
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"


if __name__ == "__main__":
    main()
