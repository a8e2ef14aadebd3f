"""`import puclassify` is quick, since it imports nothing of weight, and leads to everything."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import puclassify

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = sorted(
    module.name
    for module in pkgutil.iter_modules(puclassify.__path__)
    if not module.name.startswith("_")
)
HEAVY = ("torch", "skorch", "sklearn", "scipy", "numpy", "pandas", "joblib", "matplotlib")


def imported_by(code):
    """Return the heavy packages that a new process has imported after running the code."""
    code += f"\nimport sys; print('imported', *(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import puclassify; puclassify.__version__; dir(puclassify)",
        "import puclassify.cli",
        "from puclassify.cli import main; main(['--version'], standalone_mode=False)",
        "from puclassify.cli import main; main(['--help'], standalone_mode=False)",
    ],
)
def test_imports_nothing_of_weight(code):
    assert imported_by(code) == set()


def test_what_is_needed_is_imported_then():
    assert imported_by("import puclassify; puclassify.GridImage") >= {"numpy"}
    assert "torch" not in imported_by("import puclassify; puclassify.io; puclassify.metrics")
    assert {"torch", "skorch"} <= imported_by("import puclassify; puclassify.ParticlePicker")


@pytest.mark.parametrize("name", PUBLIC)
def test_every_package_is_reached_without_an_import_of_its_own(name):
    module = puclassify.__getattr__(name)
    assert isinstance(module, ModuleType)
    assert module.__name__ == f"puclassify.{name}"


def test_displays_and_simulated_data_in_a_new_process():
    code = "import puclassify as p; print(p.plotting.PicksDisplay, p.datasets.make_micrographs)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def test_dir_lists_what_there_is_and_nothing_else():
    listed = [name for name in dir(puclassify) if not name.startswith("__")]
    assert listed == sorted({*PUBLIC, *puclassify.__all__})
    assert all(hasattr(puclassify, name) for name in listed)


def test_type_checkers_see_every_name():
    tree = ast.parse(Path(puclassify.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    (block,) = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}
    # The command is no part of the interface in Python.
    assert seen == {*PUBLIC, *puclassify.__all__} - {"cli"}
    assert (Path(puclassify.__file__).parent / "py.typed").is_file()


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'PartiklePicker'"):
        puclassify.PartiklePicker  # noqa: B018
