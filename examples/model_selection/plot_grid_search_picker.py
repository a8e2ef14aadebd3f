"""
========================================
Search the settings of a particle picker
========================================

A picker is an estimator whose samples are micrographs. Scikit-learn's
:class:`~sklearn.model_selection.GridSearchCV` searches the settings of its objective and of its
non-maximum suppression together, with whole micrographs in each fold.

So that this page builds quickly, the network has a quarter of the default width and trains for
2 epochs. The figures show how to search, not which setting is best.
"""

# %%
# The parameters of the components are reached with double underscores, also for default components.
# With a number for ``threshold`` and with ``expected_particles``, a fit does not estimate how good
# its picks are, and takes half as long. Average precision, which is compared below, does not depend
# on the threshold.

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.datasets import make_micrographs

data = make_micrographs(6, shape=(256, 256), particles_per_micrograph=12, snr=0.2, random_state=0)
picker = ParticlePicker(
    data.particle_diameter,
    expected_particles=12,
    threshold=0.0,
    classifier=PUImageClassifier(
        "resnet8", criterion="ge_binomial", module_params={"units": 8}, lr=5e-3, max_epochs=2
    ),
    random_state=0,
)
searchable = [
    name for name in picker.get_params() if name.startswith(("nms__", "classifier__crit"))
]
print(*searchable, sep="\n")

# %%
# The scorer measures average precision. Its radius is set to 20 pixels, half the particle's
# diameter, so that the same radius applies to all candidates.

from sklearn.model_selection import GridSearchCV, KFold

from puclassify.model_selection import make_pick_scorer

search = GridSearchCV(
    picker,
    {"classifier__criterion__slack": [0.1, 1.0], "nms__radius": [10.0, 20.0]},
    scoring=make_pick_scorer("average_precision", radius=20.0),
    cv=KFold(2),
    error_score="raise",
)
search.fit(data.micrographs, data.coordinates)
print(search.best_params_)

# %%
# All candidates with the mean over the folds and the score of each fold. Differences smaller than
# those between folds mean nothing.

results = search.cv_results_
print("slack  radius   mean   folds")
for params, mean, *folds in zip(
    results["params"],
    results["mean_test_score"],
    results["split0_test_score"],
    results["split1_test_score"],
    strict=True,
):
    slack, radius = params.values()
    print(f"{slack:5.1f}{radius:8.0f}{mean:7.3f}  ", *(f"{fold:.3f}" for fold in folds))

# %%
# The best candidate was trained again on all micrographs and is a picker like any other. Here it
# picks four held-out micrographs. The dot marks the threshold of the search, a logit of 0, which
# few picks reach after such a short training. To pick with the best settings, train once more with
# ``threshold="auto"``: ``clone(search.best_estimator_).set_params(threshold="auto")``.

from puclassify.plotting import PickPrecisionRecallDisplay

unseen = make_micrographs(4, shape=(256, 256), particles_per_micrograph=12, snr=0.2, random_state=1)
PickPrecisionRecallDisplay.from_estimator(
    search, unseen.micrographs, unseen.coordinates, radius=20.0, name="best of the search"
)
