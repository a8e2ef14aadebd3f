import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify.plotting import ScoreHistogramDisplay


@pytest.fixture
def labels_and_scores():
    rng = np.random.default_rng(0)
    y = np.r_[np.ones(50), np.zeros(400)].astype(int)
    return y, np.r_[rng.normal(2, 1, 50), rng.normal(-1, 2, 400)]


class TestFromPredictions:
    def test_densities_over_common_bins(self, labels_and_scores):
        y, scores = labels_and_scores
        display = ScoreHistogramDisplay.from_predictions(y, scores, bins=20)
        edges = np.linspace(scores.min(), scores.max(), 21)
        np.testing.assert_allclose(display.bin_edges_, edges)
        width = edges[1] - edges[0]
        for kind, label in (("unlabelled", 0), ("labelled positive", 1)):
            density = display.densities_[kind]
            assert density.sum() * width == pytest.approx(1.0)
            in_bin = (scores[y == label] >= edges[7]) & (scores[y == label] < edges[8])
            assert density[7] == pytest.approx(in_bin.sum() / (y == label).sum() / width)
        drawn = [patch.get_data().values for patch in display.ax_.patches]
        np.testing.assert_array_equal(drawn, list(display.densities_.values()))

    def test_prior_scales_the_labelled(self, labels_and_scores):
        y, scores = labels_and_scores
        plain = ScoreHistogramDisplay.from_predictions(y, scores)
        scaled = ScoreHistogramDisplay.from_predictions(y, scores, prior=0.25)
        for kind, factor in (("unlabelled", 1.0), ("labelled positive", 0.25)):
            np.testing.assert_allclose(scaled.densities_[kind], factor * plain.densities_[kind])
        labels = [text.get_text() for text in scaled.ax_.get_legend().get_texts()]
        assert labels == ["unlabelled (n = 400)", "labelled positive (n = 50, times prior 0.25)"]

    def test_threshold_and_bins(self, labels_and_scores):
        y, scores = labels_and_scores
        display = ScoreHistogramDisplay.from_predictions(y, scores)
        assert display.threshold_line_.get_xdata() == [0.0, 0.0]
        display.plot(threshold=None, bins=[-10.0, 0.0, 10.0])
        assert display.threshold_line_ is None
        assert display.bin_edges_.tolist() == [-10.0, 0.0, 10.0]

    def test_labels_of_minus_one(self, labels_and_scores):
        y, scores = labels_and_scores
        display = ScoreHistogramDisplay.from_predictions(np.where(y == 1, 1, -1), scores)
        np.testing.assert_array_equal(display.scores_positive, scores[y == 1])
        np.testing.assert_array_equal(display.scores_unlabeled, scores[y == 0])

    @pytest.mark.parametrize(
        ("y", "scores", "prior", "message"),
        [
            ([1, 1], [0.0, 1.0], None, r"y must hold two labels, .* got \[1\]"),
            ([1, 0], [0.0, np.nan], None, "scores_unlabeled must hold .* 1 of which 0 are finite"),
            ([1, 0], [0.0, 1.0], 1.5, "prior must be above 0 and at most 1, or None; got 1.5"),
            ([1, 0], [0.0, 1.0, 2.0], None, "inconsistent numbers of samples"),
        ],
    )
    def test_errors(self, y, scores, prior, message):
        with pytest.raises(ValueError, match=message):
            ScoreHistogramDisplay.from_predictions(y, scores, prior=prior)


class TestFromEstimator:
    def test_scores_and_prior_of_the_estimator(self, labels_and_scores):
        y, scores = labels_and_scores
        X = np.column_stack([scores, -scores])
        classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        display = ScoreHistogramDisplay.from_estimator(classifier, X, y, bins=10)
        logits = classifier.decision_function(X)
        np.testing.assert_array_equal(display.scores_positive, logits[y == 1])
        assert display.prior is None
        classifier[-1].prior_ = 0.3
        assert ScoreHistogramDisplay.from_estimator(classifier, X, y).prior == 0.3
        assert ScoreHistogramDisplay.from_estimator(classifier, X, y, prior=0.1).prior == 0.1
        assert ScoreHistogramDisplay.from_estimator(classifier, X, y, prior=None).prior is None
