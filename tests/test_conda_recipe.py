"""The conda recipe asks for what pyproject.toml asks for, under the names of conda-forge."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml  # which dask requires
from packaging.requirements import Requirement

import puclassify

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "dask": "dask-core"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recipe():
    """Read the recipe as a tool for conda does."""
    return yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))


def requirements(listed):
    """Return the bounds by name, each a set of conditions."""
    found = {}
    for one in listed:
        name, _, bounds = one.partition(" ")
        found[name] = set(filter(None, bounds.split(",")))
    return found


def of_pyproject(listed):
    parsed = [Requirement(one) for one in listed]
    return {CONDA_NAMES.get(one.name, one.name): set(map(str, one.specifier)) for one in parsed}


def test_requirements(project, recipe):
    run = requirements(recipe["requirements"]["run"])
    assert run.pop("python") == {">=${{ python_min }}"}
    assert run == of_pyproject(project["project"]["dependencies"])


def test_extras(project, recipe):
    extras = project["project"]["optional-dependencies"]
    listed = [one for extra in extras.values() for one in extra if "puclassify[" not in one]
    known = requirements(recipe["requirements"]["run_constraints"])
    assert known == of_pyproject(listed)


def test_build(project, recipe):
    host = requirements(recipe["requirements"]["host"])
    (backend,) = of_pyproject(project["build-system"]["requires"]).items()
    assert host[backend[0]] == backend[1]
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {target}" for name, target in project["project"]["scripts"].items()
    ]


def test_metadata(project, recipe):
    context, about = recipe["context"], recipe["about"]
    assert context["version"] == puclassify.__version__
    assert f">={context['python_min']}" == project["project"]["requires-python"]
    assert about["summary"] == project["project"]["description"]
    assert about["license"] == project["project"]["license"]
    assert [about["license_file"]] == project["project"]["license-files"]
    assert about["documentation"] == project["project"]["urls"]["Documentation"]


def test_every_expression_is_defined(recipe):
    text = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{\{ (\w+) \}\}", text)) == set(recipe["context"])
