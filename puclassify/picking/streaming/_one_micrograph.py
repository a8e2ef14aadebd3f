"""One micrograph: read it, preprocess it, score it and pick the maxima."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from puclassify._devices import (
    is_out_of_memory,
    own_stream,
    page_locked,
    page_locked_empty,
    release_memory,
)
from puclassify._pixel_size import RelativePixelSize, stored_pixel_size
from puclassify._warnings import warn
from puclassify.classifier import UNCALIBRATED
from puclassify.grid import GridImage, ScoreMap
from puclassify.io import RecycledMemory, as_grid_image, micrograph_name, pixels_allocated_by
from puclassify.picking._check_images import check_images, refuse_score_maps
from puclassify.picking._check_lengths import warn_if_coarse
from puclassify.picking._check_micrographs import is_constant
from puclassify.picking._geometry import HalfDiameter, size_xy
from puclassify.picking.estimates import expected_quality
from puclassify.picking.scoring import NetworkScorer, WindowScorer, symmetric_score_map
from puclassify.picking.suppression import non_maximum_suppression
from puclassify.preprocessing import preprocess_on, runs_on_devices

__all__ = ["MicrographPipeline"]


@dataclass(frozen=True)
class MicrographPipeline:
    """All that is needed to score and to pick one micrograph, and nothing else to send to workers.

    Preprocessing and scorer are fitted.
    """

    preprocessing: Any
    scorer: NetworkScorer | WindowScorer
    suppression: dict[str, Any]  # of `non_maximum_suppression`, without the threshold
    particle_diameter: float  # in ångström
    pixel_size: float | str  # ångström per stored pixel, or "header"
    calibration: tuple[float, float] = UNCALIBRATED  # slope and intercept of the picker's logits
    memory_budget: float | str = "auto"  # bytes of the network's layers in one forward pass
    compile: bool = False
    symmetry: bool = False  # average over the eight orientations
    memory: RecycledMemory = field(default_factory=RecycledMemory, compare=False)

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
        if self._device.type != "cuda":
            with pixels_allocated_by(self.memory.empty):
                return as_grid_image(micrograph, name), name
        with pixels_allocated_by(page_locked_empty):
            image = as_grid_image(micrograph, name)
        is_path = isinstance(micrograph, (str, os.PathLike))
        pixels: Any = page_locked(image.values, just_read=is_path)
        return replace(image, values=pixels), name

    def preprocess(self, loaded: tuple[Any, str]) -> GridImage:
        """Preprocess what `load` returned."""
        micrograph, name = loaded
        refuse_score_maps([micrograph])
        device = self._device
        with own_stream(device):
            if device is None:  # as in fit: what the caller gave, where the preprocessing runs
                image = self.preprocessing.transform([micrograph])[0]
            else:
                image = self._preprocess_on(micrograph, device, name)
            (image,) = check_images([image], self.preprocessing)
        if is_constant(image):
            warn(
                f"{name!r} holds a single value or no finite pixel, and nothing is picked in it: "
                "look at the file, which may be empty or damaged"
            )
        self._warn_if_rescaled(image, name)
        diameter = self.particle_diameter / stored_pixel_size(self.pixel_size, image)
        warn_if_coarse([micrograph], diameter)
        return replace(image, name=name)

    def _preprocess_on(self, micrograph: GridImage, device: torch.device, name: str) -> GridImage:
        """Preprocess on a device, or where that has no memory left in main memory."""
        try:
            return preprocess_on(self.preprocessing, micrograph, device)
        except Exception as error:
            if device.type == "cpu" or not is_out_of_memory(error):
                raise
        release_memory(device)
        warn(f"{device} ran out of memory for {name!r}, which was preprocessed in main memory")
        return preprocess_on(self.preprocessing, micrograph, torch.device("cpu"))

    def _warn_if_rescaled(self, image: GridImage, name: str) -> None:
        if isinstance(self.pixel_size, RelativePixelSize) and self.pixel_size.ratio(image) != 1:
            warn(
                f"the header of {name!r} says {image.pixel_size:g} Å per pixel, those of the "
                f"training micrographs {self.pixel_size.header:g}: it was rescaled, so that the "
                f"particle spans {1 / self.pixel_size.ratio(image):.3g} times as many of its pixels"
            )

    @property
    def _device(self) -> torch.device | None:
        """The device to preprocess on: the scorer's, None if it or the preprocessing has none."""
        return self.scorer.device if runs_on_devices(self.preprocessing) else None

    def score_map(self, image: GridImage) -> ScoreMap:
        """Score a preprocessed micrograph: logits on the network's stride, in main memory."""
        scores = self._scores(image)
        if isinstance(scores.values, torch.Tensor):
            scores = replace(scores, values=scores.values.cpu().numpy())
        return ScoreMap.of(scores)

    def pick(self, image: GridImage, threshold: float) -> np.ndarray:
        """Return x, y and score (k, 3) of a preprocessed micrograph's maxima above a logit.

        A radius that is a `HalfDiameter` is computed for the micrograph's own pixel size.
        """
        if is_constant(image):
            return np.empty((0, 3))
        parameters = dict(self.suppression)
        if isinstance(parameters["radius"], HalfDiameter):
            pixel_size = stored_pixel_size(self.pixel_size, image)
            parameters["radius"] = HalfDiameter.of(self.particle_diameter, pixel_size)
        scores = self._scores(image)
        return non_maximum_suppression(scores, **parameters | {"threshold": threshold})

    def pick_and_measure(self, image: GridImage) -> tuple[np.ndarray, np.ndarray]:
        """Return what `pick` does without a threshold, and the image's width and height (2,)."""
        return self.pick(image, -np.inf), size_xy(image)

    def find_candidates(self, image: GridImage) -> np.ndarray:
        """Return what `pick` does without a threshold and ``max_picks``."""
        unlimited = replace(self, suppression=self.suppression | {"max_picks": None})
        return unlimited.pick(image, -np.inf)

    def pick_and_judge(
        self, image: GridImage, threshold: float, detected_fraction: float
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return what `pick` does and its expected quality.

        ``detected_fraction`` is the share of particles that have a candidate.
        """
        max_picks = self.suppression["max_picks"]
        candidates = self.find_candidates(image)
        expected = expected_quality(candidates[:, 2], threshold, detected_fraction, max_picks)
        return candidates[candidates[:, 2] > threshold][:max_picks], expected

    def _scores(self, image: GridImage) -> GridImage:
        score = partial(
            self.scorer.score_map, memory_budget=self.memory_budget, compile=self.compile
        )
        if self.symmetry:
            scores = symmetric_score_map(score, image, self.scorer.stride)
        else:
            scores = score(image)
        slope, intercept = self.calibration
        if self.calibration == UNCALIBRATED:
            return scores
        return replace(scores, values=slope * scores.values + intercept)
