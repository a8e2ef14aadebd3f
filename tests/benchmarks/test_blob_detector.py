"""Tests of the blob detector, the baseline of the demo, and of how hard simulations are for it."""

from __future__ import annotations

import numpy as np
import pytest

import blob_detector
from puclassify.datasets import make_micrographs
from puclassify.metrics import pick_average_precision_score


def blobs(centers, width, sign):
    y, x = np.indices((160, 200))
    image = np.random.default_rng(0).normal(0, 0.05, (160, 200))
    for cx, cy in centers:
        image += sign * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
    return image.astype(np.float32)


class TestPickMaxima:
    def test_equals_greedy_suppression_one_by_one(self):
        response = np.random.default_rng(1).normal(size=(40, 50))
        picks = blob_detector.pick_maxima(response, 4.0)
        padded = np.pad(response, 1, constant_values=-np.inf)
        maxima = [
            (response[y, x], x, y)
            for y in range(40)
            for x in range(50)
            if response[y, x] > 0 and response[y, x] == padded[y : y + 3, x : x + 3].max()
        ]
        expected = []
        for score, x, y in sorted(maxima, reverse=True):
            if all(np.hypot(x - px, y - py) > 4.0 for px, py, _ in expected):
                expected.append((x, y, score))
        np.testing.assert_allclose(picks, expected)

    def test_nothing_to_pick(self):
        assert blob_detector.pick_maxima(np.full((9, 9), -1.0), 2.0).shape == (0, 3)


class TestTuneBlobDetector:
    @pytest.mark.parametrize("dark", [True, False])
    def test_finds_width_and_polarity_of_real_blobs(self, dark):
        centers = np.array([[30.0, 40.0], [90.0, 35.0], [150.0, 120.0], [60.0, 110.0]])
        image = blobs(centers, width=6.0, sign=-1 if dark else 1)
        detector = blob_detector.tune_blob_detector([image], [centers], particle_diameter=24.0)
        assert detector.dark is dark
        picks = detector.pick([image])[0]
        assert picks.shape[1] == 3
        assert (np.diff(picks[:, 2]) <= 0).all()
        assert pick_average_precision_score([centers], [picks], 3.0) == 1


SETTINGS = {"shape": (512, 512), "particles_per_micrograph": 40}


class TestDifficultyOfTheSimulator:
    def test_default_contamination_defeats_the_blob_detector(self):
        train, test = (make_micrographs(3, **SETTINGS, random_state=seed) for seed in (0, 1))
        detector = blob_detector.tune_blob_detector(train.micrographs, train.coordinates, 40.0)
        picks = detector.pick(test.micrographs)
        assert pick_average_precision_score(test.coordinates, picks, 20.0) <= 0.6

    def test_without_contamination_the_blob_detector_finds_the_particles(self):
        data = make_micrographs(2, **SETTINGS, contamination=0, random_state=0)
        detector = blob_detector.tune_blob_detector(data.micrographs, data.coordinates, 40.0)
        picks = detector.pick(data.micrographs)
        assert pick_average_precision_score(data.coordinates, picks, 20.0) > 0.9
