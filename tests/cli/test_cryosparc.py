"""From exposures and hand picks of cryoSPARC to picks that it imports, by commands."""

import os
import re
import shlex
import string
import textwrap
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest

from puclassify import ParticlePicker, PUImageClassifier, load_model
from puclassify.io import match_coordinates, read_coordinates, write_coordinates

from .conftest import PIXEL_SIZE, run, training
from .cryosparc import UIDS, write_exposures


@pytest.fixture(scope="module")
def project(session, tmp_path_factory):
    """A project into which the session's micrographs are linked, as cryoSPARC imports them."""
    root = tmp_path_factory.mktemp("P3")
    write_exposures(root, session.micrographs, "J1/exposures")
    return root


@pytest.fixture(scope="module")
def hand_picks(session, project):
    """All particles as cryoSPARC's manual picker stores them."""
    result = run(
        *("convert", session.truth, project / "hand.cs"),
        *("--micrographs", project / "J1/exposures.cs"),
    )
    assert result.code == 0, result.err
    return project / "hand.cs"


def test_hand_picks_are_where_they_were(session, hand_picks):
    rows = np.load(hand_picks)
    assert set(rows["location/micrograph_uid"].tolist()) == set(UIDS)
    assert set(rows["location/exp_group_id"].tolist()) == {4}
    found = match_coordinates(read_coordinates(hand_picks), session.micrographs)
    for ours, theirs in zip(found, session.coordinates, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("kind", [".cs", ".csg"])
def test_picks_can_be_imported(kind, session, trained, project, tmp_path):
    output = tmp_path / "new/picks.csg"
    result = run("pick", trained[0], project / f"J1/exposures{kind}", "--output", output, "--json")
    assert result.code == 0, result.err
    rows = np.load(output.with_suffix(".cs"), allow_pickle=False)
    assert result.json["n_picks"] == len(rows) > 20
    expected = load_model(trained[0]).predict(session.micrographs)
    for uid, picks in zip(UIDS, expected):
        own = rows[rows["location/micrograph_uid"] == uid]
        np.testing.assert_allclose(own["location/center_x_frac"] * 256, picks[:, 0], atol=1e-3)
        np.testing.assert_allclose(own["location/center_y_frac"] * 256, picks[:, 1], atol=1e-3)
        np.testing.assert_allclose(own["pick_stats/ncc_score"], picks[:, 2], atol=1e-4)
    np.testing.assert_allclose(rows["location/min_dist_A"], session.diameter / 2, rtol=1e-6)
    assert f"num_items: {len(rows)}" in output.read_text()


def test_without_exposures_sizes_are_those_of_the_headers(session, trained, tmp_path):
    output = tmp_path / "picks.cs"
    result = run("pick", trained[0], session.micrographs[0], "--output", output)
    assert result.code == 0, result.err
    assert np.load(output)["location/micrograph_shape"].tolist()[0] == [256, 256]


def test_training_takes_the_pixel_size_of_the_exposures(
    session, project, hand_picks, tmp_path, monkeypatch
):

    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 2)
    options = [str(one) for one in training(session)[5:]]
    place = options.index("--pixel-size")
    size = options[place : place + 2]
    options[options.index("--coordinates") + 1] = str(hand_picks)
    del options[place : place + 2]
    output = tmp_path / "model.safetensors"
    result = run("train", project / "J1/exposures.cs", *options, "--output", output)
    assert result.code == 0, result.err
    assert "pixel size of the exposures: 2 Å" in result.err
    assert load_model(output).pixel_size == float(size[1])
    table = tomllib.loads(Path(f"{output}.toml").read_text())["train"]
    assert table["pixel_size"] == PIXEL_SIZE
    given = run(
        *("train", project / "J1/exposures.cs", *options, "--output", output),
        *("--pixel-size", 2.01),
    )
    assert given.code == 0, given.err
    assert load_model(output).pixel_size == 2.01


def test_a_project_elsewhere_is_stated(trained, project, tmp_path):
    copy = tmp_path / "exposures.cs"
    copy.write_bytes((project / "J1/exposures.cs").read_bytes())
    args = ("pick", trained[0], copy, "--output", tmp_path / "picks.csg")
    result = run(*args)
    assert result.code == 1
    assert "state the folder of the project" in result.err
    result = run(*args, "--project", project)
    assert result.code == 0, result.err


def test_evaluated_against_hand_picks(session, trained, project, hand_picks):
    result = run(
        *("evaluate", trained[0], project / "J1/exposures.csg", "--truth", hand_picks, "--json")
    )
    other = run("evaluate", trained[0], *session.micrographs, "--truth", session.truth, "--json")
    assert result.code == 0, result.err
    assert result.json["average_precision"] == pytest.approx(
        other.json["average_precision"], abs=1e-3
    )


def quick_picker(session):
    """Return what makes a picker that is trained in seconds, whatever the diameter."""
    classifier = PUImageClassifier("conv31", criterion="ge_binomial", max_epochs=1)
    options = {"classifier": classifier, "threshold": 0, "expected_particles": 12}
    return lambda diameter, pixel_size: ParticlePicker(
        session.diameter, pixel_size=pixel_size, random_state=0, **options
    )


def test_the_lines_of_the_page(session, project, hand_picks, tmp_path, monkeypatch):
    """The shell lines of the user guide, in a folder with the project that it describes."""
    page = (Path(__file__).parents[2] / "docs/user_guide/cryosparc.rst").read_text()
    blocks = re.findall(r"^.. code-block:: sh\n\n((?:   .*\n)+)", page, re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    exported = tmp_path / "P3/exports/groups"
    for name, source in [("P3_J5_exposures", project / "J1/exposures"), ("P3_J7_particles", None)]:
        (exported / name).mkdir(parents=True)
        text = (project / "J1/exposures.csg").read_text().replace("J1/exposures", f">{name}")
        if source is None:
            text = text.replace("micrograph_blob", "location")
        array = hand_picks if source is None else source.with_suffix(".cs")
        (exported / name / f"{name}_exported.csg").write_text(text)
        (exported / name / f"{name}.cs").write_bytes(array.read_bytes())
    (tmp_path / "P3/project.json").write_text("{}")
    os.symlink(project / "J1", tmp_path / "P3/J1")
    write_coordinates(session.coordinates, tmp_path / "picks.star", names=session.micrographs)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 2)
    quick = ["--network", "conv31", "--epochs", "1", "--threshold", "0", "--check", "off"]
    quick += ["--expected-particles", "12", "--diameter", str(session.diameter)]
    variables = {}
    commands = []
    for line in lines:
        if re.match(r"\w+=", line):
            name, value = line.split("=", 1)
            variables[name] = value
            continue
        command, *words = shlex.split(string.Template(line).substitute(variables))
        assert command == "puclassify"
        result = run(*words, *(quick if words[0] == "train" else []))
        assert result.code == 0, (line, result.err)
        commands.append(words[0])
    assert commands == ["train", "pick", "convert", "convert", "evaluate"]
    (lines, *_) = re.findall(r"^.. code-block:: python\n\n((?:   .*\n|\n)+)", page, re.M)
    names = {"exported_csg": variables["mics"], "hand_picks_csg": variables["hand"]}
    monkeypatch.setattr("puclassify.ParticlePicker", quick_picker(session), raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a network that has learnt little
        exec(textwrap.dedent(lines), names)
    assert len(np.load("picks.cs")) == sum(map(len, names["picks"]))
    assert np.load("P3/picks.cs")["location/micrograph_uid"].tolist()
    assert len(np.load("P3/converted.cs")) == sum(map(len, session.coordinates))
