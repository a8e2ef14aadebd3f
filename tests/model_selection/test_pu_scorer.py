import copy
import pickle
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UndefinedMetricWarning, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from puclassify import PUImageClassifier, metrics
from puclassify.model_selection import PUStratifiedKFold, make_pu_scorer

ONE_SET = "single_training_set"
NAMES = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "lee_liu",
    "roc_auc",
    "average_precision",
    "risk",
    "calibration_error",
)
STRINGS = (
    "pu_accuracy",
    "pu_precision",
    "pu_recall",
    "pu_f1",
    "pu_lee_liu",
    "pu_roc_auc",
    "pu_average_precision",
    "pu_risk",
    "neg_pu_risk",
    "neg_pu_calibration_error",
)


class Shifted(ClassifierMixin, BaseEstimator):
    """Scores by the first feature, and knows a prior like the classifier of the package."""

    def __init__(self, by=0.0, prior=0.3, scenario="case_control", sign=1.0):
        self.by = by
        self.prior = prior
        self.scenario = scenario
        self.sign = sign

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.prior_ = self.prior
        return self

    def decision_function(self, X):
        return self.sign * X[:, 0] - self.by

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 0).astype(int)]

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - positive, positive])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    X[:400, 0] += 2.0
    y = np.zeros(800, int)
    y[:200] = 1
    order = rng.permutation(800)
    return X[order], y[order]


class TestValue:
    @pytest.mark.parametrize("name", NAMES)
    def test_each_metric(self, data, name):
        X, y = data
        estimator = Shifted(by=1.0).fit(X, y)
        scores = estimator.decision_function(X)
        settings = {"prior": 0.4, "scenario": ONE_SET}
        expected = {
            "accuracy": metrics.pu_accuracy_score(y, scores > 0, **settings),
            "precision": metrics.pu_precision_score(y, scores > 0, **settings),
            "recall": metrics.pu_recall_score(y, scores > 0, **settings),
            "f1": metrics.pu_f1_score(y, scores > 0, **settings),
            "lee_liu": metrics.pu_lee_liu_score(y, scores > 0, **settings),
            "roc_auc": metrics.pu_roc_auc_score(y, scores, **settings),
            "average_precision": metrics.pu_average_precision_score(y, scores, **settings),
            "risk": -metrics.pu_risk_score(y, scores, **settings),
            "calibration_error": -metrics.pu_calibration_error(
                y, estimator.predict_proba(X)[:, 1], **settings
            ),
        }[name]
        assert make_pu_scorer(name, **settings)(estimator, X, y) == expected
        function = getattr(metrics, f"pu_{name}_score", None) or metrics.pu_calibration_error
        assert make_pu_scorer(function, **settings)(estimator, X, y) == expected
        assert make_pu_scorer(f"pu_{name}", **settings)(estimator, X, y) == expected

    def test_further_arguments(self, data):
        X, y = data
        estimator = Shifted().fit(X, y)
        found = make_pu_scorer("risk", prior=0.4, loss="zero_one")(estimator, X, y)
        assert found == pytest.approx(make_pu_scorer("accuracy", prior=0.4)(estimator, X, y) - 1)

    @pytest.mark.parametrize("labels", [(-1, 1), ("no", "yes")])
    def test_other_labels(self, data, labels):
        X, y = data
        marked = np.where(y == 1, labels[1], labels[0])
        for name in NAMES:
            scorer = make_pu_scorer(name)
            expected = scorer(Shifted().fit(X, y), X, y)
            assert scorer(Shifted().fit(X, marked), X, marked) == expected


