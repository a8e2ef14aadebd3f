"""Lower bounds are above the releases that are known to be unsafe."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def script():
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    try:
        spec = importlib.util.spec_from_file_location("advisories", here / "advisories.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(here))


def numbers(version):
    parts = [int(part) for part in version.split(".")]
    return parts + [0] * (4 - len(parts))


def test_bounds_are_above_known_advisories(script):
    pins = dict(one.split("==") for one in script.oldest_pins())
    for name, (fixed, advisory) in script.FIXED_IN.items():
        assert numbers(pins[name]) >= numbers(fixed), f"{name} {pins[name]}: {advisory}"


class TestVerdict:
    def report(self, *dependencies):
        return json.dumps({"dependencies": list(dependencies), "fixes": []})

    def test_no_connection_is_said_and_no_failure(self, script):
        code, lines = script.verdict("", "Traceback\nConnectionError: no route")
        assert code == 0
        assert "not checked, pip-audit reached no database (ConnectionError: no route)" in lines[0]

    def test_index_without_advisories_is_no_all_clear(self, script):
        skipped = {"name": "pillow", "skip_reason": "Dependency not found on PyPI"}
        code, lines = script.verdict(self.report(skipped), "")
        assert (code, "not checked" in lines[0]) == (0, True)

    def test_advisories_fail(self, script):
        flaw = {"id": "GHSA-1", "fix_versions": ["12.3.0"]}
        bad = {"name": "pillow", "version": "12.2.0", "vulns": [flaw]}
        good = {"name": "numpy", "version": "2.2", "vulns": []}
        code, lines = script.verdict(self.report(bad, good), "")
        assert code == 1
        assert lines[0] == "pillow 12.2.0: GHSA-1, fixed in 12.3.0"
        assert script.verdict(self.report(good), "")[0] == 0
