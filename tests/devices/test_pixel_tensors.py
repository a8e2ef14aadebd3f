"""Stored pixels as tensors."""

import numpy as np
import pytest
import torch

from puclassify._devices import all_finite, as_tensor, centred, like, pivot_of, some_of


class TestAsTensor:
    @pytest.mark.parametrize("dtype", [">i2", "<i2", ">f4", "u1", "i1", "<u2", ">f8", "f2"])
    def test_keeps_values_and_type(self, dtype):
        values = np.arange(6).reshape(2, 3).astype(dtype)
        tensor = as_tensor(values)
        np.testing.assert_array_equal(tensor.numpy(), values)
        assert tensor.numpy().dtype == values.dtype.newbyteorder("=")

    def test_shares_memory_with_read_only_arrays(self):
        values = np.arange(6.0).reshape(2, 3)
        values.flags.writeable = False
        assert as_tensor(values).data_ptr() == values.ctypes.data

    def test_flipped_views(self):
        values = np.arange(6.0).reshape(2, 3)[::-1, ::-1]
        np.testing.assert_array_equal(as_tensor(values).numpy(), values)

    def test_long_doubles_become_doubles(self):
        assert as_tensor(np.ones((1, 2), np.longdouble)).dtype == torch.float64

    def test_like_gives_back_the_kind_that_came(self):
        tensor = torch.ones(1, 2)
        assert like(tensor, tensor) is tensor
        assert isinstance(like(np.ones((1, 2)), tensor), np.ndarray)


class TestPivot:
    def test_median_of_finite_pixels(self):
        pixels = torch.tensor([[1.0, torch.nan, 3.0], [2.0, torch.inf, 2.5]])
        assert pivot_of(some_of(pixels)) == pytest.approx(2.0)

    def test_nothing_finite(self):
        assert pivot_of(some_of(torch.full((2, 2), torch.nan))) == 0

    def test_is_subtracted_before_rounding(self):
        pixels = torch.tensor([[2.0**40 + 1, 2.0**40 + 3]], dtype=torch.float64)
        out = torch.empty(1, 2)
        centred(pixels, torch.tensor(2.0**40, dtype=torch.float64), out)
        assert out.tolist() == [[1.0, 3.0]]


@pytest.mark.parametrize(
    ("pixels", "finite"), [([0.0, 1.0], True), ([0.0, torch.nan], False), ([torch.inf, 0], False)]
)
def test_all_finite(pixels, finite):
    assert all_finite(torch.tensor([pixels])) is finite
