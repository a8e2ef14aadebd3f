"""Pickers that start from pretrained weights: without labels, with few, and with useless ones."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from puclassify import ParticlePicker, PUImageClassifier, load_model, save_model
from puclassify.datasets import label_particles
from puclassify.picking._default_components import DEFAULT_INIT
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph


@pytest.fixture
def pretrained(easy_micrographs, weights_file):
    """Make a picker of weights that know such particles."""

    def make(scale=1.0, steps_per_epoch=10, **params):
        picker = ParticlePicker.from_pretrained(
            scale * easy_micrographs.particle_diameter,
            pixel_size=easy_micrographs.pixel_size,
            weights=weights_file,
            random_state=0,
            **params,
        )
        picker._steps_per_epoch = steps_per_epoch
        return picker

    return make


def bright(micrographs):
    return [one.with_values(-one.values) for one in micrographs]


def labels_of(data, n):
    return label_particles(data.coordinates, n, random_state=0)


class TestWithoutAnyFit:
    def test_it_finds_the_particles(self, pretrained, easy_micrographs):
        picker = pretrained()
        data = easy_micrographs
        assert picker.score(data.micrographs, data.coordinates) > 0.9
        picks = picker.predict(data.micrographs)
        assert all(3 <= len(one) <= 20 for one in picks)  # 12 particles
        assert (picker.n_labels_, picker.n_micrographs_) == (0, 0)
        assert picker.threshold_report_ is picker.expected_particles_ is None
        assert picker.calibration_ != (1.0, 0.0)
        probabilities = picker.predict_proba(data.micrographs[:1])[0].values
        assert 0 < probabilities.min() < probabilities.max() < 1

    def test_a_rule_asks_for_a_look_at_the_micrographs(self, pretrained, easy_micrographs):
        with pytest.raises(ValueError, match=r"or, for pretrained weights, fit\(X\) without"):
            pretrained().predict(easy_micrographs.micrographs, threshold=("precision", 0.9))

    def test_a_threshold_that_was_given_stays(self, pretrained):
        assert pretrained(threshold=0.3).threshold_ == 0.3

    def test_weights_are_set_on_a_classifier_that_was_given(self, pretrained, weights_file):
        given = PUImageClassifier("resnet9", module_params={"units": 8}, lr=0.1)
        assert pretrained(classifier=given).classifier.get_params()["init"] == weights_file
        assert given.init == "random"

    def test_a_network_that_the_weights_do_not_fit(self, pretrained):
        with pytest.raises(ValueError, match="weights of 'resnet9' with module_params"):
            pretrained(classifier=PUImageClassifier("resnet9"))

    def test_random_is_refused(self, easy_micrographs):
        with pytest.raises(ValueError, match="init='random' stands for random weights"):
            ParticlePicker.from_pretrained(40.0, weights="random")


class TestFitWithoutLabels:
    def test_it_estimates_the_quality_of_the_picks(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained().fit(data.micrographs)
        report = picker.threshold_report_
        low, high = report["n_particles_interval"]
        assert low < 12 < high
        low, high = report["precision_interval"]
        picks = picker.predict(data.micrographs)
        right = [
            np.linalg.norm(xy[:, None, :2] - truth, axis=-1).min(axis=1) < picker.matching_radius_
            for xy, truth in zip(picks, data.coordinates, strict=True)
        ]
        assert low < np.concatenate(right).mean() < high
        assert picker.expected_particles_ == report["n_particles"]
        assert (picker.n_labels_, picker.n_micrographs_, picker.history_) == (0, 6, [])
        assert picker.diameter_scale_ == 1.0
        assert picker.pretrained_report_["contrast"] == "as is"
        strict = picker.predict(data.micrographs, threshold=("precision", 0.9))
        assert sum(map(len, strict)) < sum(map(len, picks))

    def test_bright_particles_are_found(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained()
        blind = picker.score(bright(data.micrographs), data.coordinates)
        with pytest.warns(UserWarning, match="particles are brighter than the ice"):
            picker.fit(bright(data.micrographs))
        assert picker.preprocessing_.get_params()["normalize__invert"]
        seen = picker.score(bright(data.micrographs), data.coordinates)
        assert blind < 0.5 < 0.9 < seen
        same = pretrained().fit(data.micrographs).score(data.micrographs, data.coordinates)
        assert seen == pytest.approx(same, abs=0.01)

    def test_a_scale_that_was_chosen_is_used(self, pretrained, easy_micrographs, monkeypatch):
        data = easy_micrographs
        monkeypatch.setattr("puclassify.picking._contrast_and_scale.SCALES", (1.25,))
        picker = pretrained(scale=0.8)
        monkeypatch.setattr("puclassify.picking._contrast_and_scale._CLEAR_GAIN_OF_SCALE", -1.0)
        with pytest.warns(UserWarning, match=r"sees more at 1\.25 times the given particle_diamet"):
            picker.fit(data.micrographs)
        assert picker.diameter_scale_ == 1.25
        down = picker.preprocessing_.get_params()["downsample__particle_diameter"]
        assert down == pytest.approx(data.particle_diameter)
        for ours, theirs in zip(
            picker.predict(data.micrographs, threshold=-np.inf),
            pretrained().predict(data.micrographs, threshold=-np.inf),
            strict=True,
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)

    def test_a_grid_that_was_given_is_not_scaled(self, pretrained, easy_micrographs):
        given = make_pipeline(FourierDownsample(1.3), NormalizeMicrograph(clip=4.0))
        picker = pretrained(preprocessing=given).fit(easy_micrographs.micrographs)
        assert picker.diameter_scale_ == 1.0
        assert picker.threshold_report_ is not None

    def test_nothing_is_found_in_noise(self, pretrained):
        noise = [np.random.default_rng(seed).normal(size=(256, 256)) for seed in range(3)]
        picker = pretrained()
        with pytest.warns(UserWarning, match="finds next to nothing|is unsure"):
            picker.fit(noise)
        assert picker.threshold_ >= -1.4
        assert np.mean([len(one) for one in picker.predict(noise)]) < 4

    def test_random_weights_are_refused(self, easy_micrographs):
        picker = ParticlePicker(40.0, classifier=PUImageClassifier("resnet9"))
        with pytest.raises(ValueError, match="y is None, and classifier__init='random'"):
            picker.fit(easy_micrographs.micrographs)

    def test_other_classifiers_are_refused(self, easy_micrographs):
        from sklearn.linear_model import LogisticRegression

        picker = ParticlePicker(40.0, classifier=LogisticRegression())
        with pytest.raises(ValueError, match="has no pretrained weights"):
            picker.fit(easy_micrographs.micrographs)


class TestFewLabels:
    def test_a_training_is_short_and_starts_from_the_weights(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained().set_params(classifier__max_epochs=10)
        picker.fit(data.micrographs, labels_of(data, 12))
        assert len(picker.history_) <= 1  # a tenth of 10 epochs, or none
        assert picker.score(data.micrographs, data.coordinates) > 0.9
        report = picker.pretrained_report_
        assert report["kept"] == ("fine-tuned" if picker.history_ else "pretrained")
        assert report["rank_pretrained"] >= 1
        low, high = picker.threshold_report_["n_particles_interval"]
        assert low < 12 < high

    def test_the_prior_is_that_of_the_count(self, pretrained, easy_micrographs):
        data = easy_micrographs
        counted = pretrained().fit(data.micrographs).prior_
        few = pretrained().fit(data.micrographs, labels_of(data, 12))
        assert few.prior_ == pytest.approx(counted, rel=0.01)
        many = pretrained().fit(data.micrographs, labels_of(data, 48))
        assert many.prior_ != pytest.approx(counted, rel=0.01)

    def test_fewer_than_ten_train_nothing(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained()
        before = picker.predict(data.micrographs[:1], threshold=-np.inf)[0]
        with pytest.warns(UserWarning, match="only 5 labelled particles, too few to tell"):
            picker.fit(data.micrographs, labels_of(data, 5))
        assert picker.pretrained_report_["kept"] == "pretrained"
        assert picker.threshold_report_ is not None
        np.testing.assert_allclose(
            picker.predict(data.micrographs[:1], threshold=-np.inf)[0], before, rtol=1e-5
        )

    def test_it_is_kept_where_labels_make_it_worse(self, pretrained, easy_micrographs, monkeypatch):
        data = easy_micrographs
        # As if the ranks of held-out labels were always worse after training.
        place = "puclassify.picking.estimates._fit_estimates.are_clearly_better"
        monkeypatch.setattr(place, lambda ranks, others, deviations: True)
        picker = pretrained()
        before = picker.predict(data.micrographs[:1], threshold=-np.inf)[0]
        with pytest.warns(UserWarning, match="makes the pretrained network worse"):
            picker.fit(data.micrographs, labels_of(data, 30))
        assert picker.pretrained_report_["kept"] == "pretrained"
        assert picker.history_ == []
        after = picker.predict(data.micrographs[:1], threshold=-np.inf)[0]
        np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-3)
        low, high = picker.threshold_report_["n_particles_interval"]
        assert low < 12 < high

    def test_labels_tell_the_contrast(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained()
        with pytest.warns(UserWarning, match="particles are brighter than the ice"):
            picker.fit(bright(data.micrographs), labels_of(data, 30))
        assert picker.pretrained_report_["contrast"] == "inverted"
        assert picker.score(bright(data.micrographs), data.coordinates) > 0.9

    def test_another_size_of_particles_is_told(self, pretrained, easy_micrographs):
        data = easy_micrographs
        picker = pretrained().set_params(preprocessing__downsample__target_diameter=12)
        picker.set_params(threshold=0.0, expected_particles=12)
        with pytest.warns(UserWarning, match="a particle spans 12 pixels of what the network sees"):
            picker.fit(data.micrographs, labels_of(data, 30))


def test_a_stored_picker_keeps_its_start(pretrained, easy_micrographs, tmp_path):
    with pytest.warns(UserWarning, match="brighter"):
        picker = pretrained().fit(bright(easy_micrographs.micrographs))
    save_model(picker, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.pretrained_report_ == picker.pretrained_report_
    assert loaded.diameter_scale_ == picker.diameter_scale_
    X = bright(easy_micrographs.micrographs[:1])
    np.testing.assert_array_equal(loaded.predict(X)[0], picker.predict(X)[0])


def test_parameters(pretrained, weights_file):
    picker = pretrained()
    assert picker.get_params()["classifier__init"] == weights_file
    assert clone(picker).get_params()["classifier__init"] == weights_file
    default = ParticlePicker(40.0)
    assert default.get_params()["classifier__init"] == DEFAULT_INIT
    assert default.set_params(classifier__init="random").classifier.init == "random"
