import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from puclassify import ParticlePicker, load_model
from puclassify.io import match_coordinates, read_coordinates, write_coordinates

from .conftest import PIXEL_SIZE, run, training


@pytest.fixture
def short_epochs(monkeypatch):
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 2)


def test_the_model_is_that_of_the_library(session, trained, monkeypatch):
    path, result = trained
    assert result.code == 0, result.err
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 12)
    picker = ParticlePicker(
        session.diameter,
        pixel_size=PIXEL_SIZE,
        threshold=0.0,
        expected_particles=12.0,
        random_state=0,
    ).set_params(classifier__module="conv31", classifier__max_epochs=1)
    labels = match_coordinates(read_coordinates(session.truth), session.micrographs[:4])
    picker.fit(session.micrographs[:4], labels)
    (ours,) = picker.predict(session.micrographs[4:5])
    (theirs,) = load_model(path).predict(session.micrographs[4:5])
    assert len(ours) > 3
    np.testing.assert_array_equal(ours, theirs)


def test_result_for_machines(session, trained):
    path, result = trained
    found = result.json
    assert found["model"] == path
    assert (found["n_micrographs"], found["n_labels"], found["threshold"]) == (
        4,
        sum(map(len, session.coordinates[:4])),
        0.0,
    )
    assert found["check"]["reading"] == "as given"
    assert "\x1b" not in result.err
    assert "\r" not in result.err
    assert "training: 12 of 12 batches in " in result.err
    assert "; epoch 1 of 1, train_loss " in result.err


def test_parameters_are_written_and_can_be_used_again(session, trained, tmp_path, monkeypatch):
    path, _ = trained
    config = Path(f"{path}.toml")
    table = tomllib.loads(config.read_text())["train"]
    assert table["micrographs"] == session.micrographs[:4]
    assert table["diameter"] == session.diameter
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 12)
    again = tmp_path / "again.safetensors"
    result = run("train", "--config", config, "--output", again)
    assert result.code == 0, result.err
    ours, theirs = load_file(again), load_file(path)
    assert sorted(ours) == sorted(theirs)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])


@pytest.mark.usefixtures("short_epochs")
def test_labels_that_are_upside_down_are_refused_with_the_option(session, tmp_path):
    flipped = tmp_path / "flipped.star"
    turned = [np.array([[0, 255]]) + xy * [1, -1] for xy in session.coordinates]
    write_coordinates(turned, flipped, names=session.micrographs)
    args = training(session)
    args[args.index(session.truth)] = flipped
    output = tmp_path / "model.safetensors"
    result = run(*args, "--output", output)
    assert result.code == 1
    assert "y counted from below" in result.err
    assert "--origin bottom-left" in result.err
    assert not output.exists()
    result = run(*args, "--output", output, "--origin", "bottom-left", "--json")
    assert result.code == 0, result.err
    assert result.json["check"]["reading"] == "as given"


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [("model.pt", 2, "must end in .safetensors"), ("truth.star/m.safetensors", 1, "is a file")],
)
def test_an_output_that_cannot_be_is_refused_before_the_training(
    output, code, message, session, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truth.star").write_text("")
    monkeypatch.setattr(ParticlePicker, "fit", lambda *args: pytest.fail("trained"))
    result = run(*training(session), "--output", output)
    assert result.code == code
    assert message in " ".join(result.err.split())


def test_names_that_do_not_match_are_told_the_right_way_round(session, tmp_path):
    other = tmp_path / "other.csv"
    write_coordinates(session.coordinates[:1], other, names=["other.mrc"])
    args = training(session)
    args[args.index(session.truth)] = other
    result = run(*args, "--output", tmp_path / "model.safetensors")
    assert result.code == 1
    assert "coordinates have 'other.mrc'" in result.err
    assert f"micrographs are '{session.micrographs[0]}'" in result.err


def test_lists_of_coordinate_files(session, tmp_path):
    from puclassify.cli._files import coordinate_files

    (tmp_path / "list.txt").write_text(f"# labels\n{session.truth}\n\nboxes/*.box\n")
    assert coordinate_files(["a.star", f"@{tmp_path}/list.txt"]) == [
        *("a.star", session.truth, "boxes/*.box"),
    ]
    with pytest.raises(FileNotFoundError, match=r"no list of coordinate files none\.txt"):
        coordinate_files(["@none.txt"])
