"""The structure of the package: who imports what, and how many words its insides take.

The tests fail where an import points upwards, into another package's private modules, or round in
a circle; ``python tests/test_structure.py`` prints the figures.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "puclassify"

# What stands on what, from the ground up. A module imports from its own package and from packages
# of lower floors; within a floor nobody knows the others.
FLOORS = (
    {
        "_parameters",
        "_labels",
        "_propensities",
        "_progress",
        "_example_weights",
        "_parallel",
        "_devices",
        "_last_step",
        "_pixel_size",
        "_copies",
        "_containers",
        "_coordinate_columns",
        "_score_kinds",
        "_scorer_names",
        "_warnings",
        "grid",
        "base",
    },
    {"io", "losses", "metrics"},
    {"networks", "datasets", "preprocessing", "regions", "particles", "model_selection"},
    {"prior"},
    {"calibration"},
    {"classifier"},
    {"picking"},
    {"plotting", "models", "pretraining"},
    {"cli"},
    {"__init__", "__main__"},
)

_NUMBER_CHECK = re.compile(r"^_?check_(number|whole|flag|interval|count|positive|real)\b")


@dataclass(frozen=True)
class Import:
    """One imported module or name, and where."""

    importer: str
    target: str
    line: int
    inside_function: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Map the dotted names of all modules to their files."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """Parse a module."""
    return ast.parse(modules()[module].read_text())


@cache
def imports() -> tuple[Import, ...]:
    """List all imports of the package's own modules, inside functions too."""
    return tuple(one for name in modules() for one in _imports_of(name))