class TestResponses:
    def test_without_decision_function(self, data):
        X, y = data
        forest = RandomForestClassifier(5, random_state=0).fit(X, y)
        probabilities = forest.predict_proba(X)[:, 1]
        prior = 0.02  # hardly any, as the forest knows its examples
        found = make_pu_scorer("roc_auc", prior=prior)(forest, X, y)
        assert found == metrics.pu_roc_auc_score(y, probabilities, prior=prior)
        assert probabilities.min() == 0  # whose logit is infinite
        assert np.isfinite(make_pu_scorer("risk", prior=0.3)(forest, X, y))

    def test_without_probabilities(self, data):
        X, y = data
        machine = LinearSVC().fit(X, y)
        found = make_pu_scorer("average_precision", prior=0.3)(machine, X, y)
        scores = machine.decision_function(X)
        assert found == metrics.pu_average_precision_score(y, scores, prior=0.3)
        with pytest.raises(ValueError, match="LinearSVC has no predict_proba"):
            make_pu_scorer("calibration_error", prior=0.3)(machine, X, y)

    def test_with_neither(self, data):
        X, y = data

        class Plain(BaseEstimator):
            def predict_proba(self, X):
                return np.ones((len(X), 1))

        with pytest.raises(ValueError, match=r"predict_proba of Plain has shape \(800, 1\)"):
            make_pu_scorer("roc_auc", prior=0.3)(Plain(), X, y)
        with pytest.raises(ValueError, match="BaseEstimator has neither decision_function nor"):
            make_pu_scorer("roc_auc", prior=0.3)(BaseEstimator(), X, y)


class TestPrior:
    @pytest.mark.parametrize("scenario", ["case_control", ONE_SET])
    def test_of_the_estimator(self, data, scenario):
        X, y = data
        estimator = Shifted(prior=0.35, scenario=scenario).fit(X, y)
        for name in NAMES:
            expected = make_pu_scorer(name, prior=0.35, scenario=scenario)(estimator, X, y)
            assert make_pu_scorer(name)(estimator, X, y) == expected

    def test_given_ones_win(self, data):
        X, y = data
        estimator = Shifted(prior=0.35, scenario=ONE_SET).fit(X, y)
        found = make_pu_scorer("precision", prior=0.4, scenario="case_control")(estimator, X, y)
        assert found == metrics.pu_precision_score(y, X[:, 0] > 0, prior=0.4)

    def test_through_pipelines_and_searches(self, data):
        X, y = data
        search = GridSearchCV(
            make_pipeline(StandardScaler(with_mean=False), Shifted(prior=0.35, scenario=ONE_SET)),
            {"shifted__by": [0.0]},
            scoring="pu_roc_auc",
        ).fit(X, y)
        scorer = make_pu_scorer("precision", prior=0.35, scenario=ONE_SET)
        assert make_pu_scorer("precision")(search, X, y) == scorer(search, X, y)

    def test_none_at_all(self, data):
        X, y = data
        classifier = LogisticRegression().fit(X, y)
        message = r"LogisticRegression has none; give make_pu_scorer\('precision', prior=<number>"
        with pytest.raises(ValueError, match=message):
            make_pu_scorer("precision")(classifier, X, y)
        assert make_pu_scorer("lee_liu")(classifier, X, y) > 0
        assert make_pu_scorer("recall")(classifier, X, y) > 0


