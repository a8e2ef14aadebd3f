"""Print constraints that pin every dependency to the oldest version pyproject.toml admits.

``make test-oldest`` installs the package with all extras and the ``test`` group under these
constraints, into a virtual environment of its own, and runs the suite there. What pyproject.toml
does not name is left to the installer.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)>=(?P<oldest>[\w.]+)(,<[\w.]+)?")


def main() -> None:
    """Print one line a dependency, sorted by name."""
    print("\n".join(sorted(oldest(requirements()))))


def requirements() -> list[str]:
    """List what the package, its extras and its tests require, without the package itself."""
    pyproject = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    project = pyproject["project"]
    listed = [*project["dependencies"], *pyproject["dependency-groups"]["test"]]
    for extra in project["optional-dependencies"].values():
        listed += extra
    return [one for one in listed if not one.startswith(f"{project['name']}[")]


def oldest(required: list[str]) -> list[str]:
    """Turn ``name>=1.2,<2`` into ``name==1.2``; a requirement without a lower bound is an error."""
    pinned = []
    for one in required:
        match = _REQUIREMENT.fullmatch(one)
        if match is None:
            raise ValueError(
                f"{one!r} in {PYPROJECT.name} has no lower bound that can be installed; "
                "expected name>=version or name>=version,<version"
            )
        pinned.append(f"{match['name']}=={match['oldest']}")
    return pinned


if __name__ == "__main__":
    main()
