import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from puclassify import PUImageClassifier, RegionTable
from puclassify.prior import BBEPrior, DEDPULPrior, ElkanNotoPrior
from puclassify.prior._ranking import check_ranking

TRUE_REASONS = (
    "most unlabelled examples are positive too",
    "do not distinguish the prior from 1",
    "do not resolve the prior",
)
ALL = pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior, ElkanNotoPrior])


class Remembering(ClassifierMixin, BaseEstimator):
    """Scores what it was trained on with 1, and everything else by its first feature."""

    def fit(self, X, y):
        self.classes_, self.seen_ = np.unique(y), {row.tobytes() for row in X}
        return self

    def predict(self, X):
        return self.decision_function(X) > 0

    def decision_function(self, X):
        return np.array([np.inf if row.tobytes() in self.seen_ else row[0] for row in X])


class Guessing(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self


class TestFit:
    @ALL
    def test_near_the_truth(self, cls, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        estimator = cls(random_state=0).fit(X, y)
        assert estimator.prior_ == pytest.approx(0.3, abs=0.1 if cls is ElkanNotoPrior else 0.03)
        assert estimator.scores_.shape == y.shape

    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    @pytest.mark.parametrize("prior", [0.1, 0.6])
    def test_near_the_truth_for_other_priors(self, cls, prior, draw_gaussians):
        errors = [
            cls(estimator=LogisticRegression(), random_state=0).fit(*sample).prior_ - prior
            for sample in (draw_gaussians(prior, 0), draw_gaussians(prior, 1))
        ]
        assert np.mean(np.abs(errors)) <= 0.03

    @ALL
    def test_folds_on_processes(self, cls, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=900, distance=5.0)
        classifier = LogisticRegression()
        alone = cls(estimator=classifier, random_state=0).fit(X, y)
        with parallel_config("multiprocessing"):
            spread = cls(estimator=classifier, random_state=0, n_jobs=2).fit(X, y)
        assert spread.prior_ == alone.prior_

    def test_nobody_scores_what_it_was_trained_on(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=200, n_unlabelled=1000, distance=8.0)
        estimator = DEDPULPrior(estimator=Remembering(), random_state=0).fit(X, y)
        assert estimator.scores_.tolist() == X[:, 0].tolist()

    @pytest.mark.filterwarnings("ignore:ElkanNotoPrior estimates:UserWarning")
    @ALL
    def test_the_same_from_the_scores_of_another(self, cls, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=1500)
        first = cls(estimator=LogisticRegression(), random_state=0).fit(X, y)
        again = cls(random_state=0).fit_scores(first.scores_, y)
        assert again.prior_ == first.prior_
        assert not hasattr(again, "scores_")
        assert not hasattr(first.fit_scores(first.scores_, y), "scores_")

    def test_seeds(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=1500)
        one, same, other = (DEDPULPrior(random_state=seed).fit(X, y).prior_ for seed in (0, 0, 1))
        assert one == same != other

    def test_the_classifier_is_left_alone(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=1500)
        classifier = LogisticRegression()
        BBEPrior(estimator=classifier).fit(X, y)
        assert not hasattr(classifier, "coef_")

    def test_a_decision_function_will_do(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        estimator = DEDPULPrior(estimator=LinearSVC(dual=False), random_state=0).fit(X, y)
        assert estimator.prior_ == pytest.approx(0.3, abs=0.06)
        with pytest.raises(ValueError, match="must be probabilities of being labelled, got values"):
            ElkanNotoPrior(estimator=LinearSVC(dual=False)).fit(X, y)

    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    def test_copies_do_not_change_the_estimate(self, cls, draw_gaussians):
        X, y = draw_gaussians(0.5, 0, n_positive=200, n_unlabelled=600)
        settings = {"estimator": KNeighborsClassifier(15, weights="distance"), "random_state": 0}
        once = cls(**settings).fit(X, y).prior_
        with pytest.warns(UserWarning, match="1600 of 2400 examples in X are copies of others"):
            thrice = cls(**settings).fit(np.repeat(X, 3, axis=0), np.repeat(y, 3)).prior_
        assert thrice == pytest.approx(once, abs=0.12)

    def test_copies_of_one_set(self, draw_gaussians):
        X, y = draw_gaussians(0.5, 0, n_positive=200, n_unlabelled=600)
        X, y = np.concatenate([X, X[:50]]), np.append(y, np.repeat(0, 50))
        classifier = LogisticRegression()
        BBEPrior(estimator=classifier, random_state=0).fit(X, y)  # warnings are errors
        with pytest.warns(UserWarning, match="50 of the 200 labelled examples .* without a label"):
            BBEPrior(scenario="single_training_set", estimator=classifier, random_state=0).fit(X, y)

    def test_groups_with_a_number_of_folds(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=100, n_unlabelled=300)
        groups = np.arange(400) // 10
        near = np.random.default_rng(0).normal(size=(40, 5))[groups] + 1e-9 * X
        estimator = BBEPrior(estimator=KNeighborsClassifier(1), random_state=0)
        with pytest.raises(ValueError, match="no more than chance"):  # no copy tells of another
            estimator.fit(near, y, groups=groups)

    def test_groups_stay_together(self, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=300, n_unlabelled=1500)
        groups = np.arange(len(y)) % 6
        params = {"estimator": LogisticRegression(), "cv": GroupKFold(3)}
        found = DEDPULPrior(**params).fit(X, y, groups=groups)
        assert found.prior_ == pytest.approx(0.3, abs=0.1)
        with pytest.raises(ValueError, match="groups"):
            DEDPULPrior(**params).fit(X, y)

    @pytest.mark.parametrize("as_given", [np.asarray, list])
    def test_images(self, as_given):
        rng = np.random.default_rng(0)
        images = rng.normal(size=(900, 6, 6)).astype("float32")
        images[:300, 2:4, 2:4] += 2.5  # 150 labelled, and 150 of the 750 unlabelled
        y = np.repeat([1, 0], [150, 750])
        default = DEDPULPrior(random_state=0).fit(as_given(images), y)
        assert default.prior_ == pytest.approx(0.2, abs=0.06)

    def test_an_image_classifier(self):
        rng = np.random.default_rng(0)
        images = rng.normal(size=(900, 6, 6)).astype("float32")
        images[:300, 2:4, 2:4] += 4.0
        y = np.repeat([1, -1], [150, 750])
        network = PUImageClassifier("mlp", criterion="pn", max_epochs=5, random_state=0)
        for cls in (DEDPULPrior, BBEPrior):
            found = cls(estimator=network, cv=3, random_state=0).fit(images, y)
            assert found.prior_ == pytest.approx(0.2, abs=0.08)


class TestScenario:
    def test_over_everything_or_over_the_rest(self, draw_gaussians):
        X, _ = draw_gaussians(0.4, 0, n_positive=1600, n_unlabelled=0)
        negatives, _ = draw_gaussians(0.0, 1, n_positive=0, n_unlabelled=2400)
        X, labelled = np.concatenate([X, negatives]), np.arange(4000) < 800
        for cls in (BBEPrior, DEDPULPrior):
            params = {"estimator": LogisticRegression(), "random_state": 0}
            everything = cls(scenario="single_training_set", **params).fit(X, labelled)
            assert everything.prior_ == pytest.approx(0.4, abs=0.03)
            assert cls(**params).fit(X, labelled).prior_ == pytest.approx(0.25, abs=0.03)


class TestDisagreement:
    SCORES = np.concatenate([np.full(12, 3.0), np.full(8, 1.0), np.full(40, 3.0), np.zeros(160)])
    LABELS = np.repeat([1, 0], [20, 200])

    def test_names_both_numbers(self):
        # BBE takes everything down to 1: 40 / 200 over 20 / 20. A tolerance of 0.6 allows DEDPUL
        # twice as much and more.
        message = r"DEDPULPrior estimates the prior as 0\.\d{3}, but BBEPrior as 0\.200 from the"
        with pytest.warns(UserWarning, match=message) as record:
            estimator = DEDPULPrior(tolerance=0.6).fit_scores(self.SCORES, self.LABELS)
        assert estimator.prior_ > 0.3
        assert record[0].filename == __file__

    def test_or_what_fails(self):
        y = np.repeat([1, 0], [50, 200])
        with pytest.warns(UserWarning, match=r"as 0\.000, but DEDPULPrior fails .*not resolve"):
            assert BBEPrior().fit_scores(2.0 * y, y).prior_ == 0

    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    def test_silent_where_they_agree(self, cls, draw_gaussians):
        X, y = draw_gaussians(0.3, 0)
        cls().fit_scores(X.sum(axis=1), y)  # warnings are errors


class TestErrors:
    @ALL
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"cv": 1}, r"cv must be a number of folds, at least 2, .*got 1"),
            ({"cv": "five"}, r"cv must be a number of folds, .*, a splitter or .*, got 'five'"),
            ({"cv": None}, r"cv must be a number of folds, .*, a splitter or .*, got None"),
            ({"cv": 21}, r"20 labelled positives .* fewer than n_splits=21"),
            ({"estimator": Guessing()}, r"estimator must have predict_proba or decision_function"),
            ({"scenario": "censoring"}, r"scenario must be"),
        ],
        ids=lambda value: None,
    )
    def test_parameters(self, cls, params, message, draw_gaussians):
        X, y = draw_gaussians(0.3, 0, n_positive=20, n_unlabelled=100)
        with pytest.raises(ValueError, match=message):
            cls(**params).fit(X, y)

    @ALL
    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (np.zeros(8), "y holds one class only"),
            (np.ones(8), "y holds one class only"),
            (np.arange(7) < 2, "X has 8, y has 7"),
            (None, "target y is None"),
        ],
        ids=["no positives", "nothing else", "length", "none"],
    )
    def test_labels(self, cls, y, message):
        with pytest.raises(ValueError, match=message):
            cls().fit(np.zeros((8, 2)), y)

    @ALL
    def test_exchanged_arguments(self, cls):
        y = np.repeat([1, 0], [20, 80])
        scores = np.random.default_rng(0).normal(size=100)
        with pytest.raises(ValueError, match=r"y holds continuous .* are y and scores exchanged"):
            cls().fit_scores(y, scores)

    def test_regions_need_a_classifier_that_takes_them(self):
        table = RegionTable([np.zeros((40, 40))], np.zeros(8, int), np.full((8, 2), 20.0))
        with pytest.raises(ValueError, match=r"pass estimator=PUImageClassifier.*share, 0\.5"):
            DEDPULPrior(cv=2).fit(table, np.arange(8) < 4)

    @ALL
    def test_a_classifier_that_learned_nothing(self, cls):
        X = np.random.default_rng(0).normal(size=(3000, 2))
        with pytest.raises(ValueError, match="do not rank labelled positives above"):
            cls(estimator=LogisticRegression(), random_state=0).fit(X, np.arange(3000) < 500)


