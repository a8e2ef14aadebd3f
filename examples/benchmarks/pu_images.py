"""
What the benchmarks on whole images share
=========================================

Data sets with known classes, positives drawn from them, the network of Kiryo et al. (2017), and the
table: every row is one objective and one network, over seeds that draw the labelled positives, the
weights and the batches anew.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import puclassify
from puclassify import PUImageClassifier
from puclassify.losses import LOSSES

__all__ = [
    "ImageSet",
    "MultilayerPerceptron",
    "benchmark",
    "digits",
    "fashion_mnist",
    "large_set_settings",
    "mnist",
]

RISKS = ("upu", "nnpu", "abspu")  # graded with the surrogate of --surrogate
HEADER = (
    "network",
    "objective",
    "accuracy, last epoch: mean (sd)",
    "accuracy, PU-selected: mean (sd)",
    "selected epoch",
    "training loss, last epoch",
    "seconds",
    "seeds",
)


@dataclass
class ImageSet:
    """Images whose classes are known.

    Parameters
    ----------
    train, test : ndarray of shape (n, h, w)
        Pixels between 0 and 1.
    train_truth, test_truth : ndarray of bool of shape (n,)
        Which are positive.
    """

    train: np.ndarray
    train_truth: np.ndarray
    test: np.ndarray
    test_truth: np.ndarray

    @property
    def prior(self) -> float:
        """Share of positives among the training images, all of which are the unlabelled sample."""
        return float(np.mean(self.train_truth))

    def draw(self, n_positive: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labelled positives, drawn at random, in front of all training images, and labels.

        The case-control scenario: the positives that are labelled stay among the unlabelled.
        """
        positives = np.flatnonzero(self.train_truth)
        drawn = np.random.default_rng(seed).choice(positives, n_positive, replace=False)
        X = np.concatenate([self.train[drawn], self.train])
        return X, np.repeat([1, 0], [n_positive, len(self.train)])


def mnist() -> ImageSet:
    """Handwritten digits, even ones positive, on the data set's own split."""
    data = np.load(_path("mnist.npz"))
    return ImageSet(
        _pixels(data["x_train"]),
        data["y_train"] % 2 == 0,
        _pixels(data["x_test"]),
        data["y_test"] % 2 == 0,
    )


def fashion_mnist() -> ImageSet:
    """Clothes, of which trousers, coats and sneakers (classes 1, 4 and 7) are positive."""
    data = np.load(_path("fashion_mnist.npz"))
    return _split(_pixels(data["x"]), data["y"], [1, 4, 7], n_test=10_000)


