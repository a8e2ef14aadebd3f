import contextlib
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify import PUImageClassifier
from puclassify.calibration import PUPlattScaling
from puclassify.metrics import pu_roc_auc_score
from puclassify.model_selection import make_pu_scorer
from puclassify.prior import BBEPrior, DEDPULPrior


@pytest.fixture
def classifier():
    return PUImageClassifier(max_epochs=1, random_state=0)


class TestKinds:
    @pytest.mark.parametrize(
        ("labels", "classes"),
        [
            (lambda y: y, [0, 1]),
            (lambda y: 2 * y - 1, [-1, 1]),
            (lambda y: y == 1, [False, True]),
            (lambda y: y.astype(float), [0.0, 1.0]),
            (lambda y: np.where(y == 1, "p", "background"), ["background", "p"]),
            (lambda y: np.where(y == 1, "p", "n").astype(object), ["n", "p"]),
            (lambda y: y.tolist(), [0, 1]),
            (lambda y: pd.Series(y, index=range(100, 160)), [0, 1]),
        ],
        ids=["01", "signed", "bool", "float", "str", "object", "list", "series"],
    )
    def test_all_of_them_train_the_same_network(self, classifier, rows, labels, classes):
        reference = classifier.fit(rows.X, rows.y).decision_function(rows.X)
        fitted = classifier.fit(rows.X, labels(rows.y))
        np.testing.assert_array_equal(fitted.classes_, classes)
        np.testing.assert_array_equal(fitted.decision_function(rows.X), reference)
        np.testing.assert_array_equal(
            fitted.predict(rows.X), np.array(classes)[(reference > 0).astype(int)]
        )
        assert fitted.score(rows.X, labels(rows.y)) == roc_auc_score(rows.y, reference)


class TestErrors:
    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (lambda y: None, "requires y to be passed, but the target y is None: mark labelled"),
            (lambda y: np.where(y == 1, 1.0, np.nan), r"y .*NaN.*unlabelled examples.*with 0"),
            (lambda y: np.where(y == 1, 1.0, np.nan).astype(object), r"y .*NaN.*with 0"),
            (lambda y: np.where(y == 1, 1, None), r"y .*None at index 20; mark .*with 0"),
            (lambda y: np.where(y == 1, "p", None), r"y .*None at index 20; mark .*with 0"),
            (lambda y: [1, None] * 30, r"y .*None at index 1; mark .*with 0"),
            (lambda y: pd.array([1, pd.NA] * 30, dtype="Int64"), r"y .*NaN.*with 0"),
            (lambda y: pd.Series([True, None] * 30), r"y .*None at index 1; mark .*with 0"),
            (lambda y: np.ma.array(y, mask=y == 0), r"y .*masked at index 20; mark .*with 0"),
            (
                lambda y: np.repeat([-1, 0, 1], 20),
                r"y holds 3 different labels, -1 \(20 times\), 0 \(20 times\), 1 \(20 times\)"
                r".*with 0.*known negatives",
            ),
            (
                lambda y: np.arange(60) % 12,
                r"y holds 12 different labels, .*4 \(5 times\), \.\.\.;",
            ),
            (lambda y: y - 1, r"y holds the labels -1 \(40 times\), 0 \(20 times\), .*with 0"),
            (lambda y: np.ones(60, dtype=int), r"y holds one class only, 1, .*with 0"),
            (lambda y: np.zeros(60, dtype=int), r"y holds one class only, 0, .*with 0"),
            (lambda y: np.where(y == 1, 1.5, 0.5), r"y .*continuous.*with 0"),
            (lambda y: np.column_stack([y, y]), r"y .*with 0"),
            (lambda y: y[:-1], "X has 60, y has 59"),
        ],
        ids=[
            "none",
            "nan",
            "nan object",
            "none object",
            "none beside text",
            "none in list",
            "missing integer",
            "none in series",
            "masked",
            "three",
            "many",
            "minus one and zero",
            "positive",
            "unlabelled",
            "continuous",
            "table",
            "short",
        ],
    )
    def test_they_name_y_and_say_how_to_mark_unlabelled(self, classifier, rows, labels, message):
        with pytest.raises(ValueError, match=message):
            classifier.fit(rows.X, labels(rows.y))

    def test_one_example_of_a_label_cannot_be_held_out(self, classifier, rows):
        y = np.arange(60) == 0
        with pytest.raises(ValueError, match=r"early_stopping.* y has only 1 labelled positive"):
            classifier.set_params(early_stopping=True).fit(rows.X, y)


