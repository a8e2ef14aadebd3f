"""
=============================================
How good is a classifier, without true labels
=============================================

A classifier was trained on labelled against unlabelled examples, and it is not known which of the
unlabelled ones are positive. The share of positives, the precision at a threshold, and the
calibration of probabilities can be estimated nevertheless, with their uncertainty. Four displays
show them.

The data are simulated, so that the truth can be drawn for comparison. Only curves that the legends
call "true" use it.
"""

# %%
# The data: rows of six features, in which the classes overlap. 1000 positives are labelled; 5000
# other rows, drawn separately ("case-control"), are unlabelled, and 30 % of them are positive.

import numpy as np

rng = np.random.default_rng(0)
y = np.repeat([1, 0], [1000, 5000])
truth = np.where(y == 1, 1, rng.random(6000) < 0.3)
X = rng.normal(np.outer(truth, [1.6, 1.2, 0.8, 0.8, 0.4, 0.0]))
true_prior = truth[y == 0].mean()
print(f"{np.sum(y)} labelled, {np.sum(y == 0)} unlabelled, of which {true_prior:.1%} are positive")

# %%
# Any classifier of scikit-learn will do. Each row is scored by a classifier that was not trained on
# it: scores of memorised rows would make every estimate below wrong.

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from puclassify.model_selection import PUStratifiedKFold

classifier = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=0)
scores = cross_val_predict(
    classifier,
    X,
    y,
    cv=PUStratifiedKFold(5, shuffle=True, random_state=0),
    method="decision_function",
)

# %%
# How many are positive?
# ----------------------
# The share of unlabelled rows above a threshold, divided by the share of labelled positives above
# it, is at least the prior, except for noise, and equal to the prior where only positives score
# that high. On the right are the estimates with their 90 % intervals.

from puclassify.plotting import PriorDisplay

display = PriorDisplay.from_scores(scores, y, true_prior=true_prior)
prior, interval = display.estimates["DEDPULPrior"]

# %%
# Does the mixture fit?
# ---------------------
# With a prior, the histogram of the labelled positives shows how many of the unlabelled rows at
# each score are positive. The rest are negatives. A second hump of negatives under the positives
# would mean that the prior is too small, and a dip below 0 that it is too large.

from puclassify.plotting import ScoreHistogramDisplay

ScoreHistogramDisplay.from_predictions(y, scores, prior=prior, bins=40, threshold=None)

# %%
# Which threshold?
# ----------------
# Precision and recall for the true classes, with 95 % bands. The prior is taken as known: one that
# is a tenth too large raises the whole curve by a tenth. The dot marks a threshold.

from puclassify.plotting import PUPrecisionRecallDisplay

PUPrecisionRecallDisplay.from_predictions(
    y, scores, prior=prior, true_classes=truth, threshold=-1.5, name="boosted trees"
)

# %%
# Are probabilities calibrated?
# -----------------------------
# The classifier gives probabilities of being *labelled*, which are much too low for being positive.
# But its odds, multiplied by the prior and by the ratio of unlabelled to labelled rows, are the
# probability that an unlabelled row is positive. These, in blue, are near the diagonal; those of
# the classifier itself, in orange, are far above.

from scipy.special import expit

from puclassify.plotting import ReliabilityDisplay

probability = np.clip(prior * np.sum(y == 0) / np.sum(y == 1) * np.exp(scores), 0, 1)
settings = {"prior": prior, "true_classes": truth}
first = ReliabilityDisplay.from_predictions(y, probability, name="positive", **settings)
ReliabilityDisplay.from_predictions(y, expit(scores), name="labelled", prior=prior, ax=first.ax_)
