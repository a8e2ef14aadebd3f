import joblib
import pytest
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import ParallelBackendBase, ThreadingBackend, get_active_backend

from puclassify._parallel import on_this_machine


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
