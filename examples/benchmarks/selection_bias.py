"""Measure the effect of labels that are not a random choice.

Labels some positives with every mechanism of `puclassify.datasets`, and prints what is estimated
from the PU labels beside the truth: without propensities and, after the arrow, with them::

    python examples/benchmarks/selection_bias.py
    python examples/benchmarks/selection_bias.py --picking
    python examples/benchmarks/selection_bias.py --training fashion_mnist

The first command simulates normal scores, three standard deviations apart, with 500 labels. The
scores of positives have a correlation of 0.7 with how easy they are for the labeller. Half of the
positives are crowded: they lie in clumps and score half a standard deviation lower, the others as
much higher. Estimates are those of the case-control scenario, or with ``--one-set`` of a single
training set. "Recall at .9" is the true recall at the threshold above which nine of ten labelled
positives lie, and "worth" the number of equally weighted labels with the information of the
weighted ones.

The second command trains a picker on 100 labels on eight simulated micrographs in which half of the
particles were put next to another one, and picks four others. "found" is the share of the clearest
and of the least clear third of their particles that is picked above logit 0; the recall is
estimated from 100 labels of the same mechanism on the four. "Windows" labels everything in a strip
on the left of every micrograph, "one micrograph" everything on one, up to 100 labels in all.

The third command trains a classifier on 500 labels of a single training set, 6000 images of
Fashion-MNIST (``digits``: 100 labels, 1198 images), and prints accuracy and AUC on test images with
true classes: without propensities, with the true ones, and with those estimated from the attribute
that the labeller goes by, in three alternations. "Easiest" are the brightest images; "densest" are
those whose fifth neighbour among the positives is nearest, for which the attribute is the distance
to the fifth neighbour among all images. "Likeness" is the correlation of the logarithms of true and
estimated propensities over the labelled positives.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from common import image_sets
from common.tables import mean_sd, table_head, table_row
from puclassify import ParticlePicker, PUImageClassifier
from puclassify.datasets import label_particles, label_positives, local_contrast, make_micrographs
from puclassify.metrics import (
    match_picks,
    pick_average_precision_score,
    pick_precision_recall_fscore,
    pu_precision_score,
    pu_recall_score,
)
from puclassify.prior import BBEPrior, DEDPULPrior, estimate_propensities

PRIOR, N, N_LABELS = 0.4, 10000, 500
MECHANISMS = [
    ("uniform", 0.0),
    ("easiest_first", 0.25),
    ("easiest_first", 0.5),
    ("easiest_first", 0.75),
    ("easiest_first", 1.0),
    ("densest_first", 0.5),
    ("densest_first", 1.0),
]
IMAGE_SETS = {"fashion_mnist": (6000, 500), "digits": (1198, 100)}  # images, and labels
# Label everything from left to right, on every micrograph and on as few as possible
WINDOWS, ONE = "windows", "one micrograph"


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picking", action="store_true", help="train the picker")
    parser.add_argument("--training", choices=IMAGE_SETS, help="train a classifier on images")
    parser.add_argument("--criterion", default="nnpu", help="with --training (default: nnpu)")
    parser.add_argument("--one-set", action="store_true", help="scores of a single training set")
    parser.add_argument("--seeds", type=int, help="default: 20, or 3 with a training")
    parser.add_argument("--epochs", type=int, default=8, help="of the picker (default: 8)")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # estimates of the prior disagree
    if options.training:
        print_training(options)
    else:
        (print_picking if options.picking else print_scores)(options)


def draw_scores(rng):
    """Draw classes, logits, easiness for the labeller, and positions."""
    truth = rng.random(N) < PRIOR
    crowded = rng.random(N) < 0.5
    positions = rng.uniform(0, 1000, size=(N, 2))
    clumps = rng.uniform(0, 1000, size=(100, 2))
    positions[crowded] = clumps[rng.integers(100, size=crowded.sum())]
    positions[crowded] += rng.normal(0, 5, size=(crowded.sum(), 2))
    deviation = np.sqrt(0.75) * rng.normal(size=N) + np.where(crowded, -0.5, 0.5)
    deviation[~truth] = rng.normal(size=np.sum(~truth))
    easiness = 0.7 * deviation + np.sqrt(0.51) * rng.normal(size=N)
    scores = 3 * truth + deviation
    return truth, 3 * scores - 4.5 + np.log(PRIOR / (1 - PRIOR)), easiness, positions


def estimates(logits, y, prior_settings, propensities) -> list[float]:
    """Estimate priors, recall, precision, F1 and the threshold at .9; return the worth, too."""
    priors = []
    for method in (DEDPULPrior(n_bootstrap=0), BBEPrior()):
        try:
            method.set_params(**prior_settings).fit_scores(logits, y, propensities)
        except ValueError:
            priors.append(1.0)
        else:
            priors.append(method.prior_)
    settings = {"propensities": propensities, "prior": PRIOR, **prior_settings}
    positive = (logits > 0).astype(int)
    recall = pu_recall_score(y, positive, **settings)
    precision = pu_precision_score(y, positive, **settings)
    f1 = 2 * recall * precision / (recall + precision)
    labelled = logits[y == 1]
    weights = np.ones(len(labelled)) if propensities is None else 1 / propensities[y == 1]
    order = np.argsort(labelled)[::-1]
    share = np.cumsum(weights[order]) / np.sum(weights)
    at_nine_tenths = labelled[order][np.searchsorted(share, 0.9)]
    worth = np.sum(weights) ** 2 / np.sum(weights**2)
    return [*priors, recall, precision, f1, at_nine_tenths, worth]


def measure_scores(mechanism, strength, one_set, seed):
    """Return estimates without and with propensities on one draw, and the truth."""
    rng = np.random.default_rng(seed)
    truth, logits, easiness, positions = draw_scores(rng)
    order = {"easiest_first": {"easiness": easiness}, "densest_first": {"X": positions}}
    y, e = label_positives(
        truth,
        N_LABELS,
        mechanism=mechanism,
        strength=strength,
        return_propensities=True,
        random_state=seed,
        **order.get(mechanism, {}),
    )
    scenario = {"scenario": "single_training_set"}
    if not one_set:  # the labelled positives beside another sample
        apart, e = logits[y == 1], e[y == 1]
        truth, logits, _, _ = draw_scores(rng)
        y = np.repeat([1, 0], [len(apart), N])
        of_mixture = logits
        logits, e = np.append(apart, logits), np.append(e, np.ones(N))
        scenario = {"scenario": "case_control"}
    else:
        of_mixture = logits
    rows = [estimates(logits, y, scenario, propensities) for propensities in (None, e)]
    for row in rows:
        row[-2] = np.mean(of_mixture[truth] >= row[-2])
    positive = of_mixture > 0
    recall, precision = np.mean(positive[truth]), np.mean(truth[positive])
    f1 = 2 * recall * precision / (recall + precision)
    return rows, [np.mean(truth), np.mean(truth), recall, precision, f1, 0.9, N_LABELS]


def print_scores(options):
    """Print the table for simulated scores."""
    titles = ("DEDPUL", "BBE", "recall", "precision", "F1", "recall at .9", "worth")
    print(table_head(("labels", "strength", *titles)))
    seeds = range(options.seeds or 20)
    truths = []
    for mechanism, strength in MECHANISMS:
        rows = []
        for seed in seeds:
            pair, truth = measure_scores(mechanism, strength, options.one_set, seed)
            rows.append(pair)
            truths.append(truth)
        rows = np.array(rows)
        cells = arrows(rows[:, :, :-1], corrected=strength < 1)
        worth = f"{rows[:, 1, -1].mean():.0f}" if strength < 1 else "-"
        print(table_row((mechanism, strength, *cells, worth)), flush=True)
    print(table_row(("truth", "", *(f"{value:.3g}" for value in np.mean(truths, axis=0)))))


def arrows(values, *, corrected) -> list[str]:
    """Format means (standard deviations) of an array (seeds, without and with, columns)."""
    means, deviations = values.mean(axis=0), values.std(axis=0)
    plain, weighted = (
        [f"{m:.3f} ({s:.3f})" for m, s in zip(mean, deviation)]
        for mean, deviation in zip(means, deviations)
    )
    return [f"{p} → {w}" for p, w in zip(plain, weighted)] if corrected else plain


def label_micrographs(data, rows, mechanism, strength, seed):
    """Return 100 labels on some micrographs of a set, and their propensities."""
    coordinates = [data.coordinates[i] for i in rows]
    if mechanism in (WINDOWS, ONE):
        lengths = np.array([len(xy) for xy in coordinates])
        if mechanism == WINDOWS:
            quotas = np.diff(np.linspace(0, 100, len(lengths) + 1).astype(int))
        else:
            first = np.random.default_rng(seed).permutation(len(lengths))
            quotas = np.zeros(len(lengths), dtype=int)
            quotas[first] = np.diff(np.minimum(np.cumsum([0, *lengths[first]]), 100))
        labels = [
            xy[np.argsort(xy[:, 0])[:quota]] for xy, quota in zip(coordinates, quotas, strict=True)
        ]
        return labels, [np.ones(len(xy)) for xy in labels]
    order = {}
    if mechanism == "easiest_first":
        radius = data.particle_diameter / 2
        images = [data.micrographs[i] for i in rows]
        order = {"easiness": local_contrast(images, coordinates, radius)}
    return label_particles(
        coordinates,
        100,
        mechanism=mechanism,
        strength=strength,
        return_propensities=True,
        random_state=seed,
        **order,
    )


def measure_picking(mechanism, strength, epochs, seed):
    """Train on labels of one mechanism; return measures of the picks on other micrographs."""
    data = make_micrographs(12, crowding=0.5, snr=0.1, random_state=100 + seed)
    train, test = range(8), range(8, 12)
    radius = data.particle_diameter / 2
    labels, _ = label_micrographs(data, train, mechanism, strength, seed)
    picker = ParticlePicker(
        data.particle_diameter, expected_particles=150, random_state=seed
    ).set_params(classifier__max_epochs=epochs)
    picker.fit([data.micrographs[i] for i in train], labels)
    images, truth = [data.micrographs[i] for i in test], [data.coordinates[i] for i in test]
    picks = picker.predict(images, threshold=-np.inf)
    above = [table[table[:, 2] > 0] for table in picks]
    precision, recall, f1 = pick_precision_recall_fscore(truth, above, radius)
    best = best_threshold(truth, picks, radius)

    found = [np.zeros(len(xy), bool) for xy in truth]
    for row, match in zip(found, match_picks(truth, above, radius)):
        row[match.truth_index[match.truth_index >= 0]] = True
    contrast = np.concatenate(local_contrast(images, truth, radius))
    third = len(contrast) // 3
    by_contrast = np.concatenate(found)[np.argsort(contrast)]

    shown, e = label_micrographs(data, test, mechanism, strength, 1000 + seed)
    hit = np.concatenate(
        [
            row[[int(np.argmin(np.hypot(*(xy - point).T))) for point in points]]
            for row, xy, points in zip(found, truth, shown)
            if len(points)
        ]
    ).astype(int)
    y, found_or_not = np.append(np.ones(len(hit), int), 0), np.append(hit, 0)
    return [
        pick_average_precision_score(truth, picks, radius),
        precision,
        recall,
        f1,
        best,
        by_contrast[-third:].mean(),
        by_contrast[:third].mean(),
        pu_recall_score(y, found_or_not),
        pu_recall_score(y, found_or_not, propensities=np.append(np.concatenate(e), 1.0)),
    ]


def best_threshold(truth, picks, radius) -> float:
    """Return the threshold with the largest F1."""
    scores = np.concatenate([table[:, 2] for table in picks])
    candidates = np.quantile(scores, np.linspace(0, 1, 200))
    f1 = [
        pick_precision_recall_fscore(truth, picks, radius, threshold=threshold)[2]
        for threshold in candidates
    ]
    return float(candidates[int(np.argmax(f1))])


def print_picking(options):
    """Print the table for pickers."""
    titles = ("AP", "precision", "recall", "F1", "best threshold", "found: clear", "unclear")
    print(table_head(("labels", "strength", *titles, "PU recall")))
    rows_of_table = [pair for pair in MECHANISMS if pair[1] in (0, 0.5, 1)]
    for mechanism, strength in [*rows_of_table, (WINDOWS, ""), (ONE, "")]:
        seeds = range(options.seeds or 3)
        rows = np.array(
            [measure_picking(mechanism, strength, options.epochs, seed) for seed in seeds]
        )
        cells = [f"{m:.3f} ({s:.3f})" for m, s in zip(rows.mean(axis=0), rows.std(axis=0))]
        if strength == 0.5:
            cells[-2] += f" → {cells[-1]}"
        print(table_row((mechanism, strength, *cells[:-1])), flush=True)


def measure_training(name, criterion, mechanism, strength, seed):
    """Return accuracies, AUCs and the likeness of estimated propensities, of one draw."""
    data = getattr(image_sets, name)()
    n, n_labels = IMAGE_SETS[name]
    rows = np.random.default_rng(seed).permutation(len(data.train))[:n]
    X, truth = data.train[rows], data.train_truth[rows]
    flat = PCA(20, random_state=0).fit_transform(X.reshape(n, -1))
    attribute, order = X.mean(axis=(1, 2)), {}
    if mechanism == "easiest_first":
        order = {"easiness": attribute}
    elif mechanism == "densest_first":
        attribute, order = cKDTree(flat).query(flat, k=[6])[0][:, 0], {"X": flat}
    y, e = label_positives(
        truth,
        n_labels,
        mechanism=mechanism,
        strength=strength,
        return_propensities=True,
        random_state=seed,
        **order,
    )
    classifier = PUImageClassifier(
        "mlp",
        criterion=criterion,
        prior=float(truth.mean()),
        scenario="single_training_set",
        max_epochs=20,
        calibration=None,
        random_state=seed,
    )

    def fit(propensities):
        return classifier.fit(X.reshape(n, -1), y, propensities=propensities)

    def judge():
        logits = classifier.decision_function(data.test.reshape(len(data.test), -1))
        correct = (logits > 0) == data.test_truth
        return 100 * correct.mean(), 100 * roc_auc_score(data.test_truth, logits)

    fit(None)
    plain, found = judge(), None
    for _ in range(3):
        found = estimate_propensities(
            attribute,
            y,
            classifier.predict_proba(X.reshape(n, -1))[:, 1],
            scenario="single_training_set",
        )
        fit(found)
    estimated = judge()
    fit(e if strength < 1 else None)
    logs = np.log(np.maximum(e[y == 1], 1e-12)), np.log(found[y == 1])
    varied = e[y == 1].min() < e[y == 1].max()
    likeness = np.corrcoef(*logs)[0, 1] if varied else np.nan
    w = 1 / e[y == 1]
    return np.array([*zip(plain, judge(), estimated)]), likeness, np.sum(w) ** 2 / np.sum(w**2)


def print_training(options):
    """Print the table for classifiers of images."""
    titles = ("accuracy", "with true", "estimated", "AUC", "with true", "estimated")
    print(table_head(("labels", "strength", *titles, "likeness", "worth")))
    for mechanism, strength in MECHANISMS:
        drawn = [
            measure_training(options.training, options.criterion, mechanism, strength, seed)
            for seed in range(options.seeds or 3)
        ]
        figures = np.array([one[0].ravel() for one in drawn]).T
        cells = [mean_sd(values) for values in figures]
        if strength == 1:
            cells[1] = cells[4] = "-"
        likeness, worth = (np.mean([one[i] for one in drawn]) for i in (1, 2))
        cells += ["-" if np.isnan(likeness) else f"{likeness:.2f}", f"{worth:.0f}"]
        print(table_row((mechanism, strength, *cells)), flush=True)


if __name__ == "__main__":
    main()
