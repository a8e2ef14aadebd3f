"""Weights of examples, and propensities of labelled positives, in a fit."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify import PUImageClassifier
from puclassify.classifier._held_out_examples import hold_out
from puclassify.datasets import label_positives
from puclassify.losses import LOSSES, PULoss, UnbiasedPULoss, functional
from puclassify.model_selection import PUStratifiedKFold, make_pu_scorer

QUICK = {"max_epochs": 3, "module_params": {"hidden": (8,)}, "lr": 0.02, "random_state": 0}
ONE_SET = "single_training_set"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3)).astype(np.float32)
    X[:260, 0] += 3
    return X, np.repeat([1, 0], [160, 440])


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(1)
    return rng.uniform(0.2, 1, 600) * (rng.random(600) < 0.8), rng.uniform(0.2, 1, 600)


HOLDING_OUT = [
    {},
    {"early_stopping": True, "calibration": "platt"},
    {"early_stopping": True, "calibration": "platt", "scenario": ONE_SET},
    {"prior": "bbe", "validation_fraction": 0.3},
    {"prior": "bbe", "validation_fraction": 0.3, "scenario": ONE_SET},
]


@pytest.mark.filterwarnings("ignore:BBEPrior estimates the prior:UserWarning")
@pytest.mark.parametrize("settings", HOLDING_OUT, ids=str)
class TestExactly:
    def test_equal_weights_of_any_scale_are_none(self, data, settings):
        X, y = data
        classifier = PUImageClassifier(**{"prior": 0.4} | QUICK | settings)
        plain = classifier.fit(X, y).decision_function(X)
        equal = {"sample_weight": np.full(600, 0.3), "propensities": np.full(600, 0.7)}
        np.testing.assert_array_equal(classifier.fit(X, y, **equal).decision_function(X), plain)

    def test_weights_of_zero_are_not_there(self, data, weights, settings):
        X, y = data
        w, e = weights
        kept = w > 0
        classifier = PUImageClassifier(**{"prior": 0.4} | QUICK | settings)
        classifier.fit(X[kept], y[kept], sample_weight=w[kept], propensities=e[kept])
        expected = classifier.decision_function(X), classifier.unlabelled_prior_
        classifier.fit(X, y, sample_weight=w, propensities=e)
        np.testing.assert_array_equal(classifier.decision_function(X), expected[0])
        assert classifier.unlabelled_prior_ == expected[1]
        assert np.isfinite(expected[0]).all()


def test_groups_without_weight_are_not_there(data):
    X, y = data
    groups = np.arange(600) % 50
    w = np.where(groups % 5 == 1, 0, 1)
    classifier = PUImageClassifier(prior=0.4, early_stopping=True, **QUICK)
    expected = classifier.fit(X[w > 0], y[w > 0], groups[w > 0]).decision_function(X)
    found = classifier.fit(X, y, groups, sample_weight=w).decision_function(X)
    np.testing.assert_array_equal(found, expected)


class TestTraining:
    @pytest.mark.parametrize("name", LOSSES)
    @pytest.mark.parametrize("scenario", ["case_control", ONE_SET])
    def test_every_objective(self, data, weights, name, scenario):
        X, y = data
        classifier = PUImageClassifier(
            criterion=name, prior=0.4, scenario=scenario, early_stopping=True, **QUICK
        )
        plain = classifier.fit(X, y).decision_function(X)
        w, e = weights
        logits = classifier.fit(X, y, sample_weight=w, propensities=e).decision_function(X)
        assert np.isfinite(logits).all()
        assert (logits != plain).any()

    @pytest.mark.parametrize("scenario", ["case_control", ONE_SET])
    def test_the_objective_gets_the_weights_of_each_role(self, data, weights, scenario):
        X, y = data
        w, e = weights[0] + 0.1, weights[1]
        seen = []

        class Spy(UnbiasedPULoss):
            def forward(self, logits, targets, weights=None):
                seen.append((targets.numpy(), weights.numpy()))
                return super().forward(logits, targets, weights)

        settings = {"scenario": scenario, "positive_fraction": 0.5, **QUICK, "max_epochs": 1}
        classifier = PUImageClassifier(criterion=Spy(), prior=0.4, **settings)
        classifier.fit(X, y, sample_weight=w, propensities=e)
        targets, found = (np.concatenate(parts) for parts in zip(*seen))
        # Every unlabelled example comes once in an epoch, and every labelled one at least once.
        mixture = np.ones(600, bool) if scenario == ONE_SET else y == 0
        np.testing.assert_allclose(np.sort(found[targets == 0]), np.sort((w / w.max())[mixture]))
        expected = (w / e)[y == 1] / np.max((w / e)[y == 1])
        np.testing.assert_allclose(np.unique(found[targets == 1]), np.sort(expected), rtol=1e-6)

    def test_weights_choose_what_is_learned(self):
        """Two kinds of labelled positives: the one that counts is found."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(1200, 2)).astype(np.float32)
        X[:100, 0] += 4
        X[100:200, 1] += 4
        X[200:400, 0] += 4
        X[400:600, 1] += 4
        y = np.repeat([1, 0], [200, 1000])
        settings = QUICK | {"max_epochs": 20}
        for kind in (0, 1):
            w = np.ones(1200)
            w[100 * kind : 100 * (kind + 1)] = 100
            classifier = PUImageClassifier(prior=0.2, **settings).fit(X, y, sample_weight=w)
            found = [classifier.predict(X[a:b]).mean() for a, b in ((200, 400), (400, 600))]
            assert found[kind] > 0.8
            assert found[1 - kind] < 0.5

    def test_unlabelled_examples_are_weighted_too(self, data):
        X, y = data
        w = np.where(X[:, 1] > 0, 10.0, 1.0)
        w[y == 1] = 1
        classifier = PUImageClassifier(criterion="ge_kl", prior=0.4, **QUICK | {"max_epochs": 15})
        p = classifier.fit(X, y, sample_weight=w).predict_proba(X)[y == 0, 1]
        weighted = np.average(p, weights=w[y == 0])
        assert weighted == pytest.approx(0.4, abs=0.06)

    @pytest.mark.parametrize("scenario", ["case_control", ONE_SET])
    def test_propensities_undo_the_bias_of_the_labels(self, scenario):
        """Labels by a feature that says nothing about the class are taken for a part of it."""
        rng = np.random.default_rng(0)
        truth = rng.random(6000) < 0.4
        X = rng.normal(size=(6000, 2)).astype(np.float32)
        X[truth, 0] += 3
        y, e = label_positives(
            truth,
            600,
            mechanism="easiest_first",
            easiness=X[:, 1],
            return_propensities=True,
            random_state=0,
        )
        train = np.arange(6000)
        if scenario == "case_control":
            train = np.append(np.flatnonzero(y[:3000]), np.arange(3000, 6000))
            y = np.repeat([1, 0], [len(train) - 3000, 3000])
            e = np.where(y == 1, e[train], np.nan)
        classifier = PUImageClassifier(prior=0.4, scenario=scenario, **QUICK | {"max_epochs": 15})
        biased, corrected = (
            np.mean(classifier.fit(X[train], y, propensities=given).predict(X) == truth)
            for given in (None, e)
        )
        assert corrected > 0.91
        assert corrected > biased + 0.01


