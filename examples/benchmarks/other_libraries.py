"""Compare with other libraries on the same images.

Trains the methods of pulearn and pu-toolbox on the images, labelled positives and seeds of the
other benchmarks, as rows of pixels, and prints accuracy and area under the ROC curve on the test
images. Neither library is a dependency of this package, so they get an environment of their own::

    python -m venv others
    others/bin/pip install pulearn pu-toolbox torch
    others/bin/python examples/benchmarks/other_libraries.py --data digits
    PUCLASSIFY_DATA=... others/bin/python examples/benchmarks/other_libraries.py --data mnist \\
        --libraries pulearn --methods elkan_noto bagging

``--libraries puclassify`` measures two objectives of this package, if it is installed. Methods that
need the class prior get the true one. Methods made for a single training set, some positives of
which are labelled, get every image once; methods made for a separate sample of positives
(case-control) get the labelled images followed by all images. If a method fails, its row shows the
error. The methods and their settings are in ``common/other_methods.py``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import time
from dataclasses import replace

import numpy as np
from sklearn.metrics import roc_auc_score

from common.image_sets import ImageSet, digits, fashion_mnist, mnist
from common.other_methods import METHODS, Method, Sample
from common.tables import mean_sd, table_head, table_row

DATA = {"digits": (digits, 100), "mnist": (mnist, 1000), "fashion": (fashion_mnist, 3000)}
HEADER = (
    "data",
    "library",
    "method",
    "accuracy: mean (sd)",
    "ROC AUC: mean (sd)",
    "seconds of fit",
    "seeds",
    "unlabelled",
    "setting",
)


def arrange(images: ImageSet, n_positive, n_unlabelled, seed, *, one_set) -> Sample:
    """Draw the training data of a method, labelled rows first.

    ``n_unlabelled`` None takes all training images for unlabelled. With ``one_set`` every image
    appears once; otherwise labelled images are among the unlabelled ones, too.
    """
    labelled = images.labelled(n_positive, seed)
    unlabelled = np.arange(len(images.train))
    if n_unlabelled is not None:
        rng = np.random.default_rng([seed, n_unlabelled])
        unlabelled = rng.choice(unlabelled, n_unlabelled, replace=False)
    if one_set:
        unlabelled = unlabelled[~np.isin(unlabelled, labelled)]
    rows = np.concatenate([labelled, unlabelled])
    counted = rows if one_set else unlabelled
    return Sample(
        images.train[rows].reshape(len(rows), -1),
        np.repeat([1, 0], [len(labelled), len(unlabelled)]),
        float(images.train_truth[counted].mean()),
        seed,
    )


def measure(built: Method, images, n_positive, n_unlabelled, seed) -> tuple[float, float, float]:
    """Return accuracy and ROC AUC on the test images, and the seconds of the fit."""
    sample = arrange(images, n_positive, n_unlabelled, seed, one_set=built.one_set)
    X = images.test.reshape(len(images.test), -1)
    if built.centred:
        mean, spread = sample.X.mean(axis=0), sample.X.std()
        sample, X = replace(sample, X=(sample.X - mean) / spread), (X - mean) / spread
    classifier = built.build(sample)
    started = time.perf_counter()
    classifier = classifier.fit(sample.X, sample.y)
    seconds = time.perf_counter() - started
    if hasattr(classifier, "decision_function"):
        scores = classifier.decision_function(X)
    else:
        scores = classifier.predict_proba(X)[:, 1]
    positive = classifier.predict(X) == 1
    return np.mean(positive == images.test_truth), roc_auc_score(images.test_truth, scores), seconds


def row(name, library, key, images, n_positive, options) -> str:
    """Measure one method over the seeds; an error becomes the text of the row."""
    chosen = METHODS[library][key]
    n_unlabelled = options.unlabelled or len(images.train)
    try:
        values = np.array(
            [
                measure(chosen, images, n_positive, options.unlabelled, seed)
                for seed in range(options.seeds)
            ]
        )
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        measured = [text[:200].replace("|", "/"), "", "", "0"]
    else:
        accuracy, auc, seconds = values.T
        measured = [
            mean_sd(100 * accuracy),
            mean_sd(auc, 3),
            f"{seconds.mean():.1f}",
            len(values),
        ]
    return table_row([name, library, key, *measured, n_unlabelled, chosen.setting])


def main():
    """Run the comparison from the command line."""
    names = list(dict.fromkeys(name for methods in METHODS.values() for name in methods))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--libraries", nargs="+", choices=list(METHODS), default=["pulearn", "pu-toolbox"]
    )
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=["digits"])
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--unlabelled", type=int, help="number of unlabelled images (default: all)")
    options = parser.parse_args()
    print(", ".join(version(name) for name in (*options.libraries, "scikit-learn", "torch")), "\n")
    print(table_head(HEADER), flush=True)
    for name in options.data:
        load, n_positive = DATA[name]
        images = load()
        for library in options.libraries:
            for key in METHODS[library]:
                if key in options.methods:
                    print(row(name, library, key, images, n_positive, options), flush=True)


def version(name):
    """Return name and version of a distribution, if it is installed."""
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"


if __name__ == "__main__":
    main()
