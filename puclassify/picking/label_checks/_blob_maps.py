"""How much every place of a micrograph looks like the middle of a blob, by rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from puclassify._devices import on_host
from puclassify.grid import GridImage

__all__ = ["FEWEST_LABELS", "BlobMaps", "at_labels", "thinned"]

FEWEST_LABELS = 5  # to say anything

_LONGEST_EDGE = 768  # pixels of the reduced micrograph
_SIGMAS = 1.5 * np.sqrt(2.0) ** np.arange(9)  # in reduced pixels: blobs of 4 to 70 of them
_RATIO = 1.6  # of the two Gaussians whose difference is taken
_SIGMA_OF_DIAMETER = 0.3
_FEWEST_ACROSS = 10  # reduced pixels across a particle of known diameter
_MOST_LABELS = 400  # of which ranks are read
_CLIP = 4.0  # standard deviations: ice and gold are no particles
_SAMPLE = 40_000  # pixels from which ranks are read


class BlobMaps:
    """Ranks, from -1/2 to 1/2, of a reduced micrograph's response to blobs of several sizes.

    At places that have nothing to do with the image, ranks are uniform. With a ``diameter`` in
    stored pixels there is one size only. ``blob_radii`` are the sizes in stored pixels.
    """

    def __init__(self, image: GridImage, diameter: float | None = None):
        values = np.asarray(on_host(image.values), np.float32)
        is_seen = np.isfinite(values)
        values = np.where(is_seen, values, np.median(values[is_seen]) if is_seen.any() else 0)
        self._image = image
        self._reduction = max(1, int(np.ceil(max(values.shape) / _LONGEST_EDGE)))
        if diameter is not None:
            # Enough pixels for the blob to be seen where it is.
            most = int(diameter / image.step_xy.max() / _FEWEST_ACROSS)
            self._reduction = max(1, min(self._reduction, most))
        values = _clipped(_reduced(values, self._reduction))
        step = float(image.step_xy.mean()) * self._reduction
        sigmas = _SIGMAS
        if diameter is not None:
            sigmas = np.array([_SIGMA_OF_DIAMETER * diameter / step])
        self.blob_radii = sigmas * step / (2 * _SIGMA_OF_DIAMETER)
        self.ranks = np.stack([_ranks(_blobs(values, sigma)) for sigma in sigmas])

    def at(self, xy: np.ndarray) -> np.ndarray:
        """Return the ranks at places (..., 2) in stored pixels, of shape (sizes, ...).

        Places outside the micrograph are NaN.
        """
        on_grid = self._image.to_grid(xy).reshape(*xy.shape)
        column_row = (on_grid + 0.5) / self._reduction - 0.5
        where = np.moveaxis(column_row[..., ::-1], -1, 0)
        return np.stack(
            [
                map_coordinates(ranks, where, order=1, mode="constant", cval=np.nan)
                for ranks in self.ranks
            ]
        )


def at_labels(maps: Sequence[BlobMaps], labels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the ranks (sizes, ...) at the places (k_i, ..., 2) of all micrographs."""
    return np.concatenate([one.at(xy) for one, xy in zip(maps, labels, strict=True)], axis=1)


def thinned(labels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return every label, or every n-th where there are more than are needed."""
    nth = max(1, -(-sum(map(len, labels)) // _MOST_LABELS))
    return [xy[::nth] for xy in labels]


def _reduced(values: np.ndarray, n: int) -> np.ndarray:
    height, width = (length // n * n for length in values.shape)
    blocks = values[:height, :width].reshape(height // n, n, width // n, n)
    return blocks.mean(axis=(1, 3), dtype=np.float64)


def _clipped(values: np.ndarray) -> np.ndarray:
    """Remove the slow background, and clip what is far from it."""
    values = values - gaussian_filter(values, max(values.shape) / 10)
    median = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - median))
    if spread == 0:
        return values - median
    return np.clip((values - median) / spread, -_CLIP, _CLIP)


def _blobs(values: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(values, sigma) - gaussian_filter(values, _RATIO * sigma)


def _ranks(values: np.ndarray) -> np.ndarray:
    # Ties share their middle rank, so that flat images have a rank of zero everywhere.
    ordered = np.sort(values.ravel()[:: max(1, values.size // _SAMPLE)])
    below = np.searchsorted(ordered, values, side="left")
    above = np.searchsorted(ordered, values, side="right")
    return ((below + above) / (2 * len(ordered)) - 0.5).astype(np.float32)
