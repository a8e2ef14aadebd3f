import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from puclassify import PUImageClassifier, RegionTable
from puclassify.classifier._samples import PixelSource


def conv31(**params):
    options = {"module_params": {"units": 4}, "max_epochs": 2, "random_state": 0}
    return PUImageClassifier("conv31", **(options | params))


def cnn(**params):
    options = {"module_params": {"units": 4}, "max_epochs": 2, "random_state": 0}
    return PUImageClassifier(**(options | params))


class CountingMemmap(np.memmap):
    """A memory-mapped array that remembers how many rows each read took."""

    reads = None

    def __array_finalize__(self, obj):
        super().__array_finalize__(obj)
        self.reads = getattr(obj, "reads", None)

    def __getitem__(self, key):
        part = super().__getitem__(key)
        if self.reads is not None and getattr(part, "ndim", 0) == self.ndim:
            self.reads.append(len(part))
        return part

    def __array__(self, *args, **kwargs):
        raise AssertionError("the whole array was converted")


def as_memmap(array, path, kind=np.memmap):
    mapped = kind(path, dtype=array.dtype, mode="w+", shape=array.shape)
    mapped[:] = array
    mapped.flush()
    return kind(path, dtype=array.dtype, mode="r", shape=array.shape)


class TestArrays:
    def test_a_channel_axis_may_be_left_out(self, images):
        with_axis = cnn().fit(images.X[:, None], images.y)
        without = cnn().fit(images.X, images.y)
        assert without.image_shape_ == with_axis.image_shape_ == (1, 31, 31)
        np.testing.assert_array_equal(
            without.decision_function(images.X), with_axis.decision_function(images.X[:, None])
        )

    def test_several_channels(self, images):
        X = np.stack([images.X, -images.X, images.X**2], axis=1)
        classifier = cnn().fit(X, images.y)
        assert classifier.image_shape_ == (3, 31, 31)
        assert classifier.decision_function(X).shape == (48,)
        with pytest.raises(ValueError, match=r"X holds samples of shape \(1, 31, 31\)"):
            classifier.predict(images.X)

    @pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int16, np.uint8, bool])
    def test_any_real_dtype_gives_what_float32_gives(self, images, dtype):
        X = np.clip(40 * images.X + 100, 0, 255).astype(dtype)
        mine = cnn(max_epochs=1).fit(X, images.y).decision_function(X)
        X = X.astype(np.float32)
        np.testing.assert_array_equal(mine, cnn(max_epochs=1).fit(X, images.y).decision_function(X))

    def test_lists_and_tensors(self, images):
        reference = cnn(max_epochs=1).fit(images.X, images.y).decision_function(images.X)
        for X in (list(images.X), torch.from_numpy(images.X)):
            fitted = cnn(max_epochs=1).fit(X, images.y)
            np.testing.assert_array_equal(fitted.decision_function(X), reference)

    def test_byte_order_and_strides_do_not_matter(self, images):
        reference = cnn(max_epochs=1).fit(images.X, images.y).decision_function(images.X)
        X = np.asfortranarray(images.X.astype(">f4"))
        np.testing.assert_array_equal(
            cnn(max_epochs=1).fit(X, images.y).decision_function(X), reference
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda X: X + 1j, "Complex data not supported"),
            (lambda X: X.astype(str), r"X has dtype .*not numeric"),
            (lambda X: X[..., None, None], r"array with dim 5|X must have shape .*got \(48"),
            (lambda X: X[:, :0], r"X holds nothing: its shape is \(48, 0, 31\)"),
            (lambda X: X[:1], "X holds 1 samples; at least 2"),
            (lambda X: [X[0], X[1, :5]], "X is a list of samples whose shapes differ"),
        ],
        ids=["complex", "text", "5-D", "empty", "single", "ragged"],
    )
    def test_what_is_no_stack_of_images_is_refused(self, images, change, message):
        with pytest.raises(ValueError, match=message):
            cnn().fit(change(images.X), images.y[: len(change(images.X))])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 1e60])
    def test_values_that_are_not_finite_are_located(self, images, bad):
        X = images.X.astype(np.float64)
        X[7, 3, 3] = bad
        with pytest.raises(ValueError, match=r"X contains NaN, infinity or a value .*sample 7\)"):
            cnn().fit(X, images.y)
        classifier = cnn().fit(images.X, images.y)
        with pytest.raises(ValueError, match=r"X contains NaN, infinity or a value .*sample 7\)"):
            classifier.predict(X)

    def test_rows_too_large_for_float32_are_refused(self, rows):
        rows.X[3, 1] = 1e60
        with pytest.raises(ValueError, match=r"X contains infinity or a value too large"):
            PUImageClassifier(max_epochs=1).fit(rows.X, rows.y)

    def test_a_single_image_needs_its_axis(self, images):
        classifier = cnn(max_epochs=1).fit(images.X, images.y)
        with pytest.raises(ValueError, match=r"pass a single image as X\[None\]"):
            classifier.predict(images.X[0])
        assert classifier.predict(images.X[0][None]).shape == (1,)

    def test_rows_and_images_do_not_mix(self, images, rows):
        with pytest.raises(ValueError, match=r"was fitted on samples of \(3,\)"):
            PUImageClassifier(max_epochs=1).fit(rows.X, rows.y).predict(images.X)

    def test_prediction_before_fit(self, images):
        for method in ("predict", "predict_proba", "decision_function", "transform"):
            with pytest.raises(NotFittedError):
                getattr(cnn(), method)(images.X)