class TestLossesOfOthers:
    class Own(PULoss):
        def __init__(self, prior=None):
            super().__init__(prior)

        def forward(self, logits, targets):
            return functional.pn_loss(logits, targets, prior=self.prior)

    def test_see_two_arguments_without_weights(self, data):
        X, y = data
        own, shipped = (
            PUImageClassifier(criterion=criterion, prior=0.4, early_stopping=True, **QUICK)
            .fit(X, y, sample_weight=np.full(600, 2.0), propensities=np.full(600, 0.5))
            .decision_function(X)
            for criterion in (self.Own(0.4), "pn")
        )
        np.testing.assert_array_equal(own, shipped)

    @pytest.mark.parametrize("name", ["sample_weight", "propensities"])
    def test_are_refused_by_name_with_weights(self, data, name):
        X, y = data
        classifier = PUImageClassifier(criterion=self.Own(0.4), **QUICK)
        with pytest.raises(ValueError, match="criterion Own accepts no weights; let its forward"):
            classifier.fit(X, y, **{name: np.where(np.arange(600) % 2, 1, 0.5)})


class TestHeldOutExamples:
    def test_the_loss_is_weighted(self, data, weights):
        X, y = data
        w, e = weights
        classifier = PUImageClassifier(
            criterion="upu",
            prior=0.4,
            scenario=ONE_SET,
            early_stopping=True,
            calibration=None,
            **QUICK | {"max_epochs": 1},
        ).fit(X, y, sample_weight=w, propensities=e)
        kept = np.flatnonzero(w)
        held = kept[hold_out(y[kept] == 1, 0.1, np.random.RandomState(0))[1]]
        s, labelled = classifier.decision_function(X[held]), y[held] == 1
        minus, plus = np.log1p(np.exp(s)), np.log1p(np.exp(-s))
        expected = np.average(minus, weights=w[held]) + 0.4 * np.average(
            (plus - minus)[labelled], weights=(w / e)[held][labelled]
        )
        assert classifier.history_[0]["valid_loss"] == pytest.approx(expected, rel=1e-5)

    def test_the_prior_is_that_of_weighted_examples(self):
        """Of the unlabelled examples that count four times, more are positive."""
        rng = np.random.default_rng(0)
        truth = np.append(np.ones(600, bool), rng.random(3000) < np.repeat([0.2, 0.6], 1500))
        X = rng.normal(size=(3600, 2)).astype(np.float32)
        X[:, 0] += 4 * truth
        y, w = np.repeat([1, 0], [600, 3000]), np.repeat([1, 1, 4], [600, 1500, 1500])
        settings = QUICK | {"max_epochs": 6}
        classifier = PUImageClassifier(prior="dedpul", validation_fraction=0.4, **settings)
        assert classifier.fit(X, y).prior_ == pytest.approx(0.4, abs=0.06)
        assert classifier.fit(X, y, sample_weight=w).prior_ == pytest.approx(0.52, abs=0.06)


