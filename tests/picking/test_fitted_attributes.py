from types import SimpleNamespace

import pytest

from puclassify.picking._fitted_attributes import FittedAttributes


class Quality:
    """Estimates that choose 1.5 for any rule."""

    n_particles, calibration = 12.0, (2.0, -1.0)

    def choose_threshold(self, rule):
        return 1.5

    def report(self, threshold):
        return {"at": threshold}


def attributes(threshold, quality=None):
    scorer = SimpleNamespace(classifier="trained", history=[{"epoch": 1}])
    task = SimpleNamespace(threshold=threshold, matching_radius=5.0, n_labels=7, n_micrographs=2)
    return FittedAttributes.of("preprocessing", scorer, task, 0.1, 2.0, quality)


@pytest.mark.parametrize(
    ("threshold", "logit"), [(0.7, 0.7), ("expected_f1", 0.0), (("recall", 0.9), 0.0)]
)
def test_without_estimates(threshold, logit):
    fitted = attributes(threshold)
    assert fitted.threshold_ == logit
    assert fitted.calibration_ == (1.0, 0.0)
    assert fitted.threshold_report_ is fitted.expected_particles_ is None


@pytest.mark.parametrize(("threshold", "logit"), [(0.7, 0.7), ("expected_f1", 1.5)])
def test_are_those_at_the_threshold(threshold, logit):
    fitted = attributes(threshold, Quality())
    assert fitted.threshold_ == logit
    assert fitted.threshold_report_ == {"at": logit}
    assert fitted.expected_particles_ == 12.0
    assert fitted.calibration_ == (2.0, -1.0)


def test_of_another_scorer_are_its_own():
    other = SimpleNamespace(classifier="other", history=[])
    fitted = attributes(0.7).with_scorer(other)
    assert (fitted.classifier_, fitted.history_, fitted._scorer) == ("other", [], other)
    assert fitted.prior_ == 0.1


def test_all_are_set_by_a_fit(fitted):
    names = set(FittedAttributes.__dataclass_fields__)
    assert names <= set(vars(fitted))
    assert {name for name in vars(fitted) if name.endswith("_")} <= names