class TestNames:
    @pytest.mark.parametrize("name", STRINGS)
    def test_strings(self, data, name):
        X, y = data
        assert name in get_scorer_names()
        estimator = Shifted(by=1.0).fit(X, y)
        expected = make_pu_scorer(name)(estimator, X, y)
        assert get_scorer(name)(estimator, X, y) == expected
        assert (expected < 0) == (name not in STRINGS[:7])
        found = GridSearchCV(Shifted(), {"by": [0.0, 1.0]}, scoring=name).fit(X, y)
        assert np.isfinite(found.cv_results_["mean_test_score"]).all()

    def test_several_at_once(self, data):
        X, y = data
        search = GridSearchCV(
            Shifted(),
            {"by": [-3.0, 1.0, 5.0]},
            scoring=["pu_accuracy", "pu_f1", "neg_pu_risk"],
            refit="pu_f1",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            search.fit(X, y)
        assert search.best_params_ == {"by": 1.0}
        results = cross_validate(Shifted(), X, y, scoring=("pu_recall", "accuracy"))
        assert (results["test_pu_recall"] > 0).all()


class TestSearch:
    def test_any_classifier(self, data):
        X, y = data
        for name, given in (("lee_liu", {}), ("roc_auc", {"prior": 0.4, "scenario": ONE_SET})):
            search = GridSearchCV(
                LogisticRegression(class_weight="balanced"),
                {"C": [1e-3, 1.0]},
                scoring=make_pu_scorer(name, **given),
                cv=PUStratifiedKFold(random_state=0),
                error_score="raise",
            ).fit(X, y)
            assert search.best_score_ > 0.5

    def test_the_classifier_of_the_package(self, data):
        X, y = data
        search = GridSearchCV(
            PUImageClassifier("mlp", prior=0.4, scenario=ONE_SET, max_epochs=3, random_state=0),
            {"lr": [1e-7, 1e-2]},
            scoring="pu_average_precision",
            cv=PUStratifiedKFold(3, random_state=0),
            error_score="raise",
        ).fit(X, y)
        assert search.best_params_ == {"lr": 1e-2}
        assert 0.8 < search.best_score_ < 1.1

    def test_ranks_by_truth_what_accuracy_on_pu_labels_ranks_wrongly(self, data):
        X, y = data
        grid = {"by": [1.0, 6.0]}  # the second finds next to nothing
        wrong = GridSearchCV(Shifted(), grid, scoring="accuracy").fit(X, y)
        right = GridSearchCV(Shifted(prior=1 / 3), grid, scoring="pu_accuracy").fit(X, y)
        assert wrong.best_params_ == {"by": 6.0}
        assert right.best_params_ == {"by": 1.0}


class TestThresholds:
    """With scikit-learn's `TunedThresholdClassifierCV`."""

    LABEL_METRICS = ("accuracy", "precision", "recall", "f1", "lee_liu")
    SETTINGS = {"prior": 0.4, "scenario": ONE_SET}  # noqa: RUF012

    @pytest.fixture
    def truth_and_data(self):
        rng = np.random.default_rng(0)
        truth = rng.random(6000) < 0.4
        X = rng.normal(size=(6000, 2))
        X[truth, 0] += 2.0
        return truth, X, (truth & (rng.random(6000) < 0.25)).astype(int)

    @pytest.mark.parametrize("name", LABEL_METRICS)
    def test_scores_of_thresholds_are_those_of_shifted_classifiers(self, truth_and_data, name):
        _, X, y = truth_and_data
        thresholds = np.array([-1.0, 0.5, 1.5])
        classifier = FrozenEstimator(Shifted().fit(X, y))
        tuned = TunedThresholdClassifierCV(
            classifier,
            scoring=make_pu_scorer(name, **self.SETTINGS),
            response_method="decision_function",
            thresholds=thresholds,
            cv="prefit",
            refit=False,
            store_cv_results=True,
        ).fit(X, y)
        scorer = make_pu_scorer(name, **self.SETTINGS)
        expected = [scorer(Shifted(by=by).fit(X, y), X, y) for by in thresholds]
        assert tuned.cv_results_["scores"] == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("name", "supervised"), [("f1", "f1"), ("lee_liu", "f1"), ("accuracy", "accuracy")]
    )
    def test_finds_the_threshold_that_is_best_for_the_truth(self, truth_and_data, name, supervised):
        truth, X, y = truth_and_data
        tuned = TunedThresholdClassifierCV(
            LogisticRegression(),
            scoring=make_pu_scorer(name, **self.SETTINGS),
            cv=PUStratifiedKFold(random_state=0),
        ).fit(X, y)
        p = tuned.estimator_.predict_proba(X)[:, 1]
        score = get_scorer(supervised)._score_func
        best = max(score(truth, p > threshold) for threshold in np.linspace(0, 1, 101))
        assert score(truth, tuned.predict(X)) > best - 0.02
        assert score(truth, p > 0.5) < best - 0.1  # what predicts labels finds few positives

    def test_on_several_processes_and_with_metadata_routing(self, truth_and_data):
        _, X, y = truth_and_data
        tuned = TunedThresholdClassifierCV(
            LogisticRegression(), scoring=make_pu_scorer("f1", **self.SETTINGS), n_jobs=2
        )
        with parallel_config("multiprocessing"), config_context(enable_metadata_routing=True):
            found = tuned.fit(X, y).best_threshold_
        assert found == clone(tuned).set_params(n_jobs=None).fit(X, y).best_threshold_

    def test_the_recall_needs_no_settings(self, truth_and_data):
        _, X, y = truth_and_data
        tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring="pu_recall").fit(X, y)
        assert tuned.best_score_ == 1.0

    @pytest.mark.parametrize(
        ("scorer", "message"),
        [
            (
                "pu_f1",
                r"own prior and scenario, but .* pass make_pu_scorer\('f1', prior=\.\.\., sc",
            ),
            (
                "pu_lee_liu",
                r"own scenario, but .* pass make_pu_scorer\('lee_liu', scenario=\.\.\.\)",
            ),
            (make_pu_scorer("f1", prior=0.4), r"own scenario, but a scorer of thresholds"),
            ("pu_roc_auc", r"no threshold can be tuned by it; take one of accuracy, precision, re"),
            ("neg_pu_risk", "no threshold can be tuned by it"),
        ],
    )
    def test_errors(self, truth_and_data, scorer, message):
        _, X, y = truth_and_data
        with pytest.raises(ValueError, match=message):
            TunedThresholdClassifierCV(LogisticRegression(), scoring=scorer).fit(X, y)

    def test_few_positives_are_warned_of_once(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(200, 1)), np.repeat([1, 0], [20, 180])
        X[:60] += 2.0
        tuned = TunedThresholdClassifierCV(
            LogisticRegression(), scoring=make_pu_scorer("f1", prior=0.3, scenario=ONE_SET)
        )
        with pytest.warns(UserWarning, match="holds 4 labelled positives") as caught:
            tuned.fit(X, y)
        assert len(caught) == 1