class TestPriors:
    def test_of_the_unlabelled_by_weight(self, data):
        X, y = data
        w = np.where(y == 1, 0.5, 1.0)
        classifier = PUImageClassifier(prior=0.4, scenario=ONE_SET, **QUICK)
        classifier.fit(X, y, sample_weight=w)
        share = 80 / 520
        assert classifier.unlabelled_prior_ == pytest.approx((0.4 - share) / (1 - share))

    def test_impossible_by_weight(self, data):
        X, y = data
        classifier = PUImageClassifier(prior=0.4, scenario=ONE_SET, **QUICK)
        with pytest.raises(ValueError, match=r"by weight 385.7 of 600 examples \(0.643\) are lab"):
            classifier.fit(X, y, sample_weight=np.where(y == 1, 5, 1.01))


class TestScikitLearn:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"sample_weight": np.ones(599)}, r"sample_weight must have shape \(600,\)"),
            ({"sample_weight": np.full(600, -1.0)}, "sample_weight must be finite numbers of at"),
            ({"propensities": np.zeros(600)}, "propensities of labelled positives must be above 0"),
        ],
    )
    def test_refused_before_the_training(self, data, arguments, message):
        with pytest.raises(ValueError, match=message):
            PUImageClassifier(**QUICK).fit(*data, **arguments)

    def test_searches_route_them_to_fits_and_scores(self, data, weights):
        X, y = data
        w, e = weights[0] + 0.1, weights[1]
        grid, cv = {"puimageclassifier__prior": [0.3, 0.5]}, PUStratifiedKFold(3, random_state=0)
        with config_context(enable_metadata_routing=True):
            classifier = PUImageClassifier(**QUICK)
            classifier.set_fit_request(sample_weight=True, propensities=True)
            scorer = make_pu_scorer("roc_auc", prior=0.4)
            scorer.set_score_request(sample_weight=True, propensities=True)
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            search = GridSearchCV(make_pipeline(scaler, classifier), grid, cv=cv)
            search.set_params(scoring=scorer).fit(X, y, sample_weight=w, propensities=e)
            train, test = next(cv.split(X, y))
            step = make_pipeline(scaler, classifier).set_params(puimageclassifier__prior=0.3)
            step.fit(X[train], y[train], sample_weight=w[train], propensities=e[train])
            expected = scorer(step, X[test], y[test], sample_weight=w[test], propensities=e[test])
        assert search.cv_results_["split0_test_score"][0] == expected

    def test_score(self, data, weights):
        X, y = data
        w = weights[0]
        classifier = PUImageClassifier(**QUICK).fit(X, y)
        expected = roc_auc_score(y, classifier.decision_function(X), sample_weight=w)
        assert classifier.score(X, y, sample_weight=w) == pytest.approx(expected)
        assert classifier.score(X, y, sample_weight=w) != classifier.score(X, y)
        with pytest.raises(ValueError, match="sample_weight must be finite"):
            classifier.score(X, y, sample_weight=-w)
