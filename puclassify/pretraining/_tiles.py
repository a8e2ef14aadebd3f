"""Simulated tiles by number: the same ones in any order, on any number of processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from puclassify.datasets import MicrographSimulator, list_structures
from puclassify.grid import GridImage
from puclassify.preprocessing import NormalizeMicrograph
from puclassify.pretraining._settings import PretrainingSettings
from puclassify.pretraining._targets import targets

__all__ = ["SimulatedTiles", "batches", "training_structures"]

_TRAINING = 0  # the first number of every seed of a training tile; others have another


def training_structures(settings: PretrainingSettings) -> list[str]:
    """Return the names of the packed structures that are trained on."""
    return [one.name for one in list_structures() if one.name not in settings.held_out]


class SimulatedTiles(Dataset):
    """Pixels as a picker sees them (1, h, w) and the answers to them, for one tile after another.

    Tiles are numbered from 0 on; those of a step lie one after the other.
    """

    def __init__(self, settings: PretrainingSettings, field: int, stride: int):
        self._settings, self._field, self._stride = settings, field, stride
        self._simulator: MicrographSimulator | None = None  # one for each process
        self._normalize = NormalizeMicrograph(clip=settings.clip)

    def __len__(self) -> int:
        return self._settings.steps * self._settings.tiles_per_step

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        settings = self._settings
        if self._simulator is None:
            torch.set_num_threads(1)
            edge = settings.tile_edge
            self._simulator = MicrographSimulator(
                training_structures(settings),
                shape=(edge, edge),
                particle_diameter=settings.particle_pixels,
                **settings.simulator,
            )
        tile = self._simulator.draw((_TRAINING, settings.seed, number))
        (image,) = self._normalize.fit_transform([GridImage(tile.values.numpy())])
        diameter = float(tile.diameters[0]) if len(tile.diameters) else settings.particle_pixels
        answer = targets(
            image.shape,
            self._field,
            self._stride,
            tile.centers,
            tile.ignored,
            diameter,
            settings.positive_radius,
            settings.ignored_radius,
        )
        return torch.from_numpy(np.asarray(image.values)[None]), torch.from_numpy(answer)


def batches(
    tiles: SimulatedTiles, tiles_per_step: int, first_step: int, n_workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the tiles of one step after another, made by some processes ahead of time."""
    numbers = range(first_step * tiles_per_step, len(tiles))
    loader: DataLoader = DataLoader(
        tiles,
        batch_size=tiles_per_step,
        sampler=numbers,
        num_workers=n_workers,
        prefetch_factor=4 if n_workers else None,
    )
    return iter(loader)
