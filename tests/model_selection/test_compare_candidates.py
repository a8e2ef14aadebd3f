import warnings

import numpy as np
import pytest
from scipy.stats import t
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from puclassify.model_selection import PUStratifiedKFold, compare_candidates, make_pu_scorer


class Shifted(ClassifierMixin, BaseEstimator):
    """Scores by the first feature, with noise of its own at will."""

    def __init__(self, by=1.0, noise=0.0):
        self.by = by
        self.noise = noise

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.prior_ = 0.3
        return self

    def decision_function(self, X):
        noise = np.random.default_rng(0).normal(size=len(X))
        return X[:, 0] - self.by + self.noise * noise

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def results(scores, name="score", stds=None):
    """Make ``cv_results_`` of scores of shape (n_splits, n_candidates)."""
    found = {"params": [{"number": i} for i in range(np.shape(scores)[1])]}
    for suffix, values in (("", scores), ("_std", stds)):
        if values is not None:
            for k, row in enumerate(values):
                found[f"split{k}_test_{name}{suffix}"] = np.array(row, dtype=float)
            found[f"mean_test_{name}{suffix}"] = np.mean(values, axis=0)
    return found


def quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return compare_candidates(*args, **kwargs)


def draw(seed, n_positive=200):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n_positive + 1000, 1)), np.repeat([1, 0], [n_positive, 1000])
    X[:n_positive] += 2.0
    X[n_positive:][rng.random(1000) < 0.3] += 2.0
    return X, y


class TestPaired:
    SCORES = np.array(
        [[0.80, 0.90, 0.89], [0.70, 0.84, 0.80], [0.75, 0.93, 0.95], [0.81, 0.91, 0.89]]
    )

    @pytest.mark.parametrize("test_size", [None, 0.1])
    def test_is_the_corrected_t_test(self, test_size):
        table = compare_candidates(results(self.SCORES), test_size=test_size)
        assert table["candidate"].tolist() == [1, 2, 0]
        assert [params["number"] for params in table["params"]] == [1, 2, 0]
        np.testing.assert_allclose(table["mean"], self.SCORES.mean(axis=0)[[1, 2, 0]])
        ratio = 1 / 3 if test_size is None else 1 / 9  # of the numbers tested and trained on
        for row, candidate in enumerate([1, 2, 0]):
            d = [scores[candidate] - scores[1] for scores in self.SCORES]
            mean = sum(d) / 4
            s2 = sum((x - mean) ** 2 for x in d) / 3
            assert table["difference"][row] == pytest.approx(mean)
            assert table["std"][row] == pytest.approx(((1 / 4 + ratio) * s2) ** 0.5)
        assert table["told_apart"].tolist() == [False, False, True]

    def test_level_is_that_of_students_distribution(self):
        first = quietly(results(self.SCORES))
        ratio = -first["difference"][1] / first["std"][1]
        for level in (t.cdf(ratio, 3) - 0.01, t.cdf(ratio, 3) + 0.01):
            table = quietly(results(self.SCORES), level=max(level, 0.5))
            assert table["told_apart"][1] == (level < t.cdf(ratio, 3))

    def test_equal_ones_are_rarely_told_apart_and_worse_ones_are(self):
        wrong, right = [], []
        for seed in range(300):
            rng = np.random.default_rng(seed)
            shared = rng.normal(scale=0.05, size=(5, 1))  # folds differ more than candidates do
            scores = shared + rng.normal(scale=0.01, size=(5, 3)) - [0.0, 0.0, 0.1]
            table = quietly(results(scores))
            by_candidate = table["told_apart"][np.argsort(table["candidate"])]
            wrong.append(by_candidate[:2].any())
            right.append(by_candidate[2])
        assert np.mean(wrong) < 0.1
        assert np.mean(right) > 0.99

    def test_in_a_search_over_folds(self):
        X, y = draw(0)
        search = GridSearchCV(
            Shifted(),
            {"by": [1.0, 1.3, 3.5]},
            scoring=["pu_accuracy", "pu_f1"],
            refit=False,
            cv=PUStratifiedKFold(random_state=0),
            error_score="raise",
        ).fit(X, y)
        table = compare_candidates(search.cv_results_, metric="pu_accuracy")
        assert table["params"][2] == {"by": 3.5}
        assert table["told_apart"].tolist() == [False, False, True]


