import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
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
        np.testing.assert_allclose(
            scaled.densities_["implied negative"],
            plain.densities_["unlabelled"] - 0.25 * plain.densities_["labelled positive"],
        )
        drawn = [patch.get_data().values for patch in scaled.ax_.patches]
        np.testing.assert_array_equal(drawn, list(scaled.densities_.values()))
        labels = [text.get_text() for text in scaled.ax_.get_legend().get_texts()]
        assert labels == [
            "unlabelled (n = 400)",
            "labelled positive (n = 50, times prior 0.25)",
            "implied negative",
        ]

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_implied_negatives_are_those_of_the_truth(self, scenario):
        rng = np.random.default_rng(0)
        truth = rng.random(60_000) < 0.4
        scores = rng.normal(np.where(truth, 2.0, -1.0))
        if scenario == "single_training_set":
            y = (truth & (rng.random(60_000) < 0.5)).astype(int)
        else:
            y = np.repeat([1, 0], [12_000, 60_000])
            scores = np.append(rng.normal(2.0, size=12_000), scores)
        display = ScoreHistogramDisplay.from_predictions(
            y, scores, prior=0.4, scenario=scenario, bins=12
        )
        # Of one sample 0.2 are labelled; 0.2 of the other 0.8 are positive.
        prior = 0.25 if scenario == "single_training_set" else 0.4
        assert display.prior == pytest.approx(prior, abs=0.005)
        negatives = scores[-60_000:][~truth]
        expected = np.histogram(negatives, display.bin_edges_, density=True)[0]
        np.testing.assert_allclose(
            display.densities_["implied negative"], (1 - prior) * expected, atol=0.01
        )

    def test_a_prior_that_is_too_large_shows_below_zero(self, labels_and_scores):
        display = ScoreHistogramDisplay.from_predictions(*labels_and_scores, prior=0.9, bins=10)
        lowest = display.densities_["implied negative"].min()
        assert lowest < -0.05
        assert display.ax_.get_ylim()[0] < lowest

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
            ([1, 1], [0.0, 1.0], None, "y_true holds one class only"),
            ([1, 0], [0.0, np.nan], None, "scores must be numbers, but 1 of 2 are NaN"),
            ([1, 0], [0.0, 1.0], 1.5, "prior must be a number between 0 and 1"),
            ([1, 0], [0.0, np.inf], None, "scores_unlabeled must hold .* 1 of which 0 are finite"),
            ([1, 0], [0.0, 1.0, 2.0], None, "inconsistent numbers of samples"),
        ],
    )
    def test_errors(self, y, scores, prior, message):
        with pytest.raises(ValueError, match=message):
            ScoreHistogramDisplay.from_predictions(y, scores, prior=prior)

    def test_impossible_prior(self, labels_and_scores):
        with pytest.raises(ValueError, match=r"prior=0.1 is impossible"):
            ScoreHistogramDisplay.from_predictions(
                *labels_and_scores, prior=0.1, scenario="single_training_set"
            )
        with pytest.raises(ValueError, match="prior must be a number from 0 to 1, or None"):
            ScoreHistogramDisplay([1.0], [0.0], prior=1.5).plot()


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

    def test_scenario_of_the_estimator(self, labels_and_scores):
        y, scores = labels_and_scores
        X = scores[:, np.newaxis]
        classifier = LogisticRegression().fit(X, y)
        classifier.prior_, classifier.scenario = 0.4, "single_training_set"
        display = ScoreHistogramDisplay.from_estimator(classifier, X, y)
        assert display.prior == pytest.approx((0.4 - 50 / 450) / (400 / 450))
        display = ScoreHistogramDisplay.from_estimator(classifier, X, y, scenario="case_control")
        assert display.prior == 0.4

    def test_probabilities_where_there_are_no_logits(self, labels_and_scores):
        y, scores = labels_and_scores
        X = scores[:, np.newaxis]
        classifier = GaussianNB().fit(X, y)
        display = ScoreHistogramDisplay.from_estimator(classifier, X, y)
        expected = classifier.predict_proba(X)[y == 1, 1]
        np.testing.assert_array_equal(display.scores_positive, expected)
        with pytest.raises(ValueError, match="StandardScaler has neither decision_function nor"):
            ScoreHistogramDisplay.from_estimator(StandardScaler().fit(X), X, y)
