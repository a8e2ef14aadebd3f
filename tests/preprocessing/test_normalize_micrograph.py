import os
import pathlib

import numpy as np
import pytest

from puclassify.datasets import make_micrographs
from puclassify.grid import GridImage
from puclassify.io import read_micrograph
from puclassify.preprocessing import NormalizeMicrograph, fourier_downsample, normalize_micrograph

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


def real_micrographs():
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
    return pathlib.Path(folder) / "micrographs"


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

    @pytest.mark.parametrize("fraction", [0.1, 0.3, 0.45])
    @pytest.mark.parametrize("contrast", [-1, 2, -3])
    def test_moderate_carbon_does_not_move_the_ice(self, ice, fraction, contrast):
        edge = int(fraction * SIZE)
        ice[:, :edge] += contrast
        assert_standard(normalized(ice * 40 + 900)[:, edge:], atol=0.05)

    @pytest.mark.parametrize("carbon_edge", [0.1, 0.4])
    @pytest.mark.parametrize("factor", [1, 2])
    def test_carbon_of_simulated_micrographs(self, carbon_edge, factor):
        data = make_micrographs(
            2,
            shape=(512, 512),
            particles_per_micrograph=20,
            carbon_edge=carbon_edge,
            contamination=0.1,
            random_state=0,
        )
        for micrograph, (x, y, radius) in zip(data.micrographs, data.carbon_holes):
            result = normalize_micrograph(fourier_downsample(micrograph, factor)).values
            rows, columns = np.mgrid[:512:factor, :512:factor]
            assert_standard(result[np.hypot(columns - x, rows - y) < radius - 4], atol=0.05)

    def test_carbon_beside_a_gradient_and_a_hole(self, ice):
        rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
        carbon = columns + 0.4 * rows < 0.45
        ice += columns - rows**2
        ice[carbon] -= 2
        expected = (ice - ice[~carbon].mean()) / ice[~carbon].std()
        ice[100:180, 150:] = np.nan
        kept = ~carbon & np.isfinite(ice)
        np.testing.assert_allclose(normalized(ice)[kept], expected[kept], atol=0.15)

    def test_three_materials(self, ice):
        ice[:60] += 8
        ice[:, :60] -= 2
        assert_standard(normalized(ice)[60:, 60:], atol=0.05)

    def test_inversion_of_two_halves(self, ice):
        ice[:, : SIZE // 2] -= 2
        np.testing.assert_allclose(normalized(-ice), -normalized(ice), atol=2e-3)

    @pytest.mark.parametrize("contrast", [-0.5, -1, -2])
    def test_particles_are_not_a_material(self, ice, contrast):
        rows, columns = np.mgrid[:SIZE, :SIZE]
        for x in range(20, SIZE, 44):
            for y in range(20, SIZE, 44):
                ice[np.hypot(columns - x, rows - y) < 15] += contrast
        expected = (ice - ice.mean()) / ice.std()
        np.testing.assert_allclose(normalized(ice), expected, atol=0.03)

    @pytest.mark.parametrize(
        "background",
        [
            lambda x, y: 5 * x**2 - 8 * x * y,
            lambda x, y: 6 * np.exp(-10 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)),
            lambda x, y: 5 * np.exp(-6 * x),
            lambda x, y: 4 * np.sin(2 * np.pi * x),
            lambda x, y: np.sin(12 * x) + np.cos(9 * y),
        ],
    )
    def test_uneven_ice_is_one_material(self, ice, background):
        y, x = np.mgrid[:SIZE, :SIZE] / SIZE
        ice += background(x, y)
        result = normalized(ice, clip=None)
        expected = (ice - ice.mean()) / ice.std()
        # Equal but for the outliers that are left out of the moments.
        assert np.corrcoef(result.ravel(), expected.ravel())[0, 1] == pytest.approx(1)
        assert abs(result.mean()) < 0.08
        assert 1 <= result.std() + 1e-3 < 1.1

    def test_opaque_patches(self, ice):
        rows, columns = np.mgrid[:SIZE, :SIZE]
        patches = np.zeros_like(ice, dtype=bool)
        for x, y in [(30, 30), (100, 200), (180, 60), (220, 220), (120, 120)]:
            patches |= np.hypot(columns - x, rows - y) < 22
        assert 0.1 < patches.mean() < 0.15
        ice[patches] -= 8
        assert_standard(normalized(ice)[~patches], atol=0.05)

    def test_rough_carbon(self, ice):
        ice[:80] = np.random.default_rng(1).normal(15, 5, (80, SIZE))
        assert_standard(normalized(ice)[80:])

    @pytest.mark.parametrize("slope", [1, 4, 10, 30])
    def test_a_gradient_is_one_material(self, ice, slope):
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

    @pytest.mark.parametrize("rate", [0.002, 0.02, 0.1, 1.0, 20.0])
    @pytest.mark.parametrize("size", [64, 256])
    def test_counts(self, rate, size):
        counts = np.random.default_rng(3).poisson(rate, (size, size))
        expected = (counts - counts.mean()) / counts.std()
        np.testing.assert_allclose(normalized(counts, clip=None), expected, rtol=0.03, atol=0.03)

    @pytest.mark.parametrize("shape", [(1, 5000), (20, 3000), (9, 9), (40, 40)])
    def test_unusual_shapes(self, shape):
        noise = np.random.default_rng(3).normal(3, 2, shape)
        expected = (noise - noise.mean()) / noise.std()
        np.testing.assert_allclose(normalized(noise), expected, atol=0.05)

    def test_large_images_are_sampled(self):
        noise = np.random.default_rng(2).normal(3, 2, (1500, 1400)).astype(np.float32)
        assert_standard(normalized(noise), atol=0.01)

    def test_real_micrograph_with_carbon(self):
        sample = real_micrographs() / "micrograph_cleaner_sample"
        micrograph = read_micrograph(sample / "Ucsf_stack_1142_DW_micrograph.mrc")
        carbon = read_micrograph(sample / "Ucsf_stack_1142_DW_mask.mrc").values > 0.5
        assert 0.1 < carbon.mean() < 0.3
        result = normalize_micrograph(micrograph).values
        assert_standard(result[~carbon], atol=0.1)
        assert result[carbon].mean() < -5

    @pytest.mark.parametrize("name", ["14_57_34", "15_14_01", "15_17_31", "15_33_42"])
    def test_real_micrographs_of_ice_alone(self, name):
        pytest.importorskip("PIL")
        folder = real_micrographs() / "bgal_images_1024"
        micrograph = read_micrograph(folder / f"Falcon_2012_06_12-{name}_0.png")
        assert_standard(normalize_micrograph(micrograph).values, atol=0.07)


