"""Measure the cost of a wrong class prior for each objective.

Trains on Fashion-MNIST as ``fashion_mnist.py`` does, with half to twice the true prior, and prints
the accuracy and the area under the ROC curve on the test images after the last epoch; ``--plot``
draws both::

    PUCLASSIFY_DATA=... python examples/benchmarks/wrong_prior.py --plot wrong_prior.svg
    PUCLASSIFY_DATA=... python examples/benchmarks/wrong_prior.py --criteria nnpu --seeds 1

Two objectives are not measured by default: the variational one, which uses no prior, and the
unbiased risk, which is the non-negative one without its correction.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.metrics import roc_auc_score

from common.image_classifiers import classifier_for, large_set_settings
from common.image_sets import fashion_mnist
from common.tables import mean_sd, table_head, table_row
from puclassify.losses import LOSSES

FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
N_LABELLED = 3000
CRITERIA = [name for name in LOSSES if name not in ("upu", "vpu")]


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--criteria", nargs="+", choices=list(LOSSES), default=CRITERIA)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--plot", metavar="FILE", help="draw the table to this file")
    options = parser.parse_args()
    images = fashion_mnist()
    print(f"true prior {images.prior:.3f}, {N_LABELLED} labelled; accuracy (sd) / AUC in per cent")
    print(table_head(["objective", *(f"{factor:g} x" for factor in FACTORS)]), flush=True)
    curves = {}
    for criterion in options.criteria:
        curves[criterion] = np.array(
            [
                [measure(images, criterion, factor, seed, options) for seed in range(options.seeds)]
                for factor in FACTORS
            ]
        )
        cells = [
            f"{mean_sd(accuracy)} / {auc.mean():.1f}"
            for accuracy, auc in 100 * curves[criterion].transpose(0, 2, 1)
        ]
        print(table_row([criterion, *cells]), flush=True)
    if options.plot:
        draw(curves, options.plot)


def measure(images, criterion, factor, seed, options):
    """Train once; return accuracy and area under the ROC curve on the test images."""
    settings = large_set_settings(weight_decay=1e-3)["mlp"] | {"max_epochs": options.epochs}
    classifier = classifier_for(criterion, settings, factor * images.prior)
    classifier.set_params(random_state=seed)
    logits = classifier.fit(*images.draw(N_LABELLED, seed)).decision_function(images.test)
    return np.mean((logits > 0) == images.test_truth), roc_auc_score(images.test_truth, logits)


def draw(curves, path):
    """Draw accuracy and area under the ROC curve against the error of the prior."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharex=True, layout="constrained")
    for k, (criterion, values) in enumerate(curves.items()):
        for axis, measured in zip(axes, 100 * values.transpose(2, 0, 1)):
            axis.errorbar(
                FACTORS,
                measured.mean(axis=1),
                measured.std(axis=1),
                marker="osv^Dx+*p"[k % 9],
                markersize=4,
                linewidth=1.2,
                capsize=2,
                color=f"C{k}",
                label=criterion,
            )
    for axis, title in zip(axes, ("accuracy, %", "area under the ROC curve, %")):
        axis.set_xscale("log")
        axis.set_xticks(FACTORS, [f"{factor:g}" for factor in FACTORS])
        axis.minorticks_off()
        axis.set_xlabel("prior given / true prior")
        axis.set_ylabel(title)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
