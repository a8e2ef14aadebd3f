"""
=======================================
Pick particles in simulated micrographs
=======================================

From labelled particles in a few micrographs to ranked picks in others, with
:class:`~puclassify.ParticlePicker`. The micrographs are simulated, so that all their particles are
known and the picks can be measured.

So that this page builds quickly, the network is half as wide as the default and trains for only
8 epochs, on 8 micrographs of 256 x 256 pixels; ``make demo`` runs the default network on larger
ones.
"""

# %%
# Twelve micrographs with a dozen globular particles each, and contaminants that should not be
# picked. Eight are for training; 60 of their 96 particles are labelled.

import numpy as np

from puclassify.datasets import label_particles, make_micrographs

data = make_micrographs(12, shape=(256, 256), particles_per_micrograph=12, snr=0.2, random_state=0)
train, test = slice(0, 8), slice(8, 12)
labels = label_particles(data.coordinates[train], 60, random_state=0)
print(f"labels on each micrograph: {[len(xy) for xy in labels]}")

# %%
# A picker needs the particle's diameter. Binning, the radius around a label, the suppression radius
# and the matching radius follow from it, and the number of particles is estimated from the labels.
# Parameters of its components, here the classifier, are set with double underscores.

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
print(f"prior {picker.prior_:.4f}, a pick within {picker.matching_radius_:g} pixels is correct")

# %%
# The expected quality of the picks, estimated from the labels alone: precision, recall and the
# numbers of picks and particles in a micrograph, with 90 % intervals. There are 12 particles in
# each.

for name, value in picker.threshold_report_.items():
    print(f"{name:22s}", np.round(value, 2))

from puclassify.plotting import PickQualityDisplay

PickQualityDisplay.from_estimator(picker)

# %%
# Picks are rows of x, y and score, the best first, in pixels of the micrograph as stored. The score
# is a calibrated logit. The default threshold has the largest expected F1; others are requested by
# a precision or a recall.

picks = picker.predict(data.micrographs[test])
print(picks[0][:3].round(1))
pure = picker.predict(data.micrographs[test], threshold=("precision", 0.98))
print(f"{sum(map(len, picks))} picks, {sum(map(len, pure))} at an expected precision of .98")

# %%
# One of the held-out micrographs, with its picks matched one-to-one to the true particles.

from puclassify.plotting import PicksDisplay

display = PicksDisplay.from_estimator(picker, data.micrographs[8], data.coordinates[8])

# %%
# Picks are the maxima of the score map, which is on the network's stride. It knows where its values
# lie in the micrograph, so both can be drawn in the same coordinates.

import matplotlib.pyplot as plt

scores = picker.transform(data.micrographs[test])[0]
print(scores)
fig, ax = plt.subplots()
drawn = ax.imshow(scores.values, extent=scores.extent, cmap="magma")
fig.colorbar(drawn, label="logit")
ax.plot(*data.coordinates[8].T, "c+", label="truth")
ax.legend(loc="upper right")

# %%
# Precision and recall over all held-out micrographs at every threshold; the dot marks that of the
# picker.

from puclassify.plotting import PickPrecisionRecallDisplay

PickPrecisionRecallDisplay.from_estimator(
    picker, data.micrographs[test], data.coordinates[test], name="8 epochs, 60 labels"
)

# %%
# After so few epochs the loss is still falling.

from puclassify.plotting import TrainingHistoryDisplay

TrainingHistoryDisplay.from_estimator(picker)
