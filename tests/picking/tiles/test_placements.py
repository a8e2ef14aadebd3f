import numpy as np
import pytest

from puclassify.picking.tiles._placements import TilePlacer

LABEL = np.array([[30.0, 30.0]])


def make_placer(shapes=((64, 64),), steps=None, labels=None, *, size=123, seed=0):
    steps = np.ones((len(shapes), 2)) if steps is None else steps
    labels = [LABEL] + [np.empty((0, 2))] * (len(shapes) - 1) if labels is None else labels
    size = (size, size)
    rng = np.random.default_rng(seed)
    return TilePlacer(np.array(shapes), steps, labels, span=(92, 92), size=size, rng=rng)


def points_on_tiles(shape, seed=0):
    return np.random.default_rng(seed).uniform(-46, 46, (*shape, 2))


def test_tiles_are_turned_in_the_stored_pixels_of_their_micrograph():
    steps = np.array([(1.0, 1.5), (2.0, 1.0)])
    placer = make_placer([(64, 64), (80, 50)], steps, [LABEL, LABEL])
    for tiles in (placer.anywhere((50,)), placer.at_labels((50,))):
        assert set(tiles.micrograph) == {0, 1}
        scale = steps[tiles.micrograph][..., None] * np.eye(2)
        turn = scale @ tiles.turn @ np.linalg.inv(scale)
        size = np.abs(np.linalg.det(turn))[:, None, None]
        gram = turn @ np.swapaxes(turn, 1, 2)
        np.testing.assert_allclose(gram, size * np.eye(2), atol=1e-12)


class TestCentre:
    @pytest.mark.parametrize(("size", "half"), [(123, 0.0), (124, 0.5)])
    def test_lies_on_a_pixel_or_between_two(self, size, half):
        placer = make_placer(size=size)
        for tiles in (placer.anywhere((50,)), placer.at_labels((50,))):
            np.testing.assert_array_equal(tiles.centre % 1, half)

    def test_labels_come_up_equally_often_and_anywhere_on_the_tile(self):
        rng = np.random.default_rng(0)
        labels = [rng.uniform(0, 300, (3, 2)), np.empty((0, 2)), rng.uniform(0, 500, (5, 2))]
        placer = make_placer([(300, 300), (100, 100), (500, 500)], labels=labels)
        tiles = placer.at_labels((2000, 4))
        assert tiles.micrograph.shape == (2000, 4)
        flat = tiles.flatten()
        counts, on_tile = [], []
        for m, xy in enumerate(labels):
            some = flat[flat.micrograph == m]
            back = np.linalg.inv(some.turn)[:, None] @ (xy - some.centre[:, None])[..., None]
            held = np.abs(back[..., 0]).max(axis=-1) <= 46 + 1
            assert (held.sum(axis=1) >= 1).all()
            alone = held.sum(axis=1) == 1  # else it could not be told which of them was chosen
            counts.append(len(some.micrograph))
            on_tile.append(back[alone][held[alone]][..., 0])
        np.testing.assert_allclose(np.array(counts) / 8000, [3 / 8, 0, 5 / 8], atol=0.02)
        on_tile = np.concatenate(on_tile)
        for axis in (0, 1):
            share = np.histogram(on_tile[:, axis], bins=4, range=(-46, 46))[0] / len(on_tile)
            np.testing.assert_allclose(share, 0.25, atol=0.05)


class TestInside:
    @pytest.mark.parametrize("small", [40, 96, 200])
    def test_every_position_of_the_micrographs_comes_up_equally_often(self, small):
        shapes = [(400, 300), (small, small)]
        placer = make_placer(shapes)
        tiles = placer.anywhere((400_000,))
        points = points_on_tiles((400_000,))
        inside = placer.inside(tiles, points)
        assert inside.mean() == pytest.approx(placer.share_inside, rel=0.02)
        tiles, where = tiles[inside], tiles.on_micrograph(points)[inside]
        share = (tiles.micrograph == 1).mean()
        assert share == pytest.approx(small**2 / (small**2 + 400 * 300), rel=0.05)
        for m, shape in enumerate(shapes):
            rows_columns = np.rint(where[tiles.micrograph == m])
            parts = (rows_columns * 3 // np.array(shape)).astype(int)
            counts = np.zeros((3, 3))
            np.add.at(counts, tuple(np.clip(parts, 0, 2).T), 1)
            sides = [np.bincount(np.arange(n) * 3 // n) / n for n in shape]
            even = counts / counts.sum() / np.outer(*sides)
            np.testing.assert_allclose(even, 1, atol=5 / np.sqrt(counts.min()))

    def test_half_a_pixel_beyond_the_outermost_is_inside(self):
        placer = make_placer()
        tiles = placer.anywhere((4,))
        wanted = np.array([[-0.5, 10.0], [63.5, 63.5], [-0.6, 10.0], [10.0, 63.6]])
        points = np.linalg.inv(tiles.turn) @ (wanted - tiles.centre)[..., None]
        shift = np.array([[1e-9, 0], [-1e-9, -1e-9], [0, 0], [0, 0]])  # for the rounding
        tiles.centre[:] += shift
        assert placer.inside(tiles, points[..., 0]).tolist() == [True, True, False, False]


def test_drawn_from_the_seed():
    first, same, other = (make_placer(seed=seed).at_labels((5,)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.centre, same.centre)
    np.testing.assert_array_equal(first.turn, same.turn)
    assert not np.array_equal(first.turn, other.turn)
