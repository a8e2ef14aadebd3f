"""The end of a job as RELION sees it, for a program that a shell has started in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import threading, time
from puclassify.cli._relion_job import RelionJob

with RelionJob("job/"):
    open("started", "w").close()
    {work}
"""
BUSY = "while True: sum(range(1000))"
WAITS = "threading.Event().wait()"
WAITS_FOR_A_THREAD = (
    "thread = threading.Thread(target=time.sleep, args=(60,), daemon=True); thread.start(); "
    "thread.join()"
)


def wait_for(path):
    end = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("work", "request_name", "mark"),
    [
        (BUSY, "RELION_JOB_ABORT_NOW", "ABORTED"),
        (WAITS, "RELION_JOB_ABORT_NOW", "ABORTED"),
        (WAITS_FOR_A_THREAD, "RELION_JOB_ABORT_NOW", "ABORTED"),
        ("raise ValueError", None, "FAILURE"),
        ("raise SystemExit(3)", None, "FAILURE"),
        ("pass", None, "SUCCESS"),
    ],
)
def test_the_end_of_a_job(work, request_name, mark, tmp_path):
    (tmp_path / "job").mkdir()
    for stale in ("SUCCESS", "FAILURE", "ABORTED"):
        (tmp_path / f"job/RELION_JOB_EXIT_{stale}").touch()
    (tmp_path / "program.py").write_text(PROGRAM.format(work=work))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f'"{sys.executable}" program.py > out 2> err &'  # which ignores interrupts
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=True)
    wait_for(tmp_path / "started")
    if request_name:
        (tmp_path / "job" / request_name).touch()
    wait_for(tmp_path / f"job/RELION_JOB_EXIT_{mark}")
    time.sleep(0.2)
    assert os.listdir(tmp_path / "job") == [f"RELION_JOB_EXIT_{mark}"]
