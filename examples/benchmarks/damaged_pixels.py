"""What dead and hot pixels do to preprocessed micrographs and to picks.

For each damage: the correlation of the preprocessed image with that of the sound micrograph, where
no pixel is damaged; how many picks of the sound micrographs are kept, of those that are a diameter
away from the damage; and how many picks lie on dead pixels. Simulated micrographs, binned by two;
with ``PUCLASSIFY_DATA`` also the correlation on a real one. ``--time`` measures what looking for
damage costs where there is none: seconds of a 4096 x 4096 crop and normalisation on one core.

    OMP_NUM_THREADS=1 python examples/benchmarks/damaged_pixels.py
    OMP_NUM_THREADS=1 python examples/benchmarks/damaged_pixels.py --time
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from sklearn.pipeline import make_pipeline

from common.damages import DAMAGES, damaged
from common.tables import table_head, table_row
from puclassify import GridImage, ParticlePicker
from puclassify.datasets import make_micrographs
from puclassify.io import read_micrograph
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

DIAMETER = 60.0
BINNING = 2
REAL = "micrographs/micrograph_cleaner_sample/Ucsf_stack_1142_DW_micrograph.mrc"


def correlation(name: str, pixels: np.ndarray) -> float:
    """Correlate the preprocessed image with the sound one, on grid points off the damage."""
    steps = make_pipeline(FourierDownsample(BINNING), NormalizeMicrograph(clip=4.0))
    bad, where = damaged(name, pixels)
    sound, other = (np.asarray(image) for image in steps.fit_transform([pixels, bad]))
    near = ndimage.maximum_filter(where, 2 * BINNING + 1)
    rows, columns = (np.arange(n) * BINNING for n in sound.shape)
    clear = ~near[rows[:, None], columns]
    return float(np.corrcoef(sound[clear], other[clear])[0, 1])


def picks_kept(name: str, picker: ParticlePicker, micrographs, sound_picks) -> tuple[int, int, int]:
    """Count picks kept, picks that could be, and picks on dead pixels."""
    kept = possible = on_dead = 0
    for seed, (pixels, sound) in enumerate(zip(micrographs, sound_picks, strict=True)):
        bad, where = damaged(name, pixels, seed)
        (picks,) = picker.predict([bad])
        thick = ndimage.binary_erosion(where, np.ones((9, 9)))
        away = ndimage.distance_transform_edt(~thick) if thick.any() else np.full(bad.shape, np.inf)
        x, y = np.round(sound[:, :2]).astype(int).T
        clear = sound[away[y.clip(0, len(bad) - 1), x.clip(0, bad.shape[1] - 1)] > DIAMETER]
        possible += len(clear)
        if len(picks):
            distance, _ = cKDTree(picks[:, :2]).query(clear[:, :2])
            kept += int(np.count_nonzero(distance < DIAMETER / 8))
            x, y = np.round(picks[:, :2]).astype(int).T
            on_dead += int(thick[y.clip(0, len(bad) - 1), x.clip(0, bad.shape[1] - 1)].sum())
    return kept, possible, on_dead


def compare(epochs: int, shape: tuple[int, int], n_particles: int, names) -> list[list]:
    """Train a picker on sound micrographs; return a row of the table for each damage."""
    data = make_micrographs(
        5,
        shape=shape,
        particle_diameter=DIAMETER,
        particles_per_micrograph=n_particles,
        random_state=0,
    )
    micrographs = [np.asarray(one, np.float32) for one in data.micrographs]
    picker = ParticlePicker(
        data.particle_diameter, expected_particles=n_particles, threshold=0.0, random_state=0
    )
    picker.set_params(classifier__max_epochs=epochs)
    picker.fit(micrographs[:3], data.coordinates[:3])
    sound_picks = picker.predict(micrographs[3:])
    real = None
    if os.environ.get("PUCLASSIFY_DATA"):
        real = np.asarray(read_micrograph(Path(os.environ["PUCLASSIFY_DATA"]) / REAL), np.float32)
    rows = []
    for name in names:
        kept, possible, on_dead = picks_kept(name, picker, micrographs[3:], sound_picks)
        simulated = f"{correlation(name, micrographs[3]):.4f}"
        on_real = "" if real is None else f"{correlation(name, real):.4f}"
        rows.append([name, simulated, on_real, f"{kept} of {possible}", on_dead])
    return rows


def measure_time(repetitions: int = 15) -> list[list]:
    """Return milliseconds of CPU time of crop and normalisation for sound micrographs."""
    rows = []
    noise = np.random.default_rng(0).normal(120, 20, (4096, 4096))
    for dtype in (np.float32, np.int16, np.uint8):
        image = GridImage(noise.clip(0, 255).astype(dtype))
        steps = make_pipeline(FourierDownsample(4), NormalizeMicrograph(clip=4.0))
        used = []
        for _ in range(repetitions):
            start = time.process_time()
            steps.fit_transform([image])
            used.append(time.process_time() - start)
        rows.append([np.dtype(dtype).name, f"{1e3 * np.median(used):.0f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--time", action="store_true")
    arguments = parser.parse_args()
    if arguments.time:
        print(table_head(["pixels", "ms"]))
        for row in measure_time():
            print(table_row(row))
        return
    print(table_head(["damage", "correlation", "on a real one", "picks kept", "picks on it"]))
    for row in compare(arguments.epochs, (1024, 1024), 60, DAMAGES):
        print(table_row(row), flush=True)


if __name__ == "__main__":
    main()
