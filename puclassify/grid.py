"""Images on a regular grid over a micrograph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from puclassify._parameters import check_number, check_pair

__all__ = ["GridImage", "ScoreMap"]


def _check_step(step: Any) -> tuple[float, float]:
    """Return the step along x and along y."""
    return check_pair(step, "step", "a positive number or an (x, y) pair of them", above=0)


def _check_offset(offset: Any) -> tuple[float, float]:
    """Return the offset along x and along y."""
    return check_pair(offset, "offset", "a finite number or an (x, y) pair of them")


@dataclass(frozen=True, eq=False, repr=False)
class GridImage:
    """A 2-D image on a regular grid over a micrograph.

    ``values[i, j]`` lies at ``x = offset_x + step_x * j``, ``y = offset_y + step_y * i``, in pixels
    of the micrograph as stored on disk; the centre of the first stored pixel is (0, 0), x runs
    along columns and y along rows. Stored micrographs, downsampled ones and score maps are all of
    this type, so every step knows where the pixels of the previous one lie.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        The pixels; neither copied nor changed.
    step : float or (float, float), default=1.0
        Distance of neighbouring grid points in stored pixels, the same for both axes or (x, y).
    offset : float or (float, float), default=0.0
        Position of ``values[0, 0]`` in stored pixels, the same for both axes or (x, y).
    pixel_size : float or None, default=None
        Ångström per *stored* pixel (not per grid point), if known.
    name : str or None, default=None
        The name of the micrograph, normally its file name.

    Raises
    ------
    ValueError
        If ``values`` is not two-dimensional, or ``step``, ``offset`` or ``pixel_size`` is not
        finite, or ``step`` or ``pixel_size`` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.grid import GridImage
    >>> binned = GridImage(np.zeros((3, 4)), step=2.0, offset=0.5, name="mic1.mrc")
    >>> binned.to_micrograph([[1.0, 2.0]])
    array([[2.5, 4.5]])
    >>> binned.to_grid([[2.5, 4.5]])
    array([[1., 2.]])
    >>> np.asarray(binned).shape
    (3, 4)
    """

    values: Any  # an ndarray; within the package also a tensor, which stays on its device
    step: float | tuple[float, float] = 1.0
    offset: float | tuple[float, float] = 0.0
    pixel_size: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.values, "ndim"):
            object.__setattr__(self, "values", np.asarray(self.values))
        if self.values.ndim != 2:
            raise ValueError(
                f"a GridImage holds one 2-D image, got an array of shape {self.values.shape}; "
                "pass a stack of images as a sequence of them"
            )
        _check_step(self.step)
        _check_offset(self.offset)
        if self.pixel_size is not None:
            expected = "a positive number of ångström per stored pixel or None"
            check_number(self.pixel_size, "pixel_size", expected, above=0)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the grid."""
        height, width = self.values.shape
        return height, width

    @property
    def step_xy(self) -> np.ndarray:
        """The step along x and along y, in stored pixels."""
        return np.array(_check_step(self.step))

    @property
    def offset_xy(self) -> np.ndarray:
        """The x and y of ``values[0, 0]``, in stored pixels."""
        return np.array(_check_offset(self.offset))

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge in stored pixels, for matplotlib's ``imshow``."""
        (x0, y0), (dx, dy), (h, w) = self.offset_xy, self.step_xy, self.shape
        return (x0 - dx / 2, x0 + dx * (w - 0.5), y0 + dy * (h - 0.5), y0 - dy / 2)

    def to_micrograph(self, xy: ArrayLike) -> np.ndarray:
        """Convert positions on this grid to stored pixels.

        Parameters
        ----------
        xy : array-like of shape (k, 2)
            Column and row on this grid, not necessarily whole.

        Returns
        -------
        ndarray of shape (k, 2)
            The same positions as x, y in pixels of the micrograph as stored.
        """
        return np.asarray(xy, dtype=np.float64).reshape(-1, 2) * self.step_xy + self.offset_xy

    def to_grid(self, xy: ArrayLike) -> np.ndarray:
        """Convert stored pixels to positions on this grid, the inverse of `to_micrograph`.

        Parameters
        ----------
        xy : array-like of shape (k, 2)
            x and y in pixels of the micrograph as stored.

        Returns
        -------
        ndarray of shape (k, 2)
            The same positions as column and row on this grid, not rounded.
        """
        return (np.asarray(xy, dtype=np.float64).reshape(-1, 2) - self.offset_xy) / self.step_xy

    def with_values(
        self,
        values: Any,
        *,
        step: float | tuple[float, float] = 1.0,
        offset: float | tuple[float, float] = 0.0,
    ) -> GridImage:
        """Return an image with other values over the same micrograph.

        Parameters
        ----------
        values : ndarray of shape (height, width)
            The new pixels.
        step, offset : float or (float, float)
            Position of the new grid *on this grid*: ``step=1, offset=0`` keeps the grid; a network
            of stride 4 whose first output is centred on pixel 35 has ``step=4, offset=35``.

        Returns
        -------
        GridImage
            The new image, with step and offset in stored pixels.
        """
        relative_step, relative_offset = _check_step(step), _check_offset(offset)
        new_step = self.step_xy * relative_step
        new_offset = self.offset_xy + self.step_xy * relative_offset
        return replace(
            self,
            values=values,
            step=(float(new_step[0]), float(new_step[1])),
            offset=(float(new_offset[0]), float(new_offset[1])),
        )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        height, width = self.shape
        parts = [f"{height} x {width}"]
        if self.name is not None:
            parts.insert(0, repr(self.name))
        parts += [f"step={self.step}", f"offset={self.offset}", f"pixel_size={self.pixel_size}"]
        return f"GridImage({', '.join(parts)})"


def mirror_index(index: ArrayLike, length: ArrayLike) -> np.ndarray:
    """Reflect indices beyond the ends of an axis, without repeating the end itself.

    Indices may be of any size and sign; ``length`` is at least 1, and an array gives each its own.
    """
    last = np.asarray(length) - 1
    index = np.abs(np.asarray(index)) % np.maximum(2 * last, 1)
    return np.minimum(index, 2 * last - index)


def map_length(length: int, stride: int) -> int:
    """Return the number of positions ``0, stride, 2 * stride, ...`` on an axis."""
    return -(-length // stride)


class ScoreMap(GridImage):
    """A map of a picker's scores over a micrograph, which is not a micrograph to be picked."""

    @classmethod
    def of(cls, scores: GridImage) -> ScoreMap:
        """Return the image as a map of scores, which shares its values."""
        return cls(scores.values, scores.step, scores.offset, scores.pixel_size, scores.name)
