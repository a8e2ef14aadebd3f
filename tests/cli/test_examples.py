"""The examples in the help of the commands run as they stand there."""

import os
import shlex
import shutil

import numpy as np
import pytest

from puclassify import ParticlePicker
from puclassify.cli import main
from puclassify.io import write_coordinates

from .conftest import run
from .cryosparc import write_exposures
from .relion import Project

pytest.importorskip("matplotlib")

# What the session of the tests has in the place of a real one's.
INSTEAD = {"--diameter": None, "--pixel-size": "header", "--idle": "0.5", "--box-size": "64"}
COMMANDS = main.list_commands(None)


def examples_of(text):
    """Return the commands of a help text, each as a list of arguments."""
    joined = text.replace("\\\n", " ")
    return [
        shlex.split(line) for line in joined.splitlines() if line.strip().startswith("puclassify ")
    ]


@pytest.fixture
def folder(session, trained, tmp_path, monkeypatch):
    """A folder with all that the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 1)
    for name in ("mics", "all", "held_out", "session/first"):
        target = tmp_path / name
        target.mkdir(parents=True)
        for path in session.micrographs[:4]:
            shutil.copy2(path, target)
    shutil.copy2(session.micrographs[4], tmp_path / "session" / "late.mrc")
    shutil.copy2(session.micrographs[5], tmp_path / "mic1.mrc")
    shutil.copy2(trained[0], tmp_path / "model.safetensors")
    write_all(session)
    write_projects(session)
    return tmp_path


def write_all(session):
    names, xy = session.micrographs[:4], session.coordinates[:4]
    some, every = dict(zip(names, xy)), dict(zip(session.micrographs, session.coordinates))
    flipped = [np.array([[0, 255]]) + one * [1, -1] for one in xy]
    for path, table in {
        "labels.star": some,
        "picks.star": some,
        "particles.star": every,
        "old.star": dict(zip(names, flipped)),
    }.items():
        write_coordinates(table, path)
    for name in ("boxes", "info"):
        os.mkdir(name)
    write_coordinates(some, "boxes/{name}.box", box_size=40)
    scored = {name: np.column_stack([one, np.arange(len(one))]) for name, one in every.items()}
    os.mkdir("picks")
    write_coordinates(scored, "picks/")


def write_projects(session):
    """Make the current folder a project of RELION, with one of cryoSPARC in it."""
    project = Project(".")
    project.add_micrographs(session.micrographs)
    project.write_mics()
    project.write_picks(session.coordinates)
    project.job(12)
    os.mkdir("P3")
    write_exposures("P3", session.micrographs, "J5/J5_micrographs")


def adapted(arguments, session):
    """Return the arguments with the numbers of the session."""
    result = list(arguments)
    for option, value in {**INSTEAD, "--diameter": f"{session.diameter:g}"}.items():
        if option in result:
            result[result.index(option) + 1] = value
    return result


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_runs(command, folder, session):
    found = examples_of(run(command, "--help").out.partition("\nExample:\n")[2])
    assert found
    for arguments in found:
        assert arguments[:2] == ["puclassify", command]
        result = run(*adapted(arguments[1:], session))
        assert result.code == 0, f"{shlex.join(arguments)}: {result.err}"
        assert result.out


def test_the_three_steps_of_the_main_help_run(folder, session):
    found = examples_of(run("--help").out)
    assert [arguments[1] for arguments in found] == ["train", "pick", "evaluate"]
    for arguments in found:
        result = run(*adapted(arguments[1:], session))
        assert result.code == 0, f"{shlex.join(arguments)}: {result.err}"


def test_examples_are_found_in_text():
    text = 'Example:\n  puclassify a "b c" \\\n      --d e\n  puclassify f\n'
    assert examples_of(text) == [["puclassify", "a", "b c", "--d", "e"], ["puclassify", "f"]]
