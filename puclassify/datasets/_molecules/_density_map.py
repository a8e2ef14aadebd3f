"""Density maps in MRC files."""

from __future__ import annotations

import os
import warnings

import mrcfile
import numpy as np
from scipy import ndimage

from puclassify.datasets._molecules._molecule import Molecule

__all__ = ["MAP_ENDINGS", "molecule_from_voxels", "read_density_map"]

MAP_ENDINGS = (".mrc", ".map", ".ccp4", ".mrc.gz", ".map.gz", ".ccp4.gz")
_NOISE_LEVELS = 3.0  # standard deviations of the map above its mean: the molecule
_SMALLEST_VOXEL = 1e-3


def read_density_map(path: str | os.PathLike[str], name: str) -> Molecule:
    """Read the molecule in a density map: what is dense, in its largest connected part."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers; what matters is checked here
        try:
            with mrcfile.open(path, permissive=True) as file:
                density = None if file.data is None else np.array(file.data, np.float32)
                voxel = [float(file.voxel_size[axis]) for axis in ("x", "y", "z")]
                stored = [int(file.header[axis]) for axis in ("maps", "mapr", "mapc")]
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"{path} cannot be read as an MRC file: {error}") from error
    if density is None or density.ndim != 3 or min(density.shape) < 2:
        shape = None if density is None else density.shape
        raise ValueError(f"{path} must hold a density map with three axes, got shape {shape}")
    if min(voxel) < _SMALLEST_VOXEL:
        raise ValueError(
            f"the header of {path} gives a voxel size of {voxel} Å; set it, for instance with "
            "mrcfile: open(path, mode='r+').voxel_size = 1.3"
        )
    if sorted(stored) == [1, 2, 3]:  # sections, rows and columns may be any of z, y, x
        density = density.transpose([stored.index(axis) for axis in (3, 2, 1)])
    return molecule_from_voxels(density, np.array(voxel), name)


def molecule_from_voxels(density: np.ndarray, voxel: np.ndarray, name: str) -> Molecule:
    """Turn densities, indexed z, y, x, into points at the voxels that the molecule fills."""
    if not np.isfinite(density).all():
        raise ValueError(f"the map {name!r} has voxels that are not finite")
    level = float(density.mean() + _NOISE_LEVELS * density.std())
    if not level < density.max():
        level = float(density.mean())
    inside = density > level
    parts, n_parts = ndimage.label(inside)
    if n_parts == 0:
        raise ValueError(f"the map {name!r} is the same everywhere: it shows no molecule")
    masses = ndimage.sum_labels(density, parts, range(1, n_parts + 1))
    inside = parts == 1 + int(np.argmax(masses))
    # The soft edge of the molecule belongs to it.
    inside = ndimage.binary_dilation(inside) & (density > 0.5 * level)
    indices = np.argwhere(inside)[:, ::-1]
    weights = density[inside] - min(0.0, float(density[inside].min()) - 1e-6)
    return Molecule(name, indices * voxel, weights, width=float(np.mean(voxel)) / 2)
