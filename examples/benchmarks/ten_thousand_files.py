"""Pick ten thousand files in one run, one in a hundred of them broken, and watch what grows.

A few simulated micrographs under ever new names go through ``iter_predict`` with
``on_error="skip"``; every hundredth name leads to a file that is broken in one of several ways. It
prints memory, descriptors and threads on the way, and checks that every good file was picked and
every bad one reported::

    python examples/benchmarks/ten_thousand_files.py --micrographs 10000
"""

from __future__ import annotations

import argparse
import bz2
import os
import tempfile
import time
import warnings

from common.process_memory import megabytes
from common.quick_picker import quick_picker, write_micrographs
from common.tables import table_head, table_row

EVERY = 100  # names there is a broken file


def main():
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--micrographs", type=int, default=1000)
    parser.add_argument("--files", type=int, default=5, help="different good files")
    parser.add_argument("--edge", type=int, default=256)
    parser.add_argument("--network", default="conv31")
    parser.add_argument("--n-jobs", type=int, default=None)
    options = parser.parse_args()
    picker = quick_picker(options.network).set_params(n_jobs=options.n_jobs)
    with tempfile.TemporaryDirectory() as folder:
        good = write_micrographs(folder, options.files, (options.edge, options.edge))
        broken = write_broken(folder, good[0])
        names, bad = link(folder, good, broken, options.micrographs)
        os.mkdir(os.path.join(folder, "picks"))
        skipped = pick(picker, names, os.path.join(folder, "picks"))
        check(os.path.join(folder, "picks"), names, bad, skipped)


def write_broken(folder, good):
    """Write files that are broken in the ways of downloads, disks and programs."""
    with open(good, "rb") as file:
        content = file.read()
    movie = content[:8] + (4).to_bytes(4, "little") + content[12:]
    transposed = content[:64] + bytes([2, 0, 0, 0, 1, 0, 0, 0]) + content[72:]
    kinds = {
        "empty.mrc": b"",
        "header.mrc": content[:700],
        "truncated.mrc": content[: len(content) // 2],
        "page.mrc": b"<html>404 Not Found</html>",
        "movie.mrc": movie,
        "mode.mrc": content[:12] + (4).to_bytes(4, "little") + content[16:],
        "transposed.mrc": transposed,
        "negative.mrc": (-5).to_bytes(4, "little", signed=True) + content[4:],
        "cut.mrc.bz2": bz2.compress(content)[:-1000],
        "text.png": b"no image",
        "unknown.xyz": content,
    }
    paths = [os.path.join(folder, f"broken_{name}") for name in kinds]
    for path, data in zip(paths, kinds.values(), strict=True):
        with open(path, "wb") as file:
            file.write(data)
    return [*paths, os.path.join(folder, "broken_missing.mrc")]


def link(folder, good, broken, n):
    """Link n names to files; return them, and those that lead to broken ones."""
    os.mkdir(os.path.join(folder, "micrographs"))
    names, bad = [], []
    for index in range(n):
        is_bad = index % EVERY == EVERY // 2
        target = broken[index // EVERY % len(broken)] if is_bad else good[index % len(good)]
        ending = os.path.basename(target).partition(".")[2]
        path = os.path.join(folder, "micrographs", f"mic_{index:06d}.{ending}")
        os.symlink(target, path)
        names.append(path)
        bad += [path] * is_bad
    return names, bad


def pick(picker, names, output):
    """Pick all files, and print what the process holds on the way; return what was skipped."""
    print(table_head(["micrographs", "resident MB", "descriptors", "threads", "a second"]))
    run = picker.iter_predict(names, output=output, on_error="skip")
    start, steps = (
        time.perf_counter(),
        {10, 100, *range(0, len(names) + 1, max(1, len(names) // 5))},
    )
    for count, _ in enumerate(run, start=1):
        if count in steps:
            row = [count, f"{megabytes('VmRSS'):.0f}", len(os.listdir("/proc/self/fd"))]
            row += [len(os.listdir("/proc/self/task"))]
            print(table_row([*row, f"{count / (time.perf_counter() - start):.1f}"]), flush=True)
    return run.skipped


def check(output, names, bad, skipped):
    """Compare what was picked and reported with what there was; exit if it differs."""
    with open(os.path.join(output, "autopick.star")) as file:
        listed = {line.split("\t")[1].strip() for line in file if "\t" in line}
    files = sum(name.endswith("_autopick.star") for name in os.listdir(output))
    reported = {one.micrograph for one in skipped}
    print(f"\n{files} files of picks, {len(listed)} in the list, {len(reported)} reported")
    if listed != set(names) - set(bad) or files != len(listed) or reported != set(bad):
        raise SystemExit("picked or reported is not what it should be")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of a picker that was trained for an epoch
    main()
