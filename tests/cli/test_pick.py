import threading
import time
import tomllib
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from puclassify import ParticlePicker, load_model
from puclassify.io import match_coordinates, read_coordinates

from .conftest import run


@pytest.fixture(scope="module")
def expected(session, trained):
    """The library's picks of all micrographs."""
    return load_model(trained[0]).predict(session.micrographs)


def assert_picks(path, session, expected):
    found = match_coordinates(read_coordinates(path), session.micrographs)
    assert sum(map(len, expected)) > 20
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("kind", ["folder", "{name}.tsv", "picks.csv"])
def test_picks_are_those_of_the_library(kind, session, trained, expected, tmp_path):
    output = tmp_path / "new" / ("" if kind == "folder" else kind)
    result = run("pick", trained[0], session.folder / "*.mrc", "--output", output, "--json")
    assert result.code == 0, result.err
    assert result.json["n_micrographs"] == 6
    assert result.json["n_picks"] == sum(map(len, expected))
    assert "6 of 6 micrographs in" in result.err
    assert_picks(str(output).replace("{name}", "*"), session, expected)
    name = "picks.csv.toml" if kind == "picks.csv" else "pick.toml"
    table = tomllib.loads((tmp_path / "new" / name).read_text())["pick"]
    assert table["model"] == trained[0]
    assert table["output"] == str(output)


def test_a_run_is_repeated_from_its_parameters(session, trained, expected, tmp_path):
    run("pick", trained[0], *session.micrographs, "--output", tmp_path / "a", "--threshold", 1)
    again = run("pick", "--config", tmp_path / "a/pick.toml", "--output", tmp_path / "b")
    assert again.code == 0, again.err
    assert_picks(tmp_path / "b", session, [xy[xy[:, 2] > 1] for xy in expected])


def test_skipped_micrographs_have_their_exit_code(session, trained, tmp_path):
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"no micrograph")
    args = ("pick", trained[0], session.micrographs[0], broken, "--output", tmp_path / "picks")
    stopped = run(*args)
    assert (stopped.code, stopped.out) == (1, "")
    assert stopped.err.splitlines()[-1].startswith("error: ")
    assert "broken.mrc" in stopped.err
    assert "Traceback" not in stopped.err
    went_on = run(*args, "--on-error", "skip", "--json")
    assert went_on.code == 3
    assert went_on.json["n_skipped"] == 1
    assert went_on.json["skipped"][0]["micrograph"] == str(broken)
    assert "broken.mrc" in (tmp_path / "picks/skipped.tsv").read_text()


def test_resume_picks_only_what_is_missing(session, trained, expected, tmp_path):
    args = ("pick", trained[0], *session.micrographs, "--output", tmp_path)
    assert run(*args).code == 0
    kept, missing = (tmp_path / f"mic{i}_autopick.star" for i in (0, 1))
    before = kept.stat().st_mtime_ns
    missing.unlink()
    result = run(*args, "--resume", "--json")
    assert result.code == 0, result.err
    assert kept.stat().st_mtime_ns == before
    assert result.json["n_micrographs"] == 6
    assert_picks(tmp_path, session, expected)


def test_watch_picks_what_comes(session, trained, expected, tmp_path):
    folder = tmp_path / "coming"
    folder.mkdir()

    def copy_late():
        for path in session.micrographs:
            time.sleep(0.1)
            with mrcfile.open(path) as file:
                mrcfile.write(folder / Path(path).name, file.data, voxel_size=2.0)

    writer = threading.Thread(target=copy_late)
    writer.start()
    args = ("--watch", "--idle", 8, "--output", tmp_path / "picks", "--json")
    result = run("pick", trained[0], folder, *args)
    writer.join()
    assert result.code == 0, result.err
    assert result.json["n_micrographs"] == 6
    assert_picks(tmp_path / "picks", session, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--idle", 3], "--watch"),
        (["--threshold", "precision=high"], "'high' in 'precision=high' is not a number"),
        (["--on-error", "ignore"], "'raise', 'warn', 'skip'"),
        (["--output", "picks.csv", "--resume"], "{name}"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage(options, message, session, tmp_path):
    result = run("pick", "model", session.micrographs[0], "--output", tmp_path, *options)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("model", "threshold", "message"),
    [
        ("none.safetensors", 0, "none.safetensors"),
        (None, "precision=0.9", "needs estimates"),
        (None, "best", "best"),
    ],
)
def test_wrong_input(model, threshold, message, session, trained, tmp_path):
    args = (session.micrographs[0], "--output", tmp_path / "picks", "--threshold", threshold)
    result = run("pick", model or trained[0], *args)
    assert result.code == 1
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.star"))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("picks.xyz", "does not imply a format"),
        ("picks.box", "hold more than picks"),
        ("picks.coord", "can hold the coordinates of one micrograph"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_picking(
    output, message, session, trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(ParticlePicker, "iter_predict", lambda *args: pytest.fail("picked"))
    result = run("pick", trained[0], *session.micrographs, "--output", tmp_path / output)
    assert result.code == 1
    assert message in result.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(session, trained):
    args = ("pick", trained[0], session.micrographs[0], "--output")
    result = run(*args, f"{session.truth}/picks")
    assert (result.code, result.out) == (1, "")
    assert "--output: the folder" in result.err


class TestPretrained:
    def test_the_picks_are_those_of_the_library(self, session, weights_file, tmp_path):
        result = run(
            *("pick", "--pretrained", "--weights", weights_file, "--diameter", session.diameter),
            *(*session.micrographs, "--output", tmp_path / "picks", "--json"),
            *("--save-model", tmp_path / "model.safetensors"),
        )
        assert result.code == 0, result.err
        picker = ParticlePicker.from_pretrained(
            session.diameter, pixel_size="header", weights=weights_file
        ).fit(session.micrographs)
        ours = picker.predict(session.micrographs)
        assert result.json["n_picks"] == sum(map(len, ours)) > 6
        assert result.json["pretrained"]["contrast"] == "as is"
        low, high = result.json["threshold_report"]["n_particles_interval"]
        assert low < 12 < high
        again = load_model(tmp_path / "model.safetensors").predict(session.micrographs[:1])
        np.testing.assert_array_equal(again[0], ours[0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--pretrained"], "--pretrained needs --diameter"),
            (["--diameter", 100], "--diameter is for --pretrained"),
            (["--weights", "file"], "--weights is for --pretrained"),
            ([], "MODEL and MICROGRAPHS are needed"),
        ],
    )
    def test_wrong_usage(self, session, tmp_path, options, message):
        result = run("pick", session.micrographs[0], "--output", tmp_path / "picks", *options)
        assert result.code == 2
        assert message in result.err
