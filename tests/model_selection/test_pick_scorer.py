import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore
from puclassify.model_selection import make_pick_scorer
from puclassify.picking import NonMaximumSuppression, non_maximum_suppression


class ThresholdPicker(BaseEstimator):
    """Stands for the picker: has a matching radius and a threshold that can be given."""

    def __init__(self, matching_radius=5.0, gain=1.0):
        self.matching_radius = matching_radius
        self.gain = gain

    def fit(self, X, y=None):
        self.matching_radius_ = self.matching_radius
        return self

    def predict(self, X, threshold=None):
        check_is_fitted(self)
        threshold = 0.0 if threshold is None else threshold
        picks = np.empty(len(X), dtype=object)
        for i, values in enumerate(X):
            picks[i] = non_maximum_suppression(self.gain * values, 5.0, threshold=threshold)
        return picks


class Shift(TransformerMixin, BaseEstimator):
    """Stands for a preprocessing step that changes the scores."""

    def __init__(self, by=0.0):
        self.by = by

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        check_is_fitted(self)
        shifted = np.empty(len(X), dtype=object)
        shifted[:] = [values + self.by for values in X]
        return shifted


@pytest.fixture
def data():
    """Noisy maps in which half of the particles peak below zero, and the truth."""
    rng = np.random.default_rng(0)
    maps, truth = [], []
    for height in (40, 41, 42, 43):
        y, x = np.mgrid[:height, :50]
        centres = np.array([[cx, cy] for cx in (8, 20, 32) for cy in (7, 19, 31)], dtype=float)
        centres += rng.uniform(-2, 2, centres.shape)
        scores = rng.normal(-3.0, 0.5, (height, 50))
        for n, (cx, cy) in enumerate(centres):
            scores += (2.0 + 2.0 * (n % 2)) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8.0)
        maps.append(scores)
        truth.append(centres)
    return maps, truth


class TestPicker:
    def test_average_precision_is_over_all_candidates(self, data):
        maps, truth = data
        picker = ThresholdPicker().fit(maps)
        found = make_pick_scorer()(picker, maps, truth)
        everything = picker.predict(maps, threshold=-np.inf)
        assert found == pick_average_precision_score(truth, everything, 5.0)
        assert found > pick_average_precision_score(truth, picker.predict(maps), 5.0) + 0.1

    def test_other_measures_are_at_the_own_threshold(self, data):
        maps, truth = data
        picker = ThresholdPicker().fit(maps)
        expected = pick_precision_recall_fscore(truth, picker.predict(maps), 5.0)
        for metric, value in zip(("precision", "recall", "f1"), expected):
            assert make_pick_scorer(metric)(picker, maps, truth) == value
        assert 0 < expected[1] < 1

    @pytest.mark.parametrize("metric", ["average_precision", "precision", "recall", "f1"])
    def test_threshold_and_radius_given(self, data, metric):
        maps, truth = data
        picker = ThresholdPicker().fit(maps)
        picks = picker.predict(maps, threshold=-1.5)
        precision, recall, f1 = pick_precision_recall_fscore(truth, picks, 0.5)
        ap = pick_average_precision_score(truth, picks, 0.5)
        values = {"average_precision": ap, "precision": precision, "recall": recall, "f1": f1}
        scorer = make_pick_scorer(metric, radius=0.5, threshold=-1.5)
        assert scorer(picker, maps, truth) == values[metric]
        assert values[metric] != make_pick_scorer(metric)(picker, maps, truth)

    def test_own_matching_radius(self, data):
        maps, truth = data
        narrow = ThresholdPicker(matching_radius=0.5).fit(maps)
        assert make_pick_scorer()(narrow, maps, truth) == make_pick_scorer(radius=0.5)(
            ThresholdPicker().fit(maps), maps, truth
        )


