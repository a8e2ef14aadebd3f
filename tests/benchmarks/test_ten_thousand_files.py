"""A short run of the benchmark over thousands of files, one in a hundred of them broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_nothing_grows_and_all_are_accounted_for():
    pytest.importorskip("starfile")
    script = ROOT / "examples" / "benchmarks" / "ten_thousand_files.py"
    command = [sys.executable, script, "--micrographs", "1200"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1188 files of picks, 1188 in the list, 12 reported" in run.stdout
    rows = [[float(n) for n in re.findall(r"[\d.]+", line)] for line in run.stdout.splitlines()]
    rows = [row for row in rows if len(row) == 5 and row[0] >= 100]
    (_, memory, *first, _), (_, last_memory, *last, _) = rows[0], rows[-1]  # files and threads
    assert all(after <= before for before, after in zip(first, last, strict=True))
    assert last_memory < memory + 30