class TestStandardErrors:
    @pytest.mark.parametrize("name", NAMES)
    def test_of_each_metric(self, data, name):
        X, y = data
        estimator = Shifted(by=1.0).fit(X, y)
        found = make_pu_scorer(name, return_std=True)(estimator, X, y)
        function = getattr(metrics, f"pu_{name}_score", None) or metrics.pu_calibration_error
        if name == "calibration_error":
            response = estimator.predict_proba(X)[:, 1]
        elif name in ("accuracy", "precision", "recall", "f1", "lee_liu"):
            response = estimator.predict(X)
        else:
            response = X[:, 0] - 1.0
        _, std = function(y, response, prior=0.3, return_std=True)
        (key, score), (std_key, its_std) = found.items()
        assert key in STRINGS
        assert score == make_pu_scorer(name)(estimator, X, y)
        assert (std_key, its_std) == (f"{key}_std", std)
        assert std > 0

    def test_are_those_of_repeated_draws(self):
        scorer = make_pu_scorer("accuracy", return_std=True)
        found = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            X, y = rng.normal(size=(500, 1)), np.repeat([1, 0], [100, 400])
            X[:100] += 2.0
            X[100:][rng.random(400) < 0.3] += 2.0
            found.append(list(scorer(Shifted(by=1.0).fit(X, y), X, y).values()))
        scores, stds = np.array(found).T
        assert stds.mean() == pytest.approx(scores.std(), rel=0.2)

    def test_in_a_search(self, data):
        X, y = data
        scorer = make_pu_scorer("risk", return_std=True)
        search = GridSearchCV(
            Shifted(), {"by": [-3.0, 1.0]}, scoring=scorer, refit="neg_pu_risk", error_score="raise"
        ).fit(X, y)
        assert search.best_params_ == {"by": 1.0}
        assert (search.cv_results_["mean_test_neg_pu_risk_std"] > 0).all()

    def test_repr_and_copies(self, data):
        X, y = data
        scorer = make_pu_scorer("f1", return_std=True)
        assert repr(scorer) == ("make_pu_scorer('f1', prior=None, scenario=None, return_std=True)")
        estimator = Shifted().fit(X, y)
        for other in (copy.deepcopy(scorer), pickle.loads(pickle.dumps(scorer))):
            assert other(estimator, X, y) == scorer(estimator, X, y)


