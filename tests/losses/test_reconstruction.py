"""The autoencoder's error."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from puclassify.losses import reconstruction_error


class TestReconstructionError:
    def test_sums_over_pixels_and_averages_over_images(self):
        rng = np.random.default_rng(0)
        images, made = rng.normal(size=(2, 3, 2, 5, 4))
        error = reconstruction_error(torch.tensor(images), torch.tensor(made))
        assert error.item() == pytest.approx(((images - made) ** 2).sum() / 3)

    def test_compares_a_smaller_reconstruction_with_the_centre(self):
        images = torch.zeros(1, 1, 7, 6)
        images[0, 0, 2:5, 1:5] = torch.arange(12.0).reshape(3, 4)
        made = torch.arange(12.0).reshape(1, 1, 3, 4)
        assert reconstruction_error(images, made) == 0
        assert reconstruction_error(images, made + 1) == 12

    def test_half_precision_does_not_overflow(self):
        images = torch.full((1, 1, 300, 300), 4.0, dtype=torch.float16)
        assert reconstruction_error(images, torch.zeros_like(images)) == 16 * 300 * 300

    def test_gradient(self):
        images = torch.zeros(2, 1, 3, 3, dtype=torch.float64)
        made = torch.randn(2, 1, 1, 3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: reconstruction_error(images, x), (made,))

    @pytest.mark.parametrize("size", [(4, 5), (7, 5), (5, 3, 1)])
    def test_no_centred_place(self, size):
        with pytest.raises(ValueError, match="reconstruction"):
            reconstruction_error(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, *size))