def fitted_or_refused(cls, scores, y):
    """Return the estimator, or None if it refuses for one of the reasons that there can be."""
    try:
        return cls(random_state=0).fit_scores(scores, y)
    except ValueError as error:
        if not any(reason in str(error) for reason in TRUE_REASONS):
            raise
        return None


class TestPriorNearOne:
    """Most unlabelled examples are positive, and differ little from the labelled ones."""

    N_DRAWS = 40

    def draw(self, seed, n_labelled, prior=0.9, distance=8.0, n_unlabelled=1000):
        rng = np.random.default_rng(seed)
        truth = np.append(np.ones(n_labelled, bool), rng.random(n_unlabelled) < prior)
        return rng.normal(distance * truth), np.repeat([1, 0], [n_labelled, n_unlabelled])

    def found(self, cls, *args, **settings):
        estimates = []
        for seed in range(self.N_DRAWS):
            fitted = fitted_or_refused(cls, *self.draw(seed, *args, **settings))
            if fitted is not None:
                estimates.append((fitted.prior_, *fitted.confidence_interval_))
        return np.array(estimates).T

    @pytest.mark.filterwarnings("ignore:.* estimates the prior:UserWarning")
    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    @pytest.mark.parametrize("n_labelled", [100, 500])
    def test_perfect_scores_are_enough(self, cls, n_labelled):
        estimates, low, high = self.found(cls, n_labelled)
        assert len(estimates) >= 0.9 * self.N_DRAWS
        assert abs(np.mean(estimates) - 0.9) < 0.07
        assert np.mean((low <= 0.9) & (high >= 0.9)) >= 0.85

    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    def test_too_few_labels_are_the_reason_given(self, cls):
        message = (
            r"most unlabelled examples are positive too: 20 labelled positives show that a prior "
            r"is below 1 if it is below about 0\.74, even with perfect scores, so label more"
        )
        with pytest.raises(ValueError, match=message):
            cls().fit_scores(*self.draw(0, 20))

    @pytest.mark.filterwarnings("ignore:.* estimates the prior:UserWarning")
    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    def test_what_only_just_passes_has_an_interval_up_to_one(self, cls):
        estimates, low, high = self.found(cls, 50, distance=4.0)
        assert 5 <= len(estimates) <= 0.8 * self.N_DRAWS
        assert np.mean((low <= 0.9) & (high >= 0.9)) >= 0.9
        assert np.mean(high == 1) > 0.5
        scores, y = self.draw(0, 500)
        assert cls().fit_scores(scores, y).confidence_interval_[1] < 1

    @pytest.mark.filterwarnings("ignore:.* estimates the prior:UserWarning")
    def test_the_limit_named_is_the_limit(self):
        below = self.found(BBEPrior, 50, 0.8)
        assert below.shape[1] >= 0.9 * self.N_DRAWS  # the message says .89
        above = self.found(BBEPrior, 20, 0.9)
        assert above.size == 0 or above.shape[1] <= 0.05 * self.N_DRAWS

    @pytest.mark.parametrize("n_labelled", [20, 100, 1000])
    def test_scores_at_random_are_refused_at_the_level_of_the_test(self, n_labelled):
        rng, n_accepted, n = np.random.default_rng(0), 0, 1000
        for _ in range(n):
            positive = rng.permutation(2000) < n_labelled
            try:
                check_ranking(rng.normal(size=2000), positive, np.ones(n_labelled))
                n_accepted += 1
            except ValueError:
                pass
        assert n_accepted <= 0.01 * n + 3 * np.sqrt(0.01 * n)


