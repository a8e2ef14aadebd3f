"""Tensors on any device give the same results as arrays, and stay on their device."""

from dataclasses import replace

import mrcfile
import numpy as np
import pytest
import torch
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from puclassify._devices._pixel_tensors import as_tensor
from puclassify.grid import GridImage
from puclassify.preprocessing import (
    FourierDownsample,
    NormalizeMicrograph,
    _transforms,
    fourier_downsample,
    normalize_micrograph,
)
from puclassify.preprocessing._on_device import preprocess_on, runs_on_devices

DTYPES = [
    bool,
    np.uint8,
    np.int8,
    np.int16,
    np.uint16,
    np.int32,
    np.uint32,
    np.int64,
    np.float16,
    np.float32,
    np.float64,
    ">i2",
    ">u2",
    ">f4",
    ">f8",
]
# With large prime factors and without, so that both libraries of transforms have their turn.
SHAPES = [(96, 64), (97, 64), (61, 83), (190, 53)]
FACTORS = [1, 2, 2.6, (2, 3), (1, 2), (3, 1), 200]


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    return torch.device(request.param)


@pytest.fixture(params=["scipy", "torch"])
def library(request, monkeypatch):
    """Compute the transforms of tensors on the CPU with either library, at all lengths."""
    with_scipy = request.param == "scipy"
    monkeypatch.setattr(
        _transforms, "_scipy_is_faster", lambda tensor, _: with_scipy and not tensor.is_cuda
    )


@pytest.fixture
def ice():
    return np.random.default_rng(0).normal(0, 1, (150, 200)).astype(np.float32)


def on(device, values):
    return GridImage(as_tensor(values).to(device), step=2.0, offset=0.5, name="a")


def over_the_range_of(dtype):
    """Make pixels up to the limits of a type, but no larger than micrographs have."""
    uniform = np.random.default_rng(2).random((40, 44))
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        low, high = max(limits.min, -(2**31)), min(limits.max, 2**32 - 1)
        return np.round(low + (high - low) * uniform).astype(dtype)
    return (uniform * (2 if dtype is bool else 1000)).astype(int).astype(dtype)


def assert_same(result, expected, device, atol=1e-5):
    """Compare the result for a tensor with that for an array, and grids with it."""
    assert isinstance(result.values, torch.Tensor)
    assert result.values.device.type == device.type
    assert isinstance(expected.values, np.ndarray)
    assert repr(result) == repr(expected)
    values = result.values.cpu().numpy()
    assert values.dtype == expected.values.dtype.newbyteorder("=")
    finite = expected.values[np.isfinite(expected.values)]
    spread = finite.std(dtype=float)
    np.testing.assert_allclose(values, expected.values, rtol=1e-5, atol=atol * spread)


