import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, precision_recall_curve

from puclassify.metrics import (
    match_picks,
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def two_micrographs():
    """Five true centres; five picks, by descending score: hit, miss, hit, duplicate, hit."""
    truth = [[[10.0, 10.0], [30.0, 10.0], [50.0, 10.0]], [[10.0, 10.0], [90.0, 90.0]]]
    picks = [
        [[30.0, 12.0, 0.5], [10.0, 10.0, 0.9], [11.0, 10.0, 0.4]],
        [[60.0, 60.0, 0.8], [12.0, 10.0, 0.1]],
    ]
    return truth, picks


@pytest.fixture
def random_micrographs(rng):
    truth = [rng.uniform(0, 200, (k, 2)) for k in (0, 40, 25, 60)]
    picks = []
    for xy in truth:
        near = xy[: len(xy) // 2] + rng.normal(0, 3, (len(xy) // 2, 2))
        found = np.concatenate([near, rng.uniform(0, 200, (30, 2))])
        score = rng.normal(np.r_[np.ones(len(near)), np.zeros(30)])
        picks.append(np.column_stack([found, score]))
    return truth, picks


def precision_recall_at(truth, picks, radius, keep):
    """Match only the picks that ``keep`` lets through, by counting."""
    kept = [np.array([pick for pick in table if keep(pick[2])]).reshape(-1, 3) for table in picks]
    matches = match_picks(truth, kept, radius)
    n_matched = sum((match.truth_index >= 0).sum() for match in matches)
    return n_matched / sum(map(len, kept)), n_matched / sum(map(len, truth))


class TestCurve:
    def test_by_hand(self, two_micrographs):
        precision, recall, thresholds = pick_precision_recall_curve(*two_micrographs, 5.0)
        np.testing.assert_allclose(thresholds, [0.1, 0.4, 0.5, 0.8, 0.9])
        np.testing.assert_allclose(precision, [3 / 5, 2 / 4, 2 / 3, 1 / 2, 1, 1])
        np.testing.assert_allclose(recall, [3 / 5, 2 / 5, 2 / 5, 1 / 5, 1 / 5, 0])

    def test_each_point_is_the_matching_at_that_threshold(self, random_micrographs):
        truth, picks = random_micrographs
        precision, recall, thresholds = pick_precision_recall_curve(truth, picks, 8.0)
        assert len(thresholds) > 100
        for i in range(0, len(thresholds), 10):
            expected = precision_recall_at(truth, picks, 8.0, lambda s: s >= thresholds[i])  # noqa: B023
            np.testing.assert_allclose((precision[i], recall[i]), expected)

    def test_with_all_truth_found_it_is_that_of_scikit_learn(self, random_micrographs):
        truth, picks = random_micrographs
        missed_too = [
            np.concatenate([table, np.column_stack([xy, np.full(len(xy), -99.0)])])
            for xy, table in zip(truth, picks)
        ]
        matches = match_picks(truth, missed_too, 8.0)
        labels = np.concatenate([match.truth_index >= 0 for match in matches])
        scores = np.concatenate(missed_too)[:, 2]
        assert labels.sum() == sum(map(len, truth))
        ours = pick_precision_recall_curve(truth, missed_too, 8.0)
        for found, expected in zip(ours, precision_recall_curve(labels, scores)):
            np.testing.assert_allclose(found, expected)
        np.testing.assert_allclose(
            pick_average_precision_score(truth, missed_too, 8.0),
            average_precision_score(labels, scores),
        )

    def test_tied_scores_share_one_threshold_in_any_order(self, random_micrographs, rng):
        truth, picks = random_micrographs
        tied = [np.column_stack([table[:, :2], np.round(table[:, 2])]) for table in picks]
        expected = pick_precision_recall_curve(truth, tied, 8.0)
        distinct = np.unique(np.concatenate(tied)[:, 2])
        np.testing.assert_array_equal(expected[2], distinct)
        for _ in range(3):
            shuffled = [rng.permutation(table) for table in tied]
            for found, reference in zip(
                pick_precision_recall_curve(truth, shuffled, 8.0), expected
            ):
                np.testing.assert_array_equal(found, reference)

    def test_no_picks(self):
        precision, recall, thresholds = pick_precision_recall_curve([[[1.0, 2.0]]], [[]], 5.0)
        assert precision.tolist() == [1.0]
        assert recall.tolist() == [0.0]
        assert thresholds.shape == (0,)

    def test_picks_without_scores(self, two_micrographs):
        truth, picks = two_micrographs
        unscored = [np.array(table)[:, :2] for table in picks]
        with pytest.raises(ValueError, match=r"y_pred\[0\] .* picks need a score column"):
            pick_precision_recall_curve(truth, unscored, 5.0)

    def test_no_truth(self):
        with pytest.warns(
            UndefinedMetricWarning, match="no true centre in any of the 1 micrographs"
        ):
            precision, recall, _ = pick_precision_recall_curve([[]], [[[1.0, 2.0, 3.0]]], 5.0)
        assert precision.tolist() == [0.0, 1.0]
        assert np.isnan(recall).all()


class TestAveragePrecision:
    def test_by_hand(self, two_micrographs):
        expected = (1 / 5) * 1 + (1 / 5) * (2 / 3) + (1 / 5) * (3 / 5)
        assert pick_average_precision_score(*two_micrographs, 5.0) == pytest.approx(expected)

    def test_missed_truth_lowers_it(self):
        truth = np.array([[10.0, 10.0], [40.0, 10.0], [70.0, 10.0], [90.0, 10.0]])
        perfect = np.column_stack([truth, [4, 3, 2, 1]])
        assert pick_average_precision_score([truth], [perfect], 5.0) == 1.0
        assert pick_average_precision_score([truth], [perfect[:2]], 5.0) == 0.5
        assert str(pick_average_precision_score([truth], [perfect[:0]], 5.0)) == "0.0"

    def test_duplicates_lower_it(self):
        truth = [[10.0, 10.0], [40.0, 10.0]]
        picks = [[10.0, 10.0, 3.0], [11.0, 10.0, 2.0], [40.0, 10.0, 1.0]]
        expected = 1 / 2 + (1 / 2) * (2 / 3)
        assert pick_average_precision_score([truth], [picks], 5.0) == pytest.approx(expected)

    def test_micrographs_are_pooled_not_averaged(self):
        truth = [[[10.0, 10.0]], [[10.0, 10.0]]]
        picks = [[[10.0, 10.0, 1.0]], [[50.0, 50.0, 9.0]]]
        assert pick_average_precision_score(truth, picks, 5.0) == pytest.approx(0.5 * 0.5)

    def test_no_truth_is_undefined(self):
        with pytest.warns(UndefinedMetricWarning, match="no true centre"):
            assert np.isnan(pick_average_precision_score([[]], [[[1.0, 2.0, 3.0]]], 5.0))
        with pytest.warns(UndefinedMetricWarning, match="no true centre"):
            assert np.isnan(pick_average_precision_score([[]], [[]], 5.0))


class TestFScore:
    def test_by_hand(self, two_micrographs):
        precision, recall, f1 = pick_precision_recall_fscore(*two_micrographs, 5.0)
        assert (precision, recall) == (3 / 5, 3 / 5)
        assert f1 == pytest.approx(3 / 5)
        precision, recall, f1 = pick_precision_recall_fscore(*two_micrographs, 5.0, threshold=0.45)
        assert (precision, recall) == (2 / 3, 2 / 5)
        assert f1 == pytest.approx(1 / 2)
        f2 = pick_precision_recall_fscore(*two_micrographs, 5.0, threshold=0.45, beta=2.0)[2]
        assert f2 == pytest.approx(5 * (2 / 3) * (2 / 5) / (4 * 2 / 3 + 2 / 5))
        f0 = pick_precision_recall_fscore(*two_micrographs, 5.0, threshold=0.45, beta=0)[2]
        assert f0 == pytest.approx(2 / 3)

    def test_threshold_is_strict(self, random_micrographs):
        truth, picks = random_micrographs
        threshold = float(np.sort(np.concatenate(picks)[:, 2])[80])
        found = pick_precision_recall_fscore(truth, picks, 8.0, threshold=threshold)
        expected = precision_recall_at(truth, picks, 8.0, lambda score: score > threshold)
        np.testing.assert_allclose(found[:2], expected)
        not_strict = precision_recall_at(truth, picks, 8.0, lambda score: score >= threshold)
        assert found[0] != pytest.approx(not_strict[0])

    def test_picks_without_scores(self, two_micrographs):
        truth, picks = two_micrographs
        unscored = [np.array(table)[:, :2] for table in picks]
        assert pick_precision_recall_fscore(truth, unscored, 5.0)[:2] == (3 / 5, 3 / 5)
        with pytest.raises(ValueError, match="picks need a score column"):
            pick_precision_recall_fscore(truth, unscored, 5.0, threshold=0.0)

    def test_nothing_picked_or_nothing_matched(self):
        assert pick_precision_recall_fscore([[[1.0, 2.0]]], [[]], 5.0) == (0.0, 0.0, 0.0)
        far = [[[90.0, 90.0, 1.0]]]
        assert pick_precision_recall_fscore([[[1.0, 2.0]]], far, 5.0) == (0.0, 0.0, 0.0)

    def test_no_truth(self):
        with pytest.warns(UndefinedMetricWarning, match="recall and the F-score"):
            found = pick_precision_recall_fscore([[]], [[[1.0, 2.0, 3.0]]], 5.0)
        np.testing.assert_array_equal(found, [0.0, np.nan, np.nan])

    @pytest.mark.parametrize("beta", [-1.0, np.inf, "1", True])
    def test_beta(self, beta):
        with pytest.raises(ValueError, match="beta must be a finite number of at least 0"):
            pick_precision_recall_fscore([[]], [[]], 5.0, beta=beta)
