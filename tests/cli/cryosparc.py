"""A project of cryoSPARC with imported micrographs."""

import os
from pathlib import Path

import numpy as np

from .conftest import PIXEL_SIZE

UIDS = [10**20 // 7 % 2**64 + index for index in range(6)]
_EXPOSURE = [
    *(("uid", "<u8"), ("micrograph_blob/path", "S80"), ("micrograph_blob/shape", "<u4", (2,))),
    *(("micrograph_blob/psize_A", "<f4"), ("mscope_params/exp_group_id", "<u4")),
]


def write_exposures(root, micrographs, name):
    """Link micrographs into a project, and write the files ``name`` of their exposures."""
    root = Path(root)
    (root / "project.json").write_text("{}")
    (root / "J1/imported").mkdir(parents=True)
    (root / name).parent.mkdir(exist_ok=True)
    rows = np.zeros(len(micrographs), dtype=_EXPOSURE)
    for row, uid, path in zip(rows, UIDS, micrographs):
        linked = f"J1/imported/{uid:021d}_{Path(path).name}"
        os.symlink(path, root / linked)
        row["uid"], row["micrograph_blob/path"] = uid, linked.encode()
        row["micrograph_blob/shape"], row["micrograph_blob/psize_A"] = (256, 256), PIXEL_SIZE
        row["mscope_params/exp_group_id"] = 4
    with open(root / f"{name}.cs", "wb") as file:
        np.save(file, rows)
    group = f"group:\n  type: exposure\nresults:\n  micrograph_blob:\n    metafile: {name}.cs\n"
    (root / f"{name}.csg").write_text(group)
