"""Estimate small and large class priors from few labels, with the best scores there could be.

Draws scores of two normal distributions, 2, 4 or 8 standard deviations apart, and prints for every
method, distance, prior and number of labelled positives how far off the estimates are on average
(bias), their standard deviation, how often the interval contains the prior, and the share of
draws that are refused with an error. The first three are over the draws that are not refused.
Elkan and Noto's method is given probabilities of being labelled, by isotonic regression on the
scores of the other four folds::

    python examples/benchmarks/prior_cases.py

``--reasons`` prints how often each refusal occurs, by the first words of its message.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import cross_val_predict

from common.tables import table_head, table_row
from puclassify.model_selection import PUStratifiedKFold
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

METHODS = {"BBE": BBEPrior, "DEDPUL": DEDPULPrior, "Elkan-Noto": ElkanNotoPrior}
HEADER = ("method", "distance", "prior", "labelled", "bias", "sd", "coverage", "refused")


def draw(distance, prior, n_labelled, options, seed) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of labelled positives and of unlabelled examples, and labels."""
    rng = np.random.default_rng(seed)
    n_unlabelled = options.unlabelled
    y = np.repeat([1, 0], [n_labelled, n_unlabelled])
    if options.scenario == "single_training_set":
        truth = rng.random(n_unlabelled) < prior
        labelled = truth & (rng.random(n_unlabelled) < n_labelled / (prior * n_unlabelled))
        return rng.normal(distance * truth), labelled.astype(int)
    truth = np.append(np.ones(n_labelled, bool), rng.random(n_unlabelled) < prior)
    return rng.normal(distance * truth), y


def probabilities(scores, y, seed) -> np.ndarray:
    """Return probabilities of being labelled, each from the other folds."""
    regression = IsotonicRegression(out_of_bounds="clip")
    return cross_val_predict(regression, scores, y, cv=PUStratifiedKFold(random_state=seed))


def measure(method, distance, prior, n_labelled, options):
    """Return the estimates (prior, low, high) of the draws, and the messages of refusals."""
    found, refusals = [], []
    for seed in range(options.draws):
        scores, y = draw(distance, prior, n_labelled, options, seed)
        if method == "Elkan-Noto":
            scores = probabilities(scores, y, seed)
        settings = {} if method == "BBE" else {"random_state": seed}
        estimator = METHODS[method](scenario=options.scenario, **settings)
        try:
            estimator.fit_scores(scores, y)
        except ValueError as error:
            refusals.append(str(error))
        else:
            found.append((estimator.prior_, *estimator.confidence_interval_))
    return np.array(found).reshape(-1, 3), refusals


def row(method, distance, prior, n_labelled, found, options) -> str:
    """Compare the estimates of one case with the truth."""
    cells = [method, f"{distance:g}", f"{prior:g}", str(n_labelled)]
    if len(found):
        estimates, low, high = found.T
        covered = np.mean((low <= prior) & (prior <= high))
        cells += [f"{np.mean(estimates) - prior:+.3f}", f"{np.std(estimates):.3f}"]
        cells += [f"{covered:.2f}"]
    else:
        cells += ["", "", ""]
    return table_row([*cells, f"{1 - len(found) / options.draws:.2f}"])


def main():
    """Run the cases from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--distances", nargs="+", type=float, default=[2.0, 4.0, 8.0])
    parser.add_argument("--priors", nargs="+", type=float, default=[0.05, 0.5, 0.9])
    parser.add_argument("--labelled", nargs="+", type=int, default=[20, 50, 500])
    parser.add_argument("--unlabelled", type=int, default=1000, help="or all, of a single set")
    parser.add_argument(
        "--scenario", choices=("case_control", "single_training_set"), default="case_control"
    )
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--reasons", action="store_true", help="print why draws were refused")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # the methods disagree
    print(table_head(HEADER))
    for method in options.methods:
        for distance in options.distances:
            for prior in options.priors:
                for n_labelled in options.labelled:
                    case = method, distance, prior, n_labelled
                    found, refusals = measure(*case, options)
                    print(row(*case, found, options), flush=True)
                    if options.reasons:
                        reasons = Counter(message[:60] for message in refusals)
                        for reason, count in reasons.most_common():
                            print(f"    {count} x {reason} ...")


if __name__ == "__main__":
    main()