class TestSmallPrior:
    """Few unlabelled examples are positive, and negatives reach as high."""

    @pytest.mark.filterwarnings("ignore:.* estimates the prior:UserWarning")
    @pytest.mark.parametrize("n_labelled", [20, 50, 500])
    @pytest.mark.parametrize("distance", [2.0, 4.0])
    @pytest.mark.parametrize("cls", [BBEPrior, DEDPULPrior])
    def test_intervals_cover(self, cls, distance, n_labelled):
        covered = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            truth = np.append(np.ones(n_labelled, bool), rng.random(1000) < 0.05)
            scores, y = rng.normal(distance * truth), np.repeat([1, 0], [n_labelled, 1000])
            fitted = fitted_or_refused(cls, scores, y)
            if fitted is not None:
                low, high = fitted.confidence_interval_
                covered.append(low <= 0.05 <= high)
        assert len(covered) >= 38
        assert np.mean(covered) >= 0.85


class TestEstimator:
    @ALL
    def test_clone_keeps_the_settings(self, cls):
        estimator = cls(scenario="single_training_set", estimator=LogisticRegression(C=3), cv=3)
        copied = clone(estimator)
        assert copied.get_params()["estimator__C"] == 3
        assert copied.estimator is not estimator.estimator
        assert copied.set_params(estimator__C=2).estimator.C == 2

    @ALL
    def test_representations(self, cls):
        assert repr(cls(cv=3)) == f"{cls.__name__}(cv=3)"
        assert cls.__name__ in cls()._repr_html_()