class TestScore:
    def test_it_is_the_probability_that_a_labelled_example_ranks_higher(self, classifier, rows):
        logits = classifier.fit(rows.X, rows.y).decision_function(rows.X)
        difference = logits[rows.y == 1][:, None] - logits[rows.y == 0]
        expected = np.mean(difference > 0) + 0.5 * np.mean(difference == 0)
        assert classifier.score(rows.X, rows.y) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.filterwarnings("ignore:the values of X have a mean")
    def test_probabilities_are_the_logistic_function_of_the_logits(self, classifier, rows):
        X = 1e3 * rows.X  # saturates without overflow
        logits = classifier.fit(rows.X, rows.y).decision_function(X)
        probability = classifier.predict_proba(X)
        np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-15)
        np.testing.assert_allclose(
            probability[:, 1], 1 / (1 + np.exp(-np.clip(logits, -700, 700))), atol=1e-12
        )

    def test_labels_of_another_kind_are_refused(self, classifier, rows):
        classifier.fit(rows.X, np.where(rows.y == 1, "p", "n"))
        with pytest.raises(ValueError, match=r"y holds the labels \[0, 1\] but was \['n', 'p'\]"):
            classifier.score(rows.X, rows.y)


def of(labelled, unlabelled, kind=None):
    """Turn 1 and 0 into two other labels."""

    def labels(y):
        array = np.where(y == 1, labelled, unlabelled)
        return array if kind is None else array.astype(kind)

    return labels


def reversed_order():
    """The warning about the order of the labels."""
    return pytest.warns(UserWarning, match="means labelled positive and classes_ is .* 'roc_auc'")


EVIDENT = [
    ("positive", "unlabeled"),
    ("positive", "unlabelled"),
    ("Positive", "Negative"),
    ("pos", "neg"),
    ("P", "U"),
    ("p", "n"),
    (" P ", "u"),
    ("labelled", "unlabelled"),
    ("LABELED", "UNLABELED"),
    ("labeled", "not-labeled"),
    ("particle", "background"),
    ("Particle", "no particle"),
    ("particle", "noise"),
    ("yes", "no"),
    ("True", "False"),
    ("1", "0"),
    ("+1", "-1"),
    (b"P", b"U"),
    (np.str_("positive"), np.str_("other")),
]
AMBIGUOUS = [
    (1, 2),
    (2, 1),
    (2, 0),
    (255, 0),
    (1, -2),
    (2.0, 0.0),
    ("a", "b"),
    ("p", "and the rest"),
    ("positive", "labelled"),
    ("unlabelled", "background"),
    ("1", "2"),
    ("", "u"),
]


