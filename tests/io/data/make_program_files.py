"""Make the files of other programs in ``programs``, by those programs themselves.

Run it with a Python that has crYOLO's module ``CoordsIO`` (cryolo 1.9.9 from the package index,
without TensorFlow) and with the program ``topaz`` (topaz-em 0.3.20) as argument::

    python make_program_files.py path/to/topaz
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "programs"
# x, y, the score, and the size that crYOLO estimates.
ROWS = [
    (3810.37, 3984.46, 0.658, 151.25),
    (101.5, 90.25, 0.31, 150.0),
    (2048.0, 1024.125, 0.9, 162.5),
]
BOX = 180


def by_cryolo():
    """Write boxes as ``cryolo_predict.py`` does."""
    from cryolo import CoordsIO
    from cryolo.utils import BoundBox

    boxes = []
    for x, y, score, size in ROWS:
        box = BoundBox(x - BOX / 2, y - BOX / 2, BOX, BOX, c=score, classes=["particle"])
        box.meta = {"boxsize_estimated": (size, size - 1)}
        boxes.append(box)
    CoordsIO.write_cbox_file(str(FOLDER / "cryolo.cbox"), boxes)
    CoordsIO.write_eman1_boxfile(str(FOLDER / "cryolo.box"), boxes)
    CoordsIO.write_star_file(str(FOLDER / "cryolo.star"), boxes)


def by_topaz(program):
    """Convert a table of Topaz to all formats that it writes."""
    table = FOLDER / "topaz.txt"
    with open(table, "w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["image_name", "x_coord", "y_coord", "score"])
        writer.writerows(["mic_001", *row[:3]] for row in ROWS)

    def convert(*args):
        subprocess.run([program, "convert", table, *args], check=True)

    for ending in ("coord", "csv", "star"):
        convert("--to", ending, "-o", FOLDER / f"topaz.{ending}")
    convert("--to", "box", "--boxsize", str(BOX), "-o", f"{FOLDER}/")
    convert("--to", "json", "-o", f"{FOLDER}/")
    table.unlink()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    by_cryolo()
    by_topaz(sys.argv[1])
    (FOLDER / "expected.json").write_text(json.dumps(ROWS) + "\n")