def digits() -> ImageSet:
    """Handwritten digits of 8 x 8 pixels, which come with scikit-learn, even ones positive."""
    data = load_digits()
    X = (data.images / 16).astype(np.float32)
    return _split(X, data.target, [0, 2, 4, 6, 8], n_test=len(X) // 3)


def _path(name: str) -> Path:
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        sys.exit(f"set PUCLASSIFY_DATA to the folder that holds {name}")
    path = Path(folder) / name
    if not path.is_file():
        sys.exit(f"PUCLASSIFY_DATA={folder} holds no {name}")
    return path


def _pixels(stored) -> np.ndarray:
    return stored.astype(np.float32) / 255


def _split(X, classes, positive, n_test) -> ImageSet:
    """Split once for all seeds, with an equal share of every class on either side."""
    train, test = train_test_split(
        np.arange(len(X)), test_size=n_test, stratify=classes, random_state=0
    )
    truth = np.isin(classes, positive)
    return ImageSet(X[train], truth[train], X[test], truth[test])


def large_set_settings(weight_decay: float) -> dict[str, dict]:
    """Parameters of `PUImageClassifier` for 60,000 images of 28 x 28 pixels.

    Parameters
    ----------
    weight_decay : float
        Of the network "mlp".
    """
    return {
        "mlp": {
            "optimizer": "adam",
            "optimizer_params": {"weight_decay": weight_decay},
            "lr": 1e-3,
            "batch_size": 2000,
            "max_epochs": 30,
        },
        "cnn": {
            "module": "cnn",
            "module_params": {"units": 16},
            "lr": 3e-3,
            "batch_size": 1000,
            "max_epochs": 10,
        },
    }


class MultilayerPerceptron(nn.Module):
    """The network of Kiryo et al. (2017) for MNIST: five layers of weights, 300 units in each.

    Parameters
    ----------
    in_features : int
        Pixels of an image.
    """

    def __init__(self, in_features: int):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width in (in_features, 300, 300, 300):
            layers += [nn.Linear(width, 300, bias=False), nn.BatchNorm1d(300), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(300, 1)

    def forward(self, x):
        """Return one logit for each image."""
        return self.head(self.features(x))


def benchmark(
    description: str,
    load: Callable[[], ImageSet],
    settings: dict[str, dict],
    *,
    n_positive: int,
    criteria: Iterable[str],
) -> None:
    """Run a benchmark from the command line and print its table.

    Parameters
    ----------
    description : str
        Of the script, for ``--help``.
    load : callable
        Returns the data.
    settings : dict of str to dict
        Parameters of `PUImageClassifier` for each network, "mlp" and "cnn".
    n_positive : int
        How many positives are labelled.
    criteria : iterable of str
        Objectives measured unless others are asked for.
    """
    options = _options(description, list(settings), list(criteria))
    images = load()
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = auto if options.device == "auto" else options.device
    print(
        f"puclassify {puclassify.__version__}, torch {torch.__version__}, device {device}, "
        f"{torch.get_num_threads()} threads; {len(images.train)} unlabelled of which "
        f"{images.prior:.4f} positive, {n_positive} labelled, {len(images.test)} tested on\n"
    )
    print("| " + " | ".join(HEADER) + " |")
    print("|" + " --- |" * len(HEADER), flush=True)
    for network in options.networks:
        for criterion in options.criteria:
            classifier = _classifier(network, criterion, settings[network], images, options)
            rows = [_measure(classifier, images, n_positive, seed) for seed in range(options.seeds)]
            print(_row(network, criterion, np.array(rows)), flush=True)


def _options(description, networks, criteria) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=networks, default=networks)
    parser.add_argument("--criteria", nargs="+", choices=list(LOSSES), default=criteria)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--epochs", type=int, help="instead of those of the network's settings")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument(
        "--surrogate",
        choices=["sigmoid", "logistic"],
        default="sigmoid",
        help=f"loss of one example in {', '.join(RISKS)} (default: sigmoid)",
    )
    return parser.parse_args()


def _classifier(network, criterion, settings, images, options) -> PUImageClassifier:
    params = dict(settings)
    if network == "mlp":
        n_pixels = int(np.prod(images.train.shape[1:]))
        params |= {"module": MultilayerPerceptron, "module_params": {"in_features": n_pixels}}
    classifier = PUImageClassifier(
        criterion=criterion, prior=images.prior, device=options.device, **params
    )
    if criterion in RISKS:
        classifier.set_params(criterion__surrogate=options.surrogate)
    if options.epochs is not None:
        classifier.set_params(max_epochs=options.epochs)
    return classifier


def _measure(classifier, images, n_positive, seed) -> tuple[float, ...]:
    """Train on everything to the last epoch, and once more with a part held out to select by.

    The second fit sees a tenth less of the labelled and the unlabelled; the epoch is that of the
    least objective on this tenth. Test images are not used but for the accuracies.
    """
    X, y = images.draw(n_positive, seed)
    last = clone(classifier).set_params(random_state=seed)
    started = time.perf_counter()
    last.fit(X, y)
    seconds = time.perf_counter() - started
    selected = clone(classifier).set_params(random_state=seed, early_stopping=True).fit(X, y)
    epoch = int(np.argmin([record["valid_loss"] for record in selected.history_])) + 1
    return (
        _accuracy(last, images),
        _accuracy(selected, images),
        epoch,
        last.history_[-1]["train_loss"],
        seconds,
    )


def _accuracy(classifier, images) -> float:
    return float(np.mean((classifier.predict(images.test) == 1) == images.test_truth))


def _row(network, criterion, rows) -> str:
    last, selected, epoch, loss, seconds = (
        f"{scale * values.mean():.{digits}f} ({scale * values.std():.{digits}f})"
        for values, scale, digits in zip(rows.T, (100, 100, 1, 1, 1), (2, 2, 1, 4, 1))
    )
    cells = (network, criterion, last, selected, epoch, loss, seconds.split()[0], str(len(rows)))
    return "| " + " | ".join(cells) + " |"
