"""The version is written once, in the package; everything else follows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.version import Version

import puclassify

ROOT = Path(__file__).resolve().parents[1]


def test_is_one_that_installers_understand():
    assert str(Version(puclassify.__version__)) == puclassify.__version__


def test_is_read_from_the_package_by_the_build():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in pyproject["project"]
    assert pyproject["project"]["dynamic"] == ["version"]
    dynamic = pyproject["tool"]["setuptools"]["dynamic"]
    assert dynamic["version"] == {"attr": "puclassify.__version__"}


def test_can_be_read_without_importing_the_package():
    source = (ROOT / "puclassify" / "__init__.py").read_text(encoding="utf-8")
    assert f'\n__version__ = "{puclassify.__version__}"\n' in source


def test_citation_names_it():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [puclassify.__version__]


def test_a_release_has_an_entry_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    if Version(puclassify.__version__).is_devrelease:
        assert entries[0] == "Unreleased"
    else:
        assert entries[0] == puclassify.__version__
