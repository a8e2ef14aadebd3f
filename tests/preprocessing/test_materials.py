import numpy as np
import pytest
import torch

from puclassify.preprocessing._block_grid import BlockGrid, thinned
from puclassify.preprocessing._materials import dominant_material

SHAPE = (32, 32)
EVERYWHERE = np.ones(SHAPE, dtype=bool)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] / SHAPE[0]


@pytest.fixture
def rest():
    return np.random.default_rng(0).normal(size=SHAPE)


class TestDominantMaterial:
    @pytest.mark.parametrize("step", [-50, -5, 5])
    @pytest.mark.parametrize(
        "region", [X < 0.3, X + Y < 0.6, np.hypot(X - 1.3, Y - 0.2) < 0.7, Y > 0.55]
    )
    def test_a_region_beyond_an_edge_is_left_out(self, rest, step, region):
        kept = dominant_material(rest + step * region + X - Y, EVERYWHERE)
        assert np.mean(kept != ~region) < 0.02

    def test_narrow_edges_of_the_image_count(self, rest):
        np.testing.assert_array_equal(dominant_material(rest + 9 * (X == 0), EVERYWHERE), X > 0)

    @pytest.mark.parametrize("slope", [0, 3, 30, 300])
    def test_noise_and_slopes_are_one_material(self, rest, slope):
        for background in (X, X * Y, X**2 + Y**2, np.sqrt(X + 0.1), np.sin(6 * Y)):
            assert dominant_material(rest + slope * background, EVERYWHERE).all()

    @pytest.mark.parametrize("diameter", [2, 4, 5])
    def test_particles_are_not_a_material(self, rest, diameter):
        for x in np.arange(0.1, 1, 0.2):
            for y in np.arange(0.1, 1, 0.2):
                rest[np.hypot(X - x, Y - y) < diameter / 2 / SHAPE[0]] -= 10
        assert dominant_material(rest, EVERYWHERE).all()

    def test_materials_are_left_out_until_one_remains(self, rest):
        rest += 60 * (X < 0.2) - 8 * (Y > 0.7)
        expected = (X >= 0.2) & (Y <= 0.7)
        assert np.mean(dominant_material(rest, EVERYWHERE) != expected) < 0.02

    def test_unusable_blocks(self, rest):
        usable = np.hypot(X - 0.5, Y - 0.5) > 0.2
        rest += np.where(usable, 7 * (X < 0.25), 1e9)
        kept = dominant_material(rest, usable)
        assert np.mean(kept != (usable & (X >= 0.25))) < 0.02

    @pytest.mark.parametrize("shape", [(1, 30), (4, 4), (5, 5), (3, 200)])
    def test_few_blocks(self, shape):
        assert dominant_material(np.zeros(shape), np.ones(shape, bool)).all()
        noise = np.random.default_rng(1).normal(size=shape)
        assert dominant_material(noise, np.ones(shape, bool)).mean() > 0.5


class TestBlockGrid:
    @pytest.mark.parametrize(
        ("shape", "expected"),
        [
            ((1024, 1024), (32, 32)),
            ((4096, 4096), (32, 32)),
            ((1000, 500), (45, 23)),
            ((64, 30), (8, 4)),
            ((5, 40), (1, 5)),
            ((1, 1), (1, 1)),
        ],
    )
    def test_every_pixel_is_in_one_block(self, shape, expected):
        grid = BlockGrid(shape)
        assert grid.shape == expected
        numbers = np.arange(np.prod(expected), dtype=np.float32).reshape(expected)
        pixels = grid.to_pixels(numbers)
        assert pixels.shape == shape
        n_pixels, *statistics = grid.describe(pixels)
        assert n_pixels.min() == n_pixels.max() >= np.prod(shape) / np.prod(expected)
        for statistic in statistics:
            np.testing.assert_allclose(statistic, numbers, rtol=1e-6)

    def test_statistics(self):
        pixels = np.random.default_rng(2).normal(size=(64, 96)).astype(np.float32)
        n_pixels, lowest, highest, mean = BlockGrid(pixels.shape).describe(
            torch.from_numpy(pixels), -1.0, 2.0
        )
        blocks = pixels.reshape(8, 8, 12, 8)
        assert set(n_pixels.ravel()) == {64}
        np.testing.assert_array_equal(lowest, blocks.min(axis=(1, 3)))
        np.testing.assert_array_equal(highest, blocks.max(axis=(1, 3)))
        np.testing.assert_allclose(mean, blocks.clip(-1, 2).mean(axis=(1, 3)), atol=1e-6)

    def test_missing_pixels_do_not_count(self):
        pixels = torch.arange(16.0).repeat(8, 1)
        pixels[:, :8] = np.nan
        pixels[:4, 8:] = np.nan
        n_pixels, lowest, highest, mean = BlockGrid(pixels.shape).describe(pixels)
        np.testing.assert_array_equal(n_pixels, [[0, 32]])
        np.testing.assert_array_equal(lowest, [[np.nan, 8]])
        np.testing.assert_array_equal(highest, [[np.nan, 15]])
        np.testing.assert_array_equal(mean, [[0, 11.5]])

    def test_thinned_images_have_about_a_million_pixels(self):
        assert thinned(torch.zeros(1024, 1024)).shape == (1024, 1024)
        assert thinned(torch.zeros(1025, 1024)).shape == (513, 512)
        assert thinned(torch.zeros(10, 3_000_000, dtype=torch.int8)).numel() <= 2**20
