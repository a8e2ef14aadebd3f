"""
Outcomes that a change inside must leave alone
==============================================

Computes a fixed list of outcomes (picks, probabilities, estimates, priors, metrics, files) through
the public names alone and hashes their bytes. Bits depend on the processor and on the versions of
PyTorch and NumPy, so hashes are compared on one machine: written before a change and compared
after it::

    OMP_NUM_THREADS=1 python examples/benchmarks/outcomes.py --write outcomes.json
    OMP_NUM_THREADS=1 python examples/benchmarks/outcomes.py --compare outcomes.json

It takes about a minute. The exit status is 1 if an outcome differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from puclassify import (
    NonMaximumSuppression,
    ParticlePicker,
    PUImageClassifier,
    RegionExtractor,
    sample_regions,
)
from puclassify.calibration import PUPlattScaling
from puclassify.datasets import label_particles, make_micrographs
from puclassify.io import read_coordinates, write_coordinates
from puclassify.losses import LOSSES, GEKLLoss, make_loss
from puclassify.metrics import (
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
    pu_accuracy_score,
    pu_average_precision_score,
    pu_calibration_error,
    pu_lee_liu_score,
    pu_risk_score,
    pu_roc_auc_score,
)
from puclassify.model_selection import PUStratifiedKFold, make_pick_scorer, make_pu_scorer
from puclassify.picking import non_maximum_suppression
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior

OUTCOMES: dict[str, Callable[[], object]] = {}


def outcome(function):
    """Add a function without arguments to the list under its own name."""
    OUTCOMES[function.__name__] = function
    return function


def main():
    """Hash all outcomes; write the hashes or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--write", type=Path, help="where to write the hashes")
    group.add_argument("--compare", type=Path, help="hashes written before")
    options = parser.parse_args()
    hashes = {}
    for name, compute in OUTCOMES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hashes[name] = fingerprint(compute())
        print(f"{hashes[name][:16]}  {name}", flush=True)
    if options.write:
        record = {"environment": environment(), "outcomes": hashes}
        options.write.write_text(json.dumps(record, indent=1) + "\n")
    if options.compare:
        sys.exit(compare(hashes, json.loads(options.compare.read_text())))


def compare(hashes, record) -> int:
    """Print what differs and return the exit status."""
    before = record["outcomes"]
    if record["environment"] != environment():
        print(f"note: written in another environment, {record['environment']}")
    differing = [name for name in before if hashes.get(name) != before[name]]
    print(f"{len(before) - len(differing)} of {len(before)} outcomes are bit-identical")
    for name in differing:
        print(f"differs: {name}")
    return int(bool(differing))


def environment() -> dict[str, str]:
    """Return what bits depend on."""
    return {
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
    }


def fingerprint(value) -> str:
    """Hash arrays, numbers, strings and containers of them."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest, value):
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, dict):
        for key in sorted(value):
            digest.update(str(key).encode())
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)) or (
        isinstance(value, np.ndarray) and value.dtype == object
    ):
        digest.update(f"[{len(value)}".encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (float, np.floating)):
        digest.update(np.float64(value).tobytes())
    elif isinstance(value, bytes):
        digest.update(value)
    else:
        digest.update(repr(value).encode())


# ---------------------------------------------------------------- data


@cache
def micrographs():
    """Simulate four micrographs of one size and one of another."""
    data = make_micrographs(5, shape=(256, 256), particles_per_micrograph=12, random_state=0)
    data.micrographs = [np.asarray(micrograph) for micrograph in data.micrographs]
    data.micrographs[4] = data.micrographs[4][:200, 30:250]
    data.coordinates = [*data.coordinates[:4], data.coordinates[4][:0]]
    return data


@cache
def images():
    """Draw images of which the first third of 240 hold a bright square, half of them labelled."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(240, 12, 12)).astype(np.float32)
    pixels[:80, 4:8, 4:8] += 2.0
    labels = np.zeros(240, dtype=int)
    labels[:40] = 1
    return pixels, labels


@cache
def scores():
    """Draw scores of labelled positives and of a mixture that holds three tenths."""
    rng = np.random.default_rng(1)
    labelled = rng.normal(2, 1, 200)
    unlabelled = np.concatenate([rng.normal(2, 1, 300), rng.normal(-1, 1, 700)])
    return np.concatenate([labelled, unlabelled]), np.repeat([1, 0], [200, 1000])


def network(**parameters):
    """Make a classifier that trains for two epochs."""
    settings = {"criterion": "ge_binomial", "max_epochs": 2, "batch_size": 256} | parameters
    return PUImageClassifier("conv31", module_params={"units": 8}, **settings)


