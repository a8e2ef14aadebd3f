"""
=====================================================
Cross-validate a classifier of regions of micrographs
=====================================================

A million image regions do not fit into memory, but references to them do. A
:class:`~puclassify.RegionTable` holds micrograph, x and y of every region, and scikit-learn's
splitters treat it like an array. A :class:`~puclassify.RegionExtractor` before the classifier cuts
out the pixels of the rows in use.

This is the level below :class:`~puclassify.ParticlePicker`: it scores single regions and does not
pick.
"""

# %%
# Six small simulated micrographs, binned so that a particle is about 30 pixels wide, and
# normalised. All particles are labelled. Every position within 3 pixels of a label is positive, and
# 100 random positions of each micrograph are unlabelled.

from sklearn.pipeline import make_pipeline

from puclassify import sample_regions
from puclassify.datasets import make_micrographs
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

data = make_micrographs(6, shape=(256, 256), particles_per_micrograph=12, snr=0.2, random_state=0)
preprocessing = make_pipeline(
    FourierDownsample(particle_diameter=data.particle_diameter), NormalizeMicrograph()
)
micrographs = preprocessing.fit_transform(data.micrographs)
radius = 3.0
regions, y = sample_regions(
    micrographs, data.coordinates, n_unlabeled=100, radius=radius, random_state=0
)
print(regions, f"of which {y.sum()} are labelled")

# %%
# The prior is the fraction of *all* positions that lie within this radius of a particle.

import numpy as np

area = np.prod(data.micrographs[0].shape)
prior = 12 * np.pi * radius**2 / area
print(f"prior = {prior:.4f}")

# %%
# Neighbouring regions of a micrograph overlap, so splitting a micrograph would test on pixels that
# were trained on. ``groups`` keeps whole micrographs together. The score is the area under the ROC
# curve of labelled against unlabelled regions; the network is half as wide as the default and
# trains for three epochs.

from sklearn.model_selection import GroupKFold, cross_val_score

from puclassify import PUImageClassifier, RegionExtractor

network = make_pipeline(
    RegionExtractor(71),
    PUImageClassifier(
        "resnet8",
        criterion="ge_binomial",
        prior=prior,
        module_params={"units": 16},
        lr=3e-3,
        max_epochs=3,
        batch_size=64,
        random_state=0,
    ),
)
cv = GroupKFold(n_splits=3)
scores = cross_val_score(network, regions, y, cv=cv, groups=regions.groups)
print("network:      ", scores.round(3))

# %%
# The same table works with any other classifier; ``flatten=True`` extracts rows of features.

from sklearn.ensemble import RandomForestClassifier

forest = make_pipeline(
    RegionExtractor(71, flatten=True), RandomForestClassifier(50, random_state=0)
)
scores = cross_val_score(forest, regions, y, cv=cv, groups=regions.groups, scoring="roc_auc")
print("random forest:", scores.round(3))

# %%
# The scores of the network on the held-out micrographs of one fold. With a prior of half a per
# cent, hardly any unlabelled region is centred on a particle. After three epochs the network ranks
# well, but most of the labelled regions still score below a logit of 0.

from puclassify.plotting import ScoreHistogramDisplay

train, test = next(cv.split(regions, y, groups=regions.groups))
network.fit(regions[train], y[train])
ScoreHistogramDisplay.from_estimator(network, regions[test], y[test], prior=None, bins=30)
