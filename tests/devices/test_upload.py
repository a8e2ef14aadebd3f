"""What a GPU gets is what the file holds."""

import threading

import mrcfile
import numpy as np
import pytest
import torch

from puclassify._devices import _upload
from puclassify._devices._upload import own_stream, page_locked, page_locked_empty
from puclassify.io import pixels_allocated_by, read_micrograph

DTYPES = ["int8", "int16", "uint16", "float16", "float32", ">f4", ">i2"]


@pytest.fixture
def numbers():
    return np.random.default_rng(0).integers(0, 100, (7, 11))


@pytest.fixture
def stored(tmp_path, numbers):
    """Write an MRC file and return its path."""

    def write(dtype="float32"):
        path = tmp_path / "mic1.mrc"
        with mrcfile.new(path, overwrite=True) as mrc:
            mrc.set_data(numbers.astype(dtype))
            mrc.set_extended_header(np.zeros(1, dtype="V1024"))
        return path

    return write


class TestPageLocked:
    @pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
    def device(self, request, monkeypatch):
        """Without a GPU, everything is done but the locking."""
        if request.param == "cpu":
            empty = torch.empty
            monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
            monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **k: empty(*a, **k))
        return torch.device(request.param)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("part", [np.s_[:, :], np.s_[1:, ::2], np.s_[::-1]], ids=str)
    def test_equals_the_file(self, device, stored, numbers, dtype, part):
        with pixels_allocated_by(page_locked_empty):
            values = read_micrograph(stored(dtype)).values
        pixels = page_locked(values[part], just_read=True)
        assert pixels.is_pinned() == (device.type == "cuda")
        np.testing.assert_array_equal(pixels.to(device).cpu(), numbers[part])

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_what_was_just_read_is_there_already(self, device, stored, dtype):
        with pixels_allocated_by(page_locked_empty):
            values = read_micrograph(stored(dtype)).values
        assert page_locked(values, just_read=True).data_ptr() == values.ctypes.data
        if device.type == "cuda":
            assert page_locked(values).data_ptr() != values.ctypes.data

    def test_repeated_pixels(self, device, numbers):
        pixels = page_locked(np.broadcast_to(numbers[0], numbers.shape))
        assert pixels.is_pinned() == (device.type == "cuda")
        np.testing.assert_array_equal(pixels, np.broadcast_to(numbers[0], numbers.shape))

    @pytest.mark.gpu
    def test_memory_is_not_given_out_while_a_copy_is_under_way(self):
        numbers = range(100)
        arrays = (np.full((700, 900), number, np.float32) for number in numbers)
        copies = [page_locked(array).to("cuda", non_blocking=True) for array in arrays]
        assert [copy.unique().tolist() for copy in copies] == [[number] for number in numbers]


class TestOwnStream:
    @pytest.mark.parametrize("device", [None, torch.device("cpu")])
    def test_is_nothing_without_a_gpu(self, device):
        with own_stream(device):
            assert device not in vars(_upload._of_thread).get("streams", {})

    @pytest.mark.gpu
    def test_every_thread_keeps_its_own(self):
        device, seen = torch.device("cuda"), []

        def work():
            for _ in range(2):
                with own_stream(device):
                    seen.append(torch.cuda.current_stream(device).cuda_stream)

        for _ in range(2):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        first, again, second, again_second = seen
        assert first == again != torch.cuda.default_stream(device).cuda_stream
        assert second == again_second
