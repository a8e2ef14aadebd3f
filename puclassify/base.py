"""What every estimator of the package shares."""

from __future__ import annotations

from sklearn.base import BaseEstimator

__all__ = ["PUBaseEstimator"]


class PUBaseEstimator(BaseEstimator):
    """Base class of the estimators: scikit-learn's, with links to this package's documentation.

    The notebook representation of an estimator links to its page in the API reference.
    """

    _doc_link_module = "puclassify"
    _doc_link_template = (
        "https://puclassify.readthedocs.io/en/latest/generated/"
        "{estimator_module}.{estimator_name}.html"
    )
