import pytest

# PyTorch is imported where it is needed: the process that hands out the tests does without.

# Files whose tests start processes, which import PyTorch: one worker of pytest-xdist gets them all,
# and its processes serve them all.
WITH_PROCESSES = {
    "tests/classifier/test_composition.py",
    "tests/picking/streaming/test_many_micrographs.py",
    "tests/picking/streaming/test_read_ahead.py",
    "tests/picking/test_dask.py",
    "tests/picking/test_particle_picker.py",
    "tests/preprocessing/test_fourier_downsample.py",
    "tests/preprocessing/test_normalize_micrograph.py",
}


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Send whole files to a worker, so that what a module's tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "with processes" if file in WITH_PROCESSES else file

    return Files(config, log)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Train what tests share on one thread, too: the networks are too small for more."""
    import torch

    torch.set_num_threads(1)
    return torch


@pytest.fixture(autouse=True)
def _still_one_thread(_one_thread):
    yield
    _one_thread.set_num_threads(1)
