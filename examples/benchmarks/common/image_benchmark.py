"""Command line and table of the benchmarks mnist, fashion_mnist, cifar10 and digits.

Every row is one network and one objective, over seeds that draw the labelled positives, the
initial weights and the batches.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from sklearn.base import clone

import puclassify
from common.image_classifiers import RISKS, accuracy, classifier_for
from common.image_sets import ImageSet
from common.tables import mean_sd, table_head, table_row
from puclassify.losses import LOSSES

__all__ = ["benchmark"]

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

    ``settings`` holds parameters of `PUImageClassifier` by network, ``criteria`` the objectives
    measured by default. With ``needs_gpu`` it stops where there is none, unless a device is given.
    """
    options = _options(description, list(settings), list(criteria))
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = auto if options.device == "auto" else options.device
    if needs_gpu and options.device == "auto" and auto == "cpu":
        sys.exit("no GPU found, and without one this takes days; --device cpu runs it anyway")
    images = load()
    print(
        f"puclassify {puclassify.__version__}, torch {torch.__version__}, device {device}, "
        f"{torch.get_num_threads()} threads; {len(images.train)} unlabelled images "
        f"({images.prior:.4f} positive), {n_positive} labelled, {len(images.test)} for testing\n"
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
    parser.add_argument("--epochs", type=int, help="instead of those in the network's settings")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    parser.add_argument(
        "--surrogate",
        choices=["sigmoid", "logistic"],
        default="sigmoid",
        help=f"loss of one example in {', '.join(RISKS)} (default: sigmoid)",
    )
    return parser.parse_args()


def _measure(classifier, images, n_positive, seed) -> tuple[float, ...]:
    """Train on everything to the last epoch, and again with a tenth held out to select the epoch.

    The selected epoch has the least objective on the held-out PU data; test images only serve to
    measure accuracy.
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
