"""Re-estimate the running statistics of batch normalisation after training.

In training, a tenth to a half of a batch is labelled positives, so the running statistics with
which the network normalises afterwards are those of such batches. Prints the accuracy on test
images with these statistics, and after estimating them again on unlabelled images only::

    PUCLASSIFY_DATA=... python examples/benchmarks/batch_norm.py

``--seeds 1 --epochs 1`` is quick.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from common.image_classifiers import accuracy, classifier_for, large_set_settings
from common.image_sets import fashion_mnist, mnist
from common.tables import mean_sd, table_head, table_row

CASES = [  # data, labelled, objective, positive_fraction
    ("MNIST", 1000, "nnpu", None),
    ("MNIST", 1000, "nnpu", 0.5),
    ("Fashion-MNIST", 3000, "nnpu", None),
    ("Fashion-MNIST", 3000, "nnpu", 0.5),
    ("Fashion-MNIST", 3000, "ge_binomial", 0.5),
    ("Fashion-MNIST", 3000, "vpu", None),
]


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    sets = {"MNIST": mnist(), "Fashion-MNIST": fashion_mnist()}
    titles = "data", "objective", "positive_fraction", "as trained: mean (sd)", "estimated again"
    print(table_head(titles), flush=True)
    for name, n_labelled, criterion, fraction in CASES:
        images = sets[name]
        rows = []
        for seed in range(options.seeds):
            settings = large_set_settings(weight_decay=1e-3)["mlp"]
            settings |= {"max_epochs": options.epochs}
            classifier = classifier_for(criterion, settings, images.prior)
            classifier.set_params(random_state=seed, positive_fraction=fraction)
            classifier.fit(*images.draw(n_labelled, seed))
            trained = accuracy(classifier, images)
            estimate_again(classifier.module_, images.train, seed)
            rows.append((trained, accuracy(classifier, images)))
        cells = [mean_sd(values) for values in 100 * np.transpose(rows)]
        print(table_row([name, criterion, fraction, *cells]), flush=True)


def estimate_again(module, unlabelled, seed, n_batches=20, batch_size=1000):
    """Average the statistics over randomly drawn batches of unlabelled images."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None  # gives all batches the same weight
    module.train()
    order = np.random.default_rng(seed).permutation(len(unlabelled))[: n_batches * batch_size]
    with torch.no_grad():
        for rows in np.split(order, n_batches):
            module(torch.from_numpy(unlabelled[rows, None]).to(next(module.parameters()).device))
    module.eval()


if __name__ == "__main__":
    main()
