"""The benchmark of damaged micrographs."""

import numpy as np
import pytest

import damaged_pixels
from common.damages import DAMAGES, damaged


@pytest.mark.parametrize("name", DAMAGES)
def test_damages_change_what_they_say(name):
    pixels = np.random.default_rng(0).normal(1000, 20, (200, 220)).astype(np.float32)
    after, where = damaged(name, pixels)
    assert after.shape == pixels.shape
    assert where.any() == (name != "none")
    np.testing.assert_array_equal(after[~where], pixels[~where])


def test_short_run():
    names = ["none", "dead row", "1 pixel of 1e5 spreads"]
    rows = damaged_pixels.compare(2, (384, 384), 10, names)
    assert [row[0] for row in rows] == names
    for _, correlation, _, kept, on_dead in rows:
        n_kept, n_possible = map(int, kept.split(" of "))
        assert float(correlation) > 0.999
        assert n_kept >= n_possible - 1 > 3
        assert on_dead == 0
