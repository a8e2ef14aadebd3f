"""What a GPU gets is what the file holds."""

import mmap
import tempfile
import threading

import mrcfile
import numpy as np
import pytest
import torch

from puclassify._devices import _upload
from puclassify._devices._upload import own_stream, page_locked, read_into
from puclassify.io import read_micrograph

DTYPES = ["int8", "int16", "uint16", "float16", "float32", ">f4", ">i2"]


@pytest.fixture
def numbers():
    return np.random.default_rng(0).integers(0, 100, (7, 11))


@pytest.fixture
def mapped(tmp_path, numbers):
    """Write an MRC file, and return its memory map."""

    def write(dtype="float32"):
        path = tmp_path / "mic1.mrc"
        with mrcfile.new(path, overwrite=True) as mrc:
            mrc.set_data(numbers.astype(dtype))
            mrc.set_extended_header(np.zeros(1, dtype="V1024"))
        return read_micrograph(path).values

    return write


class TestReadInto:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_equals_the_map(self, mapped, numbers, dtype):
        values = mapped(dtype)
        pixels = np.full(values.shape, 77, values.dtype)
        read_into(pixels, values)
        np.testing.assert_array_equal(pixels, numbers)

    @pytest.mark.parametrize("instead", [None, "a folder"])
    def test_file_that_is_gone(self, mapped, numbers, tmp_path, instead):
        values = mapped()
        (tmp_path / "mic1.mrc").unlink()
        if instead:
            (tmp_path / "mic1.mrc").mkdir()
        pixels = np.empty(values.shape, values.dtype)
        read_into(pixels, values)
        np.testing.assert_array_equal(pixels, numbers)

    def test_file_that_has_become_shorter(self, mapped, tmp_path):
        values = mapped()
        with open(tmp_path / "mic1.mrc", "r+b") as file:
            file.truncate(2100)
        with pytest.raises(OSError, match=r"mic1.mrc has become shorter while it was being read"):
            read_into(np.empty(values.shape, values.dtype), values)


class TestIsWholeMap:
    """Only what is in the file from some place on may be read there."""

    @pytest.mark.parametrize("dtype", ["int16", "float32"])
    def test_whole(self, mapped, dtype):
        assert _upload._is_whole_map(mapped(dtype))

    @pytest.mark.parametrize(
        "change",
        [
            lambda values: values[1:],
            lambda values: values.T,
            lambda values: values[::-1],
            lambda values: values.view(np.int32),
            lambda values: values + 1,
            np.array,
        ],
    )
    def test_parts_and_copies(self, mapped, change):
        values = change(mapped())
        if isinstance(getattr(values, "base", None), mmap.mmap):
            pytest.fail("a part of a map that looks like a whole one")
        assert not _upload._is_whole_map(values)

    def test_other_byte_order(self, mapped):
        assert not _upload._is_whole_map(mapped(">f4"))

    def test_file_without_a_name(self, numbers):
        with tempfile.TemporaryFile() as file:
            numbers.tofile(file)
            file.flush()
            values = np.memmap(file, numbers.dtype, "r", shape=numbers.shape)
            assert not _upload._is_whole_map(values)

    @pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="nothing longer here")
    def test_longer_than_torch_has(self, numbers, tmp_path):
        numbers.astype(np.longdouble).tofile(tmp_path / "pixels")
        values = np.memmap(tmp_path / "pixels", np.longdouble, "r", shape=numbers.shape)
        assert not _upload._is_whole_map(values)

    def test_changed_in_memory_only(self, mapped, tmp_path):
        offset = mapped().offset
        values = np.memmap(tmp_path / "mic1.mrc", np.float32, "c", offset=offset, shape=(7, 11))
        values[0, 0] = 1000
        assert not _upload._is_whole_map(values)


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
    def test_equals_the_map(self, device, mapped, numbers, dtype, part):
        pixels = page_locked(mapped(dtype)[part], just_opened=True)
        assert pixels.is_pinned() == (device.type == "cuda")
        np.testing.assert_array_equal(pixels.to(device).cpu(), numbers[part])

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
