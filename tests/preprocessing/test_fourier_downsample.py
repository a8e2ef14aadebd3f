import pickle

import mrcfile
import numpy as np
import pytest
from scipy.signal import resample
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from puclassify.grid import GridImage
from puclassify.preprocessing import (
    FourierDownsample,
    NormalizeMicrograph,
    _fourier_downsample,
    fourier_downsample,
    normalize_micrograph,
)

SHAPES_AND_FACTORS = [
    ((32, 48), 4),
    ((33, 48), 4),
    ((37, 53), 2.6),
    ((40, 41), (2, 3)),
    ((41, 40), (1, 2)),
    ((64, 30), (3.3, 1)),
    ((300, 20), 2),
]


def waves(height, width, x, y, new_height, new_width, n_waves=6):
    """Evaluate a sum of plane waves below the Nyquist limit of the new grid at positions x, y."""
    rng = np.random.default_rng(height * 1000 + width)
    total = np.full(np.broadcast_shapes(x.shape, y.shape), 3.0)
    for _ in range(n_waves):
        u = rng.integers(0, (new_width + 1) // 2)
        v = rng.integers(-((new_height - 1) // 2), (new_height + 1) // 2)
        phase = rng.uniform(0, 2 * np.pi)
        total = total + rng.normal() * np.cos(2 * np.pi * (u * x / width + v * y / height) + phase)
    return total


class TestFourierDownsampleFunction:
    @pytest.mark.parametrize(("shape", "factor"), SHAPES_AND_FACTORS)
    def test_band_limited_images_are_reproduced_at_the_new_positions(self, shape, factor):
        factor_x, factor_y = np.broadcast_to(factor, 2)
        new_shape = round(shape[0] / factor_y), round(shape[1] / factor_x)
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        image = GridImage(waves(*shape, columns, rows, *new_shape))
        small = fourier_downsample(image, factor)
        assert small.shape == new_shape
        assert small.values.dtype == np.float32
        new_rows, new_columns = np.ogrid[: new_shape[0], : new_shape[1]]
        x, y = new_columns * small.step_xy[0], new_rows * small.step_xy[1]
        np.testing.assert_allclose(small.values, waves(*shape, x, y, *new_shape), atol=1e-5)

    @pytest.mark.parametrize(("shape", "factor"), SHAPES_AND_FACTORS)
    def test_noise_agrees_with_float64_resampling_axis_by_axis(self, shape, factor):
        noise = np.random.default_rng(0).normal(size=shape)
        small = fourier_downsample(GridImage(noise), factor).values
        expected = resample(resample(noise, small.shape[0], axis=0), small.shape[1], axis=1)
        np.testing.assert_allclose(small, expected, atol=1e-5)

    @pytest.mark.parametrize("shape", [(8, 8), (7, 10), (9, 6)])
    def test_direct_sum_over_kept_frequencies(self, shape):
        noise = np.random.default_rng(1).normal(size=shape)
        small = fourier_downsample(GridImage(noise), 2).values
        new_height, new_width = small.shape
        spectrum = np.fft.fft2(noise)
        expected = np.zeros(small.shape, dtype=complex)
        for v in range(-(new_height // 2), new_height // 2 + 1):
            for u in range(-(new_width // 2), new_width // 2 + 1):
                if abs(v) > new_height / 2 or abs(u) > new_width / 2:
                    continue
                for i in range(new_height):
                    for j in range(new_width):
                        angle = 2 * np.pi * (v * i / new_height + u * j / new_width)
                        expected[i, j] += spectrum[v, u] * np.exp(1j * angle)
        np.testing.assert_allclose(small, (expected / noise.size).real, atol=1e-5)

    @pytest.mark.parametrize("factor", [1.7, 2, 4, 100])
    def test_mean_is_kept(self, factor):
        noise = np.random.default_rng(2).normal(6800, 50, (61, 44))
        small = fourier_downsample(GridImage(noise), factor)
        assert small.values.mean(dtype=float) == pytest.approx(noise.mean(), rel=1e-7)

    def test_small_spread_on_a_large_mean_survives(self):
        noise = np.random.default_rng(3).normal(size=(64, 64))
        small = fourier_downsample(GridImage(noise), 2).values
        for dtype in (np.float64, np.float32, np.uint16):
            shifted = (noise * 1000).round() + 30000
            other = fourier_downsample(GridImage(shifted.astype(dtype)), 2).values
            np.testing.assert_allclose((other - 30000.0) / 1000, small, atol=2e-3)

    @pytest.mark.parametrize(
        ("mean", "spread", "dtype"),
        [(1e3, 1e-6, np.float64), (-5.0, 1e-8, np.float64), (1e9, 1e3, np.int64)],
    )
    def test_low_contrast_is_kept_in_float64(self, mean, spread, dtype):
        noise = np.random.default_rng(3).normal(size=(64, 64))
        low_contrast = (mean + spread * noise).astype(dtype)
        small = fourier_downsample(GridImage(low_contrast), 2).values
        assert small.dtype == np.float64
        expected = fourier_downsample(GridImage(noise), 2).values
        np.testing.assert_allclose((small - mean) / spread, expected, atol=5e-3)
        result = normalize_micrograph(GridImage(small)).values
        assert (result.mean(), result.std()) == pytest.approx((0, 1), abs=0.02)

    @pytest.mark.parametrize(
        "pixels",
        [
            np.full((32, 32), 0.1),
            np.full((32, 32), 7.3e8),
            np.random.default_rng(3).normal(7000, 50, (32, 32)),
            np.random.default_rng(3).normal(1e3, 1e-4, (32, 32)).astype(np.float32),
        ],
    )
    def test_float32_wherever_it_holds_the_pixels(self, pixels):
        assert fourier_downsample(GridImage(pixels), 2).values.dtype == np.float32

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.float16, ">f4", np.float64])
    def test_number_types(self, dtype):
        pixels = np.random.default_rng(4).integers(0, 2, (20, 22)).astype(dtype)
        small = fourier_downsample(GridImage(pixels), 2)
        expected = fourier_downsample(GridImage(pixels.astype(np.float32)), 2)
        assert small.values.dtype == np.dtype(np.float32)
        np.testing.assert_allclose(small.values, expected.values, atol=1e-6)

    def test_many_rows_are_processed_in_parts(self):
        noise = np.random.default_rng(5).normal(size=(1030, 12))
        expected = resample(resample(noise, 515, axis=0), 6, axis=1)
        np.testing.assert_allclose(
            fourier_downsample(GridImage(noise), 2).values, expected, atol=1e-5
        )

    def test_grids_compose(self):
        image = GridImage(np.zeros((100, 90)), step=(2.0, 3.0), offset=(0.5, 1.0), name="a")
        small = fourier_downsample(image, 2.5)
        assert (small.step, small.offset, small.name) == ((5.0, 7.5), (0.5, 1.0), "a")

    def test_step_is_the_exact_ratio_of_sizes(self):
        small = fourier_downsample(GridImage(np.zeros((1023, 1000))), 4)
        assert small.shape == (256, 250)
        assert small.step == (4.0, 1023 / 256)

    def test_equal_steps_are_one_number(self):
        assert fourier_downsample(GridImage(np.zeros((64, 32))), 4).step == 4.0

    @pytest.mark.parametrize("factor", [1, (1.0, 1.0), 1.01])
    def test_nothing_to_do_gives_the_image_itself(self, factor):
        image = GridImage(np.zeros((30, 30), np.int16))
        assert fourier_downsample(image, factor) is image

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4", np.float64])
    def test_factor_one_fills_what_is_not_finite(self, dtype):
        holes = np.arange(12.0).reshape(3, 4).astype(dtype)
        holes[0, :3] = np.nan, np.inf, -np.inf
        filled = fourier_downsample(GridImage(holes, step=2.0, name="a"), 1)
        np.testing.assert_array_equal(filled.values, [[7, 7, 7, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
        assert filled.values.dtype.itemsize == np.dtype(dtype).itemsize
        assert (filled.step, filled.name) == (2.0, "a")
        assert np.isnan(holes[0, 0])

    def test_factor_one_does_not_copy_finite_pixels(self):
        image = GridImage(np.random.default_rng(8).normal(size=(30, 30)))
        assert fourier_downsample(image, 1) is image

    @pytest.mark.parametrize("factor", [30, 1000])
    def test_single_pixel_is_the_mean(self, factor):
        pixels = np.arange(30 * 20.0).reshape(30, 20)
        small = fourier_downsample(GridImage(pixels), factor)
        assert small.shape == (1, 1)
        assert small.step == (20.0, 30.0)
        assert small.values[0, 0] == pytest.approx(pixels.mean())

    def test_pixels_that_are_not_finite_become_the_mean_around_them(self):
        pixels = np.random.default_rng(6).normal(size=(24, 24))
        holes = pixels.copy()
        holes[3, 4], holes[10, 2], holes[5, 5] = np.nan, np.inf, -np.inf
        filled = holes.copy()
        for row, column in ((3, 4), (10, 2), (5, 5)):
            cell = holes[row // 4 * 4 :, column // 4 * 4 :][:4, :4]
            filled[row, column] = cell[np.isfinite(cell)].mean()
        small = fourier_downsample(GridImage(holes), 3).values
        np.testing.assert_allclose(
            small, fourier_downsample(GridImage(filled), 3).values, atol=1e-6
        )

    def test_no_finite_pixels(self):
        small = fourier_downsample(GridImage(np.full((8, 8), np.nan)), 2)
        np.testing.assert_array_equal(small.values, np.zeros((4, 4)))

    def test_input_is_not_changed(self):
        pixels = np.random.default_rng(7).normal(size=(16, 16)).astype(np.float32)
        before = pixels.copy()
        fourier_downsample(GridImage(pixels), 2)
        np.testing.assert_array_equal(pixels, before)

    @pytest.mark.parametrize(
        "factor",
        [0.5, 0, -2, np.nan, np.inf, "2x", "2", None, (1, 2, 3), (2, 0.9), "auto", True, (2, True)],
    )
    def test_bad_factors(self, factor):
        with pytest.raises(ValueError, match="factor must be a number of at least 1"):
            fourier_downsample(GridImage(np.zeros((8, 8))), factor)


class TestFourierDownsample:
    def test_numeric_factor(self):
        (small,) = FourierDownsample(2).fit_transform([np.zeros((10, 20))])
        assert (small.shape, small.step) == ((5, 10), 2.0)

    def test_auto_makes_the_particle_span_the_target(self):
        auto = FourierDownsample(particle_diameter=180.0, pixel_size=1.5, target_diameter=24.0)
        (small,) = auto.fit_transform([np.zeros((100, 200))])
        # 180 Å are 120 stored pixels; 24 grid points of 5 stored pixels each.
        assert (small.shape, small.step) == ((20, 40), 5.0)

    def test_auto_counts_the_step_an_image_has(self):
        auto = FourierDownsample(particle_diameter=120.0, target_diameter=30.0)
        binned = GridImage(np.zeros((50, 50)), step=2.0, offset=0.5)
        (small,) = auto.transform([binned])
        assert (small.shape, small.step, small.offset) == ((25, 25), 4.0, 0.5)

    def test_auto_with_unequal_steps(self):
        auto = FourierDownsample(particle_diameter=120.0, target_diameter=30.0)
        (small,) = auto.transform([GridImage(np.zeros((60, 40)), step=(4.0, 1.0))])
        assert (small.shape, small.step) == ((15, 40), 4.0)

    @pytest.mark.parametrize("step", [3.9, 4.0, 5.9])
    def test_auto_leaves_what_is_binned_enough(self, step):
        auto = FourierDownsample(particle_diameter=120.0, target_diameter=30.0)
        image = GridImage(np.zeros((50, 50), np.int16), step=step)
        (same,) = auto.transform([image])
        assert same.values is image.values
        assert same.step == step

    def test_auto_downsamples_just_above_the_limit(self):
        auto = FourierDownsample(particle_diameter=120.0, target_diameter=30.0)
        (small,) = auto.transform([GridImage(np.zeros((106, 106)), step=4.0 / 1.06)])
        assert small.shape == (100, 100)

    def test_auto_needs_the_diameter(self):
        for call in (FourierDownsample().fit, FourierDownsample().transform):
            with pytest.raises(ValueError, match='factor="auto" needs particle_diameter, got None'):
                call([np.zeros((8, 8))])

    @pytest.mark.parametrize("name", ["particle_diameter", "pixel_size", "target_diameter"])
    @pytest.mark.parametrize("value", [0, -1.0, np.nan, "big", True])
    def test_parameters_are_checked_in_fit(self, name, value):
        params = {"particle_diameter": 100.0, name: value}
        with pytest.raises(ValueError, match=rf"{name} must be a positive number.*, got "):
            FourierDownsample(**params).fit([np.zeros((8, 8))])

    @pytest.mark.parametrize("factor", [0.5, True, np.True_])
    def test_bad_factor_is_found_in_fit(self, factor):
        with pytest.raises(ValueError, match=f"factor must be a number.*, got {factor!r}"):
            FourierDownsample(factor).fit([np.zeros((8, 8))])

    def test_auto_fills_what_is_not_finite_in_images_that_are_binned_enough(self):
        auto = FourierDownsample(particle_diameter=120.0, target_diameter=30.0)
        holes = np.ones((50, 50))
        holes[3, 4] = np.nan
        (filled,) = auto.transform([GridImage(holes, step=3.9, name="a")])
        np.testing.assert_array_equal(filled.values, np.ones((50, 50)))
        assert (filled.step, filled.name) == (3.9, "a")

    def test_sizes_and_kinds_mix(self, tmp_path):
        path = tmp_path / "mic1.mrc"
        mrcfile.write(path, np.ones((8, 12), np.int16), voxel_size=1.5)
        images = FourierDownsample(2).fit_transform(
            [path, np.ones((6, 6)), GridImage(np.ones((4, 4)), name="own")]
        )
        assert images.dtype == object
        assert [image.shape for image in images] == [(4, 6), (3, 3), (2, 2)]
        assert [image.name for image in images] == ["mic1.mrc", "micrograph_0001", "own"]
        assert images[0].pixel_size == 1.5

    def test_equal_sizes_still_give_an_object_array_of_images(self):
        images = FourierDownsample(2).fit_transform(np.ones((3, 8, 8)))
        assert images.shape == (3,)
        assert all(isinstance(image, GridImage) for image in images)

    def test_pixels_are_not_copied_to_collect_the_images(self, monkeypatch):
        def refuse(*args, **kwargs):
            raise AssertionError("the pixels are copied")

        monkeypatch.setattr(GridImage, "__array__", refuse)
        assert FourierDownsample(2).fit_transform([np.ones((8, 8))])[0].shape == (4, 4)

    def test_single_micrograph_is_to_be_wrapped(self):
        with pytest.raises(TypeError, match="put it in a list"):
            FourierDownsample(2).fit_transform(np.ones((8, 8)))

    def test_processes_give_the_same(self):
        noise = np.random.default_rng(0).normal(size=(3, 32, 32))
        alone = FourierDownsample(2).fit_transform(noise)
        together = FourierDownsample(2, n_jobs=2).fit_transform(noise)
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a.values, b.values)


@pytest.mark.parametrize("estimator", [FourierDownsample(2, n_jobs=1), NormalizeMicrograph()])
class TestAsScikitLearnTransformer:
    def test_clone_and_parameters(self, estimator):
        copy = clone(estimator)
        assert copy.get_params() == estimator.get_params()
        assert copy.set_params(n_jobs=3).n_jobs == 3

    def test_it_needs_no_fit(self, estimator):
        noise = np.random.default_rng(0).normal(size=(2, 16, 16))
        check_is_fitted(estimator)
        for a, b in zip(clone(estimator).transform(noise), estimator.fit_transform(noise)):
            np.testing.assert_array_equal(a.values, b.values)

    def test_fit_learns_nothing(self, estimator):
        before = dict(vars(estimator))
        assert estimator.fit([np.zeros((8, 8))]) is estimator
        assert vars(estimator) == before

    @pytest.mark.parametrize("output", ["default", "pandas", None])
    def test_output_setting_leaves_images_alone(self, estimator, output):
        noise = np.random.default_rng(0).normal(size=(2, 16, 16))
        pipeline = make_pipeline(clone(estimator), clone(estimator)).set_output(transform=output)
        images = pipeline.fit_transform(noise)
        assert isinstance(images, np.ndarray)
        assert all(isinstance(image, GridImage) for image in images)

    def test_pickle(self, estimator):
        copy = pickle.loads(pickle.dumps(estimator))
        assert copy.get_params() == estimator.get_params()

    def test_html_representation(self, estimator):
        assert type(estimator).__name__ in estimator._repr_html_()


def test_both_steps_in_a_pipeline():
    noise = np.random.default_rng(0).normal(500, 20, (2, 64, 64))
    images = make_pipeline(FourierDownsample(2), NormalizeMicrograph()).fit_transform(noise)
    assert [image.shape for image in images] == [(32, 32)] * 2
    assert [image.step for image in images] == [2.0] * 2
    assert abs(images[0].values.mean()) < 0.1


class TestFinerGrid:
    """Particles that are too small for the stride of a network are brought to its size."""

    @pytest.mark.parametrize("shape", [(40, 48), (41, 47), (40, 47)])
    @pytest.mark.parametrize("diameter", [10.0, 7.5, 12.0])
    def test_goes_through_the_pixels_and_adds_no_frequency(self, shape, diameter):
        pixels = np.random.default_rng(0).normal(5.0, 1.0, shape)
        step = FourierDownsample(particle_diameter=diameter)
        (finer,) = step.fit_transform([pixels])
        times = 30.0 / diameter
        assert finer.shape == tuple(round(n * times) for n in shape)
        # The sum of waves that goes through the pixels, by hand.
        height, width = shape
        spectrum = np.fft.fft2(pixels) / pixels.size
        row, column = np.array([7, 20, 3]), np.array([11, 2, 30])
        x, y = finer.to_micrograph(np.column_stack([column, row])).T
        k, m = (np.fft.fftfreq(n, 1 / n) for n in shape)
        waves = np.exp(2j * np.pi * np.outer(y, k) / height)
        across = np.exp(2j * np.pi * np.outer(x, m) / width)
        if height % 2 == 0:
            waves[:, height // 2] = waves[:, height // 2].real
        if width % 2 == 0:
            across[:, width // 2] = across[:, width // 2].real
        expected = np.einsum("pk,km,pm->p", waves, spectrum, across).real
        np.testing.assert_allclose(finer.values[row, column], expected, atol=1e-4)

    def test_keeps_dtype_step_and_offset(self):
        image = GridImage(np.ones((30, 40), np.float32), step=2.0, offset=1.0, pixel_size=1.5)
        (finer,) = FourierDownsample(particle_diameter=20.0).fit_transform([image])
        assert finer.shape == (90, 120)
        assert finer.values.dtype == np.float32
        np.testing.assert_allclose(finer.step_xy, 2 / 3)
        np.testing.assert_allclose(finer.offset_xy, 1.0)
        assert finer.pixel_size == 1.5

    def test_pixels_that_are_not_finite_are_replaced(self):
        pixels = np.ones((30, 40), np.float32)
        pixels[3, 4] = np.nan
        (finer,) = FourierDownsample(particle_diameter=10.0).fit_transform([pixels])
        np.testing.assert_allclose(finer.values, 1.0, rtol=1e-5)

    def test_memory_is_limited(self, monkeypatch):
        monkeypatch.setattr(_fourier_downsample, "_MOST_PIXELS", 100 * 100)
        (finer,) = FourierDownsample(particle_diameter=6.0).fit_transform([np.ones((60, 60))])
        assert finer.shape == (100, 100)

    @pytest.mark.parametrize(("diameter", "edge"), [(20.5, 64), (29.0, 64), (19.0, 101)])
    def test_only_where_particles_are_small(self, diameter, edge):
        (image,) = FourierDownsample(particle_diameter=diameter).fit_transform([np.ones((64, 64))])
        assert image.shape == (edge, edge)
