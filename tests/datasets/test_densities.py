"""Tests of the procedural densities."""

from __future__ import annotations

import numpy as np
import pytest

from puclassify.datasets._densities import KINDS, make_density


def principal_extents(density):
    """Standard deviations of the mass along its principal axes, the longest first."""
    covariance = np.cov(density.centers.T, aweights=density.weights)
    return np.sqrt(np.linalg.eigvalsh(covariance))[::-1]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_mass_is_one_and_centred(self, kind):
        density = make_density(kind)
        assert density.weights.sum() == pytest.approx(1)
        np.testing.assert_allclose(density.weights @ density.centers, 0, atol=1e-12)

    def test_fills_the_unit_ball_and_stays_inside(self, kind):
        density = make_density(kind)
        reach = np.linalg.norm(density.centers, axis=1) + 1.5 * density.widths
        assert reach.max() == pytest.approx(1)

    def test_is_the_same_molecule_when_built_again(self, kind):
        first = make_density(kind)
        make_density.cache_clear()
        second = make_density(kind)
        assert first is not second
        np.testing.assert_array_equal(first.centers, second.centers)
        np.testing.assert_array_equal(first.weights, second.weights)


class TestShapes:
    def test_elongated_is_a_rod_and_globular_is_not(self):
        rod, ball = (principal_extents(make_density(kind)) for kind in ("elongated", "globular"))
        assert rod[0] / rod[1] > 2.5
        assert ball[0] / ball[2] < 1.6

    def test_ring_has_seven_fold_symmetry(self):
        density = make_density("ring")
        angle = 2 * np.pi / 7
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        turned = density.centers @ turn.T
        nearest = np.linalg.norm(turned[:, None] - density.centers[None], axis=2).min(axis=1)
        assert nearest.max() < 1e-9

    def test_ring_is_hollow_along_its_axis_and_globular_is_not(self):
        def mass_near_axis(kind):
            density = make_density(kind)
            near = np.hypot(density.centers[:, 0], density.centers[:, 1]) < 0.25
            return density.weights[near].sum()

        assert mass_near_axis("ring") == 0
        assert mass_near_axis("globular") > 0.01

    def test_small_has_the_fewest_details(self):
        widths = {kind: make_density(kind).widths.mean() for kind in KINDS}
        assert max(widths, key=widths.get) == "small"

    def test_unknown_kind_lists_the_kinds(self):
        message = "kind must be 'globular', 'ring', 'elongated' or 'small', got 'blob'"
        with pytest.raises(ValueError, match=message):
            make_density("blob")
