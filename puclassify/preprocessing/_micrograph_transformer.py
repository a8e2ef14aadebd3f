"""Base class of the transformers from micrograph to micrograph."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.parallel import Parallel, delayed

from puclassify._devices import threads_worth
from puclassify._parallel import WorkerTask
from puclassify._parameters import check_n_jobs
from puclassify._progress import verbosity_of_steps, with_progress
from puclassify.base import PUBaseEstimator, UnchangedOutputMixin
from puclassify.grid import GridImage
from puclassify.io import as_grid_image, check_micrographs, micrograph_name

__all__ = ["ENOUGH_PIXELS", "MicrographTransformer"]

ENOUGH_PIXELS = 1 << 19  # of a stored micrograph, for more than one thread


class MicrographTransformer(UnchangedOutputMixin, TransformerMixin, PUBaseEstimator):
    """Transformer that applies a function to every micrograph.

    It learns nothing: `fit` only checks the parameters, and `transform` works without it.
    Subclasses have a parameter ``n_jobs`` and implement `image_function`.
    """

    n_jobs: int | None

    @abstractmethod
    def image_function(self) -> Callable[[GridImage], GridImage]:
        """Check the parameters and return the function that `transform` applies to each micrograph.

        Returns
        -------
        callable
            From a `GridImage` to a `GridImage`; it can be pickled. An image whose values are a
            tensor is processed on the tensor's device.
        """

    def fit(self, X: Sequence | np.ndarray, y: Any = None) -> Self:
        """Check the parameters; nothing is learned from the micrographs.

        Parameters
        ----------
        X : sequence of str, path-like, ndarray of shape (height, width) or GridImage
            The micrographs; they are not read.
        y : None
            Ignored.

        Returns
        -------
        self
            This transformer.
        """
        check_micrographs(X)
        self.image_function()
        return self

    def transform(self, X: Sequence | np.ndarray) -> np.ndarray:
        """Transform micrographs.

        Parameters
        ----------
        X : sequence of str, path-like, ndarray of shape (height, width) or GridImage
            The micrographs; their sizes may differ.

        Returns
        -------
        ndarray of shape (n_micrographs,), dtype object
            One GridImage per micrograph.
        """
        function = self.image_function()
        check_n_jobs(self.n_jobs)
        work = delayed(WorkerTask(_apply))
        items = check_micrographs(X)
        verbose = verbosity_of_steps()
        images = Parallel(n_jobs=self.n_jobs, return_as="generator" if verbose else "list")(
            work(function, item, micrograph_name(item, index)) for index, item in enumerate(items)
        )
        name = type(self).__name__
        images = list(with_progress(images, len(items), "micrograph", name, verbose=verbose))
        # np.array would first convert each image to an array to look at its shape.
        return np.fromiter(images, dtype=object, count=len(images))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.two_d_array = False
        return tags


def _apply(function: Callable[[GridImage], GridImage], micrograph, name: str) -> GridImage:
    image = as_grid_image(micrograph, name)
    with threads_worth(math.prod(image.shape), ENOUGH_PIXELS):
        return function(image)
