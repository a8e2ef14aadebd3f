"""Train with the class prior estimated during training.

Even against odd digits of MNIST: 1000 even digits are labelled and 20,000 others are unlabelled, of
which a given share is even. Trains the perceptron of ``mnist.py`` for 10 epochs with the true prior
and with ``prior="bbe"`` and ``"dedpul"``, and prints the estimates, the accuracy on test images
with the same share of even digits, and how many fits failed; these are left out of the means::

    PUCLASSIFY_DATA=... python examples/benchmarks/estimated_prior.py
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np

from common.image_classifiers import accuracy, classifier_for, large_set_settings
from common.image_sets import ImageSet, mnist
from common.tables import mean_sd, table_head, table_row

PRIORS = (0.2, 0.49, 0.7)
N_LABELLED, N_UNLABELLED, N_TEST = 1000, 20_000, 6000


def draw(truth, n, prior, rng):
    """Draw ``n`` rows of which a share of ``prior`` is positive."""
    n_positive = round(prior * n)
    classes = (np.flatnonzero(truth), n_positive), (np.flatnonzero(~truth), n - n_positive)
    return np.concatenate([rng.choice(rows, size, replace=False) for rows, size in classes])


def measure(images, criterion, prior, seed, epochs):
    """Return prior and accuracy with the true prior and each estimator; NaN if a fit fails."""
    rng = np.random.default_rng(seed)
    labelled = rng.choice(np.flatnonzero(images.train_truth), N_LABELLED, replace=False)
    rest = np.delete(np.arange(len(images.train)), labelled)
    unlabelled = rest[draw(images.train_truth[rest], N_UNLABELLED, prior, rng)]
    rows = draw(images.test_truth, N_TEST, prior, rng)
    sample = ImageSet(
        np.concatenate([images.train[labelled], images.train[unlabelled]]),
        np.concatenate([images.train_truth[labelled], images.train_truth[unlabelled]]),
        images.test[rows],
        images.test_truth[rows],
    )
    y = np.repeat([1, 0], [N_LABELLED, N_UNLABELLED])
    settings = large_set_settings(weight_decay=5e-3)["mlp"] | {"max_epochs": epochs}
    results = {}
    for name in (prior, "bbe", "dedpul"):
        classifier = classifier_for(criterion, settings, name)
        classifier.set_params(calibration="auto", random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # BBE and DEDPUL disagree
            try:
                classifier.fit(sample.train, y)
            except ValueError:  # the last estimate failed
                results[name] = np.nan, np.nan
                continue
        results[name] = classifier.prior_, 100 * accuracy(classifier, sample)
    return results


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--criteria", nargs="+", default=("nnpu",))
    parser.add_argument("--priors", nargs="+", type=float, default=PRIORS)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    images = mnist()
    print(
        table_head(("criterion", "true prior", "prior=", "prior_: mean (sd)", "accuracy", "failed"))
    )
    for criterion in options.criteria:
        for prior in options.priors:
            runs = [
                measure(images, criterion, prior, seed, options.epochs)
                for seed in range(options.seeds)
            ]
            for name in runs[0]:
                rows = np.array([run[name] for run in runs])
                done = rows[~np.isnan(rows[:, 0])]
                means = (mean_sd(done[:, 0], 3), mean_sd(done[:, 1], 2)) if len(done) else ("", "")
                failed = len(rows) - len(done)
                print(table_row((criterion, prior, name, *means, failed)), flush=True)


if __name__ == "__main__":
    main()
