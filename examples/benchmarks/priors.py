"""Estimate the class prior of simulated data.

Draws 1000 labelled positives and 5000 unlabelled examples from two classes in five dimensions,
estimates the prior with every method from out-of-fold scores, and prints for each prior the mean
absolute error over the seeds and, in brackets, the bias::

    python examples/benchmarks/priors.py

"gaussian 3" and "gaussian 1.5" are spherical Gaussians 3 and 1.5 standard deviations apart, for
which logistic regression is the best classifier. In "board" the classes are the fields of a 2 x 2
chessboard, about which it learns nothing. An estimate that fails, or is 1 or more, counts as 1.
``--coverage`` prints how often the intervals contain the truth, given the exact probabilities.

pulearn is not a dependency of this package. Its estimators, with their defaults, are measured on
the same samples in an environment of their own::

    python -m venv others
    others/bin/pip install pulearn
    others/bin/python examples/benchmarks/priors.py --library pulearn
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from common.tables import table_head, table_row

PRIORS = (0.1, 0.3, 0.6)
N_POSITIVE, N_UNLABELLED, N_FEATURES = 1000, 5000, 5


def gaussian(distance, truth, rng):
    """Draw from two spherical Gaussians ``distance`` standard deviations apart."""
    shift = np.full(N_FEATURES, distance / np.sqrt(N_FEATURES))
    return rng.normal(size=(len(truth), N_FEATURES)) + truth[:, None] * shift


def board(truth, rng):
    """Draw from the fields of a 2 x 2 chessboard in the first two dimensions."""
    row = rng.integers(0, 2, len(truth))
    column = np.where(truth, 1 - row, row)
    X = rng.normal(scale=0.6, size=(len(truth), N_FEATURES))
    X[:, 0] += 4 * column - 2
    X[:, 1] += 4 * row - 2
    return X


DATA = {
    "gaussian 3": lambda truth, rng: gaussian(3.0, truth, rng),
    "gaussian 1.5": lambda truth, rng: gaussian(1.5, truth, rng),
    "board": board,
}


def draw(data, prior, seed):
    """Return labelled positives followed by unlabelled examples, and labels."""
    rng = np.random.default_rng(seed)
    labelled = np.ones(N_POSITIVE, dtype=bool)
    X = DATA[data](np.concatenate([labelled, rng.random(N_UNLABELLED) < prior]), rng)
    return X, np.repeat([1, 0], [N_POSITIVE, N_UNLABELLED])


def logistic_regression():
    """Build the best classifier for Gaussians."""
    return make_pipeline(StandardScaler(), LogisticRegression())


def of_this_package(X, y, classifier, seed):
    """Return estimates by method, from out-of-fold scores with the same folds for all."""
    from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

    estimator = logistic_regression() if classifier == "logistic regression" else None
    estimates = {}
    for method in (DEDPULPrior, BBEPrior, ElkanNotoPrior):
        try:
            fitted = method(estimator=estimator, random_state=seed).fit(X, y)
        except ValueError:
            estimates[method.__name__] = 1.0
        else:
            estimates[method.__name__] = fitted.prior_
    return estimates


def of_pulearn(X, y, classifier, seed):
    """Return estimates of pulearn, converted from all examples to the unlabelled ones."""
    from pulearn.priors import HistogramMatchPriorEstimator, ScarEMPriorEstimator

    estimates = {}
    for method in (HistogramMatchPriorEstimator, ScarEMPriorEstimator):
        # Not the pipeline: one of them passes sample weights.
        built = method(LogisticRegression() if classifier == "logistic regression" else None)
        everything = built.estimate(X, y).pi
        estimates[method.__name__] = (everything * len(y) - N_POSITIVE) / N_UNLABELLED
    return estimates


LIBRARIES = {"puclassify": of_this_package, "pulearn": of_pulearn}


def seeds(options):
    """Return the seeds; settings were chosen with others, below 1000."""
    return range(options.first_seed, options.first_seed + options.seeds)


def print_errors(options):
    """Print the errors of the estimates."""
    print(table_head(("data", "classifier", "method", *(f"prior {prior}" for prior in PRIORS))))
    for data in options.data:
        for classifier in options.classifiers:
            errors = {}
            for prior in PRIORS:
                for seed in seeds(options):
                    estimates = LIBRARIES[options.library](
                        *draw(data, prior, seed), classifier, seed
                    )
                    for method, estimate in estimates.items():
                        errors.setdefault(method, {}).setdefault(prior, []).append(estimate - prior)
            for method, by_prior in errors.items():
                cells = (f"{np.abs(e).mean():.3f} ({np.mean(e):+.3f})" for e in by_prior.values())
                print(table_row((data, classifier, method, *cells)), flush=True)


def print_coverage(options):
    """Print how often 90 % intervals contain the truth, given the exact probabilities."""
    from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

    print(table_head(("distance", "method", *(f"prior {prior}" for prior in PRIORS))))
    for distance in (4.0, 3.0, 1.5):
        shift = np.full(N_FEATURES, distance / np.sqrt(N_FEATURES))
        for method in (DEDPULPrior, BBEPrior, ElkanNotoPrior):
            cells = []
            for prior in PRIORS:
                inside = []
                for seed in seeds(options):
                    rng = np.random.default_rng(seed)
                    unlabelled = rng.random(N_UNLABELLED) < prior
                    truth = np.concatenate([np.ones(N_POSITIVE, dtype=bool), unlabelled])
                    y = np.repeat([1, 0], [N_POSITIVE, N_UNLABELLED])
                    odds = np.exp(distance**2 / 2 - gaussian(distance, truth, rng) @ shift)
                    in_unlabelled = N_UNLABELLED * (prior + (1 - prior) * odds)
                    scores = N_POSITIVE / (N_POSITIVE + in_unlabelled)
                    built = method() if method is BBEPrior else method(random_state=seed)
                    low, high = built.fit_scores(scores, y).confidence_interval_
                    inside.append(low <= prior <= high)
                cells.append(f"{np.mean(inside):.2f}")
            print(table_row((distance, method.__name__, *cells)), flush=True)


def main():
    """Run the comparison from the command line."""
    classifiers = ("default", "logistic regression")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", choices=list(LIBRARIES), default="puclassify")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--classifiers", nargs="+", choices=classifiers, default=classifiers)
    parser.add_argument("--seeds", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--first-seed", type=int, default=1000, help="default: 1000")
    parser.add_argument("--coverage", action="store_true", help="measure the intervals instead")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # estimates disagree
    (print_coverage if options.coverage else print_errors)(options)


if __name__ == "__main__":
    main()
