"""One varied micrograph and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from puclassify.grid import GridImage

__all__ = ["SimulatedMicrograph"]


@dataclass(frozen=True, eq=False)
class SimulatedMicrograph:
    """A micrograph of `MicrographSimulator` and the truth about it.

    Parameters
    ----------
    values : torch.Tensor of shape (height, width)
        The pixels, float32 on the simulator's device; protein is dark. The scale is arbitrary: in
        standard deviations of the noise around the mean, unless processing changed it.
    centers : ndarray of shape (k, 2)
        x, y of the centres of mass of all particles in the frame, in pixels, not rounded. Those
        nearer to an edge than their radius are cut by it.
    diameters : ndarray of shape (k,)
        Longest extent of each particle's molecule in pixels; the same for all.
    ignored : ndarray of shape (k,), of bool
        Whether the particle lies under ice, carbon, gold or a filament: it should count neither as
        a particle nor as background.
    orientations : ndarray of shape (k, 4)
        Unit quaternions x, y, z, w that rotate the molecule into the frame; the beam is z.
    molecule : str
        Name of the particles' molecule.
    molecule_index : int
        Its number in the simulator's ``names``.
    pixel_size : float
        Ångström per pixel.
    detectability : float
        Signal-to-noise ratio of a particle's amplitude after the best linear filter, on average
        over its views, before processing. Below about 4 it cannot be told from the noise.
    settings : dict
        What else was drawn: optics, noise, processing and clutter.
    seed : int or sequence of int
        What it was drawn from.

    Examples
    --------
    >>> from puclassify.datasets import MicrographSimulator
    >>> micrograph = MicrographSimulator("1aon", shape=(128, 128)).draw(3)
    >>> micrograph.molecule, micrograph.to_grid_image("tile.mrc").name
    ('1aon', 'tile.mrc')
    """

    values: torch.Tensor
    centers: np.ndarray
    diameters: np.ndarray
    ignored: np.ndarray
    orientations: np.ndarray
    molecule: str
    molecule_index: int
    pixel_size: float
    detectability: float
    settings: dict[str, Any]
    seed: Any

    def to_grid_image(self, name: str | None = None) -> GridImage:
        """Return the micrograph on the CPU.

        Parameters
        ----------
        name : str or None, default=None
            Name of the micrograph.

        Returns
        -------
        GridImage
            The pixels with their size.
        """
        return GridImage(self.values.cpu().numpy(), pixel_size=self.pixel_size, name=name)
