"""Examples that belong together are held out together."""

import numpy as np
import pytest

from puclassify import PUImageClassifier, RegionTable
from puclassify.classifier._held_out_examples import groups_of, hold_out
from puclassify.classifier._samples import PixelSource


@pytest.fixture
def copies():
    """Images of half of which are positive, each three times with a little noise of its own."""
    rng = np.random.default_rng(0)
    originals = rng.normal(size=(300, 12, 12)).astype(np.float32)
    originals[:150, 4:8, 4:8] += 0.8
    groups = np.repeat(np.arange(300), 3)
    X = originals[groups] + rng.normal(scale=0.01, size=(900, 12, 12)).astype(np.float32)
    labelled = rng.permutation(150)[:50]
    y = np.isin(groups, labelled).astype(int)
    return X, y, groups


class TestHoldOut:
    def test_groups_stay_together(self, copies):
        _, y, groups = copies
        trained, held = hold_out(y == 1, 0.1, np.random.RandomState(0), groups)
        assert not set(groups[trained]) & set(groups[held])
        assert len(trained) + len(held) == 900
        assert abs(y[held].sum() - 15) <= 3
        assert abs(len(held) - 90) <= 6

    def test_one_large_group(self):
        positive = np.arange(100) < 30
        groups = np.where(np.arange(100) % 2, 0, np.arange(100))
        trained, held = hold_out(positive, 0.2, np.random.RandomState(0), groups)
        assert positive[held].any()
        assert not positive[held].all()
        assert positive[trained].any()
        assert not positive[trained].all()

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (np.linspace(0, 1, 8), r"fractions, the first at index 1; .*sample_weight="),
            (np.array([1.0, np.nan] * 4), r"no name for 4 of 8 .* first at index 1"),
            (np.array(["a", None] * 4, dtype=object), "no name for 4 of 8"),
        ],
    )
    def test_names_that_are_none(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            groups_of(PixelSource(np.zeros((8, 4, 4))), wrong, np.arange(8) < 2)

    def test_groups_that_cannot_be_divided(self):
        positive = np.arange(20) < 8
        with pytest.raises(ValueError, match="no choice of groups leaves"):
            hold_out(positive, 0.2, np.random.RandomState(0), np.zeros(20, dtype=int))


class TestGroups:
    def test_without_any(self, copies, recwarn):
        assert groups_of(PixelSource(copies[0]), None, copies[1] == 1) is None
        assert not recwarn

    def test_of_regions_are_micrographs(self):
        images = [np.zeros((50, 50), np.float32)] * 3
        table = RegionTable(images, [0, 0, 2, 1], np.full((4, 2), 25.0))
        np.testing.assert_array_equal(
            groups_of(PixelSource(table, 11), None, np.arange(4) < 2), [0, 0, 2, 1]
        )

    def test_copies_are_found(self, copies):
        X = copies[0].copy()
        X[[5, 700]] = X[3]
        with pytest.warns(UserWarning, match="2 of 900 images in X are copies"):
            groups = groups_of(PixelSource(X), None, np.zeros(900, dtype=bool))
        assert groups[3] == groups[5] == groups[700]
        assert len(np.unique(groups)) == 898

    def test_labelled_copies_of_unlabelled_images_are_no_news(self, copies, recwarn):
        X = copies[0].copy()
        X[800:] = X[:100]
        groups = groups_of(PixelSource(X), None, np.arange(900) >= 800)
        np.testing.assert_array_equal(groups[800:], groups[:100])
        assert not recwarn

    def test_labelled_and_unlabelled_in_one_set(self, copies):
        X = copies[0].copy()
        X[890:] = X[:10]
        with pytest.warns(UserWarning, match="10 of the 100 labelled images .* without a label"):
            groups_of(PixelSource(X), None, np.arange(900) >= 800, one_set=True)

    def test_copies_join_groups(self, copies):
        X, _, given = copies
        X = X.copy()
        X[700] = X[3]
        with pytest.warns(UserWarning, match="1 of 900"):
            groups = groups_of(PixelSource(X), given, np.zeros(900, dtype=bool))
        together = np.isin(given, given[[3, 700]])
        assert len(set(groups[together])) == 1
        assert not set(groups[together]) & set(groups[~together])
        assert len(np.unique(groups)) == 299

    def test_of_another_length(self, copies):
        with pytest.raises(ValueError, match="one group for each of the 900 samples"):
            groups_of(PixelSource(copies[0]), np.arange(3), copies[1] == 1)

    @pytest.mark.parametrize("calibration", [None, "platt"])
    def test_of_another_length_in_a_fit(self, rows, calibration):
        classifier = PUImageClassifier(calibration=calibration, max_epochs=1)
        with pytest.raises(ValueError, match="one group for each of the 60 samples"):
            classifier.fit(rows.X, rows.y, groups=np.arange(59))


@pytest.mark.filterwarnings("ignore:BBEPrior estimates")
def test_near_copies_spoil_no_estimate_of_the_prior(copies):
    X, y, groups = copies
    true = (150 - 50) / 250  # of the unlabelled ones
    estimates = {}
    for name, given in (("with", groups), ("without", None)):
        priors = []
        for seed in range(3):
            classifier = PUImageClassifier(
                prior="bbe", validation_fraction=0.3, max_epochs=30, random_state=seed
            )
            try:
                priors.append(classifier.fit(X, y, groups=given).prior_)
            except ValueError:  # refused: no unlabelled example scores like the labelled ones
                priors.append(0.0)
        estimates[name] = np.array(priors)
    assert np.mean(np.abs(estimates["with"] - true)) < 0.2
    assert (estimates["with"] > 0).all()
    assert np.mean(estimates["without"]) < np.mean(estimates["with"])
