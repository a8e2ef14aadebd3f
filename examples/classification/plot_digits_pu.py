"""
====================================================
Even or odd digits from a hundred labelled even ones
====================================================

A hundred even digits are labelled; everything else is unlabelled, even and odd digits alike. A
classifier that takes "unlabelled" for "odd" learns to separate labelled from unlabelled instead.
The non-negative PU risk of :class:`~puclassify.PUImageClassifier` learns to separate even from odd,
given the share of even digits among the unlabelled ones.
"""

# %%
# The data: 8 x 8 images of digits. The true classes are used to draw the labels, to compute the
# prior and to measure the result; training only sees ``y``.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

pixels, digit = load_digits(return_X_y=True)
images = pixels.reshape(-1, 8, 8) / 16
is_even = digit % 2 == 0
train, test, even_train, even_test = train_test_split(
    images, is_even, test_size=0.4, stratify=is_even, random_state=0
)

labelled = np.random.default_rng(0).choice(np.flatnonzero(even_train), 100, replace=False)
y = np.zeros(len(train), dtype=int)
y[labelled] = 1
prior = even_train[y == 0].mean()
print(f"{y.sum()} labelled, {np.sum(y == 0)} unlabelled, of which {prior:.0%} are even")

# %%
# The same network with three objectives. "PN" takes every unlabelled digit for odd; the last line
# shows what a fully labelled training set gives. Accuracy and ROC AUC are those of held-out digits.

from sklearn.metrics import accuracy_score, roc_auc_score

from puclassify import PUImageClassifier


def train_on(labels, criterion, prior):
    """Train a network on the training digits."""
    return PUImageClassifier(
        criterion=criterion, prior=prior, lr=0.01, batch_size=128, random_state=0
    ).fit(train, labels)


def report(name, classifier):
    """Print a line of the table, measured on the test digits with their true classes."""
    called_even = classifier.predict(test) == 1
    accuracy = accuracy_score(even_test, called_even)
    auc = roc_auc_score(even_test, classifier.decision_function(test))
    print(f"{name:22s}{accuracy:8.3f}{auc:9.3f}{called_even.mean():13.0%}")


classifiers = {
    "PN, unlabelled = odd": train_on(y, "pn", prior),
    "GE-binomial": train_on(y, "ge_binomial", prior),
    "non-negative PU": train_on(y, "nnpu", prior),
    "PN, all labels": train_on(even_train.astype(int), "pn", 0.5),
}
print(f"{'':22s}accuracy  ROC AUC  called even")
for name, classifier in classifiers.items():
    report(name, classifier)

# %%
# What a wrong prior does
# -----------------------
# Here the prior is known because the true classes are. In practice it may be wrong: that harms the
# ranking (ROC AUC) less than the threshold, and thereby the accuracy. With a prior that is too
# large odd digits are called even; with one that is too small even digits are missed.

print(f"{'prior':22s}accuracy  ROC AUC  called even")
report("half of the true one", train_on(y, "nnpu", 0.5 * prior))
report("true", classifiers["non-negative PU"])
report("one and a half times", train_on(y, "nnpu", 1.5 * prior))

# %%
# The scores of the training digits. The right-hand hump of the unlabelled ones are the unlabelled
# even digits. If labelled and unlabelled even digits scored alike, the histogram of the labelled
# ones, scaled by the prior, would fit under it. It peaks above, and the implied negatives fall
# below 0, because the network has partly memorised the hundred labelled digits.

from puclassify.plotting import ScoreHistogramDisplay

ScoreHistogramDisplay.from_estimator(classifiers["non-negative PU"], train, y, bins=30)