class TestFourierDownsample:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("factor", FACTORS)
    @pytest.mark.usefixtures("library")
    def test_sizes(self, device, shape, factor):
        noise = np.random.default_rng(1).normal(7000, 50, shape).astype(np.float32)
        expected = fourier_downsample(GridImage(noise, 2.0, 0.5, name="a"), factor)
        assert_same(fourier_downsample(on(device, noise), factor), expected, device)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_number_types(self, device, dtype):
        pixels = over_the_range_of(dtype)
        for factor in (1, 2):
            expected = fourier_downsample(GridImage(pixels, 2.0, 0.5, name="a"), factor)
            assert_same(fourier_downsample(on(device, pixels), factor), expected, device)
        exact = fourier_downsample(GridImage(pixels.astype(np.float64)), 2).values
        np.testing.assert_allclose(expected.values, exact, rtol=1e-5, atol=1e-5 * exact.std())

    @pytest.mark.parametrize(("mean", "spread"), [(1e3, 1e-6), (7e4, 0.5)])
    def test_low_contrast_is_kept_in_float64(self, device, ice, mean, spread):
        pixels = mean + spread * ice.astype(np.float64)
        result = fourier_downsample(on(device, pixels), 2)
        assert result.values.dtype == torch.float64
        small = (result.values.cpu().numpy() - mean) / spread
        np.testing.assert_allclose(small, fourier_downsample(GridImage(ice), 2).values, atol=5e-3)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("n_finite", [0, 1, 4, 29_000])
    @pytest.mark.usefixtures("library")
    def test_pixels_that_are_not_finite_are_filled(self, device, ice, dtype, n_finite):
        pixels = (ice * 3 + 50).astype(dtype)
        pixels.ravel()[n_finite:] = np.nan
        pixels[-1, :2] = np.inf, -np.inf
        finite = np.isfinite(pixels)
        filled = fourier_downsample(on(device, pixels), 1).values.cpu().numpy()
        assert filled.dtype == dtype
        np.testing.assert_array_equal(filled[finite], pixels[finite])
        low, high = (pixels[finite].min(), pixels[finite].max()) if n_finite else (0, 0)
        assert ((filled[~finite] >= low) & (filled[~finite] <= high)).all()
        small = fourier_downsample(on(device, pixels), 2).values.cpu().numpy()
        expected = fourier_downsample(GridImage(filled), 2).values
        if n_finite < 10:
            assert (small == small[-1, -1]).mean() > 0.9  # one value where nothing is known
        else:
            atol = 0.02 if dtype == np.float16 else 2e-5
            np.testing.assert_allclose(small[:72], expected[:72], atol=atol)

    def test_many_parts_are_one_whole(self, device, ice, monkeypatch):
        whole = fourier_downsample(on(device, ice), 2)
        for name in ("_PIXELS_IN_A_CACHE", "_PIXELS_FOR_A_GPU"):
            monkeypatch.setattr(f"puclassify._devices._pixel_tensors.{name}", 1000)
        ice[7, 8] = np.nan
        parts = fourier_downsample(on(device, ice), 2).values
        ice[7, 8] = np.nanmean(ice[4:8, 8:12])
        whole = fourier_downsample(on(device, ice), 2).values
        torch.testing.assert_close(parts, whole, rtol=0, atol=1e-5)


class TestNormalizeMicrograph:
    PARAMS = pytest.mark.parametrize(
        "params",
        [
            {},
            {"method": "standard"},
            {"clip": None},
            {"clip": 2.0},
            {"background_radius": 25.0},
            {"method": "standard", "background_radius": 25.0},
        ],
        ids=repr,
    )
    IMAGES = pytest.mark.parametrize(
        "kind", ["ice", "carbon", "half carbon", "holes", "padding", "constant", "hot", "counts"]
    )

    @PARAMS
    @IMAGES
    def test_equals_arrays(self, device, ice, kind, params):
        pixels = ice * 5 + 100
        if kind == "carbon":
            pixels[:, :60] -= 10
        elif kind == "half carbon":
            pixels[:, :100] -= 15
        elif kind == "holes":
            pixels[10:60, 20:90], pixels[0, 0], pixels[1, 1] = np.nan, np.inf, -np.inf
        elif kind == "padding":
            pixels[:70], pixels[:, 190:] = 0, 255
        elif kind == "constant":
            pixels[:] = 7
        elif kind == "hot":
            pixels.ravel()[::500] = 1e9
        elif kind == "counts":
            pixels = np.random.default_rng(3).poisson(0.02, ice.shape).astype(np.uint8)
        before = pixels.copy()
        expected = normalize_micrograph(GridImage(pixels, 2.0, 0.5, name="a"), **params)
        result = normalize_micrograph(on(device, pixels), **params)
        # Far from any pixel that counts, the background is the quotient of two sums near 0, in
        # which the transforms of a GPU round otherwise.
        far = device.type == "cuda" and "background_radius" in params
        assert_same(result, expected, device, 2e-4 if far else 1e-5)
        np.testing.assert_array_equal(pixels, before)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_number_types(self, device, dtype):
        pixels = over_the_range_of(dtype)
        expected = normalize_micrograph(GridImage(pixels, 2.0, 0.5, name="a"))
        assert_same(normalize_micrograph(on(device, pixels)), expected, device)
        exact = normalize_micrograph(GridImage(pixels.astype(np.float64))).values
        np.testing.assert_allclose(expected.values, exact, atol=1e-5)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 700), (9, 9), (61, 83), (1100, 1013)])
    def test_sizes(self, device, shape):
        noise = np.random.default_rng(1).normal(7000, 50, shape).astype(np.float32)
        expected = normalize_micrograph(GridImage(noise, 2.0, 0.5, name="a"))
        assert_same(normalize_micrograph(on(device, noise)), expected, device)

    def test_same_bits_every_time(self, device, ice):
        first, second = (normalize_micrograph(on(device, ice)).values for _ in range(2))
        assert torch.equal(first, second)


