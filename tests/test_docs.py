"""What is written beside the code: its width, its titles, and the commands and files it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
# By Sphinx, or templates for it.
MADE = {"_build", "_templates", "api", "auto_examples", "generated"}

PAGES = [
    path
    for path in sorted((ROOT / "docs").rglob("*.rst"))
    if not MADE & set(path.relative_to(ROOT).parts)
]
MARKDOWN = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "README.md")]
MAKEFILE = ROOT / "Makefile"


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def every(paths):
    """Parametrise a test with files by name."""
    return pytest.mark.parametrize("path", paths, ids=name_of)


@every([*PAGES, *MARKDOWN, MAKEFILE])
def test_lines_are_no_wider_than_those_of_the_code(path):
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    assert [(number, len(line)) for number, line in lines if len(line) > WIDTH] == []


@every(PAGES)
def test_a_page_starts_with_a_title(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines[0].startswith(".. include:: ../"):
        lines = (ROOT / lines[0].split("../")[1]).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        return
    lines = [line for line in lines if not line.startswith(".. _")]
    title, underline = [line for line in lines if line][:2]
    assert underline == "=" * len(title)


@every([*PAGES, *MARKDOWN, MAKEFILE])
def test_scripts_that_are_named_exist(path):
    scripts = set(re.findall(r"\bexamples/[\w/]+\.py\b", path.read_text(encoding="utf-8")))
    assert sorted(script for script in scripts if not (ROOT / script).is_file()) == []


@every([*PAGES, *MARKDOWN, MAKEFILE])
def test_options_that_are_named_are_those_of_the_script(path):
    unknown = []
    for command in commands(path.read_text(encoding="utf-8")):
        script, options = re.search(r"(examples/[\w/]+\.py)(.*)", command).groups()
        known = options_of(ROOT / script)
        unknown += [(script, one) for one in re.findall(r"--[\w-]+", options) if one not in known]
    assert unknown == []


@every(PAGES + MARKDOWN)
def test_targets_of_make_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)\b|^    make ([a-z-]+)\b", text, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.+)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted({a or b for a, b in named} - set(" ".join(phony).split())) == []


def commands(text):
    """Yield the commands that run an example or a benchmark, each in one line."""
    for line in text.replace("\\\n", " ").splitlines():
        if re.search(r"python\S* examples/\S+\.py", line):
            yield line


def options_of(script):
    """List the options of a script; what it imports from beside it may define them."""
    source = script.read_text(encoding="utf-8")
    for path in script.parent.rglob("*.py"):
        if re.search(rf"^\s*(from|import) [\w.]*\b{path.stem}\b", source, re.MULTILINE):
            source += path.read_text(encoding="utf-8")
    return set(re.findall(r"""["'](--[\w-]+)["']""", source))
