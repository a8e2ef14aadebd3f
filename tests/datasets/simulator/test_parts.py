"""Tests of the parts of the varied simulator against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.distance import pdist

from puclassify.datasets._ctf import contrast_transfer_function
from puclassify.datasets._simulator._clutter import Clutter
from puclassify.datasets._simulator._half_grid import half_grid
from puclassify.datasets._simulator._optics import FREQUENCIES, Optics, noise_spectrum
from puclassify.datasets._simulator._placing import place
from puclassify.datasets._simulator._processing import process
from puclassify.datasets._simulator._scene import Carbon, is_hidden
from puclassify.datasets._simulator._sprites import SpriteBank, Sprites, add_at_once, paste

CPU = torch.device("cpu")


class TestOptics:
    @pytest.mark.parametrize("voltage", [200e3, 300e3])
    def test_is_the_contrast_transfer_function_of_the_other_simulator(self, voltage):
        optics = Optics(20_000.0, voltage, 0.0, 100.0)
        table = half_grid((128, 150), CPU).table(optics.transfer(5.0))
        ctf = contrast_transfer_function(
            (128, 150), 5.0, 20_000.0, 20_000.0, voltage=voltage, b_factor=100.0
        )
        assert np.abs(table.numpy() - ctf).max() < 0.02

    def test_a_phase_plate_passes_low_frequencies(self):
        plain, shifted = (Optics(10_000.0, 300e3, s, 60.0).transfer(5.0) for s in (0, np.pi / 2))
        assert plain[0] == pytest.approx(-0.1)
        assert shifted[0] == pytest.approx(-np.sqrt(1 - 0.1**2))


class TestNoise:
    @pytest.mark.parametrize("shape", [(96, 128), (97, 127)])
    def test_white_noise_has_the_variance_of_one_everywhere(self, shape):
        grid = half_grid(shape, CPU)
        generator = torch.Generator().manual_seed(0)
        images = torch.stack(
            [
                torch.fft.irfft2(grid.noise(np.ones_like(FREQUENCIES), generator), s=shape)
                for _ in range(40)
            ]
        )
        assert float(images.var()) == pytest.approx(1, abs=0.01)
        # Flat in both directions: no row, column or frequency has more than its share.
        assert float(images.var(dim=(0, 1)).std()) < 0.05
        assert float(images.var(dim=(0, 2)).std()) < 0.05
        power = np.square(np.abs(np.fft.fft2(images.numpy()))).mean(axis=0) / np.prod(shape)
        assert power[:, 0].mean() == pytest.approx(1, abs=0.15)
        assert power[:, shape[1] // 2].mean() == pytest.approx(1, abs=0.15)

    def test_weights_are_the_grids(self):
        grid = half_grid((64, 50), CPU)
        length = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(50)[None])
        expected = np.square(np.interp(length, FREQUENCIES, np.cos(9 * FREQUENCIES))).mean()
        assert np.square(np.cos(9 * FREQUENCIES)) @ grid.weight == pytest.approx(expected, rel=0.01)

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_shares_add_up_to_one(self, share):
        grid = half_grid((256, 256), CPU)
        transfer = Optics(20_000.0, 300e3, 0.0, 60.0).transfer(5.0)
        white = noise_spectrum(transfer, 30.0, share, 100.0, grid.weight)
        assert np.square(white) @ grid.weight == pytest.approx(1, rel=1e-3)
        coloured = noise_spectrum(transfer, 30.0, share, 0.1, grid.weight)
        assert coloured[-1] <= white[-1]
        assert coloured[1] == pytest.approx(white[1], rel=1e-3)


def one_sprite(x, y, angle=0.0, flip=1, diameter=20.0, strength=1.0):
    return Sprites(*(np.array([value]) for value in (0, [x, y], angle, flip, diameter, strength)))


def lopsided(size=41):
    y, x = np.mgrid[:size, :size] - size // 2
    image = np.exp(-((x - 6) ** 2 + (y - 3) ** 2) / 18) + 0.5 * np.exp(-((x + 5) ** 2 + y**2) / 18)
    return image.astype(np.float32)


class TestPasting:
    def pasted(self, *sprites, shape=(80, 90), margin=0):
        canvas = torch.zeros(shape)
        bank = SpriteBank(torch.from_numpy(lopsided())[None], 20.0)
        for sprite in sprites:
            paste(canvas, bank, sprite, margin)
        return canvas.numpy()

    def test_at_whole_pixels_it_is_the_image(self):
        canvas = self.pasted(one_sprite(40, 35))
        np.testing.assert_allclose(canvas[15:56, 20:61], lopsided(), atol=1e-5)
        assert canvas.sum() == pytest.approx(lopsided().sum(), rel=1e-5)

    @pytest.mark.parametrize("angle", [0.0, 0.7, 2.5])
    @pytest.mark.parametrize("flip", [1, -1])
    @pytest.mark.parametrize("scale", [1.0, 1.4])
    def test_is_moved_turned_flipped_and_scaled(self, angle, flip, scale):
        x0, y0 = 44.3, 37.8
        canvas = self.pasted(one_sprite(x0, y0, angle, flip, 20 * scale, 2.0))
        # Back from the canvas to the image, by SciPy: first index y.
        c, s = np.cos(angle) / scale, np.sin(angle) / scale
        back = np.array([[flip * c, -flip * s], [s, c]])
        offset = np.array([20, 20]) - back @ [y0, x0]
        expected = 2 * ndimage.affine_transform(
            lopsided(), back, offset, output_shape=canvas.shape, order=1
        )
        np.testing.assert_allclose(canvas, expected, atol=0.02)

    def test_is_cut_at_the_edges_and_counts_the_margin(self):
        whole = self.pasted(one_sprite(5, 4), shape=(120, 130), margin=20)
        cut = self.pasted(one_sprite(5, 4))
        np.testing.assert_allclose(cut[:60, :60], whole[20:80, 20:80], atol=1e-6)
        assert not self.pasted(one_sprite(-80, 300)).any()

    def test_sprites_add_up(self):
        many = Sprites(
            np.zeros(3, int),
            np.array([[20.0, 20.0], [25.5, 30.0], [70.0, 60.2]]),
            np.array([0.0, 1.0, 2.0]),
            np.array([1, -1, 1]),
            np.array([20.0, 9.0, 33.0]),
            np.ones(3),
        )
        one_by_one = sum(self.pasted(many.take(np.array([i]))) for i in range(3))
        np.testing.assert_allclose(self.pasted(many), one_by_one, atol=1e-5)


def test_adding_at_once_as_on_a_gpu():
    rng = np.random.default_rng(0)
    patches = torch.from_numpy(rng.normal(size=(30, 11, 11)).astype(np.float32))
    corners = rng.integers(-14, 62, (30, 2))
    canvas, expected = torch.zeros(60, 50), np.zeros((100, 90))
    add_at_once(canvas, patches, corners)
    for patch, (x, y) in zip(patches.numpy(), corners + 20):
        expected[y : y + 11, x : x + 11] += patch[: 100 - y, : 90 - x]
    np.testing.assert_allclose(canvas.numpy(), expected[20:80, 20:70], atol=1e-5)


class TestHiding:
    @pytest.mark.parametrize(("bank", "hides"), [("gold", True), ("ice", True), ("speck", False)])
    def test_what_lies_beneath_is_ignored(self, bank, hides):
        particles = Sprites(
            *(np.zeros(3, int), np.array([[50.0, 50], [58, 50], [80, 50]])),
            *(np.zeros(3), np.ones(3), np.full(3, 20.0), np.ones(3)),
        )
        disc = Clutter(bank, one_sprite(50, 50, diameter=20.0), hides_particles=hides)
        hidden = is_hidden(particles, [disc], None)
        assert hidden.tolist() == [hides, hides, False]

    def test_beyond_the_hole_in_the_carbon(self):
        particles = one_sprite(50, 50)
        for radius, hides in ((100.0, False), (20.0, True), (32.0, False)):
            carbon = Carbon(hole=(30.0, 50.0, radius), grain=1.0, step=1.0, depth=0.1)
            assert is_hidden(particles, [], carbon).tolist() == [hides]


class TestPlacing:
    @pytest.mark.parametrize("clustered", [False, True])
    def test_are_apart_and_as_many_as_find_room(self, clustered):
        rng = np.random.default_rng(0)
        few = place(rng, 20, (300, 200), spacing=20, rim=5, clustered=clustered)
        assert len(few) == 20
        many = place(rng, 1000, (300, 200), spacing=20, rim=5, clustered=clustered)
        assert 60 < len(many) < 220
        for points in (few, many):
            assert pdist(points).min() > 20
            assert (points >= -5).all()
            assert (points <= [204, 304]).all()
        assert place(rng, 0, (300, 200), spacing=20, rim=5, clustered=clustered).shape == (0, 2)

    def test_clusters_leave_empty_places(self):
        def largest_hole(clustered):
            rng = np.random.default_rng(1)
            points = place(rng, 150, (400, 400), spacing=10, rim=0, clustered=clustered)
            probe = np.random.default_rng(2).uniform(0, 399, (4000, 2))
            gaps = np.hypot(*np.moveaxis(probe[:, None] - points, -1, 0)).min(axis=1)
            return np.quantile(gaps, 0.99)

        assert largest_hole(True) > 1.15 * largest_hole(False)


class TestProcessing:
    def image(self):
        return torch.from_numpy(np.random.default_rng(0).normal(3, 2, (90, 110)).astype(np.float32))

    def test_median(self):
        image = self.image()
        expected = ndimage.median_filter(image.numpy(), 3, mode="nearest")
        np.testing.assert_array_equal(process(image, {"median": 1.0}, 30.0).numpy(), expected)

    def test_clipped(self):
        clipped = process(self.image(), {"clipped": 0.02}, 30.0).numpy()
        for end in (clipped.min(), clipped.max()):
            assert (clipped == end).mean() == pytest.approx(0.02, abs=0.01)

    def test_eight_bit(self):
        grey = process(self.image(), {"eight_bit": 0.001}, 30.0).numpy()
        assert set(np.unique(grey)) <= set(range(256))
        assert (grey.min(), grey.max()) == (0, 255)
        assert np.corrcoef(grey.ravel(), self.image().numpy().ravel())[0, 1] > 0.99

    def test_local_contrast_is_even(self):
        image = self.image().numpy()
        image[:, :55] = 4 * image[:, :55] + 20
        even = process(torch.from_numpy(image), {"local_contrast": 1.0}, 20.0).numpy()
        left, right = even[:, 5:45], even[:, 65:105]
        assert left.std() == pytest.approx(right.std(), rel=0.1)
        assert abs(left.mean() - right.mean()) < 0.2  # from 10
