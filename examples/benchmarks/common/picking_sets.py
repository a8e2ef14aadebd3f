"""Micrographs to train and to test pickers on.

Real ones are read from the folder named by ``PUCLASSIFY_DATA``. Simulated ones are written as MRC
files, so that reading is part of every measurement.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np

from puclassify.datasets import make_micrographs
from puclassify.io import match_coordinates, read_coordinates
from puclassify.metrics import pick_average_precision_score

__all__ = [
    "REAL",
    "SNR",
    "UNDER_LABELLED",
    "PickingSet",
    "average_precision",
    "beta_galactosidase",
    "fit_and_pick",
    "picking_set",
    "simulated",
]

REAL = "beta-galactosidase"
SNR = {"globular": 0.4, "ring": 0.2, "elongated": 0.2}  # of the simulated sets by name
UNDER_LABELLED = "15_07_41"  # a beta-galactosidase image that is trained on but never scored


@dataclass
class PickingSet:
    """Files of micrographs and the x, y of all their particles; lengths in pixels of the files."""

    name: str
    train: list[str]
    train_coordinates: list[np.ndarray]
    test: list[str]
    test_coordinates: list[np.ndarray]
    particle_diameter: float
    radius: float  # within which a pick matches a particle


def picking_set(name: str, folder, seed: int) -> PickingSet:
    """Return half ``seed % 2`` of the real set, or a simulated set written to ``folder``."""
    if name == REAL:
        return beta_galactosidase(seed % 2)
    return simulated(folder, name, SNR[name], random_state=100 + seed)


def beta_galactosidase(half: int) -> PickingSet:
    """Train on every second image of the eight, from image ``half`` on, and test on the others."""
    folder = Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs"
    paths = sorted(str(path) for path in (folder / "bgal_images_1024").glob("*.png"))
    # Labelled on images with four times as many pixels per side, of which blocks were averaged.
    table = read_coordinates(folder / "bgal_coords_4096px" / "cryoppp.csv", step=4, offset=1.5)
    coordinates = match_coordinates(table, paths)
    train = range(half, len(paths), 2)
    test = [i for i in range(1 - half, len(paths), 2) if UNDER_LABELLED not in paths[i]]
    return PickingSet(
        f"beta-galactosidase, half {half}",
        [paths[i] for i in train],
        [coordinates[i] for i in train],
        [paths[i] for i in test],
        [coordinates[i] for i in test],
        particle_diameter=27.0,
        radius=13.5,
    )


def simulated(folder, kind: str, snr: float | None, random_state: int) -> PickingSet:
    """Write eight micrographs to train on and four to test on; snr None is the default's."""
    settings = {} if snr is None else {"snr": snr}
    data = make_micrographs(12, kind=kind, random_state=random_state, **settings)
    level = "default snr" if snr is None else f"snr {snr:g}"
    folder = Path(folder) / f"{kind}, {level}, {random_state}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, micrograph in enumerate(data.micrographs):
        paths.append(str(folder / f"mic_{index:03d}.mrc"))
        mrcfile.write(paths[-1], np.asarray(micrograph, dtype=np.float32), overwrite=True)
    diameter = data.particle_diameter / data.pixel_size
    return PickingSet(
        f"simulated {kind}, {level}",
        paths[:8],
        list(data.coordinates[:8]),
        paths[8:],
        list(data.coordinates[8:]),
        particle_diameter=diameter,
        radius=diameter / 2,
    )


def fit_and_pick(picker, data: PickingSet, labels):
    """Train the picker; return all candidates of the test set and CPU-seconds of both steps."""
    started = time.process_time()
    picker.fit(data.train, labels)
    trained = time.process_time()
    picks = picker.predict(data.test, threshold=-np.inf)
    return picks, trained - started, time.process_time() - trained


def average_precision(data: PickingSet, picks) -> float:
    """Measure candidates, x, y and score of each, against the particles of the test set."""
    return pick_average_precision_score(data.test_coordinates, picks, data.radius)
