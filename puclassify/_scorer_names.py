"""Names of scorers for scikit-learn's ``scoring=``, the one place that edits scikit-learn's state.

A name such as ``scoring="pu_f1"`` can be written into a configuration and read from the ``repr``
of a search, which a callable cannot. scikit-learn (1.9) has no public way to register one:
``get_scorer`` reads a private dictionary, and every class and function with a parameter ``scoring``
validates it against a copy of the names that was made at its import. Importing `puclassify` adds
this package's names, which all contain ``pu_``, to both. scikit-learn takes a second to import: if
nobody has imported it yet, the names are added when somebody does, before any copy is made; and a
scorer is made when it is first asked for. If another version of scikit-learn keeps them elsewhere,
the names are missing and scorers have to be passed as callables; the tests then say which of the
two has moved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import Any

__all__ = ["SCORER_NAMES", "register_scorers"]

# The names that `make_pu_scorer` gives its scorers, and one more for the risk.
SCORER_NAMES = (
    "pu_accuracy",
    "pu_precision",
    "pu_recall",
    "pu_f1",
    "pu_lee_liu",
    "pu_roc_auc",
    "pu_average_precision",
    "neg_pu_risk",
    "neg_pu_calibration_error",
    "pu_risk",
)

_HOME = "sklearn.metrics._scorer"
_KNOWN_NAME = "average_precision"  # by which a list of scorers is recognised


def register_scorers(make: Callable[[str], Any], names: tuple[str, ...] = SCORER_NAMES) -> bool:
    """Make names known to scikit-learn, now or when it is imported; return whether it has them."""
    if _HOME not in sys.modules:
        sys.meta_path.insert(0, _AfterImport(make, names))
        return False
    return _register(sys.modules[_HOME], make, names)


def _register(module: Any, make: Callable[[str], Any], names: tuple[str, ...]) -> bool:
    """Add names to the dictionary in ``module`` and to the copies of its keys."""
    try:
        module._SCORERS.update({name: _Scorer(name, make) for name in names})
        for constraint in _constraints():
            constraint.options = set(constraint.options) | set(names)
    except (AttributeError, TypeError):
        return False
    return True


class _Scorer:
    """A scorer that is made when scikit-learn copies it, as it does with every one it looks up."""

    def __init__(self, name: str, make: Callable[[str], Any]) -> None:
        self._name = name
        self._make = make

    def __deepcopy__(self, memo: Any) -> Any:
        return self._make(self._name)


class _AfterImport(MetaPathFinder):
    """Registers scorers right after the module of scikit-learn's own has been imported."""

    def __init__(self, make: Callable[[str], Any], names: tuple[str, ...]) -> None:
        self._make = make
        self._names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != _HOME:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        """Let the loader run what follows its next module, once."""
        run = loader.exec_module

        def run_and_register(module: Any) -> None:
            del loader.exec_module
            run(module)
            _register(module, self._make, self._names)

        loader.exec_module = run_and_register


def _constraints() -> Iterator[Any]:
    """Yield the constraints of ``scoring`` in every package of scikit-learn imported so far.

    Those imported later copy the names from the dictionary. The package around the dictionary may
    still be in its import, and show nothing of it.
    """
    for name, module in list(sys.modules.items()):
        if name == _HOME or (name.startswith("sklearn.") and name.count(".") == 1):
            for member in list(vars(module).values()):
                yield from _constraints_of(member)


def _constraints_of(member: Any) -> Iterator[Any]:
    # Classes keep their constraints in the first attribute, functions in the second.
    for attribute in ("_parameter_constraints", "_skl_parameter_constraints"):
        constraints = getattr(member, attribute, None)
        if isinstance(constraints, dict):
            for constraint in constraints.get("scoring", ()):
                if _KNOWN_NAME in getattr(constraint, "options", ()):
                    yield constraint