class TestRoles:
    @pytest.mark.parametrize(("labelled", "unlabelled"), EVIDENT)
    @pytest.mark.parametrize("kind", [None, object])
    @pytest.mark.filterwarnings("ignore:.*means labelled positive and classes_")
    def test_words_say_which_is_which(self, classifier, rows, labelled, unlabelled, kind):
        expected = classifier.fit(rows.X, rows.y).decision_function(rows.X)
        y = of(labelled, unlabelled, kind)(rows.y)
        fitted = classifier.fit(rows.X, y)
        words = [
            word.decode() if isinstance(word, bytes) else word for word in (unlabelled, labelled)
        ]
        assert fitted.classes_.tolist() == words
        np.testing.assert_array_equal(fitted.decision_function(rows.X), expected)
        np.testing.assert_array_equal(fitted.predict_proba(rows.X)[:, 1] > 0.5, expected > 0)
        np.testing.assert_array_equal(fitted.predict(rows.X) == words[1], expected > 0)
        assert fitted.score(rows.X, y) == roc_auc_score(rows.y, expected)

    @pytest.mark.parametrize(("labelled", "unlabelled"), AMBIGUOUS)
    @pytest.mark.filterwarnings("ignore:.*means labelled positive and classes_")
    def test_others_are_refused_and_pos_label_decides(self, classifier, rows, labelled, unlabelled):
        y = of(labelled, unlabelled)(rows.y)
        first, second = np.unique(y).tolist()
        advice = f"is not evident: pass pos_label={first!r} or pos_label={second!r}"
        with pytest.raises(ValueError, match=re.escape(advice)):
            classifier.fit(rows.X, y)
        assert not hasattr(classifier, "classes_")
        expected = clone(classifier).fit(rows.X, rows.y).decision_function(rows.X)
        fitted = classifier.set_params(pos_label=labelled).fit(rows.X, y)
        assert fitted.classes_.tolist() == [unlabelled, labelled]
        np.testing.assert_array_equal(fitted.decision_function(rows.X), expected)
        assert fitted.score(rows.X, y) == roc_auc_score(rows.y, expected)

    @pytest.mark.parametrize("pos_label", [0, "P", 1])
    def test_pos_label_wins_over_words_and_has_to_be_there(self, classifier, rows, pos_label):
        classifier.set_params(pos_label=pos_label)
        y = rows.y if pos_label != 1 else of("1", "0")(rows.y)
        if pos_label == 0:
            with (
                pytest.warns(
                    UserWarning, match=r"0 was read .* more of these \(40\) than .*\(1: 20"
                ),
                reversed_order(),
            ):
                classifier.fit(rows.X, y)
            assert classifier.classes_.tolist() == [1, 0]
        else:
            message = rf"pos_label={pos_label!r} is not one of the labels of y, '?0'? \(40 times\)"
            with pytest.raises(ValueError, match=message):
                classifier.fit(rows.X, y)

    def test_more_labelled_than_unlabelled_is_a_warning(self, classifier, rows):
        message = (
            r"1 was read as labelled positive, .* \(40\) than .*\(0: 20\); are the labels exch"
        )
        with pytest.warns(UserWarning, match=message):
            classifier.fit(rows.X, 1 - rows.y)
        classifier.fit(rows.X[:40], rows.y[:40])  # as many is none

    @pytest.mark.parametrize(
        ("labelled", "unlabelled"), [("labelled", "background"), ("positive", "unlabeled")]
    )
    def test_scores_are_those_of_1_and_0(self, rows, labelled, unlabelled):
        classifier = PUImageClassifier(max_epochs=2, random_state=0, prior=0.3)
        y = of(labelled, unlabelled)(rows.y)
        cv = StratifiedKFold(2)
        scorers = ["pu_roc_auc", "pu_recall", "neg_pu_risk", "neg_pu_calibration_error", None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few labels, and the order of the words
            for scoring in scorers:
                for estimator in (classifier, LogisticRegression(C=0.1)):
                    if scoring is None and estimator is not classifier:
                        continue
                    score = scoring and make_pu_scorer(scoring, prior=0.3)
                    numbers, words = (
                        cross_val_score(
                            estimator, rows.X, labels, scoring=score, cv=cv, error_score="raise"
                        )
                        for labels in (rows.y, y)
                    )
                    # the decision function of words in the other order is the negative one
                    np.testing.assert_allclose(words, numbers, rtol=1e-4, atol=1e-5)

    def test_scorers_know_the_pos_label_of_the_classifier(self, rows):
        y = of(1, 2)(rows.y)
        classifier = PUImageClassifier(max_epochs=2, random_state=0, prior=0.3)
        pipeline = make_pipeline(StandardScaler(), classifier)
        expected = pipeline.fit(rows.X, rows.y).decision_function(rows.X)
        pipeline.set_params(puimageclassifier__pos_label=1)
        with reversed_order():
            pipeline.fit(rows.X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few labels
            score = make_pu_scorer("roc_auc")(pipeline, rows.X, y)
            recall = make_pu_scorer("recall")(pipeline, rows.X, y)
        assert score == pu_roc_auc_score(rows.y, expected, prior=0.3)
        assert recall == np.mean(expected[rows.y == 1] > 0)

    def test_priors_and_calibration_read_labels_alike(self, rows):
        scores = rows.X.sum(axis=1)
        words = of("P", "U")(rows.y)
        np.testing.assert_allclose(
            PUPlattScaling(0.3).fit(scores, words).calibration_,
            PUPlattScaling(0.3).fit(scores, rows.y).calibration_,
        )
        for fit in (
            PUPlattScaling(0.3).fit,
            BBEPrior().fit_scores,
            BBEPrior().fit,
            lambda scores, y: pu_roc_auc_score(y, scores, prior=0.3),
        ):
            with pytest.raises(
                ValueError, match=r"is not evident: pass y(_true)? == 1 or y(_true)? == 2"
            ):
                fit(scores, of(1, 2)(rows.y))

    def test_scorers_refuse_classes_of_no_evident_role(self, rows):
        fitted = LogisticRegression().fit(rows.X, of("a", "b")(rows.y))
        with pytest.raises(ValueError, match=r"which of the classes \['a', 'b'\] .*fit it to 1"):
            make_pu_scorer("roc_auc", prior=0.3)(fitted, rows.X, rows.y)

    def test_a_prior_asks_its_classifier_which_label_is_positive(self, rows):
        X, y = np.tile(rows.X, (10, 1)), np.tile(rows.y, 10)
        estimator = PUImageClassifier(max_epochs=2, random_state=0, criterion="pn")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that another method disagrees
            expected = (
                DEDPULPrior(estimator=estimator, n_bootstrap=0, random_state=0).fit(X, y).prior_
            )
            told = DEDPULPrior(
                estimator=clone(estimator).set_params(pos_label="a"), n_bootstrap=0, random_state=0
            )
            assert told.fit(X, of("a", "b")(y)).prior_ == expected
        with (
            pytest.warns(UserWarning, match="0 was read as labelled positive, and y holds more"),
            pytest.warns(UserWarning, match="1 was read"),  # by the classifiers of the folds
            contextlib.suppress(ValueError),  # as all scores are the wrong way round
        ):
            told.set_params(estimator__pos_label=0).fit(rows.X, rows.y)


class TestOrder:
    @pytest.mark.filterwarnings("ignore:BBEPrior estimates")
    def test_of_tables(self, classifier, rows):
        X, y = pd.DataFrame(rows.X), pd.Series(rows.y)
        other = y.sample(frac=1, random_state=0)
        scores = X[0] + 2 * np.asarray(other)
        ways = [
            lambda y: classifier.fit(X, y),
            lambda y: PUPlattScaling(0.3).fit(scores, y),
            lambda y: BBEPrior().fit_scores(scores, y),
        ]
        for fit in ways:
            with pytest.warns(UserWarning, match=r"different orders, .* pass y.loc\[X.index\]"):
                fit(other)
            fit(other.set_axis(X.index + 5))  # warnings are errors
            fit(other.tolist())
