"""Check the docstrings of everything public with numpydoc; exit 1 if one fails.

Run by ``make lint``. Besides numpydoc's own checks every public class and function needs an
Examples section (the doctests run it).
"""

from __future__ import annotations

import importlib
import inspect
import sys

from api_reference import public_modules
from numpydoc.validate import validate

IGNORED = {
    "ES01",  # a summary that says it all needs no second paragraph
    "SA01",  # See Also where there is something to see
    "EX01",  # checked here, for classes and functions only
    "RT04",  # "x, y and score." needs no capital
    "RT05",  # and a formula or table at the end no full stop
    "PR08",  # a description may start with a symbol or a name of code
}


def main() -> int:
    """Validate everything public; return the exit status."""
    failures = {}
    objects = dict(public_objects())
    for path, obj in objects.items():
        if found := errors(path, obj):
            failures.setdefault(source_file(obj), []).append((path, found))
    for file, entries in sorted(failures.items()):
        print(file)
        for path, found in entries:
            print(f"  {path}")
            for code, message in found:
                print(f"    {code}: {message}")
    n_failed = sum(len(entries) for entries in failures.values())
    print(f"{len(objects)} docstrings checked, {n_failed} of them with errors")
    return int(n_failed > 0)


def public_objects():
    """Yield the import path and the object of classes, functions, methods and properties."""
    seen = set()
    for package in public_modules():
        module = importlib.import_module(package)
        for name in module.__all__:
            obj = getattr(module, name)
            if not (inspect.isclass(obj) or inspect.isfunction(obj)) or obj in seen:
                continue
            seen.add(obj)
            yield f"{package}.{name}", obj
            if inspect.isclass(obj):
                yield from ((f"{package}.{name}.{key}", member) for key, member in members(obj))


def members(cls):
    """Yield the public methods and properties that this project defines and documents.

    An override without a docstring shows the one of the method it overrides.
    """
    for name in dir(cls):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(cls, name)
        member = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        function = member.fget if isinstance(member, property) else member
        if not inspect.isfunction(function) or not function.__module__.startswith("puclassify"):
            continue
        if function.__doc__ or not inspect.getdoc(function):
            yield name, function


def errors(path, obj):
    """Return numpydoc's errors of one object, and a missing Examples section."""
    found = [(code, message) for code, message in validate(path)["errors"] if code not in IGNORED]
    is_member = inspect.isclass(resolve(path.rpartition(".")[0]))
    if not is_member and "Examples\n" not in (inspect.getdoc(obj) or ""):
        found.append(("EX01", "No Examples section"))
    return found


def resolve(path):
    """Return the object at an import path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        owner, _, name = path.rpartition(".")
        return getattr(resolve(owner), name)


def source_file(obj) -> str:
    """Return the file that an object is written in."""
    return inspect.getsourcefile(inspect.unwrap(obj)) or "?"


if __name__ == "__main__":
    sys.exit(main())
