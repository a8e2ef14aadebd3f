import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from puclassify import PUImageClassifier


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
            (lambda y: np.where(y == 1, "p", "and the rest"), ["and the rest", "p"]),
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