class TestSuppression:
    def test_own_picks_and_radius(self, data):
        maps, truth = data
        nms = NonMaximumSuppression(5.0, threshold=-1.0)
        assert make_pick_scorer()(nms, maps, truth) == nms.score(maps, truth)
        expected = pick_precision_recall_fscore(truth, nms.predict(maps), 5.0)
        assert make_pick_scorer("f1")(nms, maps, truth) == expected[2]

    @pytest.mark.parametrize("metric", ["average_precision", "recall"])
    def test_threshold_given(self, data, metric):
        maps, truth = data
        higher = NonMaximumSuppression(5.0, threshold=0.5)
        lower = NonMaximumSuppression(5.0, threshold=-1.0)
        expected = make_pick_scorer(metric)(higher, maps, truth)
        assert make_pick_scorer(metric, threshold=0.5)(lower, maps, truth) == expected
        assert make_pick_scorer(metric)(lower, maps, truth) != expected


class TestInside:
    def test_pipeline_goes_through_its_first_steps(self, data):
        maps, truth = data
        pipeline = make_pipeline(Shift(1.0), ThresholdPicker()).fit(maps)
        shifted = Shift(1.0).fit_transform(maps)
        picker = ThresholdPicker().fit(maps)
        for scorer in (make_pick_scorer(), make_pick_scorer("recall")):
            assert scorer(pipeline, maps, truth) == scorer(picker, shifted, truth)
        nested = make_pipeline(make_pipeline(Shift(1.0), ThresholdPicker())).fit(maps)
        recall = make_pick_scorer("recall")
        assert recall(nested, maps, truth) == recall(pipeline, maps, truth)
        assert recall(pipeline, maps, truth) != recall(picker, maps, truth)

    def test_search_and_fitted_search(self, data):
        maps, truth = data
        search = GridSearchCV(
            make_pipeline(Shift(), ThresholdPicker()),
            {"thresholdpicker__gain": [-1.0, 1.0], "shift__by": [0.0, 1.0]},
            scoring=make_pick_scorer("f1", radius=3.0),
            cv=KFold(2),
            error_score="raise",
        ).fit(maps, truth)
        assert search.best_params_ == {"thresholdpicker__gain": 1.0, "shift__by": 1.0}
        scorer = make_pick_scorer(radius=3.0)
        assert scorer(search, maps, truth) == scorer(search.best_estimator_, maps, truth)
        assert search.score(maps, truth) == make_pick_scorer("f1", radius=3.0)(search, maps, truth)

    def test_several_at_once(self, data):
        maps, truth = data
        scoring = {"ap": make_pick_scorer(), "f1": make_pick_scorer("f1")}
        results = cross_validate(
            NonMaximumSuppression(5.0), maps, truth, cv=2, scoring=scoring, error_score="raise"
        )
        assert (results["test_ap"] > 0).all()
        assert (results["test_f1"] > 0).all()


class TestTheScorerItself:
    def test_pickle_and_repr(self, data):
        maps, truth = data
        scorer = make_pick_scorer("recall", radius=3.0)
        assert repr(scorer) == "make_pick_scorer('recall', radius=3.0, threshold=None)"
        again = pickle.loads(pickle.dumps(scorer))
        picker = ThresholdPicker().fit(maps)
        assert again(picker, maps, truth) == scorer(picker, maps, truth)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"metric": "ap"}, "metric must be 'average_precision', 'f1', .* got 'ap'"),
            ({"radius": -1.0}, "radius must be a finite number .* got -1.0"),
            ({"threshold": np.nan}, "threshold must be a number or None, got nan"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_pick_scorer(**arguments)

    def test_estimator_without_a_radius(self, data):
        class Plain(BaseEstimator):
            def predict(self, X):
                return [np.zeros((0, 3)) for _ in X]

        maps, truth = data
        with pytest.raises(ValueError, match="Plain has none; give radius="):
            make_pick_scorer()(Plain(), maps, truth)
        assert make_pick_scorer(radius=1.0)(Plain(), maps, truth) == 0.0
