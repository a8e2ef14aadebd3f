import numpy as np
import pytest

from puclassify.picking.tiles._augmentation import (
    LARGEST_MAGNIFICATION,
    draw_turns,
    largest_stretch,
)


def turns(n, step=(1.0, 1.0)):
    return draw_turns(np.broadcast_to(step, (n, 2)), np.random.default_rng(0))


def test_every_direction_comes_up():
    turn = turns(800)
    angles = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    assert np.histogram(angles, bins=8, range=(-np.pi, np.pi))[0].min() > 60
    reflected = np.linalg.det(turn) < 0
    for some in (reflected, ~reflected):
        assert np.histogram(angles[some], bins=4, range=(-np.pi, np.pi))[0].min() > 60


def test_magnification_is_even_on_a_scale_of_ratios():
    share = np.log(np.abs(np.linalg.det(turns(1000)))) / 2 / np.log(LARGEST_MAGNIFICATION)
    assert np.abs(share).max() < 1 + 1e-12
    assert np.histogram(share, bins=5, range=(-1, 1))[0].min() > 150


@pytest.mark.parametrize("step", [(1.0, 1.0002), (1.0, 1.5)])
def test_unequal_steps_are_turned_in_stored_pixels(step):
    """Rounding the size of a Fourier-cropped micrograph makes its steps differ a little."""
    scale = np.diag(step)
    turn = scale @ turns(50, step) @ np.linalg.inv(scale)
    size = np.abs(np.linalg.det(turn))[:, None, None]
    np.testing.assert_allclose(turn @ np.swapaxes(turn, 1, 2), size * np.eye(2), atol=1e-12)
    angles = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() > 3


def test_the_largest_stretch_is_reached_and_not_exceeded():
    steps = np.array([(1.0, 1.0), (2.0, 1.0), (1.0, 1.25)])
    drawn = draw_turns(np.broadcast_to(steps, (20_000, 3, 2)), np.random.default_rng(0))
    largest = np.linalg.norm(drawn, ord=2, axis=(-2, -1)).max()
    assert 0.995 * largest_stretch(steps) < largest <= largest_stretch(steps)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_one_for_each_tile(shape):
    assert draw_turns(np.ones((*shape, 2)), np.random.default_rng(0)).shape == (*shape, 2, 2)
