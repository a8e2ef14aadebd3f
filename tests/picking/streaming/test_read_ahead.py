import itertools
import queue
import threading

import pytest
from joblib import parallel_config
from sklearn import config_context, get_config

from puclassify.picking.streaming import _read_ahead
from puclassify.picking.streaming._read_ahead import map_ahead, stream, with_progress


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


class TestProgress:
    def test_silent(self, capfd):
        assert list(with_progress(numbers(), 2, 0)) == [1, 2]
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize(("total", "shown"), [(2, "2/2"), (None, "2micrograph")])
    def test_shows_count_and_time(self, capfd, total, shown):
        assert list(with_progress(numbers(), total, 1)) == [1, 2]
        assert shown in capfd.readouterr().err
