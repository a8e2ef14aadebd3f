"""The jobs of ``examples/cluster``, in bash, and a cluster of Dask on this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from puclassify import load_model
from puclassify.io import match_coordinates, read_coordinates

from .conftest import run

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT / "examples" / "cluster"


@pytest.fixture
def shell(tmp_path):
    """A function that starts a job in a folder whose PATH has puclassify, srun and sbatch."""
    programs = tmp_path / "bin"
    programs.mkdir()
    python = f'exec "{sys.executable}"'
    scripts = {
        "puclassify": f'{python} -m puclassify "$@"',
        "dask": f'{python} -m dask "$@"',
        "srun": 'exec "$@"',
        "sbatch": 'printf "%s " "$@" >> calls.txt; echo >> calls.txt; echo "77;cluster"',
    }
    for name, text in scripts.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }

    def start(job, *args, **variables):
        command = ["bash", str(JOBS / job), *map(str, args)]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=env | {key: str(value) for key, value in variables.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    return start


def finished(job):
    _, err = job.communicate(timeout=240)
    return job.returncode, err


@pytest.fixture
def micrographs(session, tmp_path):
    """The session and a broken micrograph, in a folder of their own."""
    folder = tmp_path / "mics"
    folder.mkdir()
    for path in session.micrographs:
        shutil.copy2(path, folder)
    (folder / "mic3b.mrc").write_bytes(b"no micrograph")
    return folder


def texts(folder):
    """What a folder of picks holds, but for the parameters of the last run."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".toml"}


@pytest.fixture
def whole(micrographs, trained, tmp_path, monkeypatch):
    """What one run writes into a folder, by the folder that is asked for."""
    monkeypatch.chdir(tmp_path)
    result = run("pick", trained[0], "mics/*.mrc", "--output", "whole", "--on-error", "skip")
    assert result.code == 3
    found = texts(tmp_path / "whole")
    return lambda folder: {name: text.replace("whole/", folder) for name, text in found.items()}


def test_shares_are_put_together(whole, trained, tmp_path):
    args = ("pick", trained[0], "mics/*.mrc", "--output", "picks", "--resume", "--on-error", "skip")
    for number in (3, 1):  # the second task has died
        assert run(*args, "--share", f"{number}/3").code in (0, 3)
    assert texts(tmp_path / "picks") != whole("picks/")
    result = run(*args)
    assert result.code == 3  # one is broken
    ours = texts(tmp_path / "picks")
    assert ours == whole("picks/")
    assert "mic3b.mrc" in ours["skipped.tsv"]


@pytest.mark.slow
def test_an_array_of_jobs_writes_what_one_run_writes(shell, whole, trained, tmp_path):
    model, pattern = trained[0], "mics/*.mrc"
    shares = [
        shell(
            *("pick_array.sbatch", model, pattern, "picks"),
            SLURM_ARRAY_TASK_ID=number,
            SLURM_ARRAY_TASK_COUNT=3,
        )
        for number in (1, 3)  # the second task has died
    ]
    for share in shares:
        code, err = finished(share)
        assert code == 0, err
    assert len(list((tmp_path / "picks").glob("*_autopick.star"))) < 6
    code, err = finished(shell("collect.sbatch", model, pattern, "picks"))
    assert code == 3, err  # one is broken
    assert "7 of 7 micrographs in" in err
    assert texts(tmp_path / "picks") == whole("picks/")


def test_shares_are_disjoint_and_complete(session, trained, tmp_path):
    counts = []
    for number in range(1, 5):
        share = (*("--share", f"{number}/4"), "--output", tmp_path, "--resume", "--json")
        result = run("pick", trained[0], session.folder / "*.mrc", *share)
        assert result.code == 0, result.err
        counts.append(result.json["n_micrographs"])
    assert counts == [2, 2, 1, 1]
    found = match_coordinates(read_coordinates(tmp_path), session.micrographs)
    expected = load_model(trained[0]).predict(session.micrographs)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_more_shares_than_micrographs(session, trained, tmp_path):
    result = run(
        *("pick", trained[0], session.micrographs[0], "--share", "2/2"),
        *("--output", tmp_path / "picks", "--json"),
    )
    assert result.code == 0, result.err
    assert result.json["n_micrographs"] == 0


