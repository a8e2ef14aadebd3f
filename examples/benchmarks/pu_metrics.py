"""Compare metrics from PU labels with the truth.

Draws data with known classes, hides all but some positives, and prints for every metric of
`puclassify.metrics` the truth, the mean error of the estimates (bias), their spread, the mean of
the standard errors that are returned with them, and the share of estimates that no classifier can
reach (above 1, say), in both scenarios. The classifier is slightly
miscalibrated: its scores are two normal distributions with another slope and offset than those of
calibrated logits.

pulearn has metrics with the same names. It is not a dependency of this package and gets its own
environment, whose python is an option; it is given the same draws and the same prior::

    python -m venv others
    others/bin/pip install pulearn
    python examples/benchmarks/pu_metrics.py --pulearn others/bin/python

Its ``pu_average_precision_score`` is documented as the area under the lift curve; average precision
is part of its ``pu_precision_recall_curve``, which is measured here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import warnings

import numpy as np

from common.tables import table_head, table_row

SCENARIOS = ("case_control", "single_training_set")
HEADER = (
    "scenario",
    "metric",
    "truth",
    "puclassify: bias",
    "spread",
    "mean standard error",
    "impossible",
    "pulearn: bias",
    "spread",
)


def logits_of(truth, rng) -> np.ndarray:
    """Draw scores of the classifier for examples of the given classes."""
    return 1.5 * rng.normal(np.where(truth, 1.0, -1.0)) - 0.5


def probabilities(logits) -> np.ndarray:
    """Apply the logistic function."""
    return 1 / (1 + np.exp(-logits))


def draw(scenario, options, seed) -> tuple[np.ndarray, np.ndarray]:
    """Draw PU labels and logits, with NumPy only, so that every library gets the same."""
    rng = np.random.default_rng([SCENARIOS.index(scenario), seed])
    truth = rng.random(options.unlabelled) < options.prior
    logits = logits_of(truth, rng)
    if scenario == "single_training_set":
        labelled = rng.random(len(truth)) < options.labelled / (options.prior * len(truth))
        return (truth & labelled).astype(int), logits
    labelled = logits_of(np.ones(options.labelled, bool), rng)
    return np.repeat([1, 0], [len(labelled), len(logits)]), np.append(labelled, logits)


def true_values(prior) -> dict[str, float]:
    """Measure the classifier on two million examples with known classes."""
    from sklearn import metrics

    rng = np.random.default_rng(0)
    y = rng.random(2_000_000) < prior
    logits = logits_of(y, rng)
    positive, p = logits > 0, probabilities(logits)
    precision, recall = metrics.precision_score(y, positive), metrics.recall_score(y, positive)
    bins = np.minimum((10 * p).astype(int), 9)
    return {
        "accuracy": metrics.accuracy_score(y, positive),
        "precision": precision,
        "recall": recall,
        "F1": metrics.f1_score(y, positive),
        "Lee and Liu": precision * recall / prior,
        "ROC AUC": metrics.roc_auc_score(y, logits),
        "average precision": metrics.average_precision_score(y, logits),
        "logistic risk": metrics.log_loss(y, p),
        "calibration error": np.abs(np.bincount(bins, p - y)).sum() / len(y),
    }


def is_possible(metric, scores, prior) -> np.ndarray:
    """Return which estimates are in the range of the metric."""
    highest = {"Lee and Liu": 1 / prior, "logistic risk": np.inf}.get(metric, 1.0)
    return (scores >= -1e-12) & (scores <= highest + 1e-12)


def by_puclassify(y, logits, prior, scenario) -> dict[str, tuple[float, float]]:
    """Return estimates and standard errors by metric."""
    from puclassify import metrics

    settings = {"prior": prior, "scenario": scenario, "return_std": True}
    positive, p = (logits > 0).astype(int), probabilities(logits)
    return {
        "accuracy": metrics.pu_accuracy_score(y, positive, **settings),
        "precision": metrics.pu_precision_score(y, positive, **settings),
        "recall": metrics.pu_recall_score(y, positive, **settings),
        "F1": metrics.pu_f1_score(y, positive, **settings),
        "Lee and Liu": metrics.pu_lee_liu_score(y, positive, **settings),
        "ROC AUC": metrics.pu_roc_auc_score(y, logits, **settings),
        "average precision": metrics.pu_average_precision_score(y, logits, **settings),
        "logistic risk": metrics.pu_risk_score(y, logits, **settings),
        "calibration error": metrics.pu_calibration_error(y, p, **settings),
    }


def by_pulearn(y, logits, prior, scenario) -> dict[str, tuple[float, None]]:
    """Return estimates by metric; pulearn has one scenario and no standard errors."""
    from pulearn import metrics

    positive, p = (logits > 0).astype(int), probabilities(logits)
    values = {
        "precision": metrics.pu_precision_score(y, positive, prior),
        "recall": metrics.pu_recall_score(y, positive),
        "Lee and Liu": metrics.lee_liu_score(y, positive),
        "ROC AUC": metrics.pu_roc_auc_score(y, p, prior),
        "average precision": metrics.pu_precision_recall_curve(y, p, prior).corrected_ap,
        "logistic risk": metrics.pu_unbiased_risk(y, p, prior),
    }
    return {name: (float(value), None) for name, value in values.items()}


LIBRARIES = {"puclassify": by_puclassify, "pulearn": by_pulearn}


def measure(library, options) -> dict[str, dict[str, list]]:
    """Return estimates and standard errors of all draws, by scenario and metric."""
    results: dict[str, dict[str, list]] = {}
    for scenario in SCENARIOS:
        results[scenario] = {}
        for seed in range(options.draws):
            data = draw(scenario, options, seed)
            for name, pair in LIBRARIES[library](*data, options.prior, scenario).items():
                results[scenario].setdefault(name, []).append(pair)
    return results


def measure_elsewhere(python, options) -> dict[str, dict[str, list]]:
    """Measure pulearn with the python of its environment."""
    arguments = [f"--{name}={getattr(options, name)}" for name in ("prior", "labelled")]
    arguments += [f"--unlabelled={options.unlabelled}", f"--draws={options.draws}"]
    command = [python, __file__, "--library=pulearn", *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def row(scenario, name, truth, own, other, prior) -> str:
    """Compare the estimates of one metric with the truth."""
    scores, stds = np.array(own[scenario][name]).T
    impossible = 1 - is_possible(name, scores, prior).mean()
    cells = [f"{scores.mean() - truth:+.4f}", f"{scores.std():.4f}"]
    cells += [f"{stds.mean():.4f}", f"{impossible:.2f}"]
    if name in other.get(scenario, ()):
        scores = np.array([score for score, _ in other[scenario][name]])
        cells += [f"{scores.mean() - truth:+.4f}", f"{scores.std():.4f}"]
    else:
        cells += ["", ""]
    return table_row([scenario, name, f"{truth:.4f}", *cells])


def main():
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pulearn", metavar="PYTHON", help="python of an environment with pulearn")
    parser.add_argument("--prior", type=float, default=0.4)
    parser.add_argument("--labelled", type=int, default=1000, help="labelled positives")
    parser.add_argument(
        "--unlabelled", type=int, default=5000, help="unlabelled examples, or all examples"
    )
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument(
        "--library", choices=list(LIBRARIES), help="print JSON of one library instead of the table"
    )
    options = parser.parse_args()
    if options.library:
        warnings.simplefilter("ignore")
        print(json.dumps(measure(options.library, options)))
        return
    truth, own = true_values(options.prior), measure("puclassify", options)
    other = measure_elsewhere(options.pulearn, options) if options.pulearn else {}
    print(
        f"{options.draws} draws of {options.labelled} labelled positives and "
        f"{options.unlabelled} examples, prior {options.prior}\n"
    )
    print(table_head(HEADER))
    for scenario in SCENARIOS:
        for name, value in truth.items():
            print(row(scenario, name, value, own, other, options.prior))


if __name__ == "__main__":
    main()
