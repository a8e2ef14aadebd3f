"""A picker that continues from its present weights."""

import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from puclassify import ParticlePicker, PUImageClassifier


def weights_of(picker):
    return {name: one.clone() for name, one in picker.classifier_.module_.state_dict().items()}


def distance(one, other):
    return sum(float((one[name] - other[name]).abs().sum()) for name in one if "head" in name)


# So small a rate that a training leaves the weights where they started.
STILL = {"classifier__lr": 1e-12, "classifier__optimizer": "sgd"}


class TestWarmStart:
    def test_fit_starts_from_the_present_weights(self, fitted, simulated):
        before = weights_of(fitted)
        fitted.set_params(warm_start=True, **STILL)
        fitted.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert distance(before, weights_of(fitted)) < 1e-6

    def test_without_it_fit_starts_afresh(self, fitted, simulated):
        before = weights_of(fitted)
        fitted.set_params(**STILL)
        fitted.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert distance(before, weights_of(fitted)) > 0.1

    def test_the_first_fit_starts_afresh(self, make_picker, simulated):
        X, y = simulated.micrographs[:2], simulated.coordinates[:2]
        cold, warm = make_picker().fit(X, y), make_picker(warm_start=True).fit(X, y)
        assert distance(weights_of(cold), weights_of(warm)) == 0

    def test_the_network_of_before_is_not_changed_in_place(self, fitted, simulated):
        module, before = fitted.classifier_.module_, weights_of(fitted)
        fitted.set_params(warm_start=True)
        fitted.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert fitted.classifier_.module_ is not module
        assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())
        assert distance(before, weights_of(fitted)) > 0

    def test_estimates_are_those_of_fresh_weights(self, make_picker, simulated):
        """The present weights may have learnt the labels that are held out."""
        X, y = simulated.micrographs[:4], simulated.coordinates[:4]
        settings = {"expected_particles": None, "threshold": "auto"}
        picker = make_picker(**settings).fit(X, y)
        prior = picker.prior_  # of the cross-fitting alone
        assert picker.set_params(warm_start=True).fit(X, y).prior_ == prior

    def test_another_network_is_refused(self, fitted, simulated):
        fitted.set_params(warm_start=True, classifier__module_params={"units": 8})
        before = fitted.classifier_
        with pytest.raises(ValueError, match=r"warm_start=True cannot continue.*\(4, 1, 7, 7\)"):
            fitted.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert fitted.classifier_ is before

    def test_other_classifiers_have_no_weights(self, simulated):
        picker = ParticlePicker(40.0, classifier=LogisticRegression(), warm_start=True)
        with pytest.raises(ValueError, match="warm_start=True continues from the weights"):
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])

    def test_a_flag_is_required(self, simulated):
        with pytest.raises(ValueError, match="warm_start"):
            ParticlePicker(40.0, warm_start="yes").fit(
                simulated.micrographs[:2], simulated.coordinates[:2]
            )

    def test_clones_are_not_fitted(self, fitted):
        assert not hasattr(clone(fitted.set_params(warm_start=True)), "classifier_")

    def test_the_classifiers_own_is_refused_in_favour_of_it(self, simulated, make_picker):
        picker = make_picker(PUImageClassifier("conv31", warm_start=True, max_epochs=1))
        with pytest.warns(UserWarning, match="set the picker's warm_start"):
            picker.fit(simulated.micrographs[:1], simulated.coordinates[:1])


def test_micrographs_of_the_training_are_counted(fitted, simulated):
    assert fitted.n_micrographs_ == 4
    assert fitted.n_labels_ == sum(map(len, simulated.coordinates[:4]))
