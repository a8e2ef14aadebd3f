import os
import threading

import joblib
import pytest
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import ParallelBackendBase, ThreadingBackend, get_active_backend
from sklearn.utils.parallel import delayed as delayed_with_settings

from puclassify import _parallel
from puclassify._parallel import WorkerTask, on_this_machine


class Cluster(ParallelBackendBase):
    """A backend that is not joblib's own and refuses all work."""

    def effective_n_jobs(self, n_jobs):
        return 7


class TestOnThisMachine:
    @pytest.mark.parametrize("backend", ["loky", "multiprocessing", "sequential", "threading"])
    def test_leaves_local_backends(self, backend):
        with parallel_config(backend, n_jobs=2):
            before = get_active_backend()
            with on_this_machine():
                assert get_active_backend() == before

    def test_leaves_the_default(self):
        with on_this_machine():
            assert joblib.effective_n_jobs(2) == 2

    def test_replaces_a_cluster_by_one_thread(self):
        with parallel_config(Cluster()):
            assert joblib.effective_n_jobs() == 7
            with on_this_machine():
                assert isinstance(get_active_backend()[0], ThreadingBackend)
                assert joblib.effective_n_jobs(None) == 1
                assert Parallel()(delayed(abs)(number) for number in (-1, 2)) == [1, 2]
            assert joblib.effective_n_jobs() == 7

    def test_uses_as_many_threads_as_requested(self):
        with parallel_config(Cluster()), on_this_machine():
            assert joblib.effective_n_jobs(3) == 3


class TestWorkerTask:
    def test_workers_of_an_earlier_call_are_in_the_folder_of_this_one(self, tmp_path, monkeypatch):
        where = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            monkeypatch.chdir(tmp_path / name)
            found = Parallel(2, "loky")(delayed(WorkerTask(os.getcwd))() for _ in range(4))
            where.append(set(found))
        assert where == [{str(tmp_path / "one")}, {str(tmp_path / "other")}]

    def test_calls_the_function_here_without_ado(self):
        task = WorkerTask(divmod)
        threads = threading.active_count()
        assert task(7, 3) == (2, 1)
        assert threading.active_count() == threads

    def test_survives_scikit_learns_delayed(self):
        function, arguments, _ = delayed_with_settings(WorkerTask(divmod))(7, 3)
        assert isinstance(function.function, WorkerTask)
        assert arguments == (7, 3)

    def test_one_thread_in_a_worker_looks_after_its_parent(self, monkeypatch):
        monkeypatch.setattr(_parallel, "_watched", set())
        monkeypatch.setattr(_parallel, "_SECONDS_BETWEEN_LOOKS", 0.005)
        parents, ended = [os.getppid() + 1], threading.Event()
        monkeypatch.setattr(os, "getppid", lambda: parents[-1])
        monkeypatch.setattr(os, "_exit", lambda status: ended.set())
        task = WorkerTask(divmod, owner=parents[0])
        threads = threading.active_count()
        assert [task(7, 3), task(8, 3)] == [(2, 1), (2, 2)]
        assert threading.active_count() == threads + 1
        assert not ended.wait(0.05)
        parents.append(1)
        assert ended.wait(10)
