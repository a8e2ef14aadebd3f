import json

import numpy as np
import pytest

from puclassify import load_model
from puclassify.io import write_coordinates
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore

from .conftest import run


@pytest.fixture(scope="module")
def candidates(session, trained):
    return load_model(trained[0]).predict(session.micrographs, threshold=-np.inf)


def test_a_model_has_the_score_of_the_library(session, trained, tmp_path):
    held_out, truth = session.micrographs[4:], session.coordinates[4:]
    picker = load_model(trained[0])
    output = tmp_path / "result.json"
    args = (*held_out, "--truth", session.truth, "--json", "--output", output)
    result = run("evaluate", trained[0], *args)
    assert result.code == 0, result.err
    found = result.json
    assert found["average_precision"] == pytest.approx(picker.score(held_out, truth), abs=1e-6)
    assert 0.5 < found["average_precision"] <= 1
    expected = pick_precision_recall_fscore(
        truth, picker.predict(held_out), picker.matching_radius_
    )
    assert [found[n] for n in ("precision", "recall", "f1")] == pytest.approx(expected, abs=1e-6)
    assert found["n_particles"] == 24
    assert found["n_picks"] == sum(map(len, picker.predict(held_out)))
    assert json.loads(output.read_text()) == found


def test_files_of_picks(session, candidates, tmp_path):
    picks = tmp_path / "picks.csv"
    write_coordinates(candidates, picks, names=session.micrographs)
    args = ("evaluate", picks, "--truth", session.truth, "--radius", 20, "--json")
    result = run(*args, "--threshold", 0)
    assert result.code == 0, result.err
    truth = session.coordinates
    average = pick_average_precision_score(truth, candidates, 20)
    expected = pick_precision_recall_fscore(truth, candidates, 20, threshold=0)
    found = result.json
    assert found["average_precision"] == pytest.approx(average, abs=1e-3)
    assert [found[n] for n in ("precision", "recall", "f1")] == pytest.approx(expected, abs=1e-3)
    text = run(*args[:-1], "--threshold", 0).out
    assert f"average precision {found['average_precision']:.4f}" in text


def test_picks_without_scores_have_no_average_precision(session, tmp_path):
    picks = tmp_path / "picks.csv"
    write_coordinates([xy[1:] for xy in session.coordinates], picks, names=session.micrographs)
    args = ("evaluate", picks, "--truth", session.truth, "--radius", 20)
    found = run(*args, "--json").json
    assert found["average_precision"] is None
    assert (found["precision"], found["recall"]) == (1.0, pytest.approx(66 / 72))
    assert "unknown (the picks have no scores)" in run(*args).out
    assert run(*args, "--threshold", 0).code == 1


def test_micrographs_that_are_not_compared(session, tmp_path):
    """Missing picks are missed particles; picks without truth are left out with a warning."""
    picks = tmp_path / "picks.csv"
    unknown = {"other.mrc": np.array([[1.0, 2.0]])}
    some = dict(zip(session.micrographs[:3], session.coordinates[:3]))
    write_coordinates({**some, **unknown}, picks)
    args = ("evaluate", picks, "--truth", session.truth, "--radius", 20, "--json")
    result = run(*args)
    assert (result.json["precision"], result.json["recall"]) == (1.0, 0.5)
    assert "1 micrographs with picks have no known particles" in result.err
    only = run("evaluate", picks, *session.micrographs[:2], *args[2:])
    assert (only.json["recall"], only.json["n_micrographs"]) == (1.0, 2)


def test_what_is_needed(session, trained):
    without_radius = run("evaluate", session.truth, "--truth", session.truth)
    assert without_radius.code == 2
    assert "--radius" in without_radius.err
    without_micrographs = run("evaluate", trained[0], "--truth", session.truth)
    assert without_micrographs.code == 2
    assert "MICROGRAPHS" in without_micrographs.err