class TestPreprocessOn:
    STEPS = pytest.mark.parametrize(
        "preprocessing",
        [
            FourierDownsample(2),
            FourierDownsample(particle_diameter=90.0, pixel_size=1.5),
            NormalizeMicrograph(clip=4.0),
            make_pipeline(FourierDownsample(2), NormalizeMicrograph(clip=4.0)),
            Pipeline([("a", "passthrough"), ("b", NormalizeMicrograph()), ("c", None)]),
        ],
        ids=lambda steps: type(steps).__name__,
    )

    @STEPS
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, ">f4", np.float64])
    def test_equals_transform(self, device, ice, preprocessing, dtype):
        image = GridImage((ice * 10 + 100).astype(dtype), pixel_size=1.5, name="a")
        (expected,) = preprocessing.transform([image])
        expected = replace(expected, values=expected.values.astype(np.float32))
        assert_same(preprocess_on(preprocessing, image, device), expected, device)

    def test_memory_mapped_micrographs_are_read_without_a_warning(self, device, ice, tmp_path):
        path = tmp_path / "mic1.mrc"
        mrcfile.write(path, ice)
        values = np.memmap(path, np.float32, mode="r", offset=1024, shape=ice.shape)
        micrograph = GridImage(values)
        assert not micrograph.values.flags.writeable
        steps = make_pipeline(FourierDownsample(2), NormalizeMicrograph())
        (expected,) = steps.transform([ice])
        result = preprocess_on(steps, micrograph, device).values.cpu().numpy()
        np.testing.assert_allclose(result, expected.values, atol=1e-5)

    def test_longer_numbers_than_torch_has(self, device, ice):
        image = GridImage(ice.astype(np.longdouble))
        result = preprocess_on(NormalizeMicrograph(), image, device).values.cpu().numpy()
        expected = normalize_micrograph(GridImage(ice.astype(np.float64))).values
        np.testing.assert_array_equal(result, expected)

    def test_other_orders_of_memory(self, device, ice):
        for values in (ice[::-1, ::-2], ice.T, ice[3:, ::3]):
            steps = make_pipeline(FourierDownsample(2), NormalizeMicrograph())
            expected = preprocess_on(steps, GridImage(values.copy()), device).values
            result = preprocess_on(steps, GridImage(values), device).values
            torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)

    @pytest.mark.parametrize("holes", [False, True])
    def test_only_tables_come_to_the_host(self, device, monkeypatch, holes):
        pixels = np.random.default_rng(5).normal(100, 5, (700, 800)).astype(np.float32)
        pixels[:, :200] -= 10
        pixels[600:] = 0
        if holes:
            pixels[:50, 700:] = np.nan
        monkeypatch.setattr(_transforms, "_scipy_is_faster", lambda *_: False)
        copied = []

        def recorded(method):
            def record(tensor, *args, **kwargs):
                copied.append(tensor.numel() * tensor.element_size())
                return method(tensor, *args, **kwargs)

            return record

        for name in ("cpu", "numpy", "tolist", "item", "__bool__", "__array__", "__float__"):
            monkeypatch.setattr(torch.Tensor, name, recorded(getattr(torch.Tensor, name)))
        steps = make_pipeline(FourierDownsample(2), NormalizeMicrograph())
        result = preprocess_on(steps, GridImage(pixels), device)
        assert 5 < len(copied) < 45
        assert max(copied) <= 2**18  # pixels are 2**21 bytes
        assert result.values.numel() == 350 * 400

    @STEPS
    def test_these_run_on_devices(self, preprocessing):
        assert runs_on_devices(preprocessing)

    def test_others_do_not(self):
        class OwnNormalization(NormalizeMicrograph):
            pass

        class OwnPipeline(Pipeline):
            pass

        known = NormalizeMicrograph()
        assert not runs_on_devices(OwnNormalization())
        assert not runs_on_devices(FunctionTransformer())
        assert not runs_on_devices(make_pipeline(known, FunctionTransformer()))
        assert not runs_on_devices(make_pipeline(OwnNormalization(), known))
        assert not runs_on_devices(OwnPipeline([("a", known)]))
