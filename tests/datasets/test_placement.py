"""Tests of where particles and contaminants come to lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from puclassify.datasets._contamination import draw_contaminants, draw_frost
from puclassify.datasets._placement import carbon_hole, place_particles


class TestPlaceParticles:
    @pytest.mark.parametrize("crowding", [0.0, 0.7, 1.0])
    def test_no_overlap_and_wholly_inside(self, crowding):
        rng = np.random.default_rng(0)
        centers = place_particles(rng, 60, (300, 420), 30.0, crowding=crowding)
        assert centers.shape == (60, 2)
        assert pdist(centers).min() >= 30
        assert (centers >= 15).all()
        assert (centers <= [419 - 15, 299 - 15]).all()

    def test_crowding_brings_neighbours_close(self):
        def median_gap(crowding):
            centers = place_particles(
                np.random.default_rng(1), 80, (1000, 1000), 30.0, crowding=crowding
            )
            gaps = np.linalg.norm(centers[:, None] - centers[None], axis=2)
            np.fill_diagonal(gaps, np.inf)
            return np.median(gaps.min(axis=1))

        assert median_gap(1.0) < 1.15 * 30 < median_gap(0.0)

    def test_positions_fill_the_frame_evenly(self):
        rng = np.random.default_rng(2)
        centers = np.concatenate([place_particles(rng, 20, (200, 400), 10.0) for _ in range(60)])
        # uniform from 5 to 394 and from 5 to 194
        np.testing.assert_allclose(centers.mean(axis=0), [199.5, 99.5], atol=10)
        np.testing.assert_allclose(centers.std(axis=0), [389 / 12**0.5, 189 / 12**0.5], rtol=0.06)

    def test_stays_out_of_discs(self):
        discs = np.array([[100.0, 100.0, 60.0]])
        centers = place_particles(np.random.default_rng(3), 30, (200, 200), 16.0, occupied=discs)
        assert np.hypot(*(centers - [100, 100]).T).min() >= 68

    def test_too_many_says_how_many_fit_and_what_to_do(self):
        with pytest.raises(
            ValueError,
            match=r"particles_per_micrograph=50 .*40\.0 pixels.*: only \d+ were placed; pass",
        ):
            place_particles(np.random.default_rng(0), 50, (128, 128), 40.0)

    def test_none(self):
        assert place_particles(np.random.default_rng(0), 0, (64, 64), 20.0).shape == (0, 2)


class TestCarbonHole:
    @pytest.mark.parametrize("fraction", [0.1, 0.5])
    def test_film_covers_the_fraction_asked_for(self, fraction):
        y, x = np.indices((300, 500))
        for seed in range(5):
            hx, hy, radius = carbon_hole(np.random.default_rng(seed), (300, 500), fraction)
            covered = (np.hypot(x - hx, y - hy) > radius).mean()
            assert covered == pytest.approx(fraction, abs=0.02)


class TestContaminants:
    def test_lie_beside_the_particles_where_there_is_room(self):
        particles = np.array([[50.0, 50.0, 20.0], [200.0, 220.0, 20.0], [120.0, 60.0, 20.0]])
        drawn = draw_contaminants(np.random.default_rng(0), 12, (400, 400), 40.0, particles)
        assert len(drawn) == 12
        discs = np.array([(c.x, c.y, c.radius) for c in drawn])
        everything = np.concatenate([particles, discs])
        gaps = np.linalg.norm(everything[:, None, :2] - everything[None, :, :2], axis=2)
        gaps -= everything[:, None, 2] + everything[None, :, 2]
        np.fill_diagonal(gaps, np.inf)
        assert gaps.min() >= 0

    def test_number_is_exact_even_without_room(self):
        particles = np.array([[32.0, 32.0, 60.0]])
        assert len(draw_contaminants(np.random.default_rng(0), 7, (64, 64), 40.0, particles)) == 7

    def test_frost_leaves_nine_tenths_free(self):
        areas = []
        for seed in range(30):
            frost = draw_frost(np.random.default_rng(seed), 200, (500, 500), 40.0)
            areas.append(sum(np.pi * c.radius**2 for c in frost))
            assert {c.kind for c in frost} <= {"frost"}
        assert 0 < max(areas) <= 0.1 * 500**2
