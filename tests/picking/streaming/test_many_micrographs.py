import csv
import errno
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from puclassify.io import SkippedMicrograph, read_coordinates, watch
from puclassify.io import _replace_files as replace_files_module


@pytest.fixture
def paths(simulated, tmp_path):
    """Four micrographs as files; the second is truncated, the third no MRC file."""
    (tmp_path / "micrographs").mkdir()
    paths = [str(tmp_path / "micrographs" / f"{name}.mrc") for name in "abcd"]
    for path, micrograph in zip(paths, simulated.micrographs[2:]):
        mrcfile.write(path, np.asarray(micrograph, dtype=np.float32))
    os.truncate(paths[1], 5000)
    with open(paths[2], "w") as file:
        file.write("<html>404</html>")
    return paths


@pytest.fixture
def picks_folder(tmp_path):
    pytest.importorskip("starfile")
    folder = tmp_path / "picks"
    folder.mkdir()
    return folder


def contents(folder):
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder))}


def listed(folder):
    path = folder / "autopick.star"
    rows = path.read_text().splitlines() if path.exists() else []
    return [row.split("\t")[1] for row in rows if "\t" in row]


def repaired(paths):
    for broken in paths[1:3]:
        with open(paths[0], "rb") as good, open(broken, "wb") as file:
            file.write(good.read())


class TestOnError:
    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_skip_goes_on_and_reports(self, fitted, paths, picks_folder, n_jobs):
        fitted.n_jobs = n_jobs
        run = fitted.iter_predict(paths, -np.inf, output=picks_folder, on_error="skip")
        picks = list(run)
        assert [one is None for one in picks] == [False, True, True, False]
        good = fitted.predict([paths[0], paths[3]], -np.inf)
        np.testing.assert_array_equal(picks[0], good[0])
        np.testing.assert_array_equal(picks[3], good[1])
        assert [one.micrograph for one in run.skipped] == paths[1:3]
        assert {one.error for one in run.skipped} == {"ValueError"}
        assert "truncated" in run.skipped[0].message
        assert listed(picks_folder) == [paths[0], paths[3]]
        with open(picks_folder / "skipped.tsv", newline="") as file:
            _, *rows = csv.reader(file, delimiter="\t")
        assert [SkippedMicrograph(*row) for row in rows] == run.skipped

    def test_warn_names_each(self, fitted, paths):
        with pytest.warns(UserWarning, match="was skipped: ValueError") as caught:
            picks = fitted.predict(paths, on_error="warn")
        assert [one is None for one in picks] == [False, True, True, False]
        named = [path for path in paths for one in caught if path in str(one.message)]
        assert named == paths[1:3]

    def test_raise_names_the_micrograph(self, fitted, paths):
        with pytest.raises(ValueError, match="truncated") as info:
            fitted.predict(paths)
        assert info.value.__notes__ == [f"This happened to micrograph {paths[1]!r}."]

    def test_errors_of_any_step_are_caught(self, fitted, simulated, monkeypatch):
        bad = np.asarray(simulated.micrographs[4])
        score = type(fitted._scorer).score_map

        def fails(self, image, **params):
            if image.name == "micrograph_0001":
                raise RuntimeError("no such kernel")
            return score(self, image, **params)

        monkeypatch.setattr(type(fitted._scorer), "score_map", fails)
        run = fitted.iter_predict([bad, bad, bad], on_error="skip")
        assert [one is None for one in run] == [False, True, False]
        assert run.skipped == [
            SkippedMicrograph("micrograph_0001", "RuntimeError", "no such kernel")
        ]

    @pytest.mark.filterwarnings("ignore:.*unlike those trained on")
    def test_quality_of_what_was_skipped_is_unknown(self, with_estimates, paths):
        picks, quality = with_estimates.predict(paths, return_quality=True, on_error="skip")
        skipped = [False, True, True, False]
        assert [one is None for one in picks] == skipped
        for name in ("n_picks", "recall"):
            assert np.isnan(quality[name]).tolist() == skipped

    def test_all_skipped_is_a_warning(self, fitted, paths):
        with pytest.warns(UserWarning, match="no micrograph could be picked"):
            assert list(fitted.iter_predict(paths[1:3], on_error="skip")) == [None, None]

    def test_a_full_disk_ends_the_run_and_names_the_file(
        self, fitted, paths, picks_folder, monkeypatch
    ):
        sync = os.fsync
        run = fitted.iter_predict([paths[0], paths[3]], output=picks_folder, on_error="skip")
        next(run)

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(replace_files_module.os, "fsync", full)
        with pytest.raises(OSError, match=r"cannot write .*d_autopick\.star: No space left"):
            next(run)
        monkeypatch.setattr(replace_files_module.os, "fsync", sync)
        assert listed(picks_folder) == paths[:1]
        assert not [name for name in os.listdir(picks_folder) if name.endswith(".part")]

    def test_bad_names_of_a_generator_are_reported_too(self, fitted, paths, picks_folder):
        names = [paths[0], paths[0].replace("a.mrc", "./a.mrc"), paths[3]]
        run = fitted.iter_predict(iter(names), output=picks_folder, on_error="skip")
        assert [one is None for one in run] == [False, True, False]
        assert "would both be written" in run.skipped[0].message
        assert set(listed(picks_folder)) == {paths[0], paths[3]}

    def test_names_are_checked_before_anything_is_picked(self, fitted, paths, picks_folder):
        with pytest.raises(ValueError, match="given more than once"):
            fitted.iter_predict([*paths, paths[0]], output=picks_folder, on_error="skip")
        assert os.listdir(picks_folder) == []

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"on_error": "ignore"}, "on_error must be 'raise', 'warn' or 'skip', got 'ignore'"),
            ({"resume": 1}, "resume must be"),
            ({"resume": True}, "resume=True needs the output"),
        ],
    )
    def test_bad_parameters(self, fitted, paths, params, message):
        with pytest.raises((TypeError, ValueError), match=message):
            fitted.predict(paths, **params)