class TestDeadRegions:
    REGIONS = pytest.mark.parametrize(
        ("fraction", "value", "dtype"),
        [
            (0.5, 0, np.float64),
            (0.55, 255, np.float32),
            (0.55, 255, np.uint8),
            (0.4, 110, np.float64),
            (0.4, 110, np.uint8),
            (0.4, 100, np.float64),
            (0.9, 0, np.float32),
        ],
    )

    @REGIONS
    @pytest.mark.parametrize("background_radius", [None, 40])
    def test_they_are_ignored_and_become_zero(self, ice, fraction, value, dtype, background_radius):
        edge = int(fraction * SIZE)
        pixels = (100 + 5 * ice).astype(dtype)
        pixels[:, :edge] = value
        result = normalized(pixels, background_radius=background_radius)
        assert_standard(result[:, edge:])
        np.testing.assert_array_equal(result[:, :edge], 0)

    @REGIONS
    def test_standard_uses_all_pixels(self, ice, fraction, value, dtype):
        pixels = (100 + 5 * ice).astype(dtype)
        pixels[:, : int(fraction * SIZE)] = value
        expected = (pixels - pixels.mean(dtype=float)) / pixels.std(dtype=float)
        np.testing.assert_allclose(normalized(pixels, "standard"), expected, atol=1e-4)

    def test_several_values_and_carbon(self, ice):
        ice[:, :90] -= 2  # carbon
        ice[200:] = 0
        ice[:, 220:] = 30
        ice[:30, 100:150] = np.nan
        assert_standard(normalized(ice)[30:200, 90:220], atol=0.05)

    def test_outline_need_not_follow_rows(self, ice):
        rows, columns = np.mgrid[:SIZE, :SIZE]
        inside = np.abs(rows - SIZE / 2) + np.abs(columns - SIZE / 2) < 0.45 * SIZE
        result = normalized(np.where(inside, ice + 50, 0))
        assert_standard(result[inside])
        np.testing.assert_array_equal(result[~inside], 0)

    def test_large_images(self):
        noise = np.random.default_rng(4).normal(100, 5, (1500, 1400)).astype(np.float32)
        noise[:700] = 0
        result = normalized(noise)
        assert_standard(result[700:])
        np.testing.assert_array_equal(result[:700], 0)

    def test_padding_that_was_filtered(self, ice):
        ice[:110] = 0
        small = fourier_downsample(GridImage(ice), 2)
        assert_standard(normalize_micrograph(small).values[56:], atol=0.03)

    def test_padding_set_to_nan_before_filtering(self, ice):
        ice += 150
        ice[:140] = np.nan
        small = fourier_downsample(GridImage(ice), 2)
        assert_standard(normalize_micrograph(small).values[71:], atol=0.03)

    def test_nothing_but_constant_regions(self):
        pixels = np.full((64, 64), np.nan)
        pixels[:, :40] = 3
        np.testing.assert_array_equal(normalized(pixels), 0)
        pixels[:, 20:] = 5
        assert set(np.unique(np.sign(normalized(pixels)))) == {-1, 1}


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
            ({"method": "median"}, "method must be 'mixture' or 'standard', got 'median'"),
            ({"method": None}, "method must be"),
            ({"clip": 0}, "clip must be a positive number or None, got 0"),
            ({"clip": "no"}, "clip must be"),
            ({"clip": True}, "clip must be a positive number or None, got True"),
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


class TestInvert:
    def test_dark_becomes_bright(self, ice):
        plain = normalize_micrograph(GridImage(ice), clip=2.0).values
        inverted = normalize_micrograph(GridImage(ice), clip=2.0, invert=True).values
        np.testing.assert_array_equal(inverted, -plain)
        (by_class,) = NormalizeMicrograph(clip=2.0, invert=True).fit_transform([ice])
        np.testing.assert_array_equal(by_class.values, inverted)

    def test_it_is_a_flag(self):
        with pytest.raises(ValueError, match="invert must be True or False"):
            NormalizeMicrograph(invert="yes").fit([np.zeros((4, 4))])


def test_parameters_are_stored_as_given():
    given = {"method": "standard", "background_radius": 40.0, "clip": 5.0, "n_jobs": 2}
    stored = NormalizeMicrograph(**given).get_params()
    assert {name: stored[name] for name in given} == given
