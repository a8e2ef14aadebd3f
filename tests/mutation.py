"""Change the code of one package at a time, and list the changes that its tests do not notice.

``make mutation`` runs this for every package of `TESTS`, ``make mutation ONLY=puclassify.grid*``
for the mutants of that name: a package, a module, a function or one mutant, as mutmut names them
(``puclassify.grid.x_map_length__mutmut_3``). A pattern that ends in ``_mutmut_*[37]`` takes a
sample, a fifth of a large package. Each package has a folder below ``build/mutation``, so that its
mutants meet its own tests only; ``mutmut show NAME`` and ``mutmut browse`` work in there. What all
have in common is set in setup.cfg.
"""

from __future__ import annotations

import configparser
import fnmatch
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"

# What is changed, as a glob of files, and the tests that are to notice.
TESTS = {
    "puclassify.grid": ("puclassify/grid.py", ["tests/test_grid.py"]),
    "puclassify.picking.suppression": (
        "puclassify/picking/suppression/*",
        ["tests/picking/suppression"],
    ),
    "puclassify.losses": ("puclassify/losses/*", ["tests/losses"]),
    "puclassify.metrics": ("puclassify/metrics/*", ["tests/metrics"]),
    "puclassify.preprocessing": ("puclassify/preprocessing/*", ["tests/preprocessing"]),
    "puclassify.io": ("puclassify/io/*", ["tests/io"]),
}

# By mutmut's exit codes; every other one is that of a mutant that lives.
_KINDS = {
    **dict.fromkeys((1, 3, 255), "killed"),
    **dict.fromkeys((24, -24, 36, 152), "timed out"),
    **dict.fromkeys((5, 33), "no tests"),
}


def main(pattern: str = "*") -> int:
    """Run mutmut on the packages that a pattern names, and print what survived."""
    chosen = packages_of(pattern)
    if not chosen:
        raise SystemExit(f"ONLY={pattern} names none of {', '.join(TESTS)}")
    for package in chosen:
        folder = prepare(package)
        run = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", "run"]
        names = [] if pattern == "*" else [pattern]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": "."}
        subprocess.run(
            [*run, "--max-children", "1", *names], cwd=folder, check=True, env=environment
        )
        print("\n".join(report(folder, pattern)))
    return 0


def packages_of(pattern: str) -> list[str]:
    """Return the packages of which some mutants may have a name that matches a pattern."""
    fixed = pattern.partition("*")[0].rstrip(".")
    return [package for package in TESTS if fixed.startswith(package) or package.startswith(fixed)]


def prepare(package: str) -> Path:
    """Return the folder where mutmut works on a package, with links to what it reads."""
    folder = WORK / package
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("puclassify", "tests", "docs", "README.md", "pyproject.toml"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    files, tests = TESTS[package]
    settings["mutmut"]["only_mutate"] = files
    settings["mutmut"]["pytest_add_cli_args_test_selection"] = "\n".join(["", *tests])
    with open(folder / "setup.cfg", "w", encoding="utf-8") as file:
        settings.write(file)
    return folder


def report(folder: Path, pattern: str = "*") -> Iterator[str]:
    """Yield a line for each module, and one for each mutant that made no test fail.

    One that timed out may be an endless loop or, on a busy machine, mean nothing.
    """
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    left = []
    for path in sorted((folder / "mutants").rglob("*.meta")):
        module = str(path.relative_to(folder / "mutants")).removesuffix(".py.meta")
        for name, code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code is None or not fnmatch.fnmatch(name, pattern):
                continue
            kind = _KINDS.get(code, "lived")
            totals[module][kind] += 1
            if kind != "killed":
                left.append(f"{kind}: {name}")
    for module, counts in totals.items():
        yield f"{module}: {counts['killed']} of {sum(counts.values())} killed"
    yield from left


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
