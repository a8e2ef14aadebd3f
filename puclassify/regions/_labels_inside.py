"""Labels that do not fit their micrograph."""

from __future__ import annotations

import numpy as np

__all__ = ["labels_inside"]

_FEW_OUTSIDE = 0.03  # share of labels that may lie outside: slips of the mouse, not another grid


def labels_inside(images, labels, name="y", margin=0.0) -> tuple[list[np.ndarray], int]:
    """Drop the labels that lie outside their micrograph; refuse more than a few.

    Parameters
    ----------
    images : list of n GridImage
        The micrographs.
    labels : list of n ndarray of shape (k_i, 2)
        Labelled centres as x, y in stored pixels.
    name : str, default="y"
        What the caller calls the labels.
    margin : float, default=0.0
        Grid steps that a label may lie beyond the pixels of its image. Half a step covers what a
        Fourier-cropped image, whose first pixel stays where it was, lacks of the stored one.

    Returns
    -------
    labels : list of n ndarray
        The labels inside, which is where the pixels of the micrograph reach.
    n_outside : int
        How many were dropped.

    Raises
    ------
    ValueError
        If more than 3 per cent lie outside; the message guesses the binning mistake.

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
    inside = [_inside(image, xy, margin) for image, xy in zip(images, labels, strict=True)]
    outside = int(sum(np.sum(~rows) for rows in inside))
    total = sum(len(xy) for xy in labels)
    if outside > _FEW_OUTSIDE * total:
        raise ValueError(
            f"{outside} of {total} labels in {name} lie outside their micrograph"
            f"{_guess(images, labels)}"
        )
    return [xy[rows] for xy, rows in zip(labels, inside, strict=True)], outside


def _inside(image, xy, margin) -> np.ndarray:
    left, right, bottom, top = image.extent
    dx, dy = image.step_xy * margin
    in_x = (xy[:, 0] >= left - dx) & (xy[:, 0] <= right + dx)
    return in_x & (xy[:, 1] >= top - dy) & (xy[:, 1] <= bottom + dy)


def _guess(images, labels) -> str:
    """Say by which binning the labels would fit."""
    worst, reach = None, 1.0
    for image, xy in zip(images, labels, strict=True):
        left, right, bottom, top = image.extent
        if len(xy):
            ratio = max(xy[:, 0].max() / (right - left), xy[:, 1].max() / (bottom - top))
            if ratio > reach:
                worst, reach = (image, xy), float(ratio)
    if worst is None:
        return "; coordinates are x to the right, y down, from the centre of the first pixel"
    image, xy = worst
    left, right, bottom, top = image.extent
    binning = int(2 ** np.ceil(np.log2(reach) - 0.05))  # a little beyond the edge is no binning
    message = (
        f": those of {image.name!r} reach x = {xy[:, 0].max():.0f}, y = {xy[:, 1].max():.0f} but "
        f"it is {right - left:.0f} wide and {bottom - top:.0f} high"
    )
    if binning < 2:
        return message
    step = (image.step_xy * binning).tolist()
    step = f"{step[0]:g}" if step[0] == step[1] else f"({step[0]:g}, {step[1]:g})"
    return (
        f"{message}; were they taken on images binned {binning} times less? Then divide them by "
        f"{binning}, or say how the images are binned: GridImage(values, step={step})"
    )
