"""The API index, written from what the packages export, before Sphinx reads the pages."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

INDEX = Path(__file__).parent / "api" / "index.rst"

# The sections in the order of the page. A new public package needs a title here.
TITLES = {
    "puclassify": "Estimators and images",
    "puclassify.regions": "Regions",
    "puclassify.picking": "Picking",
    "puclassify.classifier": "Classifier",
    "puclassify.losses": "Losses",
    "puclassify.losses.functional": "Formulas of the losses",
    "puclassify.networks": "Networks",
    "puclassify.prior": "Class prior",
    "puclassify.calibration": "Calibration",
    "puclassify.preprocessing": "Preprocessing",
    "puclassify.metrics": "Metrics",
    "puclassify.model_selection": "Model selection",
    "puclassify.io": "Reading and writing",
    "puclassify.particles": "Particle stacks",
    "puclassify.models": "Models in files",
    "puclassify.datasets": "Data sets",
    "puclassify.pretraining": "Pretraining",
    "puclassify.plotting": "Displays",
}

HEAD = """\
API reference
=============

Everything listed here is public; nothing else is, whatever its docstring says. The most used names
can be imported from `puclassify` itself.
"""


def public_modules() -> list[str]:
    """Return the packages that define ``__all__``, and the modules that these export."""
    found = ["puclassify"]
    for package in found:
        module = importlib.import_module(package)
        for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
            name = f"{package}.{info.name}"
            if info.name.startswith("_") or (not info.ispkg and info.name not in module.__all__):
                continue
            if hasattr(importlib.import_module(name), "__all__"):
                found.append(name)
    return found


def index() -> str:
    """Return the text of the page."""
    documented: list[Any] = []
    sections = [HEAD]
    for name, title in TITLES.items():
        module = importlib.import_module(name)
        new = [
            exported
            for exported in module.__all__
            if not any(getattr(module, exported) is known for known in documented)
        ]
        documented += [getattr(module, exported) for exported in new]
        if new:
            sections.append(_section(module, title, new))
    return "\n".join(sections)


def _section(module: ModuleType, title: str, names: list[str]) -> str:
    registers = [name for name in names if isinstance(getattr(module, name), dict)]
    others = [name for name in names if name not in registers]
    pages = [name for name in others if not inspect.ismodule(getattr(module, name))]
    anchor = "api-" + module.__name__.rpartition(".")[2]
    lines = [f".. _{anchor}:", "", title, "-" * len(title), "", f".. module:: {module.__name__}"]
    if module.__name__ != "puclassify":
        lines += ["", inspect.getdoc(module) or ""]
    for name in registers:
        lines += ["", f".. py:data:: {name}", "", *_members(getattr(module, name))]
    if pages:
        # Classes first, as in most references.
        pages.sort(key=lambda name: (not inspect.isclass(getattr(module, name)), name.lower()))
        lines += ["", ".. autosummary::", "   :toctree: ../generated", ""]
        lines += [f"   {name}" for name in pages]
    return "\n".join([*lines, ""])


def _members(register: dict[str, Any]) -> list[str]:
    """Return a table of the names in a register and of what each stands for."""
    lines = ["   Add an entry to make your own known by name.", "", "   .. list-table::", ""]
    for name, member in register.items():
        lines += [f'      * - ``"{name}"``', f"        - {_described(member)}"]
    return lines


def _described(member: Any) -> str:
    if hasattr(member, "extensions"):
        return ", ".join(f"``{extension}``" for extension in member.extensions)
    if hasattr(member, "__name__"):
        summary = (inspect.getdoc(member) or "").partition("\n")[0]
        return f"`{member.__name__}`: {summary}"
    return f"``{member!r}``"


def write_index() -> None:
    """Write the page, if it is not up to date."""
    INDEX.parent.mkdir(exist_ok=True)
    text = index()
    if not INDEX.exists() or INDEX.read_text(encoding="utf-8") != text:
        INDEX.write_text(text, encoding="utf-8")


def setup(app) -> dict[str, bool]:
    """Write the page when Sphinx loads this file as an extension."""
    write_index()
    return {"parallel_read_safe": True, "parallel_write_safe": True}
