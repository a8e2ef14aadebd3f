"""Names of scorers for scikit-learn's ``scoring=``, the one place that edits scikit-learn's state.

A name such as ``scoring="pu_f1"`` can be written into a configuration and read from the ``repr``
of a search, which a callable cannot. scikit-learn (1.9) has no public way to register one:
``get_scorer`` reads a private dictionary, and every class and function with a parameter ``scoring``
validates it against a copy of the names that was made at its import. Importing
`puclassify.model_selection` adds this package's names, which all contain ``pu_``, to both. If
another version of scikit-learn keeps them elsewhere, the names are missing and scorers have to be
passed as callables; the tests then say which of the two has moved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["register_scorers"]

_KNOWN_NAME = "average_precision"  # by which a list of scorers is recognised


def register_scorers(scorers: Mapping[str, Callable]) -> bool:
    """Add scorers by name to scikit-learn, for this process; return whether that worked."""
    try:
        from sklearn.metrics._scorer import _SCORERS

        _SCORERS.update(scorers)
        for constraint in _constraints():
            constraint.options = set(constraint.options) | set(scorers)
    except (ImportError, AttributeError, TypeError):
        return False
    return True


def _constraints() -> Iterator[Any]:
    """Yield the constraints of ``scoring`` in every package of scikit-learn imported so far.

    Those imported later copy the names from the dictionary.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("sklearn.") and name.count(".") == 1:
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
