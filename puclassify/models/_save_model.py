"""From a fitted estimator to a file."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy
import sklearn
import torch
from sklearn.utils.validation import check_is_fitted

from puclassify.classifier import PUImageClassifier
from puclassify.models._encoder import Encoder
from puclassify.models._file import FORMAT_VERSION, write_model
from puclassify.models._summary import summary_of
from puclassify.picking import ParticlePicker

__all__ = ["save_model", "versions"]


def save_model(estimator: Any, path: str | os.PathLike, *, omit: Iterable[str] = ()) -> None:
    """Write a fitted picker or classifier to one file, which holds data and no code.

    Parameters
    ----------
    estimator : ParticlePicker or PUImageClassifier
        A fitted one; that of a picker is a network.
    path : str or path-like
        The file, by convention ``*.safetensors``. It is complete or absent at any time, and an
        existing one is replaced.
    omit : iterable of str, default=()
        Names of parameters that the file leaves at their defaults, such as ``["callbacks"]``,
        wherever they occur.

    Raises
    ------
    TypeError
        If the estimator is another one, or a parameter cannot be stored, such as skorch's
        callbacks or an instance of a class that is not scikit-learn's kind of estimator; the
        message says which.
    ValueError
        If the network cannot be built again from ``module`` and ``module_params``, or ``omit``
        names no parameter.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_model : Reads it.
    model_info : Tells what is in it.
    export_onnx : For programs that run networks without PyTorch.

    Notes
    -----
    The file is in the safetensors format, which any program of that format opens. Weights, and
    arrays of the estimates, are its tensors; parameters, fitted attributes, a summary and the
    versions of the packages are JSON in its metadata, under the key ``puclassify``.

    Classes and functions of your own, such as a ``module``, are stored by their import path, and
    transformers of your own by that and their parameters and attributes. They are not imported
    on loading; whoever loads the file names them. scikit-learn's callbacks are not stored.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> from puclassify import PUImageClassifier, load_model, save_model
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 4)), np.repeat([1, 0], [20, 40])
    >>> X[:30] += 2
    >>> classifier = PUImageClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "classifier.safetensors")
    ...     save_model(classifier, path)
    ...     loaded = load_model(path)
    >>> bool((loaded.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """
    if type(estimator) not in (ParticlePicker, PUImageClassifier):
        raise TypeError(
            f"estimator must be a ParticlePicker or a PUImageClassifier, got {estimator!r}; of a "
            "pipeline or a search save the step, or best_estimator_, that is one"
        )
    check_is_fitted(estimator)
    encoder = Encoder(omit)
    encoded = encoder.encode(estimator, "")
    unknown = encoder.omit - encoder.omitted
    if unknown:
        raise ValueError(f"omit holds {sorted(unknown)}, which are no parameters of {estimator!r}")
    header = {
        "format_version": FORMAT_VERSION,
        "versions": versions(),
        "summary": Encoder().encode(summary_of(estimator), "summary"),
        "estimator": encoded,
    }
    write_model(os.fspath(path), header, encoder.tensors)


def versions() -> dict[str, str]:
    """Return the versions of what a model was made with."""
    return {
        "puclassify": sys.modules["puclassify"].__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
    }