class TestUnpaired:
    def search(self, grid, seed=0, **arguments):
        X, y = draw(seed)
        return GridSearchCV(
            Shifted(),
            grid,
            scoring=make_pu_scorer("accuracy", return_std=True),
            refit=False,
            cv=StratifiedShuffleSplit(test_size=0.5, random_state=0, **arguments),
        ).fit(X, y)

    @pytest.mark.parametrize("n_splits", [1, 2])
    def test_adds_standard_errors_in_squares(self, n_splits):
        found = self.search({"by": [4.0, 1.0]}, n_splits=n_splits).cv_results_
        table = compare_candidates(found, metric="pu_accuracy")
        stds = np.array([found[f"split{k}_test_pu_accuracy_std"] for k in range(n_splits)])
        expected = np.sqrt((stds**2).sum()) / n_splits
        np.testing.assert_allclose(table["std"], [0.0, expected])
        assert table["candidate"].tolist() == [1, 0]
        assert table["told_apart"].tolist() == [False, True]

    def test_is_an_upper_bound_of_the_spread_of_differences(self):
        differences, stds = [], []
        for seed in range(100):
            found = self.search({"noise": [0.0, 1.0]}, seed, n_splits=1).cv_results_
            table = quietly(found, metric="pu_accuracy")
            first, second = found["split0_test_pu_accuracy"]
            differences.append(first - second)
            stds.append(table["std"][1])
        assert 0.4 * np.mean(stds) < np.std(differences) < np.mean(stds)

    def test_needs_standard_errors(self):
        message = r"has 1 split, .* no standard errors of score; use scoring=make_pu_scorer\("
        with pytest.raises(ValueError, match=message):
            compare_candidates(results([[0.9, 0.8]]))


class TestWarning:
    def test_when_none_is_told_apart(self):
        scores = [[0.9, 0.8, 0.85], [0.8, 0.9, 0.84], [0.85, 0.8, 0.81]]
        message = (
            "none of the other 2 candidates is distinguishable from the best by score: .* hold too "
            "few labelled positives"
        )
        with pytest.warns(UserWarning, match=message):
            table = compare_candidates(results(scores))
        assert not table["told_apart"].any()

    def test_with_few_labelled_positives_and_not_with_many(self):
        scorer = make_pu_scorer("accuracy", return_std=True)
        cv = StratifiedShuffleSplit(1, test_size=0.5, random_state=0)

        def table(n_positive):
            search = GridSearchCV(Shifted(), {"by": [1.0, 2.5]}, scoring=scorer, cv=cv, refit=False)
            found = search.fit(*draw(0, n_positive)).cv_results_
            return compare_candidates(found, metric="pu_accuracy")

        assert table(20_000)["told_apart"].any()
        with pytest.warns(UserWarning, match="too few labelled positives"):
            table(70)

    def test_not_for_a_single_candidate(self):
        table = compare_candidates(results([[0.9], [0.8], [0.7]]))
        assert table["difference"].tolist() == [0.0]


class TestArguments:
    def test_failed_candidates_come_last(self):
        scores = [[np.nan, 0.9, 0.1], [0.9, 0.91, 0.11], [0.9, 0.92, 0.13]]
        table = compare_candidates(results(scores))
        assert table["candidate"].tolist() == [1, 2, 0]
        assert table["told_apart"].tolist() == [False, True, False]
        assert np.isnan(table["std"][2])
        with pytest.raises(ValueError, match="every candidate failed"):
            compare_candidates(results([[np.nan, np.nan]] * 3))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"metric": "pu_auc"}, "no scores named metric='pu_auc'; it has pu_f1$"),
            ({"metric": "pu_f1", "level": 0.4}, "level must be a number of at least 0.5"),
            ({"metric": "pu_f1", "test_size": 1}, "test_size must be a number between 0 and 1"),
        ],
    )
    def test_refused(self, arguments, message):
        found = results([[0.9, 0.8]] * 3, "pu_f1", stds=[[0.1, 0.1]] * 3)
        with pytest.raises(ValueError, match=message):
            compare_candidates(found, **arguments)
