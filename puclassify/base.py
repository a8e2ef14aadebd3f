"""Base classes of the estimators."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sklearn.base import BaseEstimator

__all__ = ["PUBaseEstimator", "UnchangedOutputMixin", "all_or_nothing"]

_Estimator = TypeVar("_Estimator")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def all_or_nothing(
    fit: Callable[Concatenate[_Estimator, _Arguments], _Result],
) -> Callable[Concatenate[_Estimator, _Arguments], _Result]:
    """Let an estimator be what it was where its fit fails or is interrupted.

    This holds for its attributes; the fit changes none of the objects behind them.
    """

    @functools.wraps(fit)
    def fit_or_leave(
        estimator: _Estimator, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        before = dict(vars(estimator))
        try:
            return fit(estimator, *args, **kwargs)
        except BaseException as error:
            estimator.__dict__ = before
            if isinstance(error, KeyboardInterrupt):
                error.add_note(
                    f"The {type(estimator).__name__} is as it was before {fit.__name__}."
                )
            raise

    return fit_or_leave


class PUBaseEstimator(BaseEstimator):
    """Base class of all estimators of the package.

    It extends scikit-learn's base class:

    * A parameter left at ``None`` or given by name may stand for an object with parameters of its
      own, see `_default_component`. ``get_params(deep=True)`` lists these, and ``set_params`` on
      one of them first stores a fresh object, so that ``GridSearchCV`` can search
      ``criterion__slack`` while ``criterion`` is still a string.
    * The notebook representation links to the estimator's page in the API reference, which is
      named after the package that users import the estimator from.
    """

    _doc_link_module = "puclassify"
    _doc_link_template = (
        "https://puclassify.readthedocs.io/en/latest/generated/"
        "{estimator_module}.{estimator_name}.html"
    )

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        """Name the outermost package that exports the class, where its page is."""
        cls = type(self)
        parts = cls.__module__.split(".")
        packages = [".".join(parts[: n + 1]) for n in range(len(parts))]
        exporting = (
            name for name in packages if getattr(sys.modules.get(name), cls.__name__, None) is cls
        )
        return {
            "estimator_module": next(exporting, cls.__module__),
            "estimator_name": cls.__name__,
        }

    def _default_component(self, name: str) -> Any:
        """Return a fresh object that the parameter ``name`` stands for, None if it is one itself.

        The object is complete: it works on its own, and where it depends on other parameters
        `set_params` has set those first.
        """
        return None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, including those of default components.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list the parameters of the components too.

        Returns
        -------
        dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        if not deep:
            return params
        for name in self._get_param_names():
            component = self._default_component(name)
            if component is not None:
                for key, value in component.get_params(deep=True).items():
                    params[f"{name}__{key}"] = value
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a nested name of a default component stores that component first.

        Parameters
        ----------
        **params : dict
            Parameter names mapped to their new values.

        Returns
        -------
        object
            The estimator itself.
        """
        own = {key: value for key, value in params.items() if "__" not in key}
        super().set_params(**own)
        nested = {key: value for key, value in params.items() if "__" in key}
        for name in sorted({key.partition("__")[0] for key in nested}):
            if name in self._get_param_names():
                self._materialise(name, nested)
        super().set_params(**nested)
        return self

    def _materialise(self, name: str, nested: dict[str, Any]) -> None:
        """Store the default component behind a parameter, so that its parameters can be set."""
        component = self._default_component(name)
        if component is not None:
            setattr(self, name, component)
        elif not hasattr(getattr(self, name), "set_params"):
            keys = sorted(key for key in nested if key.startswith(f"{name}__"))
            raise ValueError(
                f"{keys} cannot be set: {name}={getattr(self, name)!r} has no parameters of its "
                f"own; set {name} first"
            )


class UnchangedOutputMixin:
    """Mixin of transformers that output images, which cannot be put into a data frame."""

    def set_output(self, *, transform: str | None = None) -> Self:
        """Do nothing: images stay as they are.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored; accepted so that a pipeline can set it on all its steps.

        Returns
        -------
        estimator
            The estimator itself.
        """
        return self
