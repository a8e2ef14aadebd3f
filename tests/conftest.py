import pytest
import torch

def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Train what tests share on one thread, too: the networks are too small for more."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _still_one_thread(_one_thread):
    yield
    torch.set_num_threads(1)
