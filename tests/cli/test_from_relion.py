"""The page "Coming from RELION": its commands in a project, and the options it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from puclassify.cli._relion_external import relion_external

from .relion import ROOT, Project, table

PAGE = ROOT / "docs/user_guide/from_relion.rst"
# What is trained in seconds; the page has the diameter of another particle.
QUICK = {
    "relion-external": "--network conv31 --epochs 1 --expected_particles 12",
    "train": "--network conv31 --epochs 1 --expected-particles 12",
}


def blocks(language):
    """Return the blocks of the page in a language, without their indent."""
    pattern = rf"( *)\.\. code-block:: {language}\n\n((?:\1   .*\n|\n)+)"
    return [textwrap.dedent(found[1]) for found in re.findall(pattern, PAGE.read_text())]


def quick(command, diameter):
    """Return a command of the page with a training of seconds on other particles."""
    command = command.replace("--diameter 180", f"--diameter {diameter:.1f}")
    for name, options in QUICK.items():
        if f"puclassify {name} " in command and "--diameter" in command:
            command = f"{command.rstrip()} {options}\n"
    return command


@pytest.fixture(scope="module")
def project(session, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    project.add_micrographs(session.micrographs)
    project.write_mics()
    project.write_picks(session.coordinates)
    particles = {
        "rlnCoordinateX": [f"{x:.3f}" for xy in session.coordinates for x, _ in xy],
        "rlnCoordinateY": [f"{y:.3f}" for xy in session.coordinates for _, y in xy],
        "rlnMicrographName": [n for n, xy in zip(project.names, session.coordinates) for _ in xy],
        "rlnOriginXAngst": ["1.0"] * sum(map(len, session.coordinates)),
        "rlnOriginYAngst": ["-1.0"] * sum(map(len, session.coordinates)),
        "rlnMicrographPixelSize": ["2.0"] * sum(map(len, session.coordinates)),
    }
    project.write("Select/job009/particles.star", table("particles", particles))
    for number in (12, 13, 14):
        project.job(number)
    script = f'#!/bin/sh\nexec "{sys.executable}" "{project.folder}/driver.py" "$@"\n'
    (project.folder / "bin").mkdir()
    project.write("bin/puclassify", script)
    (project.folder / "bin/puclassify").chmod(0o755)
    return project


@pytest.fixture(scope="module")
def ran(project, session):
    """Run all commands of the page, in its order."""
    path = f"{project.folder / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for command in blocks("sh"):
        for one in re.split(r"(?<!\\)\n(?=\S)", command):
            done = subprocess.run(
                ["sh", "-e", "-c", quick(one, session.diameter)],
                cwd=project.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{one}\n{done.stdout}\n{done.stderr}"
    return project.folder


@pytest.mark.slow
def test_the_commands_write_what_the_page_says(ran):
    assert len(blocks("sh")) == 5
    for number in (12, 13, 14):
        job = ran / f"External/job{number:03}"
        assert (job / "RELION_JOB_EXIT_SUCCESS").exists()
        assert len(list((job / "Movies").glob("*_autopick.star"))) == 6
    page = PAGE.read_text()
    first = {path.name for path in (ran / "External/job012").iterdir() if path.name[0] != "."}
    assert first - {"Movies", "job.star"} <= {name for name in first if f"``{name}``" in page} | {
        "coords_suffix_autopick.star"
    }
    assert (ran / "Picks/autopick.star").exists()


@pytest.mark.slow
def test_the_lines_of_python(ran, monkeypatch):
    monkeypatch.chdir(ran)
    (code,) = blocks("python")
    names: dict = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert len(names["labels"]) == len(names["picks"]) == len(names["centres"]) == 6
    assert {xy.shape[1] for xy in names["picks"].values()} == {3}
    shifts = next(iter(names["centres"].values())) - next(iter(names["labels"].values()))[:, :2]
    assert abs(shifts - [-0.5, 0.5]).max() < 1e-3  # ångström at 2 Å per pixel, subtracted


def test_labels_are_options_of_the_command():
    known = {name.lstrip("-") for option in relion_external.params for name in option.opts}
    section = PAGE.read_text().split("\nLabels\n")[1].split("\nFrom AutoPick")[0]
    labels = {name for row in re.findall(r"^``(\w+)``  ", section, re.M) for name in [row]}
    assert labels
    assert labels <= known
    hidden = {"o", "in_mics", "in_coords", "in_parts", "j", "config", "json", "debug", "device"}
    hidden |= {"in_movies", "in_3dref", "in_mask", "pipeline_control"}
    assert known - labels == hidden