def picker(classifier=None, **parameters):
    """Make a picker of that classifier."""
    classifier = network() if classifier is None else classifier
    return ParticlePicker(
        micrographs().particle_diameter, classifier=classifier, random_state=0, **parameters
    )


def of_picker(fitted) -> dict:
    """Return everything that a fitted picker tells."""
    data = micrographs()
    told = {
        "picks": fitted.predict(data.micrographs),
        "candidates": fitted.predict(data.micrographs[3:], threshold=-np.inf),
        "maps": [image.values for image in fitted.transform(data.micrographs[3:])],
        "prior": fitted.prior_,
        "threshold": fitted.threshold_,
        "report": fitted.threshold_report_,
        "expected": fitted.expected_particles_,
        "calibration": fitted.calibration_,
        "losses": [epoch["train_loss"] for epoch in fitted.history_],
    }
    if fitted.threshold_report_ is not None:
        told["quality"] = fitted.expected_quality()
        told["per micrograph"] = fitted.predict(data.micrographs, return_quality=True)
    return told


def fit_picker(n=5, labels=None, **parameters) -> dict:
    """Fit a picker to the first micrographs and return what it tells."""
    data = micrographs()
    labels = data.coordinates[:n] if labels is None else labels
    return of_picker(picker(**parameters).fit(data.micrographs[:n], labels))


def of_classifier(classifier, X=None, y=None) -> dict:
    """Fit a classifier and return everything that it tells."""
    pixels, labels = images()
    X, y = pixels if X is None else X, labels if y is None else y
    classifier.set_params(random_state=0).fit(X, y)
    return {
        "probabilities": classifier.predict_proba(X),
        "embedding": classifier.transform(X),
        "prior": classifier.prior_,
        "unlabelled prior": classifier.unlabelled_prior_,
        "calibration": classifier.calibration_,
        "losses": [epoch["train_loss"] for epoch in classifier.history_],
    }


# ---------------------------------------------------------------- pickers


@outcome
def picker_default_network():
    """The default components, for one epoch."""
    classifier = PUImageClassifier("resnet9", criterion="ge_binomial", max_epochs=1)
    return fit_picker(classifier=classifier)


@outcome
def picker_small_network():
    """Estimates from cross-fitting over micrographs."""
    return fit_picker()


@outcome
def picker_precision_rule():
    """A requested precision."""
    return fit_picker(threshold=("precision", 0.8))


@outcome
def picker_recall_rule():
    """A requested recall."""
    return fit_picker(threshold=("recall", 0.7))


@outcome
def picker_expected_particles():
    """A given number of particles."""
    return fit_picker(expected_particles=12)


@outcome
def picker_no_estimates():
    """A given threshold and prior."""
    return fit_picker(threshold=0.5, prior=0.02)


@outcome
def picker_few_labels():
    """Too few labels for estimates."""
    return fit_picker(labels=[xy[:1] for xy in micrographs().coordinates])


@outcome
def picker_labels_on_one_micrograph():
    """Labels split instead of micrographs."""
    labels = [xy[: 12 * (i == 0)] for i, xy in enumerate(micrographs().coordinates)]
    return fit_picker(labels=labels)


@outcome
def picker_ge_kl():
    """Another objective."""
    return fit_picker(classifier=network(criterion=GEKLLoss(slack=1.0)))


@outcome
def picker_autoencoder():
    """The hybrid of classifier and autoencoder."""
    return fit_picker(classifier=network(reconstruction_weight="batch/10"))


@outcome
def picker_bfloat16():
    """Training in bfloat16."""
    return fit_picker(classifier=network(precision="bfloat16"))


@outcome
def picker_logistic_regression():
    """A classifier of regions."""
    return fit_picker(classifier=LogisticRegression(max_iter=200))


@outcome
def picker_other_radii():
    """Label radius, matching radius and suppression given."""
    nms = NonMaximumSuppression(15.0, border=4, max_picks=10, subpixel=False)
    return fit_picker(nms=nms, label_radius=4.0, matching_radius=8.0)


@outcome
def picker_pixel_size_and_tiles():
    """A pixel size, and a budget that cuts maps into tiles."""
    data = micrographs()
    fitted = ParticlePicker(
        2 * data.particle_diameter,
        pixel_size=2.0,
        classifier=network(),
        memory_budget=3e6,
        random_state=0,
    ).fit(data.micrographs, data.coordinates)
    return of_picker(fitted)