class TestResume:
    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_picks_what_is_missing_only(self, fitted, paths, picks_folder, n_jobs, monkeypatch):
        repaired(paths)
        whole = fitted.predict(paths, -np.inf, output=picks_folder)
        files = contents(picks_folder)
        for name in ("b_autopick.star", "d_autopick.star"):
            (picks_folder / name).unlink()
        fitted.n_jobs = n_jobs
        run = fitted.iter_predict(paths, -np.inf, output=picks_folder, resume=True)
        picks = list(run)
        for one, expected in zip(picks, whole, strict=True):
            np.testing.assert_array_equal(one, expected)
        assert contents(picks_folder) == files

    def test_nothing_is_missing(self, fitted, paths, picks_folder, monkeypatch):
        repaired(paths)
        whole = fitted.predict(paths, output=picks_folder)
        files = contents(picks_folder)
        monkeypatch.setattr(type(fitted._scorer), "score_map", None)
        again = fitted.predict(paths, output=picks_folder, resume=True)
        assert [one.tolist() for one in again] == [one.tolist() for one in whole]
        assert contents(picks_folder) == files

    def test_after_skipping_ends_as_if_nothing_had_been_wrong(self, fitted, paths, tmp_path):
        pytest.importorskip("starfile")
        picks = tmp_path / "picks"
        picks.mkdir()
        fitted.predict(paths, output=picks, on_error="skip")
        repaired(paths)
        fitted.predict(paths, output=picks, resume=True)
        resumed = contents(picks)
        for name in resumed:
            (picks / name).unlink()
        fitted.predict(paths, output=picks)
        assert contents(picks) == resumed

    def test_micrograph_that_has_changed_is_picked_anew(self, fitted, paths, picks_folder):
        repaired(paths)
        before = fitted.predict(paths, -np.inf, output=picks_folder)
        with open(paths[3], "rb") as other:
            content = other.read()
        with open(paths[0], "wb") as file:
            file.write(content)
        after = fitted.predict(paths, -np.inf, output=picks_folder, resume=True)
        np.testing.assert_array_equal(after[0], before[3])
        written = read_coordinates(picks_folder / "a_autopick.star")[paths[0]]
        np.testing.assert_array_equal(written, before[3])

    def test_arrays_are_known_by_their_pixels(self, fitted, simulated, tmp_path):
        output = tmp_path / "{name}.csv"
        first, second, third = map(np.asarray, simulated.micrographs[3:])
        fitted.predict([first, second], -np.inf, output=output)
        picks = fitted.predict([first, third], -np.inf, output=output, resume=True)
        np.testing.assert_array_equal(picks[1], fitted.predict([third], -np.inf)[0])

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"nms__border": 5}, "nms"),
            ({"pixel_size": 2.0}, "pixel_size"),
            ({"particle_diameter": 50.0}, "particle_diameter"),
            ({"symmetry": True}, "symmetry"),
        ],
    )
    def test_other_parameters_are_refused(self, fitted, paths, picks_folder, change, named):
        fitted.predict(paths[:1], output=picks_folder)
        fitted.set_params(**change)
        with pytest.raises(ValueError, match=f"resume=True: .* differ in: .*{named}"):
            fitted.predict(paths[:1], output=picks_folder, resume=True)

    def test_other_threshold_and_weights_are_refused(self, fitted, paths, picks_folder):
        import torch

        fitted.predict(paths[:1], output=picks_folder)
        with pytest.raises(ValueError, match="differ in: threshold"):
            fitted.predict(paths[:1], 1.0, output=picks_folder, resume=True)
        with torch.no_grad():
            fitted.classifier_.module_.head.bias += 1e-6
        with pytest.raises(ValueError, match="differ in: classifier"):
            fitted.predict(paths[:1], output=picks_folder, resume=True)

    def test_another_picker_is_told_of(self, fitted, paths, picks_folder):
        fitted.predict(paths[:1], output=picks_folder)
        with pytest.warns(UserWarning, match="picks of an earlier run .* differ in: threshold"):
            fitted.predict(paths[3:], 1.0, output=picks_folder)

    def test_what_changes_no_pick_does_not_matter(self, fitted, paths, picks_folder):
        fitted.predict(paths[:1], output=picks_folder)
        fitted.set_params(memory_budget=1e6, verbose=0, n_jobs=1)
        other = pickle.loads(pickle.dumps(fitted))
        other.predict(paths[:1], output=picks_folder, resume=True)

    def test_quality_cannot_be_resumed(self, with_estimates, paths, picks_folder):
        with pytest.raises(ValueError, match="cannot be used with return_quality"):
            with_estimates.predict(paths, output=picks_folder, return_quality=True, resume=True)


