"""A short run of the benchmark that writes and reads coordinates beside starfile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_both_programs_read_what_the_other_wrote():
    pytest.importorskip("starfile")
    script = ROOT / "examples" / "benchmarks" / "coordinate_files.py"
    command = [sys.executable, script, "--picks", "400", "--micrographs", "4", "--repeats", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert len([line for line in run.stdout.splitlines() if line.startswith("| ")]) == 7
