"""Measure how well calibrated probabilities are.

Prints the true expected calibration error, over ten bins of equal width and with the true classes
of new examples, of uncalibrated scores, after Platt scaling of labelled against unlabelled
examples ("naive"), and after `PUPlattScaling`::

    python examples/benchmarks/calibration.py --seeds 10
    PUCLASSIFY_DATA=... python examples/benchmarks/calibration.py --images mnist

The first command simulates scores: 1000 of labelled positives, 5000 unlabelled and 100,000 new
ones; in the single-training-set scenario, 6000 with half of the positives labelled. "normal 2" is
two normal distributions 2 standard deviations apart, for which a logistic function is exact; it is
not exact for "unequal", where the positives have half the spread, nor for "saturated", the
hyperbolic tangent of normal scores. Uncalibrated scores are taken for logits that are twice too
large.

The second command trains the perceptron of ``mnist.py`` for 10 epochs with a tenth of the labelled
and of the unlabelled images held out, and calibrates on these. The accuracy of a fit to all images
is printed for comparison.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from common import image_sets
from common.image_classifiers import accuracy, classifier_for, large_set_settings
from common.tables import mean_sd, table_head, table_row
from puclassify.calibration import PUPlattScaling

PRIORS = (0.1, 0.3, 0.6)
SCORES = ("normal 1", "normal 2", "normal 4", "unequal", "saturated")
SCENARIOS = ("case_control", "single_training_set")


def calibration_error(probability, truth, n_bins=10):
    """Return the true expected calibration error."""
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = [np.sum((probability - truth)[bins == b]) for b in range(n_bins)]
    return np.sum(np.abs(gaps)) / len(truth)


def errors(prior, scores, y, new, truth, scenario="case_control"):
    """Return the errors of uncalibrated scores, of naive and of PU-Platt scaling."""
    naive = LogisticRegression(C=np.inf).fit(scores[:, None], y)
    ours = PUPlattScaling(prior, scenario=scenario).fit(scores, y)
    calibrated = naive.predict_proba(new[:, None])[:, 1], ours.predict_proba(new)[:, 1]
    return [calibration_error(probability, truth) for probability in (expit(new), *calibrated)]


def draw(kind, truth, rng):
    """Draw scores of examples of the given classes."""
    z = rng.normal(size=len(truth))
    if kind == "unequal":
        return 2 * np.where(truth, 1.5 + 0.5 * z, z)
    if kind == "saturated":
        return 10 * np.tanh((z + 2 * truth - 1) / 1.5)
    return 2 * float(kind.split()[1]) * (z + float(kind.split()[1]) * truth)


def simulated(kind, prior, scenario, seed):
    """Return the errors on one draw, and that of Platt scaling with the true classes."""
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
    mixture = slice(1000 if scenario == "case_control" else 0, None)
    supervised = LogisticRegression(C=np.inf).fit(scores[mixture, None], truth[mixture])
    least = calibration_error(supervised.predict_proba(new[:, None])[:, 1], is_new)
    return [*errors(prior, scores, y, new, is_new, scenario), least]


def print_simulated(options):
    """Print the table for simulated scores."""
    titles = ("uncalibrated", "naive Platt", "PU-Platt", "Platt, true classes")
    print(table_head(("scores", "scenario", "prior", *titles)))
    for kind in SCORES:
        for scenario in SCENARIOS:
            for prior in PRIORS:
                seeds = range(options.seeds)
                rows = np.array([simulated(kind, prior, scenario, seed) for seed in seeds])
                cells = (mean_sd(column, 3) for column in rows.T)
                print(table_row((kind, scenario, prior, *cells)), flush=True)


def error_with_fewer(n, prior, scores, y, new, truth, n_draws=20):
    """Return the mean error of PU-Platt scaling with ``n`` of the positives over several draws."""
    errors = []
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        kept = np.concatenate(
            [rng.choice(np.flatnonzero(y == 1), n, False), np.flatnonzero(y == 0)]
        )
        scaling = PUPlattScaling(prior).fit(scores[kept], y[kept])
        errors.append(calibration_error(scaling.predict_proba(new)[:, 1], truth))
    return np.mean(errors)


def print_images(options):
    """Print the table for an image set."""
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
            of_all_held = errors(images.prior, scores, y[held], new, images.test_truth)
            fewer = [
                error_with_fewer(n, images.prior, scores, y[held], new, images.test_truth)
                for n in options.fewer
            ]
            rows.append([of_all, accuracy(classifier, images), calibrated, *of_all_held, *fewer])
        n_errors = 3 + len(options.fewer)
        scales, digits = (100,) * 3 + (1,) * n_errors, (2,) * 3 + (3,) * n_errors
        columns = zip(np.array(rows).T, scales, digits)
        cells = (mean_sd(scale * column, digits) for column, scale, digits in columns)
        print(table_row((criterion, *cells)), flush=True)


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--images", choices=("mnist", "fashion_mnist"), help="instead of simulated scores"
    )
    parser.add_argument("--criteria", nargs="+", default=("nnpu", "ge_kl"))
    parser.add_argument("--labelled", type=int, default=1000)
    parser.add_argument(
        "--fewer", nargs="*", type=int, default=(), help="numbers of held-out positives"
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print_images(options) if options.images else print_simulated(options)


if __name__ == "__main__":
    main()
