"""Weights of a picker as a start for others: the file, its card, and what refuses."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from puclassify import ParticlePicker, PUImageClassifier, save_pretrained
from puclassify.models import model_info
from puclassify.networks import read_weights


def test_the_card_says_what_was_used(picker_to_share, weights_file):
    _, card = read_weights(weights_file)
    assert (card["network"], card["module_params"]) == ("resnet9", {"units": 8})
    assert (card["particle_pixels"], card["preprocessing"]) == (30.0, {"clip": 4.0})
    assert card["contrast"] == "dark"
    assert card["calibration"] == pytest.approx(picker_to_share.calibration_)
    assert card["training"]["n_labels"] == picker_to_share.n_labels_ == 72
    assert card["training"]["n_micrographs"] == 6
    assert (card["steps"], card["seed"], card["started_from"]) == (60, 0, None)
    report = picker_to_share.threshold_report_
    assert card["figures"]["precision"] == pytest.approx(report["precision"])
    assert "72 labels in 6 micrographs" in card["limits"]


def test_the_weights_are_those_of_the_network_in_half_precision(picker_to_share, weights_file):
    own = picker_to_share.classifier_.module_.state_dict()
    with safe_open(weights_file, framework="np") as file:
        for name in file.keys():  # noqa: SIM118
            stored = own[name].numpy()
            stored = stored.astype("float16") if stored.dtype == np.float32 else stored
            np.testing.assert_array_equal(file.get_tensor(name), stored)
        assert json.loads(file.metadata()["puclassify-weights"])["format_version"] == 1


def test_a_picker_of_the_file_scores_as_the_one_that_was_saved(
    picker_to_share, weights_file, easy_micrographs
):
    picker = ParticlePicker.from_pretrained(
        easy_micrographs.particle_diameter,
        pixel_size=easy_micrographs.pixel_size,
        weights=weights_file,
    )
    X = easy_micrographs.micrographs[:2]
    for ours, theirs in zip(picker.transform(X), picker_to_share.transform(X), strict=True):
        np.testing.assert_allclose(ours.values, theirs.values, atol=0.05)


def test_model_info_shows_the_card(weights_file):
    info = model_info(weights_file)
    assert info["class"] == "pretrained weights"
    assert info["network"] == "resnet9"
    assert info["training"]["n_labels"] == 72


def test_more_entries_of_the_card(picker_to_share, tmp_path):
    path = tmp_path / "w.safetensors"
    save_pretrained(picker_to_share, path, about={"limits": "ring-shaped", "session": "may"})
    card = model_info(path)
    assert (card["limits"], card["session"]) == ("ring-shaped", "may")
    with pytest.raises(ValueError, match=r"about holds \['network'\]"):
        save_pretrained(picker_to_share, path, about={"network": "conv31"})
    assert model_info(path) == card


def test_what_cannot_be_shared_is_refused(picker_to_share, easy_micrographs, tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(TypeError, match="picker must be a ParticlePicker, got PUImageClassifier"):
        save_pretrained(PUImageClassifier(), path)
    without = ParticlePicker(
        easy_micrographs.particle_diameter,
        pixel_size=easy_micrographs.pixel_size,
        classifier=PUImageClassifier(
            "conv31", criterion="ge_binomial", max_epochs=1, module_params={"units": 4}
        ),
        threshold=0.0,
        expected_particles=12,
        random_state=0,
    )
    without._steps_per_epoch = 2
    without.fit(easy_micrographs.micrographs[:2], easy_micrographs.coordinates[:2])
    with pytest.raises(ValueError, match="the fit made no estimates"):
        save_pretrained(without, path)
    assert not path.exists()
