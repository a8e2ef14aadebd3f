"""Estimate the class prior of images.

1000 even digits of MNIST are labelled and the other training images are unlabelled: all of them, or
without some even digits so that their share is .3 or .1. A `PUImageClassifier` learns to separate
labelled from unlabelled on four folds and scores the fifth; every method estimates the prior from
the same scores. Prints error and 90 % interval for each seed, and mean absolute errors::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/image_priors.py

In a batch the share of labelled images is that in the data, or, with ``--more``, a tenth, which is
the default of the classifier and lets it memorise them. ``--copies`` keeps labelled images among
the unlabelled ones, too, as in ``mnist.py``.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from common.image_classifiers import large_set_settings
from common.image_sets import ImageSet, mnist
from common.tables import table_head, table_row
from puclassify import PUImageClassifier
from puclassify.model_selection import PUStratifiedKFold
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

N_POSITIVE = 1000
METHODS = (DEDPULPrior, BBEPrior, ElkanNotoPrior)
PRIORS = {"all": None, ".3": 0.3, ".1": 0.1}


def draw(images: ImageSet, prior: float | None, seed: int, *, copies: bool = False):
    """Return labelled positives followed by unlabelled images, labels, and the unlabelled truth."""
    rng = np.random.default_rng(seed)
    labelled = images.labelled(N_POSITIVE, seed)
    others = np.arange(len(images.train))
    if not copies:
        others = np.setdiff1d(others, labelled)
    if prior is not None:
        positives = others[images.train_truth[others]]
        negatives = others[~images.train_truth[others]]
        kept = round(prior / (1 - prior) * len(negatives))
        others = np.concatenate([negatives, rng.choice(positives, kept, replace=False)])
    X = images.train[np.concatenate([labelled, others])]
    return X, np.repeat([1, 0], [N_POSITIVE, len(others)]), images.train_truth[others]


def classifier_of_labelled(network: str, epochs: int, y, seed: int, *, more: bool):
    """Build a classifier of labelled against unlabelled, with the settings of ``mnist.py``."""
    settings = large_set_settings(weight_decay=5e-3)[network] | {"max_epochs": epochs}
    share = float(np.mean(y))
    # With the share of labelled images as prior, probabilities are those of being labelled.
    return PUImageClassifier(
        criterion="pn",
        prior=share,
        positive_fraction=None if more else share,
        random_state=seed,
        **settings,
    )


def estimate(method, scores, y, seed):
    """Return the fitted estimator, or None if it refuses the scores."""
    estimator = method() if method is BBEPrior else method(random_state=seed)
    try:
        return estimator.fit_scores(scores, y)
    except ValueError:
        return None


def cell(estimator, truth) -> str:
    """Return the error of an estimate, and its interval, as text."""
    if estimator is None:
        return "refused"
    low, high = estimator.confidence_interval_
    return f"{estimator.prior_ - truth:+.3f} [{low:.3f}, {high:.3f}]"


def main():
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--unlabelled", nargs="+", choices=list(PRIORS), default=list(PRIORS))
    parser.add_argument("--networks", nargs="+", choices=("mlp", "cnn"), default=["mlp"])
    parser.add_argument("--epochs", nargs="+", type=int, default=[3], help="default: 3")
    parser.add_argument(
        "--more", action="store_true", help="make a tenth of each batch labelled images"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--copies", action="store_true", help="keep labelled images among the unlabelled"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # estimates disagree
    images = mnist()
    names = [method.__name__ for method in METHODS]
    print(table_head(("unlabelled", "network", "epochs", "seed", "prior", *names, "ROC AUC")))
    for unlabelled in options.unlabelled:
        for network in options.networks:
            for epochs in options.epochs:
                errors = []
                for seed in range(options.first_seed, options.first_seed + options.seeds):
                    X, y, truth = draw(images, PRIORS[unlabelled], seed, copies=options.copies)
                    scores = cross_val_predict(
                        classifier_of_labelled(network, epochs, y, seed, more=options.more),
                        X,
                        y,
                        cv=PUStratifiedKFold(random_state=seed),
                        method="predict_proba",
                    )[:, 1]
                    prior = float(np.mean(truth))
                    fitted = [estimate(method, scores, y, seed) for method in METHODS]
                    errors.append([1 - prior if e is None else e.prior_ - prior for e in fitted])
                    cells = (cell(estimator, prior) for estimator in fitted)
                    area = roc_auc_score(truth, scores[y == 0])
                    head = (unlabelled, network, epochs, seed, f"{prior:.3f}")
                    print(table_row((*head, *cells, f"{area:.3f}")), flush=True)
                means = (f"{error:.3f}" for error in np.abs(errors).mean(axis=0))
                print(table_row((unlabelled, network, epochs, "mean", "", *means, "")), flush=True)


if __name__ == "__main__":
    main()
