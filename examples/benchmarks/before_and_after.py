"""Compare the time of reading and picking in two checkouts of this package, in one run.

Processes of both take turns, each timing the same files with the package of its own checkout::

    git worktree add ../before <commit>
    python examples/benchmarks/before_and_after.py ../before .

Times are CPU time (user and system) of a call, the median of several, in milliseconds; the last
column is the ratio, its lowest and highest value over the turns in brackets.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from common.tables import table_head, table_row

EDGE = 4096
ROWS = 100_000
SESSION = 6


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkouts", nargs="*", help="two folders, the older one first")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="calls in a turn")
    parser.add_argument("--edge", type=int, default=EDGE, help="pixels of a micrograph")
    parser.add_argument("--rows", type=int, default=ROWS, help="of a coordinate file")
    parser.add_argument("--in-folder", help=argparse.SUPPRESS)  # a process of one checkout
    options = parser.parse_args()
    if options.in_folder:
        print(json.dumps(times(options.in_folder, options.repetitions)))
        return
    if len(options.checkouts) != 2:
        parser.error("name two checkouts, the older one first")
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, options.edge, options.rows)
        turns = [
            [measured(checkout, folder, options.repetitions) for checkout in options.checkouts]
            for _ in range(options.turns)
        ]
    print(table_head(["what", "before, ms", "after, ms", "after / before"]))
    for name in turns[0][0]:
        before, after = np.array([[one[name] for one in turn] for turn in turns]).T
        ratios = after / before
        ratio = f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
        print(table_row([name, f"{np.median(before):.1f}", f"{np.median(after):.1f}", ratio]))


def measured(checkout: str, folder: str, repetitions: int) -> dict[str, float]:
    """Return the times of one checkout, from a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(Path(checkout).resolve())}
    command = [sys.executable, __file__, "--in-folder", folder, "--repetitions", str(repetitions)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def write_files(folder: str, edge: int, rows: int) -> None:
    """Write micrographs and coordinates in each format, with other programs' libraries."""
    import mrcfile
    import tifffile
    from PIL import Image

    Path(folder, "session").mkdir()
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(edge, edge)).astype(np.float32)
    counts = np.clip(pixels * 20 + 100, 0, 255).astype(np.uint8)
    for name, values in {"float32": pixels, "int8": (counts - 100).astype(np.int8)}.items():
        mrcfile.write(Path(folder, f"{name}.mrc"), values, overwrite=True)
        for number in range(SESSION):  # one file in the cache, as a session of several
            Path(folder, "session", f"{number}_{name}.mrc").symlink_to(f"../{name}.mrc")
    with mrcfile.new(Path(folder, "float32.mrc.gz"), pixels, compression="gzip"):
        pass
    tifffile.imwrite(Path(folder, "uint16.tif"), counts.astype(np.uint16) * 256)
    tifffile.imwrite(Path(folder, "float32_deflate.tif"), pixels, compression="deflate")
    Image.fromarray(counts).save(Path(folder, "uint8.png"))
    xy = rng.uniform(0, edge, (rows, 2)).round(2)
    names = [f"mic{i % 200:04d}.mrc" for i in range(rows)]
    lines = [f"{x} {y} {name} 0.5" for (x, y), name in zip(xy, names)]
    titles = ["_rlnCoordinateX #1", "_rlnCoordinateY #2", "_rlnMicrographName #3"]
    titles.append("_rlnAutopickFigureOfMerit #4")
    star = ["data_", "", "loop_", *titles, *lines]
    Path(folder, "picks.star").write_text("\n".join(star) + "\n")
    table = ["image_name\tx_coord\ty_coord\tscore"]
    table += [f"{name}\t{x}\t{y}\t0.5" for (x, y), name in zip(xy, names)]
    Path(folder, "picks.txt").write_text("\n".join(table) + "\n")
    boxes = [f"{x:.0f}\t{y:.0f}\t40\t40" for x, y in xy]
    Path(folder, "mic.box").write_text("\n".join(boxes) + "\n")


def times(folder: str, repetitions: int) -> dict[str, float]:
    """Return milliseconds of CPU time for each file to read, and for picking and preprocessing."""
    import puclassify
    from puclassify.io import read_coordinates

    warnings.simplefilter("ignore")
    assert Path(puclassify.__file__).is_relative_to(os.environ["PYTHONPATH"])
    found = {}
    for path in sorted(filter(Path.is_file, Path(folder).iterdir())):
        if path.suffix in (".star", ".txt", ".box"):
            found[f"read {path.name}"] = cpu_time(partial(read_coordinates, path), repetitions)
        else:
            found[f"read and sum {path.name}"] = cpu_time(partial(read_and_sum, path), repetitions)
    picker = trained_picker()
    for name in ("float32.mrc", "int8.mrc"):
        session = [str(path) for path in sorted(Path(folder, "session").glob(f"*_{name}"))]
        preprocess = partial(picker.preprocessing_.transform, session[:1])
        found[f"preprocess {name}"] = cpu_time(preprocess, repetitions)
        pick = partial(picker.predict, session, 0.0)
        found[f"pick {name}"] = cpu_time(pick, repetitions) / len(session)
    return found


def read_and_sum(path: Path) -> None:
    """Read a micrograph; a file that is mapped is read when its pixels are asked for."""
    from puclassify.io import read_micrograph

    pixels = read_micrograph(path).values
    pixels.sum(dtype=np.float64)


def trained_picker():
    """Return a picker of particles 160 pixels wide, trained for a moment."""
    from puclassify import ParticlePicker, PUImageClassifier
    from puclassify.datasets import make_micrographs

    simulated = make_micrographs(
        2, shape=(1024, 1024), particles_per_micrograph=10, particle_diameter=160, random_state=0
    )
    classifier = PUImageClassifier("resnet9", criterion="ge_binomial", max_epochs=1, device="cpu")
    picker = ParticlePicker(
        160, classifier=classifier, expected_particles=10, threshold=0.0, random_state=0
    )
    picker._steps_per_epoch = 2
    return picker.fit(simulated.micrographs, simulated.coordinates)


def cpu_time(call, repetitions: int) -> float:
    """Return the median of the milliseconds of CPU time that a call takes, after a first one."""
    call()
    taken = []
    for _ in range(repetitions):
        start = time.process_time()
        call()
        taken.append(1e3 * (time.process_time() - start))
    return float(np.median(taken))


if __name__ == "__main__":
    main()