def _imports_of(name: str) -> Iterator[Import]:
    in_functions = {
        id(node)
        for function in ast.walk(tree(name))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                # A relative import counts from the package that the module is in.
                is_package = modules()[name].name == "__init__.py"
                up = node.level - is_package
                parent = name.split(".")[: len(name.split(".")) - up]
                base = ".".join([*parent, *filter(None, [node.module])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            if target.split(".")[0] == PACKAGE:
                yield Import(name, target, node.lineno, id(node) in in_functions)


def private_imports() -> list[Import]:
    """List imports of private modules or names of a package from outside it, one for a line."""
    found = {}
    for one in imports():
        parts = one.target.split(".")
        owners = [".".join(parts[:i]) for i, part in enumerate(parts) if _is_private(part)]
        if not all(f"{one.importer}.".startswith(f"{owner}.") for owner in owners):
            found[one.importer, one.line] = one
    return list(found.values())


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_calls() -> list[str]:
    """List calls of private methods on anything but self, cls, super and the module's own names."""
    found = []
    for name in modules():
        own = {
            node.name
            for node in ast.walk(tree(name))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        }
        for node in ast.walk(tree(name)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            attribute = node.func.attr
            if _is_private(attribute):
                on = ast.unparse(node.func.value)
                if on not in ("self", "cls", "super()") and attribute not in own:
                    found.append(f"{name}:{node.lineno} calls {on}.{attribute}")
    return found


def floor_of(module: str) -> int:
    """Return the floor of a module by the package it is in."""
    parts = module.split(".")
    top = parts[1] if len(parts) > 1 else "__init__"
    return next(i for i, names in enumerate(FLOORS) if top in names)


def upward_imports() -> list[Import]:
    """List imports from a floor that is not below, the own package excepted."""
    found = []
    for one in imports():
        target = _module_of(one.target)
        if target == PACKAGE or one.importer == PACKAGE:
            continue
        own, other = one.importer.split(".")[1], target.split(".")[1]
        on_ground = floor_of(target) == floor_of(one.importer) == 0
        if own != other and not on_ground and floor_of(target) >= floor_of(one.importer):
            found.append(one)
    return found


def circles() -> list[list[str]]:
    """Find modules that import one another, by a function or not (strongly connected parts)."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for one in imports():
        target = _module_of(one.target)
        # A package's face imports its modules; a module that imports its own face is a circle.
        if target != one.importer:
            graph[one.importer].add(target)
    return [sorted(part) for part in _strongly_connected(graph) if len(part) > 1]


def _module_of(target: str) -> str:
    """Return the module that a dotted target is, or is a name of."""
    while target not in modules():
        target = target.rpartition(".")[0]
    return target


def _strongly_connected(graph) -> list[set[str]]:
    def reach(start, edges):
        seen, waiting = {start}, [start]
        while waiting:
            for other in edges[waiting.pop()] - seen:
                seen.add(other)
                waiting.append(other)
        return seen

    backwards: dict[str, set[str]] = {name: set() for name in graph}
    for name, others in graph.items():
        for other in others:
            backwards[other].add(name)
    left, parts = set(graph), []
    while left:
        start = min(left)
        part = reach(start, graph) & reach(start, backwards)
        parts.append(part)
        left -= part
    return parts


def number_check_modules() -> list[str]:
    """List the modules that define checks of numbers."""
    return [
        name
        for name in modules()
        if any(
            isinstance(node, ast.FunctionDef) and _NUMBER_CHECK.match(node.name)
            for node in ast.walk(tree(name))
        )
    ]


@cache
def public_objects() -> frozenset[str]:
    """Return where the objects that packages export are defined, as module.name."""
    found = set()
    for name in modules():
        if any(part.startswith("_") for part in name.split(".")):
            continue
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            thing = getattr(module, exported)
            if inspect.isclass(thing) or inspect.isroutine(thing):
                found.add(f"{thing.__module__}.{thing.__name__}")
    return frozenset(found)


def internal_docstring_lines() -> int:
    """Count the lines of docstrings on functions, methods and classes that nothing exports."""
    return sum(_docstring_length(node) for name in modules() for node in _internals(name))


def long_internal_docstrings() -> int:
    """Count internal functions whose docstring has more lines than their body."""
    return sum(
        _docstring_length(node) > _body_length(node)
        for name in modules()
        for node in _internals(name)
        if isinstance(node, ast.FunctionDef)
    )


def _internals(name: str) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree(name).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            is_public = f"{name}.{node.name}" in public_objects()
            if not is_public:
                yield node
            for inner in ast.walk(node):
                if inner is node or not isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    continue
                if not is_public or inner.name.startswith("_"):
                    yield inner


def _docstring_length(node) -> int:
    docstring = ast.get_docstring(node)
    return 0 if docstring is None else docstring.count("\n") + 1


def _body_length(node) -> int:
    first = node.body[1 if ast.get_docstring(node) is not None else 0 :]
    return 0 if not first else first[-1].end_lineno - first[0].lineno + 1


def bases_of_classifier() -> int:
    """Count the bases of `PUImageClassifier`."""
    from puclassify import PUImageClassifier

    return len(PUImageClassifier.__bases__)


def figures() -> dict[str, int]:
    """Return the figures that this project keeps small."""
    return {
        "imports of private modules across packages": len(private_imports()),
        "imports upwards": len(upward_imports()),
        "circles": len(circles()),
        "modules in picking/ itself": len(list((ROOT / PACKAGE / "picking").glob("_*.py"))) - 1,
        "bases of PUImageClassifier": bases_of_classifier(),
        "modules with number checks": len(number_check_modules()),
        "docstring lines on internal things": internal_docstring_lines(),
        "internal functions with more docstring than body": long_internal_docstrings(),
        "lines of the package": sum(len(p.read_text().splitlines()) for p in modules().values()),
    }


def listed(found) -> str:
    return "\n".join(map(str, found))


def test_private_modules_stay_within_their_package():
    assert not private_imports(), listed(private_imports())


def test_nothing_is_imported_upwards():
    assert not upward_imports(), listed(upward_imports())


def test_no_circles():
    assert not circles(), listed(circles())


def test_every_package_has_a_floor():
    for module in modules():
        floor_of(module)


if __name__ == "__main__":
    for what, number in figures().items():
        print(f"{number:6d}  {what}")
    for title, found in (
        ("private", private_imports()),
        ("upwards", upward_imports()),
        ("circle", circles()),
        ("private calls", private_calls()),
    ):
        for one in found:
            print(f"{title}: {one}")
