import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from puclassify import PUImageClassifier, RegionExtractor, RegionTable, sample_regions


@pytest.fixture
def table():
    micrographs = np.random.default_rng(0).normal(size=(2, 20, 24))
    return RegionTable(micrographs, [0, 1, 1], [[3, 4], [20, 1], [11.4, 9.6]])


class TestTransform:
    def test_one_row_for_one_region(self, table):
        cut = RegionExtractor(7).fit_transform(table)
        assert cut.shape == (3, 1, 7, 7)
        assert cut.dtype == np.float32
        np.testing.assert_array_equal(cut, table.pixels(7))

    def test_flattened(self, table):
        flat = RegionExtractor(7, flatten=True).fit_transform(table)
        np.testing.assert_array_equal(flat, table.pixels(7).reshape(3, 49))

    def test_nothing_has_to_be_fitted(self, table):
        np.testing.assert_array_equal(RegionExtractor(5).transform(table), table.pixels(5))

    def test_pixels_stay_an_array(self, table):
        extractor = RegionExtractor(5).set_output(transform="pandas")
        assert isinstance(extractor.fit_transform(table), np.ndarray)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_flattened_regions_become_data_frames(self, table, library):
        pytest.importorskip(library)
        extractor = RegionExtractor(5, flatten=True).set_output(transform=library)
        for frame in (extractor.fit_transform(table), clone(extractor).transform(table)):
            assert type(frame).__module__.startswith(library)
            assert list(frame.columns)[:6] == [f"pixel_0_{x}" for x in range(5)] + ["pixel_1_0"]
            assert list(frame.columns) == list(extractor.get_feature_names_out())
            np.testing.assert_array_equal(frame.to_numpy(), table.pixels(5).reshape(3, 25))

    def test_global_option(self, table):
        pd = pytest.importorskip("pandas")
        with config_context(transform_output="pandas"):
            assert isinstance(RegionExtractor(5).transform(table), np.ndarray)
            assert isinstance(RegionExtractor(5, flatten=True).transform(table), pd.DataFrame)

    def test_clone(self):
        assert clone(RegionExtractor(9, flatten=True)).get_params() == {"size": 9, "flatten": True}


class TestErrors:
    @pytest.mark.parametrize("size", [0, -3, 2.5, "71", None, True])
    def test_size_must_be_a_whole_number(self, table, size):
        for method in ("fit", "transform"):
            with pytest.raises(ValueError, match="size must be a whole number of pixels >= 1, got"):
                getattr(RegionExtractor(size), method)(table)

    @pytest.mark.parametrize("X", [np.zeros((3, 20, 24)), [np.zeros((9, 9))], None])
    def test_only_tables_are_accepted(self, X):
        for method in ("fit", "transform"):
            with pytest.raises(TypeError, match=r"needs a RegionTable, got .* sample_regions"):
                getattr(RegionExtractor(5), method)(X)


class TestWithClassifiers:
    @pytest.fixture
    def labelled(self):
        """Four micrographs with six bright discs each; half of them labelled."""
        rng = np.random.default_rng(0)
        micrographs, coordinates, truth = [], [], []
        for _ in range(4):
            image = rng.normal(size=(80, 80))
            grid = np.stack(np.meshgrid([15, 40, 65], [20, 60]), axis=-1).reshape(-1, 2)
            xy = grid + rng.uniform(-4, 4, size=(6, 2))
            i, j = np.indices(image.shape)
            for x, y in xy:
                image[np.hypot(j - x, i - y) < 5] += 3.0
            micrographs.append(image)
            coordinates.append(xy[:3])
            truth.append(xy)
        regions, y = sample_regions(
            micrographs, coordinates, n_unlabeled=40, radius=1.5, random_state=0
        )
        true = np.array(
            [
                np.hypot(*(truth[m] - xy).T).min() <= 3
                for m, xy in zip(regions.groups, regions.xy, strict=True)
            ]
        )
        return regions, y, true

    @pytest.fixture
    def pipeline(self):
        return make_pipeline(
            RegionExtractor(31),
            PUImageClassifier(
                "conv31",
                module_params={"units": 4},
                criterion="ge_binomial",
                prior=0.05,
                lr=0.01,
                max_epochs=6,
                random_state=0,
            ),
        )

    def test_whole_micrographs_are_left_out(self, labelled, pipeline):
        regions, y, _ = labelled
        folds = list(GroupKFold(4).split(regions, y, groups=regions.groups))
        for train, test in folds:
            assert len(np.unique(regions[test].groups)) == 1
            assert not set(regions[train].groups) & set(regions[test].groups)
        scores = cross_val_score(
            pipeline, regions, y, cv=GroupKFold(4), groups=regions.groups, error_score="raise"
        )
        assert scores.shape == (4,)
        assert scores.mean() > 0.8

    def test_particles_are_ranked_first_on_a_new_micrograph(self, labelled, pipeline):
        regions, y, true = labelled
        new = regions.groups == 3
        pipeline.fit(regions[~new], y[~new])
        logits = pipeline.decision_function(regions[new])
        difference = logits[true[new]][:, None] - logits[~true[new]]
        assert np.mean(difference > 0) > 0.9

    def test_the_extractor_is_not_needed_for_a_network_with_a_field(self, labelled, pipeline):
        regions, y, _ = labelled
        direct = clone(pipeline[-1]).set_params(max_epochs=1)
        through = clone(pipeline).set_params(puimageclassifier__max_epochs=1)
        np.testing.assert_array_equal(
            direct.fit(regions, y).decision_function(regions),
            through.fit(regions, y).decision_function(regions),
        )

    def test_grid_search_over_both_steps(self, labelled, pipeline):
        regions, y, _ = labelled
        pipeline.set_params(puimageclassifier__max_epochs=1)
        search = GridSearchCV(
            pipeline,
            {
                "regionextractor__size": [31, 35],
                "puimageclassifier__criterion__slack": [0.5, 2.0],
            },
            cv=GroupKFold(2),
            error_score="raise",
        ).fit(regions, y, groups=regions.groups)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_any_other_classifier(self, labelled):
        regions, y, _ = labelled
        pipeline = make_pipeline(
            RegionExtractor(15, flatten=True), LogisticRegression(C=1e-3, class_weight="balanced")
        )
        scores = cross_val_score(
            pipeline,
            regions,
            y,
            cv=GroupKFold(2),
            groups=regions.groups,
            scoring="roc_auc",
            error_score="raise",
        )
        assert scores.mean() > 0.8
