"""
Running statistics of batch normalisation, estimated anew
=========================================================

In training, a tenth to a half of a batch is labelled positives, and the statistics with which the
network normalises afterwards are those of such batches. This trains, notes the accuracy on the
test images, estimates the statistics anew on unlabelled images alone, and notes it again::

    PUCLASSIFY_DATA=... python examples/benchmarks/batch_norm.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from image_sets import fashion_mnist, mnist
from pu_images import accuracy, classifier_for, large_set_settings
from tables import mean_sd, table_head, table_row

N_SEEDS = 3
N_EPOCHS = 6
CASES = [  # data, labelled, objective, positive_fraction
    ("MNIST", 1000, "nnpu", None),
    ("MNIST", 1000, "nnpu", 0.5),
    ("Fashion-MNIST", 3000, "nnpu", None),
    ("Fashion-MNIST", 3000, "nnpu", 0.5),
    ("Fashion-MNIST", 3000, "ge_binomial", 0.5),
    ("Fashion-MNIST", 3000, "vpu", None),
]


def main():
    """Run the benchmark."""
    sets = {"MNIST": mnist(), "Fashion-MNIST": fashion_mnist()}
    titles = "data", "objective", "positive_fraction", "as trained: mean (sd)", "estimated anew"
    print(table_head(titles), flush=True)
    for name, n_labelled, criterion, fraction in CASES:
        images = sets[name]
        rows = []
        for seed in range(N_SEEDS):
            settings = large_set_settings(weight_decay=1e-3)["mlp"] | {"max_epochs": N_EPOCHS}
            classifier = classifier_for(criterion, settings, images.prior)
            classifier.set_params(random_state=seed, positive_fraction=fraction)
            classifier.fit(*images.draw(n_labelled, seed))
            trained = accuracy(classifier, images)
            estimate_anew(classifier.module_, images.train, seed)
            rows.append((trained, accuracy(classifier, images)))
        cells = [mean_sd(values) for values in 100 * np.transpose(rows)]
        print(table_row([name, criterion, fraction, *cells]), flush=True)


def estimate_anew(module, unlabelled, seed, n_batches=20, batch_size=1000):
    """Average the statistics over batches of unlabelled images, drawn at random."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None  # averages all batches alike
    module.train()
    order = np.random.default_rng(seed).permutation(len(unlabelled))[: n_batches * batch_size]
    with torch.no_grad():
        for rows in np.split(order, n_batches):
            module(torch.from_numpy(unlabelled[rows, None]).to(next(module.parameters()).device))
    module.eval()


if __name__ == "__main__":
    main()
