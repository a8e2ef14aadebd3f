"""The number of torch's threads is limited for one thread of Python and leaves others alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skorch.callbacks
import torch
from threadpoolctl import threadpool_info

from puclassify import PUImageClassifier
from puclassify._devices import one_thread, side_by_side, threads, threads_worth
from puclassify.picking import non_maximum_suppression


@pytest.fixture(autouse=True)
def of_the_caller():
    torch.get_num_threads()  # else the first computation in this thread asks again
    torch.set_num_threads(2)


def in_new_thread(function):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def suppress_in_four_threads():
    """Suppress in threads that have not computed yet; return the numbers that they end with."""
    scores = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    together = threading.Barrier(4)

    def suppress(_):
        together.wait(10)
        for _ in range(3):
            non_maximum_suppression(scores, 5.0)
        return torch.get_num_threads()

    with ThreadPoolExecutor(4) as executor:
        return list(executor.map(suppress, range(4)))


def test_suppression_in_four_threads_leaves_every_number_as_it_was():
    for _ in range(60):
        assert suppress_in_four_threads() == [2, 2, 2, 2]
        assert torch.get_num_threads() == 2
        assert in_new_thread(torch.get_num_threads) == 2


def test_holds_for_this_thread_only():
    with threads(1):
        assert torch.get_num_threads() == 1
        assert in_new_thread(torch.get_num_threads) == 2
    assert torch.get_num_threads() == 2


def test_threads_that_overlap_end_with_their_own_numbers():
    entered, left = threading.Event(), threading.Event()

    def other():
        torch.get_num_threads()
        torch.set_num_threads(3)
        entered.set()
        left.wait(10)
        with threads(1):
            assert torch.get_num_threads() == 1
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as executor:
        result = executor.submit(other)
        entered.wait(10)
        with threads(1):
            left.set()
            assert result.result() == 3
            assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert in_new_thread(torch.get_num_threads) == 3  # the last that somebody asked for


def test_a_number_that_is_set_meanwhile_stays_for_new_threads():
    def set_to_three():
        torch.set_num_threads(3)

    with threads(1):
        in_new_thread(set_to_three)
    assert torch.get_num_threads() == 2
    assert in_new_thread(torch.get_num_threads) == 3


def test_nested_limits_only_lower():
    torch.set_num_threads(4)
    with threads(3):
        assert torch.get_num_threads() == 3
        with threads(1):
            assert torch.get_num_threads() == 1
            with threads(2):
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 4
    with threads(9):
        assert torch.get_num_threads() == 4


def test_an_error_restores_the_number():
    with pytest.raises(RuntimeError, match="inside"), threads(1):
        raise RuntimeError("inside")
    assert torch.get_num_threads() == 2


class TestAsManyAsTheWorkIsWorth:
    def test_small_work_gets_one_thread(self):
        with threads_worth(100):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2

    def test_large_work_gets_all(self):
        with threads_worth(1e6):
            assert torch.get_num_threads() == 2

    def test_training_on_small_batches(self):
        seen = numbers_in_training(np.random.default_rng(0).normal(size=(64, 8, 8)))
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2

    def test_training_on_large_batches(self):
        seen = numbers_in_training(np.random.default_rng(0).normal(size=(64, 48, 48)))
        assert set(seen) == {2}


def numbers_in_training(X):
    class Watch(skorch.callbacks.Callback):
        def on_batch_end(self, net, **kwargs):
            seen.append(torch.get_num_threads())

    seen = []
    settings = {"module_params": {"units": 4}, "callbacks": [Watch()], "device": "cpu"}
    PUImageClassifier("cnn", max_epochs=1, **settings).fit(X, np.arange(64) % 4 == 0)
    return seen


class TestOneThread:
    """BLAS and OpenMP libraries as threadpoolctl sees them."""

    @staticmethod
    def numbers():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] != "torch"]

    def test_limits_every_library_and_restores_it(self):
        before = self.numbers()
        with one_thread():
            assert set(self.numbers()) == {1}
        assert self.numbers() == before

    def test_four_threads_that_overlap(self):
        before, together = self.numbers(), threading.Barrier(4)

        def limit(_):
            together.wait(10)
            for _ in range(20):
                with one_thread():
                    np.ones((50, 50)) @ np.ones((50, 50))

        with ThreadPoolExecutor(4) as executor:
            list(executor.map(limit, range(4)))
        assert self.numbers() == before


class TestSideBySide:
    def test_tasks_share_the_threads_out(self):
        together, numbers = threading.Barrier(2), []

        def task(stop):
            together.wait(10)  # broken unless both run at a time
            numbers.append(torch.get_num_threads())

        side_by_side([task, task])
        assert numbers == [1, 1]
        assert torch.get_num_threads() == 2

    def test_in_turn_where_threads_are_few(self):
        with threads(1):
            where = []
            side_by_side([lambda stop: where.append(threading.current_thread())] * 2)
        assert where == [threading.current_thread()] * 2

    def test_an_error_stops_the_others(self):
        stopped = threading.Event()

        def waits(stop):
            if stop.wait(10):
                stopped.set()

        def fails(stop):
            raise ValueError("labels")

        with pytest.raises(ValueError, match="labels"):
            side_by_side([waits, fails])
        assert stopped.wait(10)
