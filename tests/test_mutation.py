"""What `make mutation` changes, runs and reports."""

from __future__ import annotations

import configparser
import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("mutation", ROOT / "tests" / "mutation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WORK", tmp_path)
    return module


def test_every_package_has_code_and_tests(script):
    for package, (files, tests) in script.TESTS.items():
        found = [str(path.relative_to(ROOT)) for path in ROOT.glob(files)]
        assert any(path.startswith(package.replace(".", "/")) for path in found)
        assert all((ROOT / path).exists() for path in tests)


@pytest.mark.parametrize(
    ("pattern", "packages"),
    [
        ("puclassify.grid*", ["puclassify.grid"]),
        ("puclassify.metrics._pu_ranking.x__auc*_mutmut_*[37]", ["puclassify.metrics"]),
        ("puclassify.picking*", ["puclassify.picking.suppression"]),
        ("puclassify.io", ["puclassify.io"]),
    ],
)
def test_a_pattern_chooses_its_packages(script, pattern, packages):
    assert script.packages_of(pattern) == packages


def test_without_a_pattern_all_packages_are_chosen(script):
    assert script.packages_of("*") == list(script.TESTS)


def test_a_pattern_without_a_package_is_refused(script):
    with pytest.raises(SystemExit, match=r"ONLY=puclassify.plots\* names none of puclassify.grid,"):
        script.main("puclassify.plots*")


def test_settings_of_a_package(script):
    folder = script.prepare("puclassify.losses")
    settings = configparser.ConfigParser()
    settings.read(folder / "setup.cfg")
    assert settings["mutmut"]["source_paths"] == "puclassify"
    assert settings["mutmut"]["only_mutate"] == "puclassify/losses/*"
    assert settings["mutmut"]["pytest_add_cli_args_test_selection"] == "\ntests/losses"
    assert (folder / "puclassify").resolve() == ROOT / "puclassify"
    assert script.prepare("puclassify.losses") == folder  # as often as one likes


def test_report(script, tmp_path):
    meta = tmp_path / "mutants" / "puclassify" / "grid.py.meta"
    meta.parent.mkdir(parents=True)
    codes = {"m.x_a__mutmut_1": 1, "m.x_a__mutmut_2": 0, "m.x_b__mutmut_1": 33}
    codes |= {"m.x_b__mutmut_2": -24, "m.x_b__mutmut_3": None}
    meta.write_text(json.dumps({"exit_code_by_key": codes}))
    assert list(script.report(tmp_path)) == [
        "puclassify/grid: 1 of 4 killed",
        "lived: m.x_a__mutmut_2",
        "no tests: m.x_b__mutmut_1",
        "timed out: m.x_b__mutmut_2",
    ]
    first, *_ = script.report(tmp_path, "m.x_b*")
    assert first == "puclassify/grid: 0 of 2 killed"