@outcome
def picker_search():
    """A grid search."""
    search = GridSearchCV(
        picker(threshold=0.0, prior=0.02), {"classifier__criterion__slack": [0.1, 1.0]}, cv=2
    )
    data = micrographs()
    search.fit(data.micrographs[:4], data.coordinates[:4])
    f1 = make_pick_scorer("f1")(search.best_estimator_, data.micrographs, data.coordinates)
    return search.cv_results_["mean_test_score"], f1


@outcome
def picker_written_files():
    """Files of picks."""
    data = micrographs()
    fitted = picker(threshold=0.0, prior=0.02).fit(data.micrographs[:4], data.coordinates[:4])
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("star", "csv", "tsv"):
            fitted.predict(data.micrographs[:2], output=f"{folder}/{{name}}.{ending}")
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


# ---------------------------------------------------------------- classifiers


def _classifier_of(criterion):
    def compute():
        return of_classifier(PUImageClassifier("cnn", criterion=criterion, prior=1 / 6))

    compute.__name__ = f"classifier_{criterion}"
    return compute


for _name in sorted(LOSSES):
    outcome(_classifier_of(_name))


@outcome
def classifier_single_training_set():
    """The other scenario."""
    return of_classifier(PUImageClassifier(scenario="single_training_set", prior=1 / 3))


@outcome
def classifier_early_stopping():
    """Stops on held-out examples."""
    return of_classifier(PUImageClassifier(early_stopping=True, max_epochs=12))


@outcome
def classifier_calibrated():
    """Calibration on held-out examples."""
    return of_classifier(PUImageClassifier(calibration="platt", validation_fraction=0.3))


@outcome
def classifier_estimated_prior():
    """BBE in the course of the training."""
    return of_classifier(PUImageClassifier(prior="bbe", validation_fraction=0.4))


@outcome
def classifier_estimated_prior_dedpul():
    """DEDPUL in the course of the training."""
    return of_classifier(PUImageClassifier(prior="dedpul", validation_fraction=0.4))


@outcome
def classifier_rows():
    """A multilayer perceptron of feature rows."""
    pixels, labels = images()
    return of_classifier(PUImageClassifier(prior=1 / 6), pixels.reshape(240, -1), labels)


@outcome
def classifier_autoencoder():
    """The hybrid on single images."""
    classifier = PUImageClassifier(
        "conv31", module_params={"units": 4}, reconstruction_weight=0.1, max_epochs=3
    )
    pixels = np.random.default_rng(2).normal(size=(60, 33, 35)).astype(np.float32)
    return of_classifier(classifier, pixels, np.arange(60) % 3 == 0)


@outcome
def classifier_warm_start():
    """Two fits in a row."""
    classifier = PUImageClassifier(warm_start=True, max_epochs=3)
    return [of_classifier(classifier), of_classifier(classifier)]


@outcome
def classifier_cross_validation():
    """Scores of scikit-learn's cross-validation."""
    pixels, labels = images()
    classifier = PUImageClassifier(prior=1 / 6, max_epochs=3, random_state=0)
    return cross_val_score(
        classifier,
        pixels,
        labels,
        cv=PUStratifiedKFold(3, random_state=0),
        scoring=make_pu_scorer("accuracy", prior=1 / 6),
    )


@outcome
def classifier_regions():
    """Regions of micrographs."""
    data = micrographs()
    regions, y = sample_regions(
        data.micrographs, data.coordinates, n_unlabeled=60, radius=1.5, random_state=0
    )
    classifier = network(prior=0.1)
    return of_classifier(classifier, RegionExtractor(33).transform(regions), y)


# ---------------------------------------------------------------- parts


@outcome
def losses_and_gradients():
    """Every objective on one batch."""
    values, labels = scores()
    told = {}
    for name in sorted(LOSSES):
        logits = torch.tensor(values[::3], requires_grad=True)
        loss = make_loss(name, 0.3)(logits, torch.tensor(labels[::3], dtype=torch.float64))
        told[name] = (loss, torch.autograd.grad(loss, logits)[0])
    return told


@outcome
def priors_of_scores():
    """Estimates and intervals from scores."""
    estimators = {
        "bbe": BBEPrior(random_state=0),
        "dedpul": DEDPULPrior(random_state=0),
        "elkan_noto": ElkanNotoPrior(random_state=0),
    }
    values, labels = scores()
    values = 1 / (1 + np.exp(-values))
    values *= labels.mean() / values.mean()  # Elkan and Noto's are probabilities of a label
    return {
        name: (one.fit_scores(values, labels).prior_, one.confidence_interval_)
        for name, one in estimators.items()
    }


