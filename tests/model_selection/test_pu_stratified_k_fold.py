import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from puclassify.model_selection import PUStratifiedKFold

Y = np.array([1] * 13 + [0] * 60)


class TestSplit:
    @pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (0.0, 1.0), (False, True), ("a", "b")])
    def test_every_fold_has_its_share(self, labels):
        y = np.where(Y == 1, labels[1], labels[0])
        folds = list(PUStratifiedKFold(5, random_state=0).split(np.zeros((73, 2)), y))
        assert len(folds) == 5
        for train, test in folds:
            assert (y[test] == labels[1]).sum() in (2, 3)
            assert (y[test] == labels[0]).sum() == 12
            np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(73))
        every_test = np.concatenate([test for _, test in folds])
        np.testing.assert_array_equal(np.sort(every_test), np.arange(73))

    def test_shuffles_unless_told_not_to(self):
        def tests(cv):
            return [test.tolist() for _, test in cv.split(Y, Y)]

        assert tests(PUStratifiedKFold(random_state=0)) == tests(PUStratifiedKFold(random_state=0))
        assert tests(PUStratifiedKFold(random_state=0)) != tests(PUStratifiedKFold(random_state=1))
        in_order = PUStratifiedKFold(shuffle=False)
        assert tests(in_order)[0][:3] == [0, 1, 2]

    def test_inside_cross_validation(self):
        y = np.array([1, 0, 0, 0] * 10)
        scores = cross_val_score(
            DummyClassifier(), y[:, None], y, cv=PUStratifiedKFold(5), error_score="raise"
        )
        np.testing.assert_allclose(scores, 0.75)

    def test_repr(self):
        expected = "PUStratifiedKFold(n_splits=3, random_state=1, shuffle=True)"
        assert repr(PUStratifiedKFold(3, random_state=1)) == expected

    def test_clone_keeps_the_settings(self):
        again = clone(PUStratifiedKFold(3, shuffle=False), safe=False)
        assert (again.n_splits, again.shuffle, again.random_state) == (3, False, None)


class TestErrors:
    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([1, 1, 1, 0, 0, 0, 0, 0], r"3 labelled positives \(label 1\), .* n_splits=5.*<= 3"),
            ([1] * 9 + [-1] * 2, r"2 unlabelled examples \(label -1\), .* n_splits=5.*<= 2"),
            ([1] + [0] * 20, r"only one of the labelled positives \(label 1\).*n_splits=5"),
            ([0] * 20, r"two labels, .* got 1 distinct: \[0\]"),
            ([1, 0, -1] * 10, r"got 3 distinct: \[-1, 0, 1\]"),
            (np.linspace(0, 1, 20), r"got 20 distinct: .*\.\.\."),
        ],
    )
    def test_labels(self, y, message):
        with pytest.raises(ValueError, match=message):
            next(PUStratifiedKFold(5).split(np.zeros(len(y)), y))

    def test_n_splits(self):
        with pytest.raises(ValueError, match="n_splits"):
            PUStratifiedKFold(1)
