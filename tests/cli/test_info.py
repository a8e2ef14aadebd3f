import numpy as np
import pytest

from puclassify import load_model

from .conftest import run


def test_all_kinds_of_files(session, trained):
    result = run("info", trained[0], session.micrographs[0], session.truth, "--json")
    assert result.code == 0, result.err
    model, micrograph, coordinates = result.json["files"]
    assert (model["class"], model["n_labels"]) == ("ParticlePicker", 48)
    assert model["particle_diameter"] == session.diameter
    assert (micrograph["height"], micrograph["width"]) == (256, 256)
    assert micrograph["pixel_size"] == 2.0
    assert (coordinates["n_micrographs"], coordinates["n_particles"]) == (6, 72)
    xy = np.concatenate(session.coordinates)
    assert coordinates["x"] == pytest.approx([xy[:, 0].min(), xy[:, 0].max()], abs=1e-3)


def test_text(session, trained):
    text = run("info", trained[0], session.truth).out
    n = sum(one.numel() for one in load_model(trained[0]).classifier_.module_.parameters())
    assert f"n_parameters: {n}\n" in text
    assert "n_particles: 72\n" in text


def test_all_figures_of_a_model(session, trained):
    """What the file holds beside weights: versions, training, estimates, sizes, parameters."""
    text = run("info", trained[0]).out
    model = load_model(trained[0])
    for line in (
        "n_labels: 48",
        "n_micrographs: 4",
        f"particle_diameter: {session.diameter:.5g}",
        "pixel_size: 2",
        f"threshold: {model.threshold_:.5g}",
        f"prior: {model.prior_:.5g}",
        "network: Conv31",
        "  torch: ",
        "  scikit-learn: ",
        "parameters:",
        "  expected_particles: 12",
        "  classifier:",
        "    module: conv31",
        "    max_epochs: 1",
        "    criterion:",
        "      class: GEBinomialLoss",
        "threshold_report",
        "expected_particles",
    ):
        assert f"\n{line}" in text, line


def test_missing_files():
    result = run("info", "none.star")
    assert result.code == 1
    assert result.err == "error: there is no coordinate file none.star\n"


@pytest.mark.parametrize("given", ["{}", "{}/mic*.mrc"])
def test_folders_and_patterns_of_micrographs(given, session, tmp_path):
    for path in session.micrographs[:2]:
        (tmp_path / path.rpartition("/")[2]).symlink_to(path)
    found = run("info", given.format(tmp_path), "--json").json["files"]
    assert [one["file"] for one in found] == [str(tmp_path / f"mic{i}.mrc") for i in (0, 1)]
    assert {one["kind"] for one in found} == {"micrograph"}


def test_a_model_of_another_name(trained, tmp_path):
    other = tmp_path / "model"
    other.symlink_to(trained[0])
    assert run("info", other, "--json").json["files"][0]["kind"] == "model"
