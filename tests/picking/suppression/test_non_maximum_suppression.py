import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from puclassify.grid import GridImage
from puclassify.metrics import pick_average_precision_score
from puclassify.picking.suppression._non_maximum_suppression import NonMaximumSuppression
from puclassify.picking.suppression._suppress import non_maximum_suppression


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class AsGridImages(TransformerMixin, BaseEstimator):
    """Stands for a scoring step: arrays in, an object array of maps out."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        maps = np.empty(len(X), dtype=object)
        for i, values in enumerate(X):
            maps[i] = GridImage(self.scale * np.asarray(values), step=2.0, offset=0.5)
        return maps


@pytest.fixture
def maps_and_truth(rng):
    """Six noisy maps of different sizes, with bumps on a grid of 12 pixels."""
    maps, truth = [], []
    for i in range(6):
        height, width = 40 + i, 50 - i
        y, x = np.mgrid[:height, :width]
        centres = np.array([[cx, cy] for cx in (8, 20, 32) for cy in (7, 19, 31)], dtype=float)
        centres += rng.uniform(-2, 2, centres.shape)
        scores = rng.normal(-2.0, 0.3, (height, width))
        for cx, cy in centres:
            scores += 4.0 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8.0)
        maps.append(scores)
        truth.append(centres)
    return maps, truth


class TestPredict:
    def test_is_the_function_on_each_map(self, maps_and_truth):
        maps, _ = maps_and_truth
        nms = NonMaximumSuppression(5.0, threshold=-0.5, max_picks=7, border=4, subpixel=False)
        picks = nms.fit(maps).predict(maps)
        assert picks.dtype == object
        assert picks.shape == (6,)
        for found, values in zip(picks, maps):
            expected = non_maximum_suppression(
                values, 5.0, threshold=-0.5, max_picks=7, border=4, subpixel=False
            )
            np.testing.assert_array_equal(found, expected)

    def test_finds_the_bumps(self, maps_and_truth):
        maps, truth = maps_and_truth
        nms = NonMaximumSuppression(5.0)
        for found, centres in zip(nms.predict(maps), truth):
            assert len(found) == len(centres)
            apart = np.linalg.norm(found[:, None, :2] - centres, axis=2)
            assert apart.min(axis=0).max() < 1.0

    def test_all_maps_of_one_size_still_give_one_object_each(self):
        maps = np.ones((3, 4, 4))
        picks = NonMaximumSuppression(10.0).fit_transform(maps)
        assert picks.shape == (3,)
        assert picks.dtype == object
        assert all(found.shape == (1, 3) for found in picks)

    def test_grid_images_and_arrays_mix(self):
        values = np.zeros((5, 5))
        values[1, 2] = 1.0
        grid = GridImage(values, step=4.0, offset=35.0)
        picks = NonMaximumSuppression(3.0, subpixel=False).predict([values, grid])
        assert picks[0].tolist() == [[2.0, 1.0, 1.0]]
        assert picks[1].tolist() == [[43.0, 39.0, 1.0]]

    def test_no_maps(self):
        assert NonMaximumSuppression(3.0).predict([]).shape == (0,)

    @pytest.mark.parametrize("bare", [np.zeros((4, 5)), GridImage(np.zeros((4, 5)))])
    def test_one_bare_map_is_refused(self, bare):
        with pytest.raises(ValueError, match=r"one map of shape \(4, 5\); pass \[score_map\]"):
            NonMaximumSuppression(3.0).predict(bare)

    def test_generators_are_refused(self):
        with pytest.raises(TypeError, match=r"pass list\(X\)"):
            NonMaximumSuppression(3.0).predict(iter([np.zeros((4, 5))]))


class TestEstimator:
    @pytest.mark.parametrize("method", ["fit", "predict", "transform", "fit_transform"])
    def test_parameters_are_checked_when_used(self, method):
        nms = NonMaximumSuppression(-1.0)
        with pytest.raises(ValueError, match=r"radius .* got -1.0"):
            getattr(nms, method)([np.zeros((4, 4))])

    @pytest.mark.parametrize(
        ("name", "value"),
        [("threshold", np.nan), ("max_picks", 0), ("border", -1), ("subpixel", "no")],
    )
    def test_every_parameter_is_checked_by_fit(self, name, value):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            NonMaximumSuppression(2.0, **{name: value}).fit([])

    def test_tags(self):
        tags = get_tags(NonMaximumSuppression(2.0))
        assert not tags.requires_fit
        assert (tags.input_tags.two_d_array, tags.input_tags.three_d_array) == (False, True)
        assert tags.transformer_tags.preserves_dtype == []

    def test_clone_and_parameters(self):
        nms = NonMaximumSuppression(4.0, threshold=1.0, max_picks=3, border=2, subpixel=False)
        assert clone(nms).get_params() == nms.get_params()
        assert nms.set_params(radius=2.0).radius == 2.0
        assert NonMaximumSuppression(4.0).get_params() == {
            "radius": 4.0, "threshold": 0.0, "max_picks": None, "border": 0, "subpixel": True,
        }  # fmt: skip

    def test_needs_no_fit(self):
        check_is_fitted(NonMaximumSuppression(2.0))

    def test_pickle(self, maps_and_truth):
        maps, _ = maps_and_truth
        nms = NonMaximumSuppression(4.0)
        for again, found in zip(pickle.loads(pickle.dumps(nms)).predict(maps), nms.predict(maps)):
            np.testing.assert_array_equal(again, found)

    def test_notebook_repr_names_the_class(self):
        assert "NonMaximumSuppression" in NonMaximumSuppression(2.0)._repr_html_()

    def test_score(self, maps_and_truth):
        maps, truth = maps_and_truth
        nms = NonMaximumSuppression(5.0, threshold=-1.0)
        expected = pick_average_precision_score(truth, nms.predict(maps), 5.0)
        assert nms.score(maps, truth) == expected
        assert nms.score(maps, truth, radius=0.0) == 0.0
        assert expected > 0.9


class TestSetOutput:
    def test_pandas_and_back(self, maps_and_truth):
        pd = pytest.importorskip("pandas")
        maps, _ = maps_and_truth
        nms = NonMaximumSuppression(5.0).set_output(transform="pandas")
        tables = nms.transform(maps)
        assert tables.dtype == object
        assert tables.shape == (6,)
        for table, found in zip(tables, nms.predict(maps)):
            assert isinstance(table, pd.DataFrame)
            assert isinstance(found, np.ndarray)
            assert list(table.columns) == ["x", "y", "score"]
            np.testing.assert_array_equal(table.to_numpy(), found)
        assert isinstance(nms.fit_transform(maps)[0], pd.DataFrame)
        assert isinstance(clone(nms).transform(maps)[0], pd.DataFrame)
        assert isinstance(nms.set_output().transform(maps)[0], pd.DataFrame)
        assert isinstance(nms.set_output(transform="default").transform(maps)[0], np.ndarray)

    def test_global_setting(self, maps_and_truth):
        pd = pytest.importorskip("pandas")
        maps, _ = maps_and_truth
        with config_context(transform_output="pandas"):
            assert isinstance(NonMaximumSuppression(5.0).transform(maps)[0], pd.DataFrame)
            arrays = NonMaximumSuppression(5.0).set_output(transform="default")
            assert isinstance(arrays.transform(maps)[0], np.ndarray)

    def test_unknown_container(self):
        with pytest.raises(
            ValueError, match="transform must be 'default', 'pandas' or 'polars', got 'dask'"
        ):
            NonMaximumSuppression(5.0).set_output(transform="dask")

    def test_polars(self, maps_and_truth):
        polars = pytest.importorskip("polars")
        maps, truth = maps_and_truth
        nms = NonMaximumSuppression(5.0).set_output(transform="polars")
        tables = nms.transform(maps)
        assert isinstance(tables[0], polars.DataFrame)
        assert tables[0].columns == ["x", "y", "score"]
        np.testing.assert_array_equal(tables[0].to_numpy(), nms.predict(maps)[0])
        assert pick_average_precision_score(truth, tables, 5.0) == nms.score(maps, truth)

    def test_tables_can_be_scored(self, maps_and_truth):
        pytest.importorskip("pandas")
        maps, truth = maps_and_truth
        nms = NonMaximumSuppression(5.0).set_output(transform="pandas")
        tables = nms.transform(maps)
        assert pick_average_precision_score(truth, tables, 5.0) == nms.score(maps, truth)


class TestInAPipeline:
    def test_as_last_step(self, maps_and_truth):
        maps, truth = maps_and_truth
        pipeline = make_pipeline(AsGridImages(), NonMaximumSuppression(10.0))
        picks = pipeline.fit(maps, truth).predict(maps)
        direct = NonMaximumSuppression(5.0).predict(maps)
        for found, expected in zip(picks, direct):
            np.testing.assert_allclose(found[:, :2], 2.0 * expected[:, :2] + 0.5)
        for by_transform, found in zip(pipeline.fit_transform(maps, truth), picks):
            np.testing.assert_array_equal(by_transform, found)
        true_stored = [2.0 * xy + 0.5 for xy in truth]
        assert pipeline.score(maps, true_stored) > 0.9

    def test_set_output_of_the_pipeline(self, maps_and_truth):
        pd = pytest.importorskip("pandas")
        maps, truth = maps_and_truth
        pipeline = Pipeline([("nms", NonMaximumSuppression(10.0))]).fit(maps, truth)
        pipeline.set_output(transform="pandas")
        assert isinstance(pipeline.transform(maps)[0], pd.DataFrame)

    def test_grid_search_prefers_the_right_radius(self, maps_and_truth):
        maps, truth = maps_and_truth
        pipeline = make_pipeline(AsGridImages(), NonMaximumSuppression(10.0, threshold=-2.0))
        true_stored = [2.0 * xy + 0.5 for xy in truth]
        search = GridSearchCV(
            pipeline,
            {"nonmaximumsuppression__radius": [1.0, 10.0, 60.0]},
            cv=KFold(3),
            error_score="raise",
        )
        search.fit(maps, true_stored)
        assert search.best_params_ == {"nonmaximumsuppression__radius": 10.0}

    def test_cross_validation_over_ragged_maps(self, maps_and_truth):
        maps, truth = maps_and_truth
        scores = cross_val_score(NonMaximumSuppression(5.0), maps, truth, cv=3, error_score="raise")
        assert scores.min() > 0.9
        picks = cross_val_predict(NonMaximumSuppression(5.0), maps, truth, cv=3)
        for found, expected in zip(picks, NonMaximumSuppression(5.0).predict(maps)):
            np.testing.assert_array_equal(found, expected)
