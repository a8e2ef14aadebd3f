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


@pytest.fixture(scope="session")
def easy_micrographs():
    """Six easy micrographs of 256 x 256 with every particle known."""
    from puclassify.datasets import make_micrographs

    return make_micrographs(
        6, shape=(256, 256), particles_per_micrograph=12, snr=1.0, contamination=0.0, random_state=3
    )


@pytest.fixture(scope="session")
def picker_to_share():
    """A small picker of the default network, trained in seconds on other easy micrographs."""
    from puclassify import ParticlePicker, PUImageClassifier
    from puclassify.datasets import make_micrographs

    data = make_micrographs(
        6,
        shape=(256, 256),
        particles_per_micrograph=12,
        snr=1.0,
        contamination=0.0,
        random_state=11,
    )
    classifier = PUImageClassifier(
        "resnet9",
        criterion="ge_binomial",
        module_params={"units": 8},
        max_epochs=3,
        batch_size=512,
        lr=5e-3,
    )
    picker = ParticlePicker(
        data.particle_diameter,
        pixel_size=data.pixel_size,
        classifier=classifier,
        random_state=0,
    )
    picker._steps_per_epoch = 20
    return picker.fit(data.micrographs, data.coordinates)


@pytest.fixture(scope="session")
def weights_file(picker_to_share, tmp_path_factory):
    """A file of weights that know particles such as `easy_micrographs` has."""
    from puclassify import save_pretrained

    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_pretrained(picker_to_share, path)
    return str(path)


@pytest.fixture
def weights_card():
    """What `write_weights` needs to know of `untrained_network`, and more."""
    return {
        "network": "resnet9",
        "module_params": {"units": 4},
        "particle_pixels": 30,
        "preprocessing": {"clip": 4.0},
        "contrast": "dark",
        "calibration": [1.5, -2.0],
        "structures": ["1AON", "4V4R"],
    }


@pytest.fixture
def untrained_network():
    """A network as it is before training."""
    import torch

    from puclassify.networks import ResNet9

    torch.manual_seed(0)
    return ResNet9(units=4)


@pytest.fixture
def untrained_weights(tmp_path, untrained_network, weights_card):
    """The file of its weights."""
    from puclassify.networks import write_weights

    write_weights(tmp_path / "w.safetensors", untrained_network.state_dict(), weights_card)
    return tmp_path / "w.safetensors"
