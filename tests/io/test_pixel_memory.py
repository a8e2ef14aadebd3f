import pickle

import mrcfile
import numpy as np
import pytest
import torch

from puclassify.io import RecycledMemory, pixels_allocated_by, read_micrograph


@pytest.fixture
def memory():
    return RecycledMemory()


def address(array):
    return array.__array_interface__["data"][0]


class TestRecycledMemory:
    def test_what_was_dropped_is_used_again(self, memory):
        first = memory.empty((30, 40), np.float32)
        place = address(first)
        assert (first.shape, first.dtype, first.flags.writeable) == ((30, 40), np.float32, True)
        del first
        assert address(memory.empty((40, 30), np.int32)) == place

    @pytest.mark.parametrize(
        "view",
        [lambda a: a, lambda a: a[3:, ::2].T, torch.from_numpy, memoryview, lambda a: a.flat],
    )
    def test_what_is_still_seen_is_not(self, memory, view):
        seen = view(memory.empty((30, 40), np.float32))
        others = [memory.empty((30, 40), np.float32) for _ in range(5)]
        places = {address(one) for one in others}
        assert len(places) == 5
        for other in others:
            other[...] = 7
        del seen

    def test_other_sizes_get_their_own(self, memory):
        memory.empty((30, 40), np.float32)[...] = 1
        assert memory.empty((31, 40), np.float32).shape == (31, 40)
        assert memory.empty((30, 40), np.float64).dtype == np.float64

    def test_a_copy_for_another_process_holds_none(self, memory):
        kept = memory.empty((300, 400), np.float32)
        assert len(pickle.dumps(memory)) < 1000
        assert kept.shape == (300, 400)

    def test_files_that_are_kept_keep_their_pixels(self, memory, tmp_path):
        paths = [str(tmp_path / f"{number}.mrc") for number in range(6)]
        for number, path in enumerate(paths):
            mrcfile.write(path, np.full((16, 20), number, np.float32))
        with pixels_allocated_by(memory.empty):
            images = [read_micrograph(path) for path in paths]
            places = {address(read_micrograph(path).values) for path in paths}
        assert [image.values.max() for image in images] == list(range(6))
        assert len(places) == 1
