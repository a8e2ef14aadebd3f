import os
import pathlib

import numpy as np
import pytest

from puclassify.grid import GridImage
from puclassify.io import read_micrograph
from puclassify.preprocessing import NormalizeMicrograph, normalize_micrograph

SIZE = 256


@pytest.fixture
def ice():
    return np.random.default_rng(0).normal(size=(SIZE, SIZE))


def normalized(values, *args, **kwargs):
    return normalize_micrograph(GridImage(values), *args, **kwargs).values


def assert_standard(pixels, atol=0.02):
    """Check that pixels have mean 0 and standard deviation 1."""
    assert pixels.mean(dtype=float) == pytest.approx(0, abs=atol)
    assert pixels.std(dtype=float) == pytest.approx(1, abs=atol)


class TestMixture:
    @pytest.mark.parametrize("fraction", [0.03, 0.3, 0.45])
    @pytest.mark.parametrize("contrast", [-20, -5, 5, 20])
    def test_carbon_does_not_move_the_ice(self, ice, fraction, contrast):
        edge = int(fraction * SIZE)
        ice[:, :edge] += contrast
        assert_standard(normalized(ice * 40 + 900, clip=None)[:, edge:])

    def test_carbon_moves_plain_standardisation(self, ice):
        ice[:, : SIZE // 3] += 5
        assert abs(normalized(ice, method="standard")[:, SIZE // 3 :].mean()) > 0.5

    def test_rough_carbon(self, ice):
        ice[:80] = np.random.default_rng(1).normal(15, 5, (80, SIZE))
        assert_standard(normalized(ice)[80:])

    @pytest.mark.parametrize("slope", [1, 4, 10, 30])
    def test_gradient_is_not_taken_for_two_materials(self, ice, slope):
        ramp = ice + slope * np.linspace(0, 1, SIZE)
        expected = (ramp - ramp.mean()) / ramp.std()
        np.testing.assert_allclose(normalized(ramp), expected, atol=0.02)

    def test_pure_noise_equals_plain_standardisation(self, ice):
        expected = (ice - ice.mean()) / ice.std()
        np.testing.assert_allclose(normalized(ice), expected, atol=0.01)

    @pytest.mark.parametrize("value", [1e3, 1e9, -1e9])
    def test_hot_pixels(self, ice, value):
        ice.ravel()[:: SIZE * 10] = value
        result = normalized(ice)
        hot = ice == value
        assert_standard(result[~hot])
        np.testing.assert_array_equal(result[hot], np.copysign(10, value))

    def test_sparse_contamination(self, ice):
        ice[100:120, 100:120] -= 30
        result = normalized(ice, clip=None)
        outside = np.ones_like(ice, dtype=bool)
        outside[100:120, 100:120] = False
        assert_standard(result[outside])

    def test_few_gray_levels(self, ice):
        levels = np.round(ice * 1.5 + 7).clip(0, 255).astype(np.uint8)
        expected = (levels - levels.mean()) / levels.std()
        np.testing.assert_allclose(normalized(levels), expected, atol=0.01)

    def test_two_levels(self):
        pixels = np.zeros((40, 40))
        pixels[:, :10] = 1
        result = normalized(pixels, clip=None)
        assert np.isfinite(result).all()
        assert result[:, :10].min() > result[:, 10:].max()

    def test_large_images_are_sampled(self):
        noise = np.random.default_rng(2).normal(3, 2, (1500, 1400)).astype(np.float32)
        assert_standard(normalized(noise), atol=0.01)

    def test_real_micrograph_with_carbon(self):
        folder = os.environ.get("PUCLASSIFY_DATA")
        if not folder:
            pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
        sample = pathlib.Path(folder) / "micrographs" / "micrograph_cleaner_sample"
        micrograph = read_micrograph(sample / "Ucsf_stack_1142_DW_micrograph.mrc")
        carbon = read_micrograph(sample / "Ucsf_stack_1142_DW_mask.mrc").values > 0.5
        assert 0.1 < carbon.mean() < 0.3
        result = normalize_micrograph(micrograph).values
        assert_standard(result[~carbon], atol=0.1)
        assert result[carbon].mean() < -5


class TestBothMethods:
    METHODS = pytest.mark.parametrize("method", ["mixture", "standard"])

    @METHODS
    @pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e30])
    def test_constant_image_becomes_zero(self, method, value):
        result = normalized(np.full((31, 17), value), method)
        np.testing.assert_array_equal(result, np.zeros((31, 17)))

    @METHODS
    @pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 3)])
    def test_tiny_images(self, method, shape):
        result = normalized(np.arange(np.prod(shape), dtype=float).reshape(shape), method)
        assert np.isfinite(result).all()

    @METHODS
    def test_pixels_that_are_not_finite_become_zero_and_do_no_harm(self, method, ice):
        holes = ice * 3 + 50
        holes[10:60, 20:90], holes[0, 0], holes[1, 1] = np.nan, np.inf, -np.inf
        finite = np.isfinite(holes)
        result = normalized(holes, method)
        assert_standard(result[finite])
        np.testing.assert_array_equal(result[~finite], 0)

    @METHODS
    def test_no_finite_pixels(self, method):
        np.testing.assert_array_equal(normalized(np.full((5, 5), np.nan), method), 0)

    @METHODS
    @pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0), (250, 1e5), (3, -7)])
    def test_scale_and_shift_of_the_intensities_do_not_matter(self, method, ice, scale, shift):
        ice[:, :80] -= 8
        np.testing.assert_allclose(
            normalized(ice * scale + shift, method), normalized(ice, method), atol=2e-3
        )

    @METHODS
    def test_inverted_contrast_inverts_the_result(self, method, ice):
        ice[:, :80] -= 8
        np.testing.assert_allclose(normalized(-ice, method), -normalized(ice, method), atol=2e-3)

    @METHODS
    @pytest.mark.parametrize(
        "dtype", [np.uint8, np.int16, np.uint16, np.float16, np.float32, ">i2"]
    )
    def test_number_types(self, method, ice, dtype):
        pixels = (ice * 20 + 120).clip(0, 250).astype(dtype)
        result = normalized(pixels, method)
        assert result.dtype == np.dtype(np.float32)
        expected = normalized(pixels.astype(np.float64), method)
        np.testing.assert_allclose(result, expected, atol=1e-4)

    @METHODS
    def test_same_bits_every_time(self, method, ice):
        np.testing.assert_array_equal(normalized(ice, method), normalized(ice.copy(), method))

    @METHODS
    def test_grid_and_input_stay(self, method, ice):
        before = ice.copy()
        image = GridImage(ice, step=(2.0, 3.0), offset=0.5, pixel_size=1.5, name="a")
        result = normalize_micrograph(image, method)
        assert repr(result) == repr(image)
        np.testing.assert_array_equal(ice, before)

    def test_standard_is_mean_and_standard_deviation(self, ice):
        pixels = np.exp(ice)
        expected = (pixels - pixels.mean()) / pixels.std()
        np.testing.assert_allclose(normalized(pixels, "standard", clip=None), expected, atol=1e-4)


