"""The constraints under which `make test-oldest` installs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).with_name("oldest.py")
    spec = importlib.util.spec_from_file_location("oldest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_lower_bounds(script):
    assert script.oldest(["numpy>=2.2", "skorch>=1.4,<2"]) == ["numpy==2.2", "skorch==1.4"]


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>=2,!=2.1", "numpy~=2.2"])
def test_refuses_what_has_no_lower_bound_or_more_than_bounds(script, requirement):
    with pytest.raises(ValueError, match=r"has no lower bound that can be installed"):
        script.oldest([requirement])


def test_covers_dependencies_extras_and_tests(script):
    names = {one.split("==")[0] for one in script.oldest(script.requirements())}
    assert {"numpy", "torch", "starfile", "dask", "pytest"} <= names
    assert "puclassify" not in names