@pytest.mark.parametrize("share", ["0/3", "4/3", "3", "a/b", "-1/2"])
def test_wrong_shares(share, session, tmp_path):
    result = run("pick", "model", session.micrographs[0], "--output", tmp_path, "--share", share)
    assert result.code == 2
    assert "is not of the form K/N" in result.err


def test_collecting_waits_for_the_array(shell, tmp_path):
    code, err = finished(shell("pick.sh", "model.safetensors", "mics/*.mrc", "picks"))
    assert code == 0, err
    first, second = (tmp_path / "calls.txt").read_text().splitlines()
    arguments = "model.safetensors mics/*.mrc picks"
    assert first.strip() == f"--parsable {JOBS}/pick_array.sbatch {arguments}"
    assert second.strip() == f"--dependency=afterany:77 {JOBS}/collect.sbatch {arguments}"


@pytest.mark.parametrize("path", sorted(JOBS.iterdir()), ids=lambda path: path.name)
def test_jobs_are_bash(path):
    subprocess.run(["bash", "-n", path], check=True)
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines


class TestDask:
    @pytest.fixture(scope="class")
    @classmethod
    def cluster(cls):
        pytest.importorskip("dask")
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster:
            yield cluster

    def test_workers_pick_what_one_process_picks(
        self, cluster, session, trained, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("puclassify.cli._dask._SECONDS_WITHOUT_NEW", 0.2)
        log = cluster.scheduler.transition_log
        before = len(log)
        result = run(
            *("pick", trained[0], *session.micrographs, "--output", tmp_path, "--json"),
            *("--dask", cluster.scheduler_address),
        )
        assert result.code == 0, result.err
        assert "2 workers at tcp://" in result.err
        assert {key for key, _, finish, *_ in list(log)[before:] if finish == "processing"}
        found = match_coordinates(read_coordinates(tmp_path), session.micrographs)
        expected = load_model(trained[0]).predict(session.micrographs)
        assert sum(map(len, expected)) > 20
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)

    def test_a_scheduler_file(self, cluster, session, trained, tmp_path, monkeypatch):
        monkeypatch.setattr("puclassify.cli._dask._SECONDS_WITHOUT_NEW", 0.2)
        file = tmp_path / "scheduler.json"
        identity = cluster.scheduler.identity()
        file.write_text(json.dumps({name: identity[name] for name in ("type", "id", "address")}))
        args = ("--truth", session.truth, "--json")
        with_workers = run("evaluate", trained[0], *session.micrographs[4:], *args, "--dask", file)
        assert with_workers.code == 0, with_workers.err
        alone = run("evaluate", trained[0], *session.micrographs[4:], *args)
        assert with_workers.json == pytest.approx(alone.json, abs=1e-4)

    @pytest.mark.parametrize(
        ("given", "message"),
        [("none.json", "neither a scheduler file"), ("tcp://127.0.0.1:9", "no scheduler answers")],
    )
    def test_no_cluster(self, given, message, session, trained, tmp_path, monkeypatch):
        dask = pytest.importorskip("dask")
        pytest.importorskip("distributed")
        with dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}):
            args = ("--output", tmp_path / "picks", "--dask", given)
            result = run("pick", trained[0], session.micrographs[0], *args)
        assert result.code == 1
        assert message in result.err
        assert "Traceback" not in result.err

    def test_without_dask(self, session, trained, tmp_path, monkeypatch):
        for name in ("dask", "dask.distributed", "distributed"):
            monkeypatch.setitem(sys.modules, name, None)
        args = ("--output", tmp_path / "picks", "--dask", "tcp://host:8786")
        result = run("pick", trained[0], session.micrographs[0], *args)
        assert result.code == 1
        assert 'pip install "puclassify[dask]"' in result.err

    @pytest.mark.slow
    def test_one_job_with_a_scheduler_and_workers(self, shell, micrographs, trained, tmp_path):
        pytest.importorskip("distributed")
        (micrographs / "mic3b.mrc").unlink()
        job = shell(
            *("pick_dask.sbatch", trained[0], "mics/*.mrc", "picks"),
            SLURM_JOB_ID=12,
            SLURM_CPUS_PER_TASK=2,
        )
        code, err = finished(job)
        assert code == 0, err
        assert "2 workers at " in err
        assert len(list((tmp_path / "picks").glob("*_autopick.star"))) == 6
        assert not list(tmp_path.glob("scheduler-*.json"))
