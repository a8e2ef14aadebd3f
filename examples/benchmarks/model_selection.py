"""Choose among candidates with PU labels only.

1000 positives are labelled, 20,000 other training images are unlabelled. `GridSearchCV` trains
twelve candidates on four fifths of both and scores them on the last fifth with every PU scorer.
Test images with known classes show how good the choice of each scorer is::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/model_selection.py

Prints the results of each candidate, then the test accuracy of the candidate that each scorer
selects beside that of the best, the median and the worst. "Below the best" is the mean over the
seeds, "not distinguished" the number of other candidates that `compare_candidates` cannot
distinguish from the selected one. In a last table, held-out data are drawn from the test images,
with more or fewer labelled positives. ``--save`` keeps the logits of all candidates on the
validation and test images, to try other scorers.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from common.image_classifiers import classifier_for, large_set_settings
from common.image_sets import ImageSet, fashion_mnist, mnist
from common.tables import mean_sd, table_head, table_row
from puclassify.model_selection import PUStratifiedKFold, compare_candidates, make_pu_scorer

N_POSITIVE, N_UNLABELLED, HELD_OUT = 1000, 20_000, 0.2
N_RESAMPLES = 10
DATA = {"MNIST": (mnist, 5e-3), "Fashion-MNIST": (fashion_mnist, 1e-3)}  # and the weight decay

# Where a candidate differs from nnPU with the network and settings of mnist.py
CANDIDATES = {
    "nnpu": {},
    "nnpu, lr 1e-4": {"lr": 1e-4},
    "nnpu, lr 1e-2": {"lr": 1e-2},
    "nnpu, logistic": {"criterion__surrogate": "logistic"},
    "nnpu, cnn": {"module": "cnn", "module_params": {"units": 16}, "lr": 3e-3, "max_epochs": 4},
    "dist_pu": {"criterion": "dist_pu"},
    "dist_pu, lr 1e-4": {"criterion": "dist_pu", "lr": 1e-4},
    "ge_kl": {"criterion": "ge_kl"},
    "cvir": {"criterion": "cvir"},
    "vpu": {"criterion": "vpu"},
    "upu": {"criterion": "upu"},
    "pn": {"criterion": "pn"},
}
SCORERS = {
    "accuracy": {},
    "lee_liu": {},
    "risk": {},
    "risk, sigmoid": {"loss": "sigmoid"},
    "calibration_error": {},
    "roc_auc": {},
    "average_precision": {},
}


def draw(images: ImageSet, seed: int):
    """Return labelled positives followed by unlabelled images, labels, and the prior."""
    rng = np.random.default_rng(seed)
    labelled = images.labelled(N_POSITIVE, seed)
    others = np.setdiff1d(np.arange(len(images.train)), labelled)
    unlabelled = rng.choice(others, N_UNLABELLED, replace=False)
    X = images.train[np.concatenate([labelled, unlabelled])]
    y = np.repeat([1, 0], [N_POSITIVE, N_UNLABELLED])
    return X, y, float(np.mean(images.train_truth[unlabelled]))


class Recorder:
    """A scorer for searches: all PU scores with standard errors, and accuracy on test images."""

    def __init__(self, images: ImageSet):
        self.images = images
        self.scorers = {
            name: make_pu_scorer(name.split(",")[0], return_std=True, **params)
            for name, params in SCORERS.items()
        }
        self.logits: list[dict[str, np.ndarray]] = []  # per candidate and fold

    def __call__(self, estimator, X, y) -> dict[str, float]:
        """Return the scores by name."""
        scores = {}
        for name, scorer in self.scorers.items():
            scores[name], scores[f"{name}_std"] = scorer(estimator, X, y).values()
        test = estimator.decision_function(self.images.test)
        scores["test"] = float(np.mean((test > 0) == self.images.test_truth))
        scores["test_auc"] = float(roc_auc_score(self.images.test_truth, test))
        self.logits.append({"y": y, "valid": estimator.decision_function(X), "test": test})
        return scores


def search(images: ImageSet, weight_decay: float, seed: int, options):
    """Train and score all candidates; return ``cv_results_`` and the recorder."""
    X, y, prior = draw(images, seed)
    settings = large_set_settings(weight_decay)["mlp"]
    settings |= {"batch_size": 500, "max_epochs": options.epochs, "random_state": seed}
    if options.folds:
        cv = PUStratifiedKFold(options.folds, random_state=seed)
    else:
        cv = StratifiedShuffleSplit(1, test_size=HELD_OUT, random_state=seed)
    recorder = Recorder(images)
    searched = GridSearchCV(
        classifier_for("nnpu", settings, prior),
        [{key: [value] for key, value in CANDIDATES[name].items()} for name in options.candidates],
        scoring=recorder,
        cv=cv,
        refit=False,
        error_score="raise",
    ).fit(X, y)
    return searched.cv_results_, recorder


def choices(results) -> dict[str, float]:
    """Return test accuracies: of the choice of each scorer, the best, the median and the worst."""
    test = np.array(results["mean_test_test"])
    chosen = {name: float(test[np.argmax(results[f"mean_test_{name}"])]) for name in SCORERS}
    chosen["best (by test labels)"] = float(test.max())
    chosen["median"] = float(np.median(test))
    chosen["worst"] = float(test.min())
    return chosen


def print_candidates(data, names, results) -> None:
    """Print accuracy and PU accuracy of each candidate over the seeds."""
    print(table_head((data, "test accuracy (sd)", "PU accuracy (sd)", "test ROC AUC (sd)")))
    for i, name in enumerate(names):
        of_seeds = (
            np.array([one[f"mean_test_{key}"][i] for one in results])
            for key in ("test", "accuracy", "test_auc")
        )
        cells = (
            mean_sd(scale * values, digits)
            for values, scale, digits in zip(of_seeds, (100, 100, 1), (1, 1, 3))
        )
        print(table_row((name, *cells)))
    print(flush=True)


def print_choices(data, results, seeds) -> None:
    """Print the test accuracy of each choice by seed, and how far below the best it is."""
    by_seed = [choices(one) for one in results]
    titles = (f"{data}, selected by", *(f"seed {seed}" for seed in seeds))
    print(table_head((*titles, "mean", "below the best", "not distinguished")))
    for name in by_seed[0]:
        chosen = 100 * np.array([one[name] for one in by_seed])
        best = 100 * np.array([one["best (by test labels)"] for one in by_seed])
        cells = [f"{value:.1f}" for value in chosen]
        cells += [f"{chosen.mean():.1f}", f"{(best - chosen).mean():.2f}"]
        cells.append(not_distinguished(name, results) if name in SCORERS else "")
        print(table_row((name, *cells)))
    print(flush=True)


class OnTestImages:
    """Stands in for a fitted classifier whose logits on all test images are known."""

    def __init__(self, logits, prior: float):
        self.logits = logits
        self.prior_ = prior

    def decision_function(self, rows):
        """Return logits of test images by index."""
        return self.logits[rows]

    def predict(self, rows):
        """Return labels of test images by index."""
        return (self.logits[rows] > 0).astype(int)

    def predict_proba(self, rows):
        """Return probabilities of test images by index."""
        positive = expit(self.logits[rows])
        return np.column_stack([1 - positive, positive])


def print_resampled(data, truth, recorders) -> None:
    """Print how far below the best the choices are with more or fewer held-out positives.

    Held-out PU data are drawn from the test images, as too few training images are left.
    """
    numbers, scorers = (100, 200, 500, 1000), recorders[0].scorers
    below: dict = {name: {n: [] for n in numbers} for name in scorers}
    rng = np.random.default_rng(0)
    for recorder in recorders:
        logits = [one["test"] for one in recorder.logits]
        estimators = [OnTestImages(one, float(np.mean(truth))) for one in logits]
        test = np.array([np.mean((one > 0) == truth) for one in logits])
        for n in np.repeat(numbers, N_RESAMPLES):
            positives = rng.choice(np.flatnonzero(truth), n)
            rows = np.append(positives, rng.integers(0, len(truth), 4000))
            y = np.repeat([1, 0], [n, 4000])
            for name, scorer in scorers.items():
                scores = [next(iter(scorer(one, rows, y).values())) for one in estimators]
                below[name][n].append(test.max() - test[np.argmax(scores)])
    print(table_head((f"{data}, below the best with", *(f"{n} labelled" for n in numbers))))
    for name, losses in below.items():
        print(table_row((name, *(f"{100 * np.mean(losses[n]):.2f}" for n in numbers))))
    print(flush=True)


def not_distinguished(name, results) -> str:
    """Return how many candidates the scorer cannot distinguish from its choice, over the seeds."""
    tables = (compare_candidates(one, metric=name) for one in results)
    return f"{np.mean([np.sum(~table['told_apart']) - 1 for table in tables]):.1f}"


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(CANDIDATES)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--candidates", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="default: 0")
    parser.add_argument("--epochs", type=int, default=10, help="of the perceptron (default: 10)")
    parser.add_argument("--folds", type=int, help="number of folds, instead of one held-out fifth")
    parser.add_argument("--save", type=Path, help="file for the logits, .npz")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # scorers that distinguish nothing
    warnings.simplefilter("ignore", UndefinedMetricWarning)  # no positive predictions
    saved = {}
    for data in options.data:
        load, weight_decay = DATA[data]
        images = load()
        saved[f"{data}/truth"] = images.test_truth
        searches, recorders = [], []
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        for seed in seeds:
            results, recorder = search(images, weight_decay, seed, options)
            searches.append(results)
            recorders.append(recorder)
            for key in ("y", "valid", "test"):
                saved[f"{data}/{seed}/{key}"] = np.array([one[key] for one in recorder.logits])
            if options.save:
                np.savez_compressed(options.save, **saved)
        print_candidates(data, options.candidates, searches)
        print_choices(data, searches, seeds)
        if not options.folds:
            print_resampled(data, images.test_truth, recorders)


if __name__ == "__main__":
    main()
