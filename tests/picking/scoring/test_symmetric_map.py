"""Scores averaged over flips and turns lie where the micrograph has them."""

import numpy as np
import pytest
import torch

from puclassify.grid import GridImage
from puclassify.picking.scoring import symmetric_score_map

STRIDE = 4


def sampled(image):
    """Score by a function that is not symmetric: pixels on the stride plus a slope."""
    values = np.asarray(image.values)[::STRIDE, ::STRIDE]
    rows, columns = np.indices(values.shape)
    return image.with_values(values + 0.5 * rows - 0.25 * columns, step=STRIDE)


@pytest.mark.parametrize("shape", [(41, 57), (40, 57), (42, 43), (39, 40), (1, 30)])
def test_is_the_mean_of_maps_at_the_same_positions(shape):
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    image = GridImage(pixels, step=(2.0, 3.0), offset=(0.5, 1.0), name="a")
    scores = symmetric_score_map(sampled, image, STRIDE)
    alone = sampled(image)
    # The slopes of the eight orientations add to a constant.
    difference = scores.values - pixels[::STRIDE, ::STRIDE]
    np.testing.assert_allclose(difference, difference[0, 0], atol=1e-5)
    assert scores.shape == alone.shape
    assert (scores.step, scores.offset, scores.name) == (alone.step, alone.offset, "a")


def test_turned_micrographs_have_turned_maps():
    kernel = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))

    def score(image):
        padded = np.pad(np.asarray(image.values), 2, mode="reflect")
        values = torch.nn.functional.conv2d(torch.from_numpy(padded)[None, None], kernel, stride=4)
        return image.with_values(values[0, 0].numpy(), step=4)

    pixels = np.random.default_rng(0).normal(size=(41, 53)).astype(np.float32)
    scores = symmetric_score_map(score, GridImage(pixels), 4).values
    for turn in (np.rot90, np.transpose, np.fliplr, np.flipud):
        turned = np.ascontiguousarray(turn(pixels))
        np.testing.assert_allclose(
            symmetric_score_map(score, GridImage(turned), 4).values, turn(scores), atol=1e-5
        )
        assert not np.allclose(
            score(GridImage(turned)).values, turn(score(GridImage(pixels)).values)
        )
