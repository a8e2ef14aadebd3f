"""A picker trained just long enough to time its scoring, and files to time it on."""

from __future__ import annotations

import os

import mrcfile
import numpy as np

from puclassify import ParticlePicker
from puclassify.datasets import make_micrographs

__all__ = ["DIAMETER", "quick_picker", "write_micrographs"]

DIAMETER = 30.0  # of the particles in pixels, after binning


def quick_picker(network: str, binning: int = 1, device: str = "cpu") -> ParticlePicker:
    """Train for one epoch; what scoring costs hardly depends on the weights."""
    edge = 256 * binning
    data = make_micrographs(
        1,
        shape=(edge, edge),
        particles_per_micrograph=8,
        particle_diameter=binning * DIAMETER,
        random_state=0,
    )
    picker = ParticlePicker(
        data.particle_diameter, expected_particles=8, threshold=0.0, random_state=0
    )
    picker.set_params(
        classifier__module=network, classifier__max_epochs=1, classifier__device=device
    )
    return picker.fit(data.micrographs, data.coordinates)


def write_micrographs(folder, n: int, shape: tuple[int, int], dtype=np.float32) -> list[str]:
    """Write MRC files of simulated 1024 x 1024 micrographs, repeated and cropped to ``shape``."""
    data = make_micrographs(n, shape=(1024, 1024), random_state=0)
    paths = []
    for index, micrograph in enumerate(data.micrographs):
        tiles = [-(-edge // 1024) for edge in shape]
        values = np.tile(np.asarray(micrograph, dtype=dtype), tiles)[: shape[0], : shape[1]]
        paths.append(os.path.join(folder, f"mic_{index:02d}.mrc"))
        mrcfile.write(paths[-1], np.ascontiguousarray(values))
    return paths
