"""One micrograph: read it, preprocess it, score it and pick the maxima."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from puclassify._devices import own_stream, page_locked
from puclassify._pixel_size import stored_pixel_size
from puclassify.classifier import UNCALIBRATED
from puclassify.grid import GridImage
from puclassify.io import as_grid_image, micrograph_name
from puclassify.picking._check_images import check_images
from puclassify.picking._geometry import HalfDiameter
from puclassify.picking.estimates import expected_quality
from puclassify.picking.suppression import non_maximum_suppression
from puclassify.preprocessing import preprocess_on, runs_on_devices

__all__ = ["MicrographPipeline"]


@dataclass(frozen=True)
class MicrographPipeline:
    """What it takes to score and to pick one micrograph, and nothing else: it travels to workers.

    Parameters
    ----------
    preprocessing : transformer
        Fitted.
    scorer : NetworkScorer or WindowScorer
        Fitted.
    suppression : dict
        Parameters of `non_maximum_suppression` but the threshold; a radius that is a `HalfDiameter`
        is computed for each micrograph.
    particle_diameter : float
        In ångström.
    pixel_size : float or "header"
        Ångström per stored pixel.
    calibration : (float, float), default=(1.0, 0.0)
        Slope and intercept that make the scorer's logits the picker's.
    memory_budget : float or "auto", default="auto"
        Bytes that the layers of the network may use in one forward pass.
    compile : bool, default=False
        Whether to score with a compiled network.
    """

    preprocessing: Any
    scorer: Any
    suppression: dict
    particle_diameter: float
    pixel_size: float | str
    calibration: tuple[float, float] = UNCALIBRATED
    memory_budget: float | str = "auto"
    compile: bool = False

    def steps(self) -> list[Callable]:
        """Return the functions that turn a micrograph and its index into what the scorer needs.

        One function, or two where a GPU preprocesses: reading, which copies the pixels, then need
        not wait for it.
        """
        if self._device is not None and self._device.type == "cuda":
            return [self.load, self.preprocess]
        return [self.read]

    def read(self, micrograph: Any, index: int) -> GridImage:
        """Read and preprocess one micrograph: pixels on `_device`, or an array if that is None."""
        return self.preprocess(self.load(micrograph, index))

    def load(self, micrograph: Any, index: int) -> tuple[Any, str]:
        """Read a path, 2-D array or GridImage, as far as the preprocessing does not; name it.

        The index in the sequence names arrays. Where a GPU preprocesses, it can fetch the pixels
        by itself.
        """
        name = micrograph_name(micrograph, index)
        if self._device is None:
            return micrograph, name
        image = as_grid_image(micrograph, name)
        if self._device.type == "cuda":
            is_path = isinstance(micrograph, (str, os.PathLike))
            pixels: Any = page_locked(image.values, just_opened=is_path)
            image = replace(image, values=pixels)
        return image, name

    def preprocess(self, loaded: tuple[Any, str]) -> GridImage:
        """Preprocess what `load` returned."""
        micrograph, name = loaded
        device = self._device
        with own_stream(device):
            if device is None:  # as in fit: what the caller gave, where the preprocessing runs
                image = self.preprocessing.transform([micrograph])[0]
            else:
                image = preprocess_on(self.preprocessing, micrograph, device)
            (image,) = check_images([image], self.preprocessing)
        return replace(image, name=name)

    @property
    def _device(self) -> torch.device | None:
        """The device to preprocess on: the scorer's, None if it or the preprocessing has none."""
        return self.scorer.device if runs_on_devices(self.preprocessing) else None

    def score_map(self, image: GridImage) -> GridImage:
        """Score a preprocessed micrograph: logits on the network's stride, in main memory."""
        scores = self._scores(image)
        if isinstance(scores.values, torch.Tensor):
            scores = replace(scores, values=scores.values.cpu().numpy())
        return scores

    def pick(self, image: GridImage, threshold: float) -> np.ndarray:
        """Score one preprocessed micrograph and keep the maxima above the threshold.

        Parameters
        ----------
        image : GridImage
            From `read`.
        threshold : float
            A logit.

        Returns
        -------
        ndarray of shape (k, 3)
            x, y and score.
        """
        parameters = dict(self.suppression)
        if isinstance(parameters["radius"], HalfDiameter):
            pixel_size = stored_pixel_size(self.pixel_size, image)
            parameters["radius"] = HalfDiameter.of(self.particle_diameter, pixel_size)
        scores = self._scores(image)
        return non_maximum_suppression(scores, **parameters | {"threshold": threshold})

    def find_candidates(self, image: GridImage) -> np.ndarray:
        """Return what `pick` would at any threshold and without ``max_picks``."""
        unlimited = replace(self, suppression=self.suppression | {"max_picks": None})
        return unlimited.pick(image, -np.inf)

    def pick_and_judge(self, image: GridImage, threshold: float, detected_fraction: float):
        """Do the same, and return the expected quality of the picks, too.

        Parameters
        ----------
        image : GridImage
            From `read`.
        threshold : float
            A logit.
        detected_fraction : float
            Share of the particles that have a candidate.

        Returns
        -------
        picks : ndarray of shape (k, 3)
            x, y and score.
        expected : dict
            As of `puclassify.picking.estimates.expected_quality`.
        """
        max_picks = self.suppression["max_picks"]
        candidates = self.find_candidates(image)
        expected = expected_quality(candidates[:, 2], threshold, detected_fraction, max_picks)
        return candidates[candidates[:, 2] > threshold][:max_picks], expected

    def _scores(self, image):
        scores = self.scorer.score_map(
            image, memory_budget=self.memory_budget, compile=self.compile
        )
        slope, intercept = self.calibration
        if self.calibration == UNCALIBRATED:
            return scores
        return replace(scores, values=slope * scores.values + intercept)
