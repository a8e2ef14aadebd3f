"""Damage is found and filled at stored size, and nothing else is touched."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from puclassify._devices import as_tensor
from puclassify.grid import GridImage
from puclassify.preprocessing import FourierDownsample, fourier_downsample, normalize_micrograph

HEIGHT, WIDTH = 261, 322


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    return torch.device(request.param)


@pytest.fixture
def sound():
    return np.random.default_rng(0).normal(1000, 20, (HEIGHT, WIDTH)).astype(np.float32)


def set_to(value, *where):
    def damage(pixels):
        for part in where:
            pixels[part] = value

    return damage


def scattered(value, n):
    def damage(pixels):
        pixels.ravel()[np.random.default_rng(1).choice(pixels.size, n, replace=False)] = value

    return damage


def slanted(pixels):
    row, column = np.indices(pixels.shape)
    pixels[column < 0.15 * row] = 0


FRAME = np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]
DAMAGES = {
    "frame of zeros": set_to(0, *FRAME),
    "frame of a bright constant": set_to(1300, *FRAME),
    "frame of a plausible constant": set_to(960.5, *FRAME),
    "frame of NaN": set_to(np.nan, *FRAME),
    "one side": set_to(0, np.s_[:, -11:]),
    "two sides of other values": lambda pixels: (
        set_to(0, np.s_[:5])(pixels),
        set_to(7, np.s_[5:, :4])(pixels),
    ),
    "slanted side": slanted,
    "row": set_to(0, np.s_[100]),
    "column": set_to(0, np.s_[:, 100]),
    "rows across columns": lambda pixels: (
        set_to(0, np.s_[100:102])(pixels),
        set_to(5000, np.s_[:, 50:53])(pixels),
    ),
    "half a row": set_to(0, np.s_[100, : WIDTH // 2]),
    "half a column": set_to(880, np.s_[: HEIGHT // 2, 100]),
    "block": set_to(0, np.s_[40:90, 60:120]),
    "quadrant": set_to(0, np.s_[: HEIGHT // 2, : WIDTH // 2]),
    "hot pixel": set_to(1e9, np.s_[77, 88]),
    "hot pixels": scattered(20_000, 20),
    "dark pixels": scattered(0, 20),
    "hot clusters": set_to(20_000, np.s_[30:33, 40:43], np.s_[200:203, 0:3]),
    "hot column": set_to(1e6, np.s_[:, 160]),
    "salt": scattered(1700, HEIGHT * WIDTH // 1000),
    "saturated edge": set_to(65535, np.s_[:, -20:]),
    "infinite": scattered(np.inf, 30),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("factor", [1, 2, (4, 3)])
def test_sound_pixels_come_out_as_without_damage(sound, damage, factor, device):
    pixels = sound.copy()
    damage(pixels)
    bad = pixels != sound
    assert bad.any()
    expected = fourier_downsample(GridImage(sound), factor)
    image = GridImage(as_tensor(pixels).to(device))
    values = fourier_downsample(image, factor).values.cpu().numpy()
    x, y = expected.to_micrograph(
        np.indices(expected.shape)[::-1].reshape(2, -1).T
    ).T  # of grid points
    reach = 8 * int(max(np.atleast_1d(factor)))
    near = ndimage.uniform_filter(bad.astype(float), 2 * reach + 1, mode="nearest")
    near = near[y.round().astype(int), x.round().astype(int)].reshape(expected.shape)
    clear = near < 0.15
    difference = (values - expected.values) / expected.values.std()
    assert np.isfinite(values).all()
    assert clear.mean() > 0.4
    assert np.sqrt(np.mean(difference[clear] ** 2)) < 0.3
    # What is filled is no brighter or darker than what is around.
    assert np.abs(difference).max() < 8


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "u4", "f2", "f4", "f8"])
def test_number_types(dtype, device):
    sound = np.random.default_rng(0).normal(100, 5, (HEIGHT, WIDTH)).round().clip(1, 254)
    pixels = sound.copy()
    pixels[:4] = pixels[:, -2:] = 0
    pixels[130, :] = pixels[50, 60] = 255
    small = fourier_downsample(GridImage(as_tensor(pixels.astype(dtype)).to(device)), 2).values
    small = small.cpu().numpy()
    expected = fourier_downsample(GridImage(sound), 2).values
    inner = np.s_[6:60, 2:-4]
    assert np.corrcoef(small[inner].ravel(), expected[inner].ravel())[0, 1] > 0.998
    same = fourier_downsample(GridImage(pixels.astype(dtype)), 1).values
    assert same.dtype == dtype
    bad = pixels != sound
    np.testing.assert_array_equal(same[~bad], sound[~bad].astype(dtype))
    assert abs(same[bad].astype(float) - 100).max() < 20


class TestSound:
    """Images without damage are not changed."""

    def unchanged(self, pixels):
        image = GridImage(pixels)
        return fourier_downsample(image, 1) is image

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.float64])
    def test_noise(self, dtype):
        noise = np.random.default_rng(0).normal(100, 5, (300, 400))
        assert self.unchanged(noise.astype(dtype))

    @pytest.mark.parametrize("mean", [0.005, 0.05, 0.5, 3.0, 40.0])
    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_counts(self, mean, dtype):
        assert self.unchanged(np.random.default_rng(0).poisson(mean, (500, 512)).astype(dtype))

    def test_gold_carbon_and_ice(self, sound):
        row, column = np.indices(sound.shape)
        sound[column > 250 + 0.2 * row] -= 600  # 30 standard deviations
        sound[(row - 80) ** 2 + (column - 80) ** 2 < 5**2] -= 800
        sound[(row - 180) ** 2 + (column - 120) ** 2 < 3.2**2] -= 500
        assert self.unchanged(sound)

    def test_uniform_and_drawn_images(self):
        square = np.zeros((200, 200))
        square[50:90, 60:100] = 1
        waves = np.cos(np.arange(200) / 9) * np.ones((150, 1))
        for pixels in (np.zeros((64, 64)), np.full((64, 64), 0.1), square, waves, waves.T):
            assert self.unchanged(pixels)

    def test_two_gray_levels(self):
        assert self.unchanged(np.random.default_rng(0).integers(0, 2, (128, 128)).astype(np.uint8))

    def test_the_same_bits_for_rows_that_have_no_damage(self, sound):
        pixels = sound.copy()
        pixels[100, 100] = 1e7
        same = fourier_downsample(GridImage(pixels), 1).values
        assert np.array_equal(same != sound, pixels != sound)


def test_large_dead_regions_are_left_out_of_the_normalisation(sound):
    pixels = sound.copy()
    pixels[:, :120] = 0
    image = normalize_micrograph(fourier_downsample(GridImage(pixels), 2)).values
    assert (image[:, :59] == 0).all()
    assert (image[:, 64:].mean(), image[:, 64:].std()) == pytest.approx((0, 1), abs=0.02)


def test_frame_around_a_finer_grid(sound):
    pixels = sound.copy()
    pixels[:2] = pixels[-2:] = 0
    step = FourierDownsample(particle_diameter=15.0)
    good, bad = (step.transform([one])[0].values[20:-20] for one in (sound, pixels))
    assert np.corrcoef(good.ravel(), bad.ravel())[0, 1] > 0.99


class TestScale:
    """Scale and offset change nothing, whatever their size."""

    @pytest.mark.parametrize("factor", [1, 2])
    @pytest.mark.parametrize(
        ("scale", "dtype", "atol"),
        [
            (1e33, np.float32, 1e-4),
            (1e-33, np.float32, 1e-4),
            (1e-35, np.float32, 1e-3),
            (1e-38, np.float32, 2e-2),  # subnormal: fewer digits
            (1e38, np.float64, 1e-4),
            (1e300, np.float64, 1e-4),
            (1e-300, np.float64, 1e-4),
            (-1e38, np.float64, 1e-4),
        ],
    )
    def test_scale(self, scale, dtype, atol, factor, device):
        noise = np.random.default_rng(0).normal(2, 1, (200, 200))
        noise[:, 150:] -= 2
        scaled = as_tensor((noise * abs(scale)).astype(dtype) * np.sign(scale).astype(dtype))
        image = fourier_downsample(GridImage(scaled.to(device)), factor)
        result = normalize_micrograph(image).values.cpu().numpy() * np.sign(scale)
        expected = normalize_micrograph(fourier_downsample(GridImage(noise), factor)).values
        np.testing.assert_allclose(result, expected, atol=atol)

    @pytest.mark.parametrize(
        ("offset", "dtype", "atol"),
        [(1e3, np.float32, 1e-3), (1e6, np.float64, 1e-4), (1e9, np.float64, 1e-4)],
    )
    def test_offset(self, offset, dtype, atol):
        noise = np.random.default_rng(0).normal(0, 1, (200, 200))
        shifted = (noise + offset).astype(dtype)
        result = normalize_micrograph(fourier_downsample(GridImage(shifted), 2)).values
        expected = normalize_micrograph(fourier_downsample(GridImage(noise), 2)).values
        np.testing.assert_allclose(result, expected, atol=atol)

    @pytest.mark.parametrize("scale", [1e33, 1e-35, 1e300])
    def test_damage_at_any_scale(self, scale):
        noise = np.random.default_rng(0).normal(10, 1, (200, 200))
        noise[:3] = noise[50] = 0
        noise[100, 100] = 1e5
        results = [
            normalize_micrograph(fourier_downsample(GridImage(noise * s), 2)).values
            for s in (1.0, scale)
        ]
        np.testing.assert_allclose(results[1], results[0], atol=1e-3)
        assert abs(results[1]).max() < 8

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_spread_over_all_of_a_type(self, dtype):
        largest = np.finfo(dtype).max / 16
        noise = np.random.default_rng(0).uniform(-1, 1, (100, 100))
        image = fourier_downsample(GridImage((noise * largest).astype(dtype)), 2)
        expected = normalize_micrograph(fourier_downsample(GridImage(noise), 2)).values
        np.testing.assert_allclose(normalize_micrograph(image).values, expected, atol=1e-4)