class TestClip:
    def test_limits(self, ice):
        ice[0, :2] = 50, -50
        result = normalized(ice, clip=3.0)
        assert (result.max(), result.min()) == (3, -3)
        unlimited = normalized(ice, clip=None)
        np.testing.assert_array_equal(result, unlimited.clip(-3, 3))
        assert unlimited[0, 0] == pytest.approx(50, rel=0.02)


class TestBackground:
    def test_gradient_is_removed(self, ice):
        y, x = np.mgrid[:SIZE, :SIZE] / SIZE
        result = normalized(ice + 20 * x**2 + 10 * y, background_radius=20)
        untreated = normalized(ice + 20 * x**2 + 10 * y)

        def block_means(pixels):
            inner = pixels[48:208, 48:208]
            return inner.reshape(4, 40, 4, 40).mean(axis=(1, 3))

        assert np.ptp(block_means(result)) < 0.25
        assert np.ptp(block_means(untreated)) > 1.5

    def test_equals_direct_weighted_averages(self):
        rng = np.random.default_rng(3)
        pixels = rng.normal(size=(14, 17))
        pixels[4, 5] = np.nan
        finite = np.isfinite(pixels)
        y, x = np.mgrid[:14, :17]
        background = np.empty_like(pixels)
        step_x, step_y, radius = 2.0, 1.0, 3.0
        for i in range(14):
            for j in range(17):
                squared = ((x - j) * step_x) ** 2 + ((y - i) * step_y) ** 2
                weights = np.exp(-squared / (2 * radius**2))
                background[i, j] = (weights * pixels)[finite].sum() / weights[finite].sum()
        flat = (pixels - background)[finite]
        expected = np.zeros_like(pixels)
        expected[finite] = (flat - flat.mean()) / flat.std()
        image = GridImage(pixels, step=(step_x, step_y))
        result = normalize_micrograph(image, "standard", background_radius=radius).values
        np.testing.assert_allclose(result, expected, atol=5e-3)

    def test_constant_image_stays_zero(self):
        result = normalized(np.full((40, 40), 7.3), background_radius=5)
        np.testing.assert_array_equal(result, 0)


class TestParameters:
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"method": "median"}, 'method must be "mixture" or "standard", got \'median\''),
            ({"method": None}, "method must be"),
            ({"clip": 0}, "clip must be a positive number or None, got 0"),
            ({"clip": "no"}, "clip must be"),
            ({"background_radius": -3.0}, r"background_radius must be a positive number.*-3\.0"),
            ({"background_radius": np.nan}, "background_radius must be"),
        ],
    )
    def test_they_are_checked_in_fit(self, params, message):
        with pytest.raises(ValueError, match=message):
            NormalizeMicrograph(**params).fit([np.zeros((4, 4))])

    def test_they_reach_the_computation(self, ice):
        ice[0, 0] = 1e4
        params = {"method": "standard", "background_radius": 30.0, "clip": 2.5}
        (image,) = NormalizeMicrograph(**params).fit_transform([ice])
        np.testing.assert_array_equal(image.values, normalized(ice, **params))
        assert image.values.max() == 2.5

    def test_processes_give_the_same(self, ice):
        alone = NormalizeMicrograph().fit_transform([ice, ice + 1])
        together = NormalizeMicrograph(n_jobs=2).fit_transform([ice, ice + 1])
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a.values, b.values)