class TestWatch:
    def test_picks_files_while_they_are_written(self, fitted, paths, picks_folder, tmp_path):
        """Of a session that begins with three files there, one of them broken for good."""
        repaired(paths)
        session = tmp_path / "session"
        session.mkdir()
        contents = [Path(path).read_bytes() for path in paths]
        (session / "0.mrc").write_bytes(contents[0])
        (session / "1.png").write_bytes(b"not of the pattern")

        def write():
            for index in (1, 2, 3):
                with open(session / f"{index}.mrc", "wb") as file:
                    for start in range(0, len(contents[index]), 40_000):
                        file.write(contents[index][start : start + 40_000])
                        file.flush()
                        time.sleep(0.002)

        files = watch(session, interval=0.02)
        run = fitted.iter_predict(files, -np.inf, output=picks_folder, on_error="skip")
        picks = [next(run)]  # although the others are not there yet
        thread = threading.Thread(target=write)
        thread.start()
        picks += [next(run) for _ in range(3)]
        thread.join()
        files.stop()
        assert list(run) == []
        assert run.skipped == []
        for one, expected in zip(picks, fitted.predict(paths, -np.inf), strict=True):
            np.testing.assert_array_equal(one, expected)
        assert listed(picks_folder) == [str(session / f"{index}.mrc") for index in range(4)]

    def test_goes_on_where_it_was_stopped(self, fitted, paths, picks_folder):
        repaired(paths)
        folder = os.path.dirname(paths[0])
        run = fitted.iter_predict(watch(folder, interval=0.005), output=picks_folder)
        next(run)
        run.close()
        again = watch(folder, interval=0.005, idle=0.05)
        picks = fitted.predict(again, output=picks_folder, resume=True)
        assert [one.tolist() for one in picks] == [one.tolist() for one in fitted.predict(paths)]
        assert listed(picks_folder) == paths

    @pytest.mark.filterwarnings("ignore:.* never became complete")
    def test_no_thread_goes_on_watching(self, fitted, paths):
        before = set(threading.enumerate())
        run = fitted.iter_predict(watch(os.path.dirname(paths[0]), interval=0.01))
        next(run)
        threads = set(threading.enumerate()) - before
        assert threads
        run.close()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def with_estimates(simulated):
    from sklearn.linear_model import SGDClassifier

    from puclassify import ParticlePicker

    picker = ParticlePicker(
        simulated.particle_diameter,
        pixel_size=simulated.pixel_size,
        classifier=SGDClassifier(loss="log_loss", alpha=1.0, random_state=0),
        random_state=0,
    )
    return picker.fit(simulated.micrographs[:3], simulated.coordinates[:3])


