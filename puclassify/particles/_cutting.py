"""From a micrograph and its picks to its particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify.grid import GridImage
from puclassify.particles._boxes import boxes_at, inside, touching, whole_pixels
from puclassify.particles._fourier_crop import fourier_crop
from puclassify.particles._normalize import RingNormalization

__all__ = ["Cutting"]

_AT_ONCE = 64  # particles


@dataclass(frozen=True)
class Cutting:
    """How particles are cut out and what is done to their pixels."""

    box_size: int
    size: int  # after downsampling
    normalization: RingNormalization | None
    invert: bool
    edges: str
    dtype: str

    def kept(self, image: GridImage, xy: np.ndarray) -> np.ndarray:
        """Tell which picks (k,) have a box; raise a ValueError if the edges do not allow one."""
        pixels = whole_pixels(xy)
        if self.edges == "pad":
            return touching(pixels, self.box_size, image.shape)
        is_inside = inside(pixels, self.box_size, image.shape)
        if self.edges == "error" and not is_inside.all():
            x, y = xy[np.argmin(is_inside)]
            raise ValueError(
                f"the box around ({x:g}, {y:g}) reaches beyond the {_size(image)} pixels of "
                f"{image.name!r}, and so do {np.sum(~is_inside) - 1} others; pass edges='skip' or "
                "'pad', or a smaller box_size"
            )
        return is_inside

    def particles(self, image: GridImage, xy: np.ndarray) -> np.ndarray:
        """Return the particles (k, size, size) around positions (k, 2)."""
        pixels = whole_pixels(xy)
        found = np.empty((len(xy), self.size, self.size), dtype=self.dtype)
        for start in range(0, len(xy), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            boxes = boxes_at(image.values, pixels[some], self.box_size)
            self._check_finite(boxes, image, xy[some], "holds NaN or infinite pixels")
            boxes = fourier_crop(boxes, self.size)
            if self.normalization is not None:
                boxes = self.normalization(boxes)
                problem = "has a background without any noise, by which it cannot be normalised"
                self._check_finite(boxes, image, xy[some], problem)
            with np.errstate(over="ignore"):
                found[some] = -boxes if self.invert else boxes
            problem = f"has values beyond the range of {self.dtype}"
            self._check_finite(found[some], image, xy[some], problem)
        return found

    def _check_finite(self, boxes: Any, image: GridImage, xy: np.ndarray, problem: str) -> None:
        is_finite = np.isfinite(boxes).all(axis=(1, 2))
        if not is_finite.all():
            x, y = xy[np.argmin(is_finite)]
            raise ValueError(
                f"the box around ({x:g}, {y:g}) of {image.name!r} {problem}; remove the picks there"
                + (", or pass normalize=False" if "normalised" in problem else "")
                + (", or pass dtype='float32'" if self.dtype in problem else "")
            )


def _size(image: GridImage) -> str:
    height, width = image.shape
    return f"{height} x {width}"
