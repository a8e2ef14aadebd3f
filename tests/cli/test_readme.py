"""The shell lines of the README on real micrographs, and the library on the same files."""

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from puclassify import ParticlePicker
from puclassify.io import match_coordinates, read_coordinates
from puclassify.metrics import pick_precision_recall_fscore

from .conftest import run

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def shell_lines():
    """Return the commands of the README for the beta-galactosidase images, as lists of words."""
    block = re.search(r"    ln -s \"\$PUCLASSIFY_DATA\"(?:.*\n)((?:    .*\n)+)", README)[1]
    lines = re.sub(r"\\\n", " ", block).splitlines()
    return [shlex.split(line) for line in lines]


def test_there_are_three():
    assert [words[:2] for words in shell_lines()] == [
        ["puclassify", "train"],
        ["puclassify", "pick"],
        ["puclassify", "evaluate"],
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Go to a folder with links to the images and coordinates."""
    if "PUCLASSIFY_DATA" not in os.environ:
        pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
    for path in (Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs").glob("bgal_*"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_give_the_numbers_of_the_library(folder):
    train, pick, evaluate = (run(*words[1:], "--json") for words in shell_lines())
    assert [one.code for one in (train, pick, evaluate)] == [0, 0, 0], train.err + pick.err

    paths = sorted(map(str, Path("bgal_images_1024").glob("*.png")))
    labelled = [path for path in paths if "-14_" in path or "-15_1" in path]
    others = [path for path in paths if "-15_2" in path or "-15_3" in path]
    assert (len(labelled), len(others)) == (4, 3)
    frame = {"step": 4, "offset": 1.5}
    labels = read_coordinates("bgal_coords_4096px/cryoppp.csv", **frame)
    picker = ParticlePicker(191, pixel_size=7.08, random_state=0)
    picker.fit(labelled, match_coordinates(labels, labelled))
    picks = picker.predict(others)
    written = match_coordinates(read_coordinates("picks"), others)
    for ours, theirs in zip(picks, written):
        np.testing.assert_allclose(theirs, ours, atol=1e-4)
    assert train.json["threshold"] == pytest.approx(picker.threshold_, abs=1e-6)
    assert pick.json["n_picks"] == sum(map(len, picks))

    truth = match_coordinates(labels, others)
    found = evaluate.json
    expected = pick_precision_recall_fscore(truth, picks, picker.matching_radius_)
    assert [found[n] for n in ("precision", "recall", "f1")] == pytest.approx(expected, abs=1e-6)
    assert found["average_precision"] == pytest.approx(picker.score(others, truth), abs=1e-6)
    assert found["n_particles"] == 629 + 587 + 653
