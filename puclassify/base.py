"""What every estimator of the package shares."""

from __future__ import annotations

import sys

from sklearn.base import BaseEstimator

__all__ = ["DefaultComponentsMixin", "PUBaseEstimator", "UnchangedOutputMixin"]


class PUBaseEstimator(BaseEstimator):
    """Base class of the estimators: scikit-learn's, with links to this package's documentation.

    The notebook representation of an estimator links to its page in the API reference, which is
    named after the package that users import the estimator from.
    """

    _doc_link_module = "puclassify"
    _doc_link_template = (
        "https://puclassify.readthedocs.io/en/latest/generated/"
        "{estimator_module}.{estimator_name}.html"
    )

    def _doc_link_url_param_generator(self):
        """Find the outermost package that exports the class, where its page is."""
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


class UnchangedOutputMixin:
    """For transformers whose output is images, which have no data frame form."""

    def set_output(self, *, transform=None):
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


class DefaultComponentsMixin:
    """Nested parameters for components that are left at ``None`` or given by name.

    Goes in front of `sklearn.base.BaseEstimator` among the bases.

    ``get_params(deep=True)`` lists the nested names of the default object that such a parameter
    stands for, and ``set_params`` on a nested name first stores a fresh default, so that
    ``GridSearchCV`` can search ``criterion__slack`` while ``criterion`` is still a string.
    A class using it overrides `_default_component`.
    """

    def _default_component(self, name: str):
        """Return a fresh object that parameter ``name`` stands for, or None if it is one already.

        Parameters
        ----------
        name : str
            Name of a constructor parameter.

        Returns
        -------
        object or None
            Something with ``get_params``; None where the parameter has no default object.
        """

    def get_params(self, deep=True):
        """Get the parameters, nested ones of default components included.

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

    def set_params(self, **params):
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
        whole = {key: value for key, value in params.items() if "__" not in key}
        super().set_params(**whole)
        nested = {key: value for key, value in params.items() if "__" in key}
        for name in sorted({key.partition("__")[0] for key in nested}):
            if name in self._get_param_names():
                self._materialise(name, nested)
        super().set_params(**nested)
        return self

    def _materialise(self, name, nested):
        """Store the default component behind a parameter, so that it can be turned."""
        component = self._default_component(name)
        if component is not None:
            setattr(self, name, component)
        elif not hasattr(getattr(self, name), "set_params"):
            keys = sorted(key for key in nested if key.startswith(f"{name}__"))
            raise ValueError(
                f"{keys} cannot be set: {name}={getattr(self, name)!r} stands for no object with "
                f"parameters; set {name} first"
            )