class TestFewPositives:
    @pytest.fixture
    def few(self, data):
        X, y = data
        keep = np.sort(np.append(np.flatnonzero(y == 1)[:50], np.flatnonzero(y == 0)))
        return X[keep], y[keep]

    def warned(self, call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [str(w.message) for w in caught if "labelled positives" in str(w.message)]

    def test_says_how_many_and_the_standard_error(self, few):
        X, y = few
        rows = np.append(np.flatnonzero(y == 1)[:20], np.flatnonzero(y == 0))
        _, std = metrics.pu_recall_score(y[rows], X[rows, 0] > 1, return_std=True)
        message = (
            r"holds 20 labelled positives \(label 1\), too few .*: the standard error of its "
            f"recall is about {std:.2g}; use fewer folds"
        )
        with pytest.warns(UserWarning, match=message):
            make_pu_scorer("recall")(Shifted(by=1.0).fit(X, y), X[rows], y[rows])
        with pytest.warns(UserWarning, match="differ by little; use fewer folds"):
            make_pu_scorer("recall")(Shifted(by=-9.0).fit(X, y), X[rows], y[rows])

    def test_once_a_search(self, few):
        X, y = few
        search = GridSearchCV(Shifted(), {"by": [0.0, 0.5, 1.0]}, scoring="pu_roc_auc")
        assert len(self.warned(lambda: search.fit(X, y))) == 1
        assert len(self.warned(lambda: search.fit(X, y))) == 1
        scorer = make_pu_scorer("roc_auc")
        assert len(self.warned(lambda: cross_val_score(Shifted(), X, y, scoring=scorer))) == 1
        assert self.warned(lambda: cross_val_score(Shifted(), X, y, scoring=scorer)) == []

    def test_once_although_workers_get_pickles(self, few):
        X, y = few
        estimator, scorer = Shifted().fit(X, y), make_pu_scorer("recall")
        rows = np.append(np.flatnonzero(y == 1)[:20], np.flatnonzero(y == 0))

        def score(each):
            return lambda: each(estimator, X[rows], y[rows])

        pickles = [pickle.loads(pickle.dumps(scorer)) for _ in range(3)]
        assert [len(self.warned(score(each))) for each in pickles] == [1, 0, 0]
        assert len(self.warned(score(copy.deepcopy(scorer)))) == 1

    def test_not_from_thirty_on(self, few):
        X, y = few
        assert self.warned(lambda: make_pu_scorer("recall")(Shifted().fit(X, y), X, y)) == []


class TestTheScorerItself:
    def test_pickle_and_repr(self, data):
        X, y = data
        scorer = make_pu_scorer("risk", prior=0.3, loss="sigmoid")
        expected = "make_pu_scorer('risk', prior=0.3, scenario=None, loss='sigmoid')"
        assert repr(scorer) == expected
        again = pickle.loads(pickle.dumps(scorer))
        estimator = Shifted().fit(X, y)
        assert again(estimator, X, y) == scorer(estimator, X, y)
        assert repr(copy.deepcopy(scorer)) == expected

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"metric": "auc"}, "metric must be one of accuracy, precision, .* got 'auc'"),
            ({"metric": metrics.match_picks}, "or the function of puclassify.metrics; got"),
            ({"metric": 3}, "metric must be one of .* got 3"),
            ({"metric": "f1", "prior": 1.0}, "prior must be a number .* or None, got 1.0"),
            ({"metric": "f1", "scenario": "cc"}, "scenario must be 'case_control' or"),
            ({"metric": "f1", "loss": "sigmoid"}, "pu_f1_score accepts no loss"),
            ({"metric": "f1", "propensities": [1.0]}, "pu_f1_score accepts no propensities"),
            ({"metric": "f1", "y_true": 1}, "pu_f1_score accepts no y_true"),
            ({"metric": "f1", "return_std": 1}, "return_std must be True or False, got 1"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_pu_scorer(**arguments)


class TestMetadata:
    """Weights and propensities, with and without scikit-learn's metadata routing."""

    @pytest.fixture
    def given(self):
        return dict(
            zip(
                ("sample_weight", "propensities"),
                np.random.default_rng(1).uniform(0.2, 1, (2, 800)),
            )
        )

    @pytest.mark.parametrize("name", NAMES)
    def test_go_to_the_metric(self, data, given, name):
        X, y = data
        estimator = Shifted(by=1.0).fit(X, y)
        scorer = make_pu_scorer(name, prior=0.4)
        metric = getattr(metrics, f"pu_{name}" + "_score" * (name != "calibration_error"))
        response = {
            "roc_auc": estimator.decision_function(X),
            "average_precision": estimator.decision_function(X),
            "risk": estimator.decision_function(X),
            "calibration_error": estimator.predict_proba(X)[:, 1],
        }.get(name, estimator.predict(X))
        sign = -1 if name in ("risk", "calibration_error") else 1
        assert scorer(estimator, X, y, **given) == sign * metric(y, response, prior=0.4, **given)
        assert scorer(estimator, X, y, **given) != scorer(estimator, X, y)

    def test_routed_by_request(self, data, given):
        X, y = data
        cv = PUStratifiedKFold(3, random_state=0)
        with config_context(enable_metadata_routing=True):
            scorer = make_pu_scorer("f1", prior=0.4)
            plain = cross_val_score(Shifted(), X, y, cv=cv, scoring=scorer)
            scorer.set_score_request(sample_weight="importance", propensities=True)
            scorer = pickle.loads(pickle.dumps(copy.deepcopy(scorer)))
            params = {"importance": given["sample_weight"], "propensities": given["propensities"]}
            found = cross_val_score(Shifted(), X, y, cv=cv, scoring=scorer, params=params)
        expected = [
            scorer(Shifted().fit(X, y), X[test], y[test], **{k: v[test] for k, v in given.items()})
            for _, test in cv.split(X, y)
        ]
        assert found.tolist() == expected
        assert (found != plain).all()

    def test_a_name_is_not_changed_by_a_request(self):
        with config_context(enable_metadata_routing=True):
            get_scorer("pu_f1").set_score_request(sample_weight=True)
            requests = get_scorer("pu_f1").get_metadata_routing().score.requests
            assert set(requests.values()) == {None}

    def test_unknown_requests(self):
        with pytest.raises(TypeError, match="takes sample_weight and propensities, but no groups"):
            make_pu_scorer("f1").set_score_request(groups=True)

    def test_weights_of_a_search_without_routing(self, data, given):
        """scikit-learn hands those of its fit to all scorers, several or one."""
        X, y = data
        w, cv = given["sample_weight"], PUStratifiedKFold(3, random_state=0)
        scorer = make_pu_scorer("recall")
        (train, test), *_ = cv.split(X, y)
        fitted = LogisticRegression().fit(X[train], y[train], sample_weight=w[train])
        expected = scorer(fitted, X[test], y[test], sample_weight=w[test])
        for scoring, name in ((scorer, "score"), (["pu_recall", "pu_lee_liu"], "pu_recall")):
            search = GridSearchCV(
                LogisticRegression(), {"C": [1.0]}, scoring=scoring, refit=False, cv=cv
            )
            search.fit(X, y, sample_weight=w)
            assert search.cv_results_[f"split0_test_{name}"][0] == expected

    def test_thresholds(self, data, given):
        X, y = data
        w = given["sample_weight"]
        with config_context(enable_metadata_routing=True):
            scorer = make_pu_scorer("f1", prior=0.4, scenario=ONE_SET)
            scorer.set_score_request(sample_weight=True)
            tuned = TunedThresholdClassifierCV(
                LogisticRegression().set_fit_request(sample_weight=False),
                scoring=scorer,
                cv="prefit",
                refit=False,
                store_cv_results=True,
            )
            tuned.set_params(estimator=FrozenEstimator(LogisticRegression().fit(X, y)))
            tuned.fit(X, y, sample_weight=w)
        thresholds = tuned.cv_results_["thresholds"]
        p = tuned.estimator_.predict_proba(X)[:, 1]
        expected = [
            metrics.pu_f1_score(y, p >= t, prior=0.4, scenario=ONE_SET, sample_weight=w)
            for t in thresholds
        ]
        np.testing.assert_allclose(tuned.cv_results_["scores"], expected)


@pytest.mark.parametrize("name", ["sample_weight", "propensities"])
def test_metadata_that_nobody_said_what_to_do_with(name):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(240, 3)), np.repeat([1, 0], [80, 160])
    classifier = PUImageClassifier("mlp", prior=0.4, max_epochs=1, random_state=0)
    scorer = make_pu_scorer("roc_auc", prior=0.4)
    params = {name: np.ones(240)}
    with config_context(enable_metadata_routing=True):
        classifier.set_fit_request(**{name: True})
        with pytest.raises(UnsetMetadataPassedError, match=name):
            cross_val_score(classifier, X, y, scoring=scorer, cv=2, params=params)
        scorer.set_score_request(**{name: False})
        assert len(cross_val_score(classifier, X, y, scoring=scorer, cv=2, params=params)) == 2
