"""Every figure has a command, every command exists, and scripts share ``common`` only."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "examples" / "benchmarks"
SCRIPTS = sorted(BENCHMARKS.glob("*.py"))
COMMON = sorted((BENCHMARKS / "common").glob("*.py"))
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.rst")),
    *sorted((ROOT / "docs" / "user_guide").glob("*.rst")),
    *sorted((ROOT / "docs" / "benchmarks").glob("*.rst")),
    *SCRIPTS,
    ROOT / "examples" / "picking" / "demo.py",
]


@cache
def imports(path: Path) -> set[str]:
    """Return the modules that a script imports, those of ``common`` by their full names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "common":
            found |= {f"common.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


@cache
def options(path: Path) -> frozenset[str]:
    """Return the options that a script, and what it imports from ``common``, declare."""
    shared = [name for name in imports(path) if name.startswith("common.")]
    trees = [path, *(BENCHMARKS / f"{name.replace('.', '/')}.py" for name in shared)]
    return frozenset(
        node.args[0].value
        for tree in trees
        for node in ast.walk(ast.parse(tree.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
    )


def commands(path: Path) -> list[tuple[Path, list[str]]]:
    """Return the scripts and options of all commands in a text."""
    text = re.sub(r"\\+\n\s*", " ", path.read_text())
    found = re.findall(r"python (examples/(?:benchmarks|picking)/\w+\.py)([^\n`]*)", text)
    return [(ROOT / script, re.findall(r"--[a-z-]+", rest)) for script, rest in found]


class TestCommands:
    @pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
    def test_scripts_exist_and_have_the_options(self, path):
        for script, given in commands(path):
            assert script.is_file(), f"{path.name} runs {script.name}, which does not exist"
            unknown = set(given) - options(script)
            assert not unknown, f"{path.name} runs {script.name} with {sorted(unknown)}"

    def test_are_found(self):
        assert sum(len(commands(path)) for path in TEXTS) > 70
        (first, *_) = commands(BENCHMARKS / "mnist.py")
        assert first == (BENCHMARKS / "mnist.py", [])
        assert "--criteria" in options(first[0])

    @pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
    def test_every_script_shows_its_command(self, path):
        assert path in [script for script, _ in commands(path)]


def sections(path: Path) -> list[str]:
    """Split a page before every title that is underlined with hyphens."""
    return re.split(r"\n(?=[^\n]+\n-{4,}\n)", path.read_text())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "benchmarks").glob("*.rst")), ids=lambda path: path.name
)
def test_every_section_with_a_table_names_a_command(path):
    page = sections(path)
    has_command = ["python examples/benchmarks/" in section for section in page]
    for section, own in zip(page, has_command, strict=True):
        if re.search(r"^=+ +=|^\.\. list-table::", section, re.MULTILINE):
            title = section.strip().splitlines()[0]
            assert own or has_command[0], f"{path.name}, {title}: no command for the figures"


class TestImports:
    @pytest.mark.parametrize("path", SCRIPTS + COMMON, ids=lambda path: path.name)
    def test_scripts_are_not_imported_and_the_path_is_not_changed(self, path):
        assert not imports(path) & {script.stem for script in SCRIPTS}
        assert "sys.path" not in path.read_text()

    def test_what_other_libraries_need_imports_neither_puclassify_nor_torch(self):
        for name in ("image_sets", "other_methods", "tables"):
            tree = ast.parse((BENCHMARKS / "common" / f"{name}.py").read_text())
            top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
            for node in top:
                text = ast.unparse(node)
                assert "puclassify" not in text
                assert "torch" not in text