@outcome
def priors_of_examples():
    """Estimates from examples."""
    pixels, labels = images()
    X = pixels.reshape(240, -1)
    return [
        one.fit(X, labels).prior_ for one in (BBEPrior(random_state=0), DEDPULPrior(random_state=0))
    ]


@outcome
def platt_scaling():
    """Calibration of scores in either scenario."""
    values, labels = scores()
    return [
        PUPlattScaling(prior=prior, scenario=scenario).fit(values, labels).predict_proba(values)
        for prior, scenario in ((0.3, "case_control"), (0.4, "single_training_set"))
    ]


@outcome
def pu_metrics():
    """All PU metrics in either scenario."""
    values, labels = scores()
    probabilities, decided = 1 / (1 + np.exp(-values)), (values > 0).astype(int)
    told = {}
    for scenario in ("case_control", "single_training_set"):
        keywords = {"prior": 0.4, "scenario": scenario}
        told[scenario] = (
            pu_accuracy_score(labels, decided, **keywords),
            pu_lee_liu_score(labels, decided, **keywords),
            pu_roc_auc_score(labels, values, **keywords),
            pu_average_precision_score(labels, values, **keywords),
            pu_risk_score(labels, values, **keywords),
            pu_calibration_error(labels, probabilities, **keywords),
        )
    return told


def _maps():
    rng = np.random.default_rng(3)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(70, 90)), 0), 1).astype(np.float32)
    ties = rng.integers(0, 4, size=(60, 50)).astype(np.float64)
    return [rng.normal(size=(120, 100)).astype(np.float32), smooth, ties]


@outcome
def suppression():
    """Picks of maps with noise, slopes and ties."""
    return [
        non_maximum_suppression(scores, radius, threshold=-np.inf, border=border)
        for scores in _maps()
        for radius, border in ((0.0, 0), (2.5, 0), (7.0, 3), (40.0, 0))
    ]


@outcome
def suppression_step():
    """The last step of a pipeline and its score."""
    nms = NonMaximumSuppression(4.0, threshold=0.5, max_picks=20)
    picks = nms.fit(_maps()).predict(_maps())
    return picks, nms.score(_maps(), [one[::2, :2] for one in picks])


@outcome
def pick_metrics():
    """Precision, recall and average precision of picks."""
    rng = np.random.default_rng(4)
    truth = [rng.uniform(0, 400, (30, 2)) for _ in range(3)]
    picks = [
        np.column_stack([np.concatenate([xy + rng.normal(0, 4, xy.shape), xy[::-1] / 2]), s])
        for xy in truth
        for s in [rng.normal(size=(60, 1))]
    ]
    return (
        pick_average_precision_score(truth, picks, 10.0),
        pick_precision_recall_curve(truth, picks, 10.0),
        pick_precision_recall_fscore(truth, picks, 10.0),
    )


@outcome
def downsampled():
    """Fourier cropping by whole and broken factors."""
    data = micrographs()
    return [
        [image.values for image in FourierDownsample(factor).fit_transform(data.micrographs)]
        for factor in (2, 3, 2.5)
    ]


@outcome
def normalized():
    """Normalised micrographs, one with a dead border and hot pixels."""
    spoiled = [np.array(one) for one in micrographs().micrographs[:3]]
    spoiled[0][:9] = 0
    spoiled[1][::40, ::50] = 1e4
    return [
        [image.values for image in NormalizeMicrograph(clip=clip).fit_transform(spoiled)]
        for clip in (None, 4.0)
    ]


@outcome
def simulated():
    """Simulated micrographs, particles and labels."""
    told = []
    for kind in ("globular", "ring", "elongated"):
        data = make_micrographs(
            2, kind=kind, shape=(200, 240), particles_per_micrograph=8, random_state=5
        )
        told.append((data.micrographs, data.coordinates, data.orientations))
        told.append(label_particles(data.coordinates, 5, random_state=0))
    return told


@outcome
def regions():
    """Regions drawn and cut."""
    data = micrographs()
    table, y = sample_regions(
        data.micrographs, data.coordinates, n_unlabeled=40, radius=2.0, random_state=1
    )
    return RegionExtractor(21).transform(table), y


@outcome
def coordinate_files():
    """Files of coordinates, written and read again."""
    picks = {"a": np.array([[1.5, 2.0, 0.3], [7.0, 9.25, -1.0]]), "b": np.empty((0, 3))}
    with tempfile.TemporaryDirectory() as folder:
        told = {}
        for ending in ("star", "csv", "tsv"):
            path = Path(folder) / f"picks.{ending}"
            write_coordinates(picks, path)
            told[ending] = (path.read_bytes(), read_coordinates(path))
        return told


if __name__ == "__main__":
    main()
