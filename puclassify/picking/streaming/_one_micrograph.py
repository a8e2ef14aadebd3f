"""From one micrograph to its score map and its picks, as a fitted picker goes."""

from __future__ import annotations

import os
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

    def steps(self) -> list:
        """Return what turns a micrograph and its index into what the scorer takes.

        Returns
        -------
        list of callable
            `load` and `preprocess`: both at once, or one after the other where the second is up
            to a GPU and nothing should keep the first, which copies the pixels, from reading on.
        """
        if self._runs_on_device() and self.scorer.device.type == "cuda":
            return [self.load, self.preprocess]
        return [self.read]

    def read(self, micrograph, index: int) -> GridImage:
        """Read and preprocess one micrograph.

        Parameters
        ----------
        micrograph, index
            As of `load`.

        Returns
        -------
        GridImage
            What the scorer takes: a tensor on its device, if the preprocessing is this package's
            and the scorer a network.
        """
        return self.preprocess(self.load(micrograph, index))

    def load(self, micrograph, index: int) -> tuple:
        """Read one micrograph.

        Parameters
        ----------
        micrograph : path, 2-D array or GridImage
            The micrograph.
        index : int
            Its place in the sequence, which names arrays.

        Returns
        -------
        micrograph : path, 2-D array or GridImage
            What the preprocessing takes: a GridImage with pixels from which the scorer's device
            can fetch them, if all is done there.
        name : str
            What it is called.
        """
        name = micrograph_name(micrograph, index)
        if not self._runs_on_device():
            return micrograph, name
        image = as_grid_image(micrograph, name)
        if self.scorer.device.type == "cuda":
            is_path = isinstance(micrograph, (str, os.PathLike))
            pixels: Any = page_locked(image.values, just_opened=is_path)
            image = replace(image, values=pixels)
        return image, name

    def preprocess(self, loaded: tuple) -> GridImage:
        """Preprocess one micrograph.

        Parameters
        ----------
        loaded : tuple
            From `load`.

        Returns
        -------
        GridImage
            As of `read`.
        """
        micrograph, name = loaded
        if self._runs_on_device():
            with own_stream(self.scorer.device):
                image = preprocess_on(self.preprocessing, micrograph, self.scorer.device)
                (image,) = check_images([image], self.preprocessing)
        else:  # as in fit, the preprocessing gets what the caller gave, where it works in fit
            image = self.preprocessing.transform([micrograph])[0]
            (image,) = check_images([image], self.preprocessing)
        return replace(image, name=name)

    def _runs_on_device(self):
        return self.scorer.device is not None and runs_on_devices(self.preprocessing)

    def score_map(self, image: GridImage) -> GridImage:
        """Score one preprocessed micrograph.

        Parameters
        ----------
        image : GridImage
            From `read`.

        Returns
        -------
        GridImage
            Logits on the network's stride, in main memory.
        """
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
