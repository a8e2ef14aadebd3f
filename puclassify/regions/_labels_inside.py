"""Labels outside their micrograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from puclassify.grid import GridImage

__all__ = ["labels_inside"]

# Share of labels that may lie outside: slips of the mouse rather than another binning.
_FEW_OUTSIDE = 0.03
_FEW_FOR_BINNING = 0.25  # more of the labels lie outside if all have another binning


def labels_inside(
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    name: str = "y",
    steps: Sequence[ArrayLike] | None = None,
) -> tuple[list[np.ndarray], int]:
    """Drop labels that lie outside their micrograph; raise an error if there are many.

    Parameters
    ----------
    images : list of n GridImage
        The micrographs.
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres as x, y in stored pixels.
    name : str, default="y"
        Name of the labels in the error message.
    steps : list of n (float, float) or None, default=None
        Steps that the user passed the images with, on which the advice in the error message is
        based; None means those of ``images``. They differ if the caller binned the images itself.

    Returns
    -------
    labels : list of n ndarray
        The labels within the edges of the micrograph as stored.
    n_outside : int
        Number of labels dropped.

    Raises
    ------
    ValueError
        If more than 3 per cent lie outside; the message guesses the binning.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import GridImage
    >>> from puclassify.regions import labels_inside
    >>> image = GridImage(np.zeros((64, 64)), name="mic1.mrc")
    >>> labels_inside([image], [np.array([[63.4, 0.0]])])
    ([array([[63.4,  0. ]])], 0)
    >>> labels_inside([image], [np.array([[250.0, 100.0]])])
    Traceback (most recent call last):
        ...
    ValueError: 1 of 1 labels in y lie outside their micrograph: those of 'mic1.mrc' reach
    x = 250, y = 100 but it is 64 wide and 64 high; ...
    """
    inside = [_inside(image, xy) for image, xy in zip(images, labels, strict=True)]
    outside = int(sum(np.sum(~rows) for rows in inside))
    total = sum(len(xy) for xy in labels)
    if outside > _FEW_OUTSIDE * total:
        raise ValueError(
            f"{outside} of {total} labels in {name} lie outside their micrograph"
            f"{_guess(images, labels, steps, outside / total)}"
        )
    return [xy[rows] for xy, rows in zip(labels, inside, strict=True)], outside


def _inside(image: GridImage, xy: np.ndarray) -> np.ndarray:
    left, right, bottom, top = image.extent
    # The first point of a Fourier-cropped grid is that of the micrograph, which therefore extends
    # more than half a step beyond the last point and less than that beyond the first.
    dx, dy = np.maximum(image.step_xy - 1, 0) / 2
    in_x = (xy[:, 0] >= left) & (xy[:, 0] <= right + dx)
    return in_x & (xy[:, 1] >= top) & (xy[:, 1] <= bottom + dy)


def _guess(images, labels, steps, share_outside: float) -> str:
    """Return advice: the binning at which the labels would fit, if there is one, or to drop some.

    Of labels picked on images binned twice less three quarters lie outside.
    """
    worst, reach = None, 1.0
    steps = [image.step_xy for image in images] if steps is None else steps
    for image, xy, step in zip(images, labels, steps, strict=True):
        left, right, bottom, top = image.extent
        if len(xy):
            ratio = max(xy[:, 0].max() / (right - left), xy[:, 1].max() / (bottom - top))
            if ratio > reach:
                worst, reach = (image, xy, step), float(ratio)
    if worst is None:
        return "; x must run to the right and y down, from the centre of the first pixel"
    image, xy, step = worst
    left, right, bottom, top = image.extent
    binning = int(2 ** np.ceil(np.log2(reach) - 0.05))  # slightly beyond the edge is not binning
    message = (
        f": those of {image.name!r} reach x = {xy[:, 0].max():.0f}, y = {xy[:, 1].max():.0f} but "
        f"it is {right - left:.0f} wide and {bottom - top:.0f} high"
    )
    if share_outside < _FEW_FOR_BINNING:
        return f"{message}. Most lie inside: correct or drop the others"
    if binning < 2:
        return message
    x, y = (float(side) * binning for side in step)
    step = f"{x:g}" if x == y else f"({x:g}, {y:g})"
    return (
        f"{message}; were they picked on images binned {binning} times less? Then read them with "
        f"read_coordinates(path, step={binning}), or pass the binning of the images: "
        f"GridImage(values, step={step})"
    )
