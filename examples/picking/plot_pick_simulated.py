"""
=======================================
Pick particles in simulated micrographs
=======================================

From labelled particles in a few micrographs to ranked picks in others, with
:class:`~puclassify.ParticlePicker`. The micrographs are simulated, so the truth about them is known
and the picks can be graded.

To keep this page quick the network is half as wide as the default and trains for only 8 epochs, on
8 micrographs of 256 x 256 pixels; ``make demo`` runs the default network on larger ones.
"""

# %%
# Twelve micrographs with a dozen globular particles each, besides contamination that is not to be
# picked. Two thirds are for training; of their 96 particles 60 are labelled.

import numpy as np

from puclassify.datasets import label_particles, make_micrographs

data = make_micrographs(12, shape=(256, 256), particles_per_micrograph=12, snr=0.2, random_state=0)
train, test = slice(0, 8), slice(8, 12)
labels = label_particles(data.coordinates[train], 60, random_state=0)
print(f"labels on each micrograph: {[len(xy) for xy in labels]}")

# %%
# A picker needs the particle's diameter; binning, the radius around a label, the suppression radius
# and the matching radius follow from it. How many particles there are it finds out from the labels.
# The parts inside, here the classifier, are reached with double underscores.

from puclassify import ParticlePicker

picker = ParticlePicker(
    data.particle_diameter,
    pixel_size=data.pixel_size,
    random_state=0,
)
picker.set_params(
    classifier__module_params={"units": 16}, classifier__lr=3e-3, classifier__max_epochs=8
)
picker.fit(data.micrographs[train], labels)
print(f"prior {picker.prior_:.4f}, a pick within {picker.matching_radius_:g} pixels is right")

# %%
# What is expected of the picks, told by the labels alone: numbers in a micrograph, precision and
# recall, with 90 % intervals. There are 12 particles in each.

for name, value in picker.threshold_report_.items():
    print(f"{name:22s}", np.round(value, 2))

from puclassify.plotting import PickQualityDisplay

PickQualityDisplay.from_estimator(picker)

# %%
# Picks are rows of x, y and score, the best first, in pixels of the micrograph as stored. The score
# is a calibrated logit; the threshold is where the expected F1 is largest, near a probability of
# one half. Other cuts are asked for by what they are to be like.

picks = picker.predict(data.micrographs[test])
print(picks[0][:3].round(1))
pure = picker.predict(data.micrographs[test], threshold=("precision", 0.98))
print(f"{sum(map(len, picks))} picks, {sum(map(len, pure))} at an expected precision of .98")

# %%
# One of the micrographs that were held out, its picks matched one-to-one with the truth.

from puclassify.plotting import PicksDisplay

display = PicksDisplay.from_estimator(picker, data.micrographs[8], data.coordinates[8])

# %%
# Where the picks come from: the score map, on the network's stride. It knows its place in the
# micrograph, so both can be drawn in the same coordinates.

import matplotlib.pyplot as plt

scores = picker.transform(data.micrographs[test])[0]
print(scores)
fig, ax = plt.subplots()
drawn = ax.imshow(scores.values, extent=scores.extent, cmap="magma")
fig.colorbar(drawn, label="logit")
ax.plot(*data.coordinates[8].T, "c+", label="truth")
ax.legend(loc="upper right")

# %%
# Over all held-out micrographs: precision and recall at every threshold, with a dot at the
# picker's own.

from puclassify.plotting import PickPrecisionRecallDisplay

PickPrecisionRecallDisplay.from_estimator(
    picker, data.micrographs[test], data.coordinates[test], name="8 epochs, 60 labels"
)

# %%
# The loss still falls after so few epochs.

from puclassify.plotting import TrainingHistoryDisplay

TrainingHistoryDisplay.from_estimator(picker)
