"""What `make dist` finds wrong in an sdist and a wheel."""

from __future__ import annotations

import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

TRACKED = {
    "README.md",
    "LICENSE",
    ".gitignore",
    ".ci/run",
    "docs/conf.py",
    "tests/test_grid.py",
    "puclassify/__init__.py",
    "puclassify/py.typed",
}
IN_SDIST = TRACKED - {".gitignore", ".ci/run"} | {"PKG-INFO", "puclassify.egg-info/SOURCES.txt"}
IN_WHEEL = {
    "puclassify/__init__.py",
    "puclassify/py.typed",
    "puclassify-1.0.dist-info/METADATA",
    "puclassify-1.0.dist-info/licenses/LICENSE",
}


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).with_name("distribution.py")
    spec = importlib.util.spec_from_file_location("distribution", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_names_in_an_sdist(script, tmp_path):
    path = tmp_path / "puclassify-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in IN_SDIST:
            archive.addfile(tarfile.TarInfo(f"puclassify-1.0/{name}"), io.BytesIO())
    assert script.sdist_names(path) == IN_SDIST


def test_what_is_right(script):
    assert script.wrong_in_sdist(IN_SDIST, TRACKED) == []
    assert script.wrong_in_wheel(IN_WHEEL, TRACKED) == []


@pytest.mark.parametrize("name", sorted(IN_SDIST & TRACKED))
def test_what_the_sdist_lacks(script, name):
    assert script.wrong_in_sdist(IN_SDIST - {name}, TRACKED) == [f"sdist: {name} is missing"]


@pytest.mark.parametrize(
    "name", ["docs/_build/index.html", "tests/__pycache__/x.pyc", ".ci/run", "micrographs/a.mrc"]
)
def test_what_the_sdist_has_too_much(script, name):
    found = script.wrong_in_sdist(IN_SDIST | {name}, TRACKED)
    assert found == [f"sdist: {name} does not belong there"]


def test_wrong_wheels(script):
    found = script.wrong_in_wheel(IN_WHEEL | {"tests/test_grid.py"}, TRACKED)
    assert found == ["wheel: tests/test_grid.py does not belong there"]
    found = script.wrong_in_wheel(IN_WHEEL - {"puclassify/py.typed"}, TRACKED)
    assert found == ["wheel: puclassify/py.typed is missing"]
    licence = "puclassify-1.0.dist-info/licenses/LICENSE"
    assert script.wrong_in_wheel(IN_WHEEL - {licence}, TRACKED) == ["wheel: no licence"]


def test_metadata(script, tmp_path):
    fields = "".join(f"{name}: a\n" for name in script._METADATA)
    for text, wrong in (
        (f"{fields}\nabout it\n", []),
        (fields, ["wheel: it has no description"]),
        (f"{fields}\nabout it\n".replace("Keywords", "Words"), ["metadata have no Keywords"]),
    ):
        path = tmp_path / "a.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("puclassify-1.0.dist-info/METADATA", text)
        found = script.wrong_in_metadata(path)
        assert len(found) == len(wrong)
        assert all(one in other for one, other in zip(wrong, found))
