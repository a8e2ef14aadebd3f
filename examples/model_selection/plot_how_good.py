"""
=======================================
How good is a classifier, without truth
=======================================

A classifier was trained on labelled against unlabelled examples, and nobody knows which of the
unlabelled are positive. How many are, what precision a threshold has, and whether probabilities
mean frequencies can be estimated all the same, each with its uncertainty. Four displays show it.

Here the data are simulated, so that the truth can be drawn beside. Only what the legends call
"true" uses it.
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
# Any classifier of scikit-learn serves. Each row is scored by one that was not trained on it: a
# classifier knows the labelled rows it has seen by heart, and every estimate below would be wrong.

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
# The share of the unlabelled above a threshold, over that of the labelled positives, is nowhere
# below the prior but for noise, and equal to it where only positives score so high. To the right
# are the estimates with their 90 % intervals.

from puclassify.plotting import PriorDisplay

display = PriorDisplay.from_scores(scores, y, true_prior=true_prior)
prior, interval = display.estimates["DEDPULPrior"]

# %%
# Does the mixture fit?
# ---------------------
# With a prior, the histogram of the labelled positives says how many of the unlabelled at each
# score are positive. What is left are the negatives. A second hump of them under the positives
# would tell that the prior is too small, and a hole below 0 that it is too large.

from puclassify.plotting import ScoreHistogramDisplay

ScoreHistogramDisplay.from_predictions(y, scores, prior=prior, bins=40, threshold=None)

# %%
# Which threshold?
# ----------------
# Precision and recall with respect to the true classes, with 95 % bands. The prior is taken as
# known: one that is a tenth too large raises the whole curve by a tenth. The dot marks a threshold.

from puclassify.plotting import PUPrecisionRecallDisplay

PUPrecisionRecallDisplay.from_predictions(
    y, scores, prior=prior, true_classes=truth, threshold=-1.5, name="boosted trees"
)

# %%
# Do probabilities mean frequencies?
# ----------------------------------
# Those of the classifier are of being *labelled*, and much too low for being positive. The odds of
# being labelled are those of a labelled row against an unlabelled one. Times the prior, and the
# number of unlabelled rows over that of labelled ones, they are the probability that an unlabelled
# row is positive. The blue points are near the diagonal; the orange ones, of the classifier as it
# is, are far above.

from scipy.special import expit

from puclassify.plotting import ReliabilityDisplay

probability = np.clip(prior * np.sum(y == 0) / np.sum(y == 1) * np.exp(scores), 0, 1)
settings = {"prior": prior, "true_classes": truth}
first = ReliabilityDisplay.from_predictions(y, probability, name="positive", **settings)
ReliabilityDisplay.from_predictions(y, expit(scores), name="labelled", prior=prior, ax=first.ax_)
