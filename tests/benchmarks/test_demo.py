"""The demo runs commands that can be typed."""

import ast
import os
import shlex
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import demo
from puclassify import ParticlePicker
from puclassify.cli import main
from puclassify.datasets import make_micrographs
from puclassify.io import match_coordinates, micrograph_files, read_coordinates

pytest.importorskip("matplotlib")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ran(monkeypatch):
    """The commands, which run in this process and train for moments."""
    results = []

    def run(arguments):
        results.append((arguments, CliRunner().invoke(main, arguments)))

    monkeypatch.setattr(demo, "run", run)
    monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 6)
    return results


def test_simulated_micrographs(ran, monkeypatch, tmp_path, capsys):
    small = partial(
        make_micrographs, shape=(256, 256), particles_per_micrograph=12, contamination=0.0, snr=1.0
    )
    monkeypatch.delenv("PUCLASSIFY_DATA", raising=False)
    monkeypatch.setattr(demo, "make_micrographs", small)
    monkeypatch.setattr(demo, "N_LABELS", 60)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--output", str(tmp_path), "--epochs", "1"])
    demo.main()
    for arguments, result in ran:
        assert result.exit_code == 0, f"{arguments}: {result.stderr}"
    assert [arguments[0] for arguments, _ in ran] == [
        *("train", "pick", "evaluate", "extract", "view"),
    ]
    for name in ("model.safetensors", "picks/autopick.star", "particles/particles.star"):
        assert (tmp_path / name).is_file()
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")
    assert f"look at {tmp_path / 'view.png'}" in capsys.readouterr().out
    labels = read_coordinates(tmp_path / "labels.star")
    assert sum(map(len, labels.values())) == 60


def test_a_printed_command_is_the_one_that_runs():
    arguments = ["pick", "a model", "new/**/*.mrc", "--threshold", "precision=0.9"]
    text = demo.typed(arguments, width=30)
    assert shlex.split(text.replace("\\\n", " ")) == ["puclassify", *arguments]
    assert all(len(line) < 60 for line in text.splitlines())
    assert len(text.splitlines()) > 1


def test_nothing_of_the_benchmarks_is_imported():
    tree = ast.parse((ROOT / "examples/picking/demo.py").read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {path.stem for path in (ROOT / "examples").rglob("*.py")} | {"common"}
    assert "puclassify" in names
    assert not names & ours


def test_real_micrographs(tmp_path):
    """The options of the truth are right: all particles lie on the micrographs of 1024 pixels."""
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
    session = demo.real(tmp_path, Path(folder) / "micrographs", 0)
    train, new = micrograph_files([session.train]), micrograph_files([session.new])
    assert not set(train) & set(new)
    labels = match_coordinates(read_coordinates(session.labels), train)
    assert sum(map(len, labels)) == demo.N_LABELS
    frame = dict(zip(("step", "offset"), map(float, session.frame[1::2])))
    truth = match_coordinates(read_coordinates(session.truth, **frame), train)
    for some, every in zip(labels, truth, strict=True):
        assert every.min() > 0
        assert every.max() < 1024
        distances = np.abs(some[:, None, :2] - every[None, :, :2]).max(axis=2).min(axis=1)
        assert (distances < 0.01).all()
