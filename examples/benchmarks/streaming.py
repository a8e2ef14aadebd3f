"""Measure memory and speed over thousands of micrographs.

Streams the same few files under many names through ``iter_predict``, writes a file of picks for
every micrograph, and prints the memory of the process and the rate on the way::

    python examples/benchmarks/streaming.py --micrographs 10000

The files have 512 x 512 pixels, binned by 2, so that ten thousand take minutes; ``--edge 4096
--bin 4`` measures files of realistic size. The rate of reading the same files is measured first.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import mrcfile
import numpy as np

from common.process_memory import megabytes
from common.quick_picker import quick_picker
from common.tables import table_head, table_row


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--micrographs", type=int, default=1000)
    parser.add_argument("--files", type=int, default=10, help="different files")
    parser.add_argument("--edge", type=int, default=512)
    parser.add_argument("--bin", type=int, default=2)
    parser.add_argument("--network", default="resnet9")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    picker = quick_picker(options.network, options.bin, options.device)
    with tempfile.TemporaryDirectory() as folder:
        files = write_noise(folder, options.files, options.edge)
        read = time_reading(files)
        os.mkdir(os.path.join(folder, "picks"))
        output = os.path.join(folder, "picks", "{name}.csv")
        print(f"reading alone: {read:.1f} micrographs a second\n")
        print(table_head(["micrographs", "resident MB", "micrographs a second", "of reading"]))
        start, shown = time.perf_counter(), 10
        names = links(folder, files, options.micrographs)
        for count, _ in enumerate(picker.iter_predict(names, output=output), start=1):
            if count == shown or count == options.micrographs:
                rate = count / (time.perf_counter() - start)
                print(
                    table_row(
                        [count, f"{megabytes('VmRSS'):.0f}", f"{rate:.1f}", f"{rate / read:.0%}"]
                    ),
                    flush=True,
                )
                shown *= 10
        written = len(os.listdir(os.path.join(folder, "picks")))
        print(f"\n{written} files of picks written")


def write_noise(folder, n, edge):
    """Write MRC files of noise."""
    rng = np.random.default_rng(0)
    paths = [os.path.join(folder, f"file_{index:02d}.mrc") for index in range(n)]
    for path in paths:
        mrcfile.write(path, rng.normal(size=(edge, edge)).astype(np.float32))
    return paths


def links(folder, files, n):
    """Yield links to the files under ever new names."""
    for index in range(n):
        path = os.path.join(folder, f"mic_{index:06d}.mrc")
        os.symlink(files[index % len(files)], path)
        yield path
        if index >= 20:
            os.unlink(os.path.join(folder, f"mic_{index - 20:06d}.mrc"))


def time_reading(files):
    """Return the number of files read per second."""
    start = time.perf_counter()
    for path in 3 * files:
        with open(path, "rb") as file:
            file.read()
    return 3 * len(files) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