class TestDataFrame:
    def test_columns_are_checked(self, rows):
        frame = pd.DataFrame(rows.X, columns=["width", "height", "contrast"])
        classifier = PUImageClassifier(max_epochs=2, random_state=0).fit(frame, rows.y)
        np.testing.assert_array_equal(classifier.feature_names_in_, frame.columns)
        reference = PUImageClassifier(max_epochs=2, random_state=0).fit(rows.X, rows.y)
        np.testing.assert_array_equal(
            classifier.decision_function(frame), reference.decision_function(rows.X)
        )
        with pytest.raises(ValueError, match="feature names should match"):
            classifier.predict(frame[["height", "width", "contrast"]])

    def test_a_later_fit_on_images_forgets_them(self, rows, images):
        frame = pd.DataFrame(rows.X, columns=["width", "height", "contrast"])
        classifier = cnn(module_params=None, max_epochs=1).fit(frame, rows.y)
        classifier.set_params(module_params={"units": 4}).fit(images.X, images.y)
        assert not hasattr(classifier, "n_features_in_")
        assert not hasattr(classifier, "feature_names_in_")


class TestMemoryMap:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float64])
    def test_a_stack_is_cast_batch_by_batch(self, images, dtype, tmp_path):
        array = np.clip(40 * images.X + 100, 0, 255).astype(dtype)
        array = np.tile(array, (4, 1, 1))
        y = np.tile(images.y, 4)
        X = as_memmap(array, tmp_path / "stack", CountingMemmap)
        X.reads = reads = []
        classifier = cnn(max_epochs=1, batch_size=32).fit(X, y)
        assert sum(reads) > np.sum(y == 0)
        assert max(reads) <= 32
        in_memory = cnn(max_epochs=1, batch_size=32).fit(array, y)
        np.testing.assert_array_equal(
            classifier.decision_function(X), in_memory.decision_function(array)
        )

    def test_held_out_images_are_not_loaded_at_once_either(self, images, tmp_path, monkeypatch):
        monkeypatch.setattr("puclassify.classifier._forward._PIXELS_AT_ONCE", 4 * 31 * 31)
        X = as_memmap(np.tile(images.X, (4, 1, 1)), tmp_path / "stack", CountingMemmap)
        X.reads = reads = []
        cnn(max_epochs=1, batch_size=16, early_stopping=True, validation_fraction=0.4).fit(
            X, np.tile(images.y, 4)
        )
        assert max(reads) <= 17

    @pytest.mark.parametrize("dtype", [np.int16, np.float64])
    def test_rows_are_cast_batch_by_batch(self, rows, dtype, tmp_path, monkeypatch):
        array = np.tile(np.rint(20 * rows.X), (10, 1)).astype(dtype)
        y = np.tile(rows.y, 10)
        X = as_memmap(array, tmp_path / "rows")
        taken = []
        take = PixelSource.take
        monkeypatch.setattr(
            PixelSource,
            "take",
            lambda source, rows: taken.append(type(source.X)) or take(source, rows),
        )
        classifier = PUImageClassifier(max_epochs=1, random_state=0).fit(X, y)
        assert set(taken) == {np.memmap}
        assert classifier.n_features_in_ == 3
        in_memory = PUImageClassifier(max_epochs=1, random_state=0).fit(array, y)
        np.testing.assert_array_equal(
            classifier.decision_function(X), in_memory.decision_function(array)
        )

    def test_a_bad_row_is_found_when_it_is_read(self, rows, tmp_path):
        rows.X[33, 0] = np.nan
        with pytest.raises(ValueError, match=r"NaN.*sample 33\)"):
            PUImageClassifier(max_epochs=1).fit(as_memmap(rows.X, tmp_path / "rows"), rows.y)


