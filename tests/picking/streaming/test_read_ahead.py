import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import config_context, get_config

from puclassify.picking.streaming import _read_ahead
from puclassify.picking.streaming._read_ahead import map_ahead, stream


def prepare(item, index):
    return item, index


def describe(pair):
    return "{} {}".format(*pair)


def numbers():
    yield from (1, 2)


@pytest.fixture
def refused(monkeypatch):
    """A queue of the results that found no room in the queue of results."""
    refused = queue.SimpleQueue()

    class Watched(queue.Queue):
        def put(self, result, timeout):
            try:
                super().put(result, timeout=timeout)
            except queue.Full:
                refused.put(result[0])
                raise

    monkeypatch.setattr(_read_ahead.queue, "Queue", Watched)
    return refused


class TestMapAhead:
    def test_keeps_the_order(self):
        assert list(map_ahead(lambda n: n * n, range(20))) == [n * n for n in range(20)]

    def test_runs_a_little_ahead_and_no_further(self, refused):
        taken = []
        results = map_ahead(lambda n: taken.append(n) or n, itertools.count())
        assert next(results) == 0
        while refused.get(timeout=10) < 3:
            pass
        assert len(taken) == 4  # one used, two waiting, one that finds no room
        results.close()

    def test_error_comes_in_its_turn(self):
        def fail_at_two(n):
            if n == 2:
                raise ValueError("two")
            return n

        results = map_ahead(fail_at_two, range(9))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(results)

    def test_error_of_the_items(self):
        def items():
            yield 1
            raise OSError("no more files")

        results = map_ahead(str, items())
        assert next(results) == "1"
        with pytest.raises(OSError, match="no more files"):
            next(results)

    def test_waiting_for_items_holds_up_no_result(self):
        more = threading.Event()

        def items():
            yield 1
            more.wait(10)
            yield 2

        results = map_ahead(str, items())
        assert next(results) == "1"  # although the second is not there
        more.set()
        assert list(results) == ["2"]

    def test_thread_ends_when_nobody_wants_more(self):
        before = set(threading.enumerate())
        results = map_ahead(str, itertools.count())
        next(results)
        (thread,) = set(threading.enumerate()) - before
        results.close()
        thread.join(5)
        assert not thread.is_alive()

    def test_settings_of_scikit_learn_hold_in_the_thread(self):
        with config_context(working_memory=7):
            assert list(map_ahead(lambda _: get_config()["working_memory"], [1])) == [7]


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_stream(n_jobs):
    results = stream([prepare], describe, iter("abc"), n_jobs)
    assert list(results) == ["a 0", "b 1", "c 2"]
    results = stream([prepare, describe], str.upper, iter("abc"), n_jobs)
    assert list(results) == ["A 0", "B 1", "C 2"]


class TestMultiprocessing:
    """The one backend of joblib that returns no generator."""

    @pytest.fixture(autouse=True)
    def backend(self):
        with parallel_config("multiprocessing"):
            yield

    def test_keeps_the_order(self):
        results = stream([numbered_text], str.upper, (str(i) for i in range(11)), 2)
        assert list(results) == [f"{i} {i}" for i in range(11)]

    def test_takes_few_items_ahead(self):
        taken = []
        items = (taken.append(i) or str(i) for i in range(100))
        results = stream([numbered_text], str.upper, items, 2)
        assert next(results) == "0 0"
        assert len(taken) <= 4
        results.close()

    def test_error_of_a_worker(self):
        with pytest.raises(TypeError, match="unsupported operand"):
            list(stream([numbered_text], divided, ["1"], 2))


def numbered_text(item, index):
    return f"{item} {index}"


def divided(text):
    return text / 2


def refuse_three(item, index):
    if item == 3:
        raise ValueError("three")
    return item


def resources():
    """Count the open descriptors and the threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


class TestWorkers:
    """Of the backend loky, joblib's default."""

    def test_error_comes_in_its_turn_with_its_traceback(self):
        results = stream([refuse_three], describe, iter("ab"), 2)
        with pytest.raises(IndexError):
            next(results)  # of the last step
        results = stream([refuse_three], str, iter([1, 3, 2]), 2)
        assert next(results) == "1"
        with pytest.raises(ValueError, match="three") as info:
            next(results)
        assert "in refuse_three" in str(info.value.__cause__)

    def test_error_that_cannot_be_sent_is_told(self):
        with pytest.raises(RuntimeError, match="Unsendable: a lock"):
            list(stream([raise_unsendable], str, iter("ab"), 2))

    @pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
    @pytest.mark.parametrize("way", ["error", "close"])
    def test_failures_leak_nothing(self, way):
        # With what fills the pipe to the workers, as a picker does.
        finish = partial(first_of, large=np.zeros(100_000))

        def run():
            results = stream([refuse_three], finish, iter(items), 2)
            if way == "close":
                next(results)
                results.close()
            else:
                with pytest.raises(ValueError, match="three"):
                    list(results)

        items = [1, 2, 3, *range(4, 20)]
        run()  # starts the workers
        before = resources()
        for _ in range(4):
            run()
        assert settled(before) <= before

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    @pytest.mark.parametrize(
        "backend", [pytest.param("loky", marks=pytest.mark.slow), "multiprocessing"]
    )
    def test_workers_of_a_killed_process_end(self, tmp_path, backend):
        script = tmp_path / "main.py"
        script.write_text(
            "import os, time\n"
            "from joblib import parallel_config\n"
            "from puclassify.picking.streaming._read_ahead import stream\n"
            "def begin(item, index):\n"
            "    return os.getpid()\n"
            "if __name__ == '__main__':\n"
            f"    with parallel_config({backend!r}):\n"
            "        for pid in stream([begin], str, iter(range(10**6)), 2):\n"
            "            print(pid, flush=True)\n"
        )
        with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as main:
            workers = {int(main.stdout.readline()) for _ in range(40)}
            assert main.pid not in workers
            assert all(is_alive(pid) for pid in workers)
            main.kill()
        end = time.monotonic() + 30
        while any(is_alive(pid) for pid in workers) and time.monotonic() < end:
            time.sleep(0.05)
        assert not any(is_alive(pid) for pid in workers)


class Unsendable(Exception):
    def __init__(self):
        super().__init__("a lock")
        self.lock = threading.Lock()


def raise_unsendable(item, index):
    raise Unsendable


def first_of(item, large):
    return item


def settled(wanted):
    """Return the resources once they are as few as wanted, or after a while."""
    end = time.monotonic() + 10
    while resources() > wanted and time.monotonic() < end:
        time.sleep(0.02)
    return resources()


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_all_threads_of_a_stream_end_when_nobody_wants_more():
    before = set(threading.enumerate())
    results = stream([prepare, describe], str.upper, itertools.count(), None)
    assert next(results) == "0 0"
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2
    results.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_all_threads_of_a_stream_end_after_an_error_that_is_kept():
    def fails(item):
        raise ValueError("cannot take {} {}".format(*item))

    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="cannot take 0 0"):
        next(stream([prepare, fails], str.upper, itertools.count(), None))
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


def test_steps_of_a_stream_run_side_by_side():
    both = threading.Barrier(2)

    def first(item, index):
        if index:
            both.wait(10)
        return item

    def second(item):
        if item == "a":
            both.wait(10)  # while the first is at the next one
        return item

    assert list(stream([first, second], str.upper, "ab", None)) == ["A", "B"]
