"""Names of scorers for scikit-learn's ``scoring=``.

scikit-learn has no public way to add one. Its names are the keys of a dictionary, of which every
class and function with a parameter ``scoring`` keeps a copy, for its check of parameters, from
the time when it was imported. Both are found here and nowhere else; where another version of
scikit-learn keeps them elsewhere, the names are missing and the scorers themselves still work.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

__all__ = ["register_scorers"]

_A_NAME = "average_precision"  # by which a list of scorers is recognised


def register_scorers(scorers: Mapping) -> bool:
    """Make names known to ``scoring=`` of scikit-learn, for this process.

    Parameters
    ----------
    scorers : mapping of str to callable
        Scorers by name; what is known by a name already is replaced.

    Returns
    -------
    bool
        Whether they could be.
    """
    try:
        from sklearn.metrics._scorer import _SCORERS

        _SCORERS.update(scorers)
        for constraint in _constraints():
            constraint.options = set(constraint.options) | set(scorers)
    except (ImportError, AttributeError, TypeError):
        return False
    return True


def _constraints() -> Iterator:
    """Yield the constraints of ``scoring`` in all that was imported from scikit-learn so far.

    What is imported later reads the dictionary.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("sklearn.") and name.count(".") == 1:
            for member in list(vars(module).values()):
                yield from _constraints_of(member)


def _constraints_of(member) -> Iterator:
    for attribute in ("_parameter_constraints", "_skl_parameter_constraints"):
        constraints = getattr(member, attribute, None)
        if isinstance(constraints, dict):
            for constraint in constraints.get("scoring", ()):
                if _A_NAME in getattr(constraint, "options", ()):
                    yield constraint
