"""Flips and turns of micrographs, and micrographs without content."""

import numpy as np
import pytest

from puclassify import ParticlePicker


def pick(picker, pixels, symmetry):
    picker.symmetry = symmetry
    (picks,) = picker.predict([np.ascontiguousarray(pixels)], threshold=-np.inf)
    return picks


class TestSymmetry:
    def test_transposed_micrographs_have_transposed_picks(self, fitted, simulated):
        # One that the picker does not bin, so that only the network sees the orientation.
        pixels = np.asarray(simulated.micrographs[4], np.float32)[:253, :253]
        picks, turned = pick(fitted, pixels, True), pick(fitted, pixels.T, True)
        assert len(picks) == len(turned) > 10
        distance = np.abs(picks[:, None, :2] - turned[None, :, 1::-1]).max(axis=2).min(axis=1)
        assert np.quantile(distance, 0.9) < 0.05
        alone, alone_turned = pick(fitted, pixels, False), pick(fitted, pixels.T, False)
        assert not np.allclose(alone[:5, 2], alone_turned[:5, 2], atol=1e-3)

    def test_is_a_flag(self):
        with pytest.raises((TypeError, ValueError), match="symmetry must be"):
            ParticlePicker(30.0, symmetry=8).fit([np.zeros((64, 64))], [[[3, 3]]])


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_nothing_is_picked_where_nothing_is(fitted, value, simulated):
    empty = np.full((256, 256), value)
    with pytest.warns(UserWarning, match="'micrograph_0001' holds a single value or no finite"):
        picks = fitted.predict([simulated.micrographs[0], empty], threshold=-np.inf)
    assert len(picks[0]) > 0
    assert picks[1].shape == (0, 3)
