"""The benchmarks of model selection and of image priors, on the digits of scikit-learn."""

import sys

import numpy as np
import pytest

import image_priors
import model_selection
from common.image_sets import ImageSet, digits


def images_of(rows):
    return {row.tobytes() for row in rows}


def large_digits():
    """Return the digits enlarged threefold and padded to the size of MNIST."""
    images = digits()
    train, test = (
        np.pad(x.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
        for x in (images.train, images.test)
    )
    return ImageSet(train, images.train_truth, test, images.test_truth)


def tables(text):
    """Return the rows of each table, as lists of cells."""
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    return [[[c.strip() for c in line.strip("|").split("|")] for line in b] for b in blocks]


class TestModelSelection:
    @pytest.fixture
    def script(self, monkeypatch):
        monkeypatch.setattr(model_selection, "N_POSITIVE", 200)
        monkeypatch.setattr(model_selection, "N_UNLABELLED", 800)
        monkeypatch.setattr(model_selection, "N_RESAMPLES", 1)
        monkeypatch.setattr(model_selection, "DATA", {"digits": (large_digits, 1e-3)})
        return model_selection

    def test_labelled_images_are_not_among_the_unlabelled(self, script):
        images, _ = script.DATA["digits"]
        X, y, prior = script.draw(images(), seed=0)
        assert y.tolist() == [1] * 200 + [0] * 800
        assert not images_of(X[:200]) & images_of(X[200:])
        assert prior == pytest.approx((images().train_truth.sum() - 200) / 998, abs=0.05)

    def test_selects_the_better_of_two_by_pu_labels(self, script, monkeypatch, capsys, tmp_path):
        options = ["--data", "digits", "--candidates", "pn", "nnpu", "--seeds", "1"]
        options += ["--epochs", "6", "--save", str(tmp_path / "logits.npz")]
        monkeypatch.setattr(sys, "argv", ["model_selection.py", *options])
        script.main()
        candidates, choices, resampled = tables(capsys.readouterr().out)
        assert [row[0] for row in candidates[2:]] == ["pn", "nnpu"]
        selected = {row[0]: row[1] for row in choices[2:]}
        # PU accuracy chooses the better one only by luck with so few examples.
        assert selected["lee_liu"] == selected["best (by test labels)"]
        assert float(selected["worst"]) < float(selected["lee_liu"]) - 5
        below = {row[0]: [float(cell) for cell in row[1:]] for row in resampled[2:]}
        assert below["accuracy"] == [0.0] * 4
        with np.load(tmp_path / "logits.npz") as saved:
            assert saved["digits/0/test"].shape == (2, 599)
            assert saved["digits/0/valid"].shape == (2, 200)


class TestImagePriors:
    def test_draws_the_requested_prior(self, monkeypatch):
        monkeypatch.setattr(image_priors, "N_POSITIVE", 200)
        images = digits()
        for prior in (None, 0.1):
            X, y, truth = image_priors.draw(images, prior, seed=0)
            assert not images_of(X[:200]) & images_of(X[200:])
            assert len(truth) == len(X) - 200 == np.sum(y == 0)
            assert np.sum(~truth) == np.sum(~images.train_truth)
            if prior is not None:
                assert truth.mean() == pytest.approx(prior, abs=0.002)
        copies = image_priors.draw(images, None, seed=0, copies=True)[0]
        assert images_of(copies[:200]) <= images_of(copies[200:])