# Forks a process for each line of its input, before any thread is started; importing takes long.
RUNS = """
    import json, os, pickle, sys
    import torch
    torch.set_num_threads(1)
    with open(sys.argv[1], "rb") as file:
        picker = pickle.load(file)
    for line in sys.stdin:
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            for _ in picker.iter_predict(run["paths"], output=run["output"], resume=True):
                pass
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("n_kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed_ends_with_the_same_bytes(
    fitted, simulated, tmp_path, n_kills
):
    pytest.importorskip("starfile")
    paths = [str(tmp_path / f"mic_{index:03d}.mrc") for index in range(12 + 4 * n_kills)]
    for index, path in enumerate(paths):
        if index < 6:
            mrcfile.write(path, np.asarray(simulated.micrographs[index], dtype=np.float32))
        else:
            os.symlink(paths[index % 6], path)
    (tmp_path / "picker.pkl").write_bytes(pickle.dumps(fitted))
    (tmp_path / "picks").mkdir()
    rng = random.Random(0)
    command = [sys.executable, "-c", textwrap.dedent(RUNS), str(tmp_path / "picker.pkl")]
    job = {"paths": paths, "output": str(tmp_path / "picks")}
    n_done = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runs:

        def begin():
            runs.stdin.write(json.dumps(job) + "\n")
            runs.stdin.flush()
            return int(runs.stdout.readline())

        for _ in range(n_kills):
            child, n_before = begin(), n_picked(tmp_path / "picks")
            # Wait until it has picked something, so that all runs together come to an end.
            while n_picked(tmp_path / "picks") < n_before + 1:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            assert int(runs.stdout.readline()) == signal.SIGKILL
            n_done.append(n_picked(tmp_path / "picks"))
            # The list may lack the last one at most.
            assert 0 <= n_done[-1] - len(listed(tmp_path / "picks")) <= 1
        begin()
        assert int(runs.stdout.readline()) == 0
        resumed = contents(tmp_path / "picks")
        for name in resumed:
            (tmp_path / "picks" / name).unlink()
        begin()
        assert int(runs.stdout.readline()) == 0
        runs.stdin.close()
    assert n_done == sorted(set(n_done))
    assert n_done[-1] < len(paths)
    assert contents(tmp_path / "picks") == resumed
    assert len(listed(tmp_path / "picks")) == len(paths)


def n_picked(folder):
    return sum(name.endswith("_autopick.star") for name in os.listdir(folder))
