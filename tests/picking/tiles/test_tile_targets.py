import numpy as np
import pytest

from puclassify.picking.tiles._placements import TilePlacer
from puclassify.picking.tiles._tile_targets import LabelDiscs, positions_of_labels

SHAPES = np.array([(200, 260), (90, 300), (150, 150)])


def brute_force(tiles, labels, steps, length, stride, radius):
    """Position by position and label by label, with a radius for each micrograph."""
    positive = np.zeros((len(tiles.micrograph), *length), dtype=bool)
    middle = (np.array(length) - 1) / 2
    for tile, m in enumerate(tiles.micrograph):
        for label in labels[m]:
            on_tile = np.linalg.inv(tiles.turn[tile]) @ (label - tiles.centre[tile])
            on_map = on_tile / stride + middle
            for i in range(length[0]):
                for j in range(length[1]):
                    away = (np.array([i, j]) - on_map) * stride * steps[m]
                    owns = np.array_equal(np.rint(on_map), [i, j])
                    positive[tile, i, j] |= np.hypot(*away) <= radius[m] or owns
    return positive


@pytest.mark.parametrize("radius", [0.5, 4.0, 30.0, (0.5, 11.0, 2.0), (9.0, 3.0, 40.0)])
@pytest.mark.parametrize("second_step", [(1.0, 1.0), (1.0, 1.6)])
def test_equals_brute_force(radius, second_step):
    rng = np.random.default_rng(0)
    steps = np.array([(1.0, 1.0), second_step, (2.0, 2.0)])
    labels = [rng.uniform(0, shape, (k, 2)) for shape, k in zip(SHAPES, (15, 25, 0), strict=True)]
    length, stride = (8, 6), 4
    span = (np.array(length) - 1) * stride
    placer = TilePlacer(SHAPES, steps, labels, span=span, size=span + 31, rng=rng)
    discs = LabelDiscs(
        labels, steps, length=length, stride=stride, radius=radius, stretch=placer.stretch
    )
    for tiles in (placer.at_labels((12,)), placer.anywhere((12,))):
        radii = np.broadcast_to(radius, 3)
        expected = brute_force(tiles, labels, steps, length, stride, radii)
        np.testing.assert_array_equal(discs.positive(tiles), expected)
    assert discs.positive(placer.at_labels((20,))).any(axis=(1, 2)).all()


def test_no_label_near_any_tile():
    placer = TilePlacer(
        SHAPES,
        np.ones((3, 2)),
        [np.empty((0, 2))] * 3,
        span=(20, 20),
        size=(51, 51),
        rng=np.random.default_rng(0),
    )
    far = [np.array([[9000.0, 9000.0]]), np.empty((0, 2)), np.empty((0, 2))]
    discs = LabelDiscs(far, np.ones((3, 2)), length=(6, 6), stride=4, radius=4.0, stretch=1.05)
    assert not discs.positive(placer.anywhere((5,))).any()


def test_discs_on_unequal_steps():
    positive = positions_of_labels(
        np.array([1]),
        np.array([[30.0, 30.0]]),
        (2, 60, 60),
        stride=1,
        radius=np.array([6.0]),
        steps=np.array([[3.0, 1.0]]),
    )
    i, j = np.mgrid[:60, :60]
    assert not positive[0].any()
    assert np.array_equal(positive[1], np.hypot(3.0 * (i - 30), j - 30) <= 6)
