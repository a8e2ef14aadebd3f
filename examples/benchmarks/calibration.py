"""
Do the probabilities mean what they say?
========================================

Prints the true expected calibration error, over ten bins of equal width and with the true classes
of new examples, of scores as they are, after Platt's scaling of labelled against unlabelled
examples, and after `PUPlattScaling`::

    python examples/benchmarks/calibration.py --seeds 10
    PUCLASSIFY_DATA=... python examples/benchmarks/calibration.py --images mnist

The first simulates scores: 1000 of labelled positives, 5000 unlabelled, 100,000 new ones; or 6000,
of whose positives half are labelled. "normal" is two normal distributions so many standard
deviations apart, for which a logistic function is exact. The positives of "unequal" have half the
spread, and "saturated" is the hyperbolic tangent of normal scores; for these it is not. As they
are, scores are taken for logits, twice too large.

The second trains the perceptron of ``mnist.py`` for 10 epochs without a tenth of the labelled and
of the unlabelled images, and calibrates on these; beside it is the accuracy of a fit to everything.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from puclassify.calibration import PUPlattScaling

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tables import mean_sd, table_head, table_row

PRIORS = (0.1, 0.3, 0.6)
SCORES = ("normal 1", "normal 2", "normal 4", "unequal", "saturated")
SCENARIOS = ("case_control", "single_training_set")


def calibration_error(probability, truth, n_bins=10):
    """Return the true expected calibration error."""
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = [np.sum((probability - truth)[bins == b]) for b in range(n_bins)]
    return np.sum(np.abs(gaps)) / len(truth)


def errors(prior, scores, y, new, truth, scenario="case_control"):
    """Return the error of scores as they are, of naive Platt scaling and of PU-Platt scaling."""
    naive = LogisticRegression(C=np.inf).fit(scores[:, None], y)
    ours = PUPlattScaling(prior, scenario=scenario).fit(scores, y)
    found = (expit(new), naive.predict_proba(new[:, None])[:, 1], ours.predict_proba(new)[:, 1])
    return [calibration_error(probability, truth) for probability in found]


def draw(kind, truth, rng):
    """Return scores of examples of known classes."""
    z = rng.normal(size=len(truth))
    if kind == "unequal":
        return 2 * np.where(truth, 1.5 + 0.5 * z, z)
    if kind == "saturated":
        return 10 * np.tanh((z + 2 * truth - 1) / 1.5)
    return 2 * float(kind.split()[1]) * (z + float(kind.split()[1]) * truth)


def simulated(kind, prior, scenario, seed):
    """Return the errors on one draw."""
    rng = np.random.default_rng(seed)
    if scenario == "case_control":
        truth = np.concatenate([np.ones(1000, bool), rng.random(5000) < prior])
        y = np.repeat([1, 0], [1000, 5000])
    else:  # half of the positives are labelled
        truth = rng.random(6000) < prior
        y = (truth & (rng.random(6000) < 0.5)).astype(int)
    scores = draw(kind, truth, rng)
    is_new = rng.random(100_000) < prior
    new = draw(kind, is_new, rng)
    counts = slice(1000 if scenario == "case_control" else 0, None)
    known = LogisticRegression(C=np.inf).fit(scores[counts, None], truth[counts])
    of_known = calibration_error(known.predict_proba(new[:, None])[:, 1], is_new)
    return [*errors(prior, scores, y, new, is_new, scenario), of_known]


def print_simulated(options):
    """Print the table of simulated scores."""
    titles = ("as they are", "naive Platt", "PU-Platt", "Platt, true classes")
    print(table_head(("scores", "scenario", "prior", *titles)))
    for kind in SCORES:
        for scenario in SCENARIOS:
            for prior in PRIORS:
                seeds = range(options.seeds)
                rows = np.array([simulated(kind, prior, scenario, seed) for seed in seeds])
                cells = (mean_sd(column, 3) for column in rows.T)
                print(table_row((kind, scenario, prior, *cells)), flush=True)


def of_fewer(n, prior, scores, y, new, truth, n_draws=20):
    """Return the mean error of PU-Platt scaling by some of the positives, drawn several times."""
    found = []
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        kept = np.concatenate(
            [rng.choice(np.flatnonzero(y == 1), n, False), np.flatnonzero(y == 0)]
        )
        scaling = PUPlattScaling(prior).fit(scores[kept], y[kept])
        found.append(calibration_error(scaling.predict_proba(new)[:, 1], truth))
    return np.mean(found)


def print_images(options):
    """Print the table of an image set."""
    import image_sets
    from pu_images import accuracy, classifier_for, large_set_settings
    from sklearn.model_selection import train_test_split

    images = getattr(image_sets, options.images)()
    settings = large_set_settings(weight_decay=5e-3)["mlp"] | {"max_epochs": options.epochs}
    titles = ("accuracy, all", "accuracy, 9/10", "PU-Platt accuracy", "network", "naive Platt")
    titles += ("PU-Platt", *(f"PU-Platt, {n} positives" for n in options.fewer))
    print(table_head(("criterion", *titles)))
    for criterion in options.criteria:
        rows = []
        for seed in range(options.seeds):
            X, y = images.draw(options.labelled, seed)
            classifier = classifier_for(criterion, settings, images.prior)
            classifier.set_params(random_state=seed)
            of_all = accuracy(classifier.fit(X, y), images)
            rest, held = train_test_split(
                np.arange(len(X)), test_size=0.1, stratify=y, random_state=seed
            )
            classifier.fit(X[rest], y[rest])
            scores, new = (classifier.decision_function(x) for x in (X[held], images.test))
            scaling = PUPlattScaling(images.prior).fit(scores, y[held])
            calibrated = np.mean((scaling.transform(new) > 0) == images.test_truth)
            found = errors(images.prior, scores, y[held], new, images.test_truth)
            fewer = [
                of_fewer(n, images.prior, scores, y[held], new, images.test_truth)
                for n in options.fewer
            ]
            rows.append([of_all, accuracy(classifier, images), calibrated, *found, *fewer])
        n_errors = 3 + len(options.fewer)
        scales, digits = (100,) * 3 + (1,) * n_errors, (2,) * 3 + (3,) * n_errors
        columns = zip(np.array(rows).T, scales, digits)
        cells = (mean_sd(scale * column, digits) for column, scale, digits in columns)
        print(table_row((criterion, *cells)), flush=True)


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", choices=("mnist", "fashion_mnist"), help="instead of scores")
    parser.add_argument("--criteria", nargs="+", default=("nnpu", "ge_kl"))
    parser.add_argument("--labelled", type=int, default=1000)
    parser.add_argument("--fewer", nargs="*", type=int, default=(), help="held-out positives")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print_images(options) if options.images else print_simulated(options)


if __name__ == "__main__":
    main()
