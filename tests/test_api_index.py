"""Whether the API index lists what the packages export, and the documentation the registers."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def reference():
    """Load the module that writes the index."""
    spec = importlib.util.spec_from_file_location("api_reference", ROOT / "docs/api_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def listed(reference):
    """Return the names of the index, as (module, name), with repetitions."""
    module, found = None, []
    for line in reference.index().splitlines():
        if start := re.match(r"\.\. module:: (\S+)", line):
            module = start[1]
        if name := re.match(r"   (\w+)$|\.\. py:data:: (\w+)", line):
            found.append((module, name[1] or name[2]))
    return found


def exported():
    """Yield (module, name, object) of everything in an ``__all__`` of a public package."""
    for path in sorted((ROOT / "puclassify").rglob("__init__.py")):
        parts = path.parent.relative_to(ROOT).parts
        module = importlib.import_module(".".join(parts))
        if any(part.startswith("_") for part in parts) or not hasattr(module, "__all__"):
            continue
        for name in module.__all__:
            value = getattr(module, name)
            yield module.__name__, name, value
            if inspect.ismodule(value):
                yield from ((value.__name__, n, getattr(value, n)) for n in value.__all__)


class TestIndex:
    def test_every_exported_object_is_listed_once(self, listed):
        objects = [getattr(importlib.import_module(module), name) for module, name in listed]
        assert len({id(value) for value in objects}) == len(objects)
        missing = [
            f"{module}.{name}"
            for module, name, value in exported()
            if not inspect.ismodule(value) and not any(value is known for known in objects)
        ]
        assert missing == []

    def test_nothing_else_is_listed(self, listed):
        names = {(module, name) for module, name, _ in exported()}
        assert [entry for entry in listed if entry not in names] == []

    def test_an_object_is_listed_below_the_first_package_that_exports_it(self, listed):
        assert ("puclassify", "ParticlePicker") in listed
        assert ("puclassify.picking", "ParticlePicker") not in listed

    def test_every_public_module_has_a_title(self, reference):
        assert sorted(reference.TITLES) == sorted(reference.public_modules())

    def test_every_member_of_a_register_is_named(self, reference):
        text = reference.index()
        registers = {name: value for _, name, value in exported() if isinstance(value, dict)}
        assert {"LOSSES", "NETWORKS", "COORDINATE_FORMATS", "MICROGRAPH_FORMATS"} <= set(registers)
        for name, register in registers.items():
            table = text.split(f".. py:data:: {name}\n")[1].split("\n.. ")[0]
            assert re.findall(r'\* - ``"(\w+)"``', table) == list(register)

    def test_is_written_where_sphinx_reads_it(self, reference, tmp_path, monkeypatch):
        monkeypatch.setattr(reference, "INDEX", tmp_path / "api" / "index.rst")
        for _ in range(2):
            reference.write_index()
            assert reference.INDEX.read_text(encoding="utf-8") == reference.index()


def test_every_display_is_exported():
    from puclassify import plotting

    modules = (ROOT / "puclassify/plotting").glob("_*_display.py")
    found = re.findall(r"^class (\w+Display)\b", "\n".join(p.read_text() for p in modules), re.M)
    assert len(found) > 5
    assert set(found) <= set(plotting.__all__)


def parameter(documented, name):
    """Return the entry of a parameter in a docstring."""
    parameters = inspect.getdoc(documented).split("Parameters\n---")[1].split("\nReturns\n")[0]
    return re.search(rf"^{name} : .*\n((?:    .*\n|\n)*)", parameters, re.M)[0]


class TestListsOfNames:
    """Lists that are written by hand hold what the registers hold."""

    def test_networks(self):
        from puclassify import PUImageClassifier
        from puclassify.networks import NETWORKS

        named = re.findall(r'``"(\w+)"``', parameter(PUImageClassifier, "module"))
        assert set(named) - {"auto"} == set(NETWORKS)

    def test_losses(self):
        from puclassify import PUImageClassifier
        from puclassify.losses import LOSSES

        named = re.findall(r'``"(\w+)"``', parameter(PUImageClassifier, "criterion"))
        assert set(named) == set(LOSSES)

    def test_losses_of_the_user_guide(self):
        from puclassify.losses import LOSSES

        text = (ROOT / "docs/user_guide/objectives.rst").read_text(encoding="utf-8")
        table = text.split("``criterion``      in a sentence\n")[1].split("\n\n")[0]
        assert re.findall(r'^``"(\w+)"``', table, re.M) == list(LOSSES)

    def test_formats_of_coordinates(self):
        from puclassify.io import COORDINATE_FORMATS, read_coordinates, write_coordinates

        for function, names in (
            (read_coordinates, list(COORDINATE_FORMATS)),
            (write_coordinates, [n for n, f in COORDINATE_FORMATS.items() if f.write is not None]),
        ):
            options = re.findall(r'"(\w+)"', parameter(function, "format"))
            assert list(dict.fromkeys(options)) == ["auto", *names]
        written = re.findall(r"``([._][\w.]+)``", parameter(write_coordinates, "format"))
        formats = COORDINATE_FORMATS.values()
        assert written == [end for f in formats if f.write is not None for end in f.extensions]

    def test_formats_of_micrographs(self):
        from puclassify.io import MICROGRAPH_FORMATS, read_micrograph

        named = re.findall(r"``(\.\w+)``", parameter(read_micrograph, "path"))
        known = {end for f in MICROGRAPH_FORMATS.values() for end in f.extensions}
        assert {part for end in known for part in re.findall(r"\.\w+", end)} == set(named)
