"""
What the benchmarks on whole images share
=========================================

The command line, the multilayer perceptron of Kiryo et al. (2017), and the table: every row is one
objective and one network, over seeds that draw the labelled positives, the weights and the batches
anew. The images are those of ``image_sets.py``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from image_sets import ImageSet
from sklearn.base import clone
from tables import mean_sd, table_head, table_row
from torch import nn

import puclassify
from puclassify import PUImageClassifier
from puclassify.losses import LOSSES

__all__ = [
    "MultilayerPerceptron",
    "accuracy",
    "benchmark",
    "classifier_for",
    "large_set_settings",
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


def large_set_settings(weight_decay: float) -> dict[str, dict]:
    """Parameters of `PUImageClassifier` for 60,000 images of 28 x 28 pixels.

    Parameters
    ----------
    weight_decay : float
        Of the network "mlp".
    """
    return {
        "mlp": {
            "module": MultilayerPerceptron,
            "module_params": {"in_features": 28 * 28},
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


def classifier_for(
    criterion: str, settings: dict, prior: float, surrogate: str = "sigmoid", device="auto"
) -> PUImageClassifier:
    """Return a classifier with one of the objectives, which trains on everything.

    Parameters
    ----------
    criterion : str
        Name of the objective.
    settings : dict
        Its other parameters.
    prior : float
        That it is told.
    surrogate : {"sigmoid", "logistic"}
        Loss of one example, for the objectives that are risks.
    device : str
        Where to train.

    Returns
    -------
    PUImageClassifier
        Not fitted.
    """
    classifier = PUImageClassifier(
        criterion=criterion, prior=prior, calibration=None, device=device, **settings
    )
    if criterion in RISKS:
        classifier.set_params(criterion__surrogate=surrogate)
    return classifier


def accuracy(classifier: PUImageClassifier, images: ImageSet) -> float:
    """Return the share of the test images that a fitted classifier gets right.

    Parameters
    ----------
    classifier : PUImageClassifier
        Fitted.
    images : ImageSet
        The data.

    Returns
    -------
    float
        From 0 to 1.
    """
    return float(np.mean((classifier.predict(images.test) == 1) == images.test_truth))


def benchmark(
    description: str,
    load: Callable[[], ImageSet],
    settings: dict[str, dict],
    *,
    n_positive: int,
    criteria: Iterable[str],
    needs_gpu: bool = False,
) -> None:
    """Run a benchmark from the command line and print its table.

    Parameters
    ----------
    description : str
        Of the script, for ``--help``.
    load : callable
        Returns the data.
    settings : dict of str to dict
        Parameters of `PUImageClassifier` for each network, by the network's name in the table.
    n_positive : int
        How many positives are labelled.
    criteria : iterable of str
        Objectives measured unless others are asked for.
    needs_gpu : bool
        Whether to stop where there is no GPU, unless ``--device`` asks for another device.
    """
    options = _options(description, list(settings), list(criteria))
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = auto if options.device == "auto" else options.device
    if needs_gpu and options.device == "auto" and auto == "cpu":
        sys.exit("no GPU here, without which this takes days; --device cpu runs it nevertheless")
    images = load()
    print(
        f"puclassify {puclassify.__version__}, torch {torch.__version__}, device {device}, "
        f"{torch.get_num_threads()} threads; {len(images.train)} unlabelled of which "
        f"{images.prior:.4f} positive, {n_positive} labelled, {len(images.test)} tested on\n"
    )
    print(table_head(HEADER), flush=True)
    for network in options.networks:
        for criterion in options.criteria:
            classifier = classifier_for(
                criterion, settings[network], images.prior, options.surrogate, options.device
            )
            if options.epochs is not None:
                classifier.set_params(max_epochs=options.epochs)
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
        accuracy(last, images),
        accuracy(selected, images),
        epoch,
        last.history_[-1]["train_loss"],
        seconds,
    )


def _row(network, criterion, rows) -> str:
    last, selected, epoch, loss, seconds = (
        mean_sd(scale * values, digits)
        for values, scale, digits in zip(rows.T, (100, 100, 1, 1, 1), (2, 2, 1, 4, 1))
    )
    cells = (network, criterion, last, selected, epoch, loss, seconds.split()[0], str(len(rows)))
    return table_row(cells)