class TestBoundedPrediction:
    def test_the_batches_of_a_prediction_are_bounded_and_join_up(self, images, monkeypatch):
        classifier = cnn().fit(images.X, images.y)
        at_once = classifier.decision_function(images.X)
        sizes = []
        take = PixelSource.take
        monkeypatch.setattr("puclassify.classifier._forward._PIXELS_AT_ONCE", 5 * 31 * 31)
        monkeypatch.setattr(
            PixelSource,
            "take",
            lambda source, rows: sizes.append(len(take(source, rows))) or take(source, rows),
        )
        np.testing.assert_allclose(classifier.decision_function(images.X), at_once, atol=1e-5)
        compared, batches = sizes[:-10], sizes[-10:]
        assert batches == [5] * 9 + [3]
        assert compared == [16] * 3  # with the values in fit


class TestRegionTable:
    @pytest.fixture
    def table(self, images):
        """Every image becomes a micrograph with one region at its centre."""
        return RegionTable(list(images.X), np.arange(48), np.full((48, 2), 15.0))

    def test_regions_are_cut_at_the_receptive_field(self, images, table):
        classifier = conv31().fit(table, images.y)
        assert classifier.image_shape_ == (1, 31, 31)
        reference = conv31().fit(images.X, images.y)
        np.testing.assert_array_equal(
            classifier.decision_function(table), reference.decision_function(images.X)
        )
        np.testing.assert_array_equal(
            reference.decision_function(table), classifier.decision_function(images.X)
        )

    def test_the_field_may_depend_on_the_parameters(self, images, table):
        from torch import nn

        from puclassify.networks import FullyConvolutional

        def make(size=5):
            return FullyConvolutional(nn.Conv2d(1, 4, size), 4)

        classifier = PUImageClassifier(make, module_params={"size": 9}, max_epochs=1)
        assert classifier.fit(table, images.y).image_shape_ == (1, 9, 9)

    @pytest.mark.parametrize("module", ["auto", "cnn", "mlp"])
    def test_without_a_receptive_field_the_way_out_is_named(self, images, table, module):
        with pytest.raises(ValueError, match=r"put a RegionExtractor\(size\) in front"):
            PUImageClassifier(module).fit(table, images.y)
        if module != "mlp":
            classifier = cnn(module=module, max_epochs=1).fit(images.X, images.y)
            with pytest.raises(ValueError, match=r"put a RegionExtractor\(size\) in front"):
                classifier.predict(table)
