import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from puclassify import GridImage
from puclassify.picking import _tiles


def make_batches(images, labels, *, seed=0, **settings):
    settings = {"field": 31, "stride": 4, "label_radius": 4.0, "n_unlabelled": 64} | settings
    return _tiles.TileBatches(images, labels, rng=np.random.default_rng(seed), **settings)


def values_at_positions(batches, x):
    """The middle pixel of every position's field, interpolated where there is none."""
    middle = (batches.field - 1) / 2
    places = np.meshgrid(
        *(middle + batches.stride * np.arange(n) for n in batches.length), indexing="ij"
    )
    return np.stack([map_coordinates(tile, places, order=1) for tile in x[:, 0].numpy()])


def split(batches, y):
    """Boolean maps of the positive and counts of the drawn unlabelled positions."""
    shape = (_tiles.TILES_PER_STEP, *batches.length)
    index, target = y["index"].numpy(), y["target"].numpy()
    positive, drawn = np.zeros(np.prod(shape), bool), np.zeros(np.prod(shape), int)
    positive[index[target == 1]] = True
    np.add.at(drawn, index[target == 0], 1)
    return positive.reshape(shape), drawn.reshape(shape)


@pytest.fixture
def spots():
    """Bright spots of known place on a dark image, too far inside to be seen in its mirror."""
    rng = np.random.default_rng(0)
    xy = np.round(rng.uniform([320, 320], [680, 660], (150, 2)))
    pixels = np.zeros((980, 1000), np.float32)
    pixels[xy[:, 1].astype(int), xy[:, 0].astype(int)] = 1
    pixels = gaussian_filter(pixels, 2.0) * (2 * np.pi * 4)
    return GridImage(pixels), xy


class TestPositive:
    @pytest.mark.parametrize("field", [31, 32])
    def test_labels_stay_on_their_particles(self, spots, field):
        """In turned, reflected and magnified tiles the bright positions are the positive ones."""
        image, xy = spots
        batches = make_batches([image], [xy], field=field)
        n_bright = 0
        for _ in range(20):
            x, y = batches._batch()
            positive, _ = split(batches, y)
            values = values_at_positions(batches, x)
            bright = values > 0.8  # less than 1.4 pixels from a spot's middle
            assert positive[bright].all()
            assert values[positive].min() > 0.05  # no more than 4.9 pixels from one
            n_bright += bright.sum()
        assert n_bright > 100

    def test_every_label_owns_a_position(self):
        image = GridImage(np.zeros((256, 256), np.float32))
        batches = make_batches([image], [np.array([[254.6, 254.6]])], field=71, label_radius=0.5)
        for _ in range(20):
            positive, _ = split(batches, batches._batch()[1])
            at_label = positive[: _tiles.TILES_PER_STEP // 2]
            assert (at_label.sum(axis=(1, 2)) >= 1).all()

    def test_discs_on_unequal_steps(self):
        label = np.array([[30.0, 30.0]])
        positive = _tiles.positions_of_labels(label, (60, 60), 1, 6, (3.0, 1.0))
        i, j = np.mgrid[:60, :60]
        assert np.array_equal(positive, np.hypot(3.0 * (i - 30), j - 30) <= 6)


class TestPixels:
    @pytest.mark.parametrize("field", [31, 32])
    def test_equal_an_independent_interpolation(self, field):
        noise = np.random.default_rng(1).normal(size=(300, 280))
        batches = make_batches([GridImage(noise)], [np.array([[5.0, 290.0]])], field=field)
        places = [batches._place_at_label() for _ in range(4)]
        places += [batches._place_anywhere() for _ in range(8)]
        tiles = batches._pixels(places)[:, 0].numpy()
        pixels = np.stack(
            np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in batches.size), indexing="ij")
        )
        for place, tile in zip(places, tiles, strict=True):
            where = place.centre[:, None, None] + np.tensordot(place.turn, pixels, 1)
            expected = map_coordinates(noise, where, order=3, mode="mirror")
            np.testing.assert_allclose(tile, expected, atol=1e-3)

    def test_every_direction_comes_up(self):
        batches = make_batches([GridImage(np.zeros((64, 64)))], [np.array([[30.0, 30.0]])])
        turns = np.array([batches._turn(0) for _ in range(400)])
        angles = np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
        assert np.histogram(angles, bins=8, range=(-np.pi, np.pi))[0].min() > 25
        scales = np.sqrt(np.abs(np.linalg.det(turns)))
        assert 0.94 < scales.min() < 0.96
        assert 1.04 < scales.max() < 1.06
        assert 0.4 < np.mean(np.linalg.det(turns) < 0) < 0.6

    @pytest.mark.parametrize("step", [(1.0, 1.0002), (1.0, 1.5)])
    def test_unequal_steps_are_turned_in_stored_pixels(self, step):
        """Rounding the size of a Fourier-cropped micrograph makes its steps differ a little."""
        image = GridImage(np.zeros((64, 64)), step=step)
        batches = make_batches([image], [np.array([[30.0, 30.0]])])
        scale = np.diag(step[::-1])
        angles = []
        for _ in range(50):
            turn = scale @ batches._turn(0) @ np.linalg.inv(scale)
            size = np.sqrt(np.abs(np.linalg.det(turn)))
            np.testing.assert_allclose(turn @ turn.T, size**2 * np.eye(2), atol=1e-12)
            angles.append(np.arctan2(turn[1, 0], turn[0, 0]))
        assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() > 3

    def test_labels_stay_on_their_particles_on_unequal_steps(self, spots):
        image, xy = spots
        squeezed = GridImage(image.values[:, ::2], step=(2.0, 1.0))
        batches = make_batches([squeezed], [xy])
        n_bright = 0
        for _ in range(20):
            x, y = batches._batch()
            positive, _ = split(batches, y)
            bright = values_at_positions(batches, x) > 0.8
            assert positive[bright].all()
            n_bright += bright.sum()
        assert n_bright > 50


class TestUnlabelled:
    def test_corners_and_middle_are_drawn_equally_often(self):
        batches = make_batches([GridImage(np.zeros((128, 128)))], [np.array([[64.0, 64.0]])])
        part = np.arange(128) * 3 // 128
        counts = np.zeros((3, 3))
        for _ in range(3000):
            places = [batches._place_anywhere() for _ in range(8)]
            drawn = batches._draw_unlabelled(places)
            tile, position = np.divmod(drawn, np.prod(batches.length))
            assert tile.min() >= batches.n_labelled
            for k, place in enumerate(places):
                where = place.centre[:, None, None] + np.tensordot(
                    place.turn, batches._positions, 1
                )
                i, j = np.rint(where.reshape(2, -1)[:, position[tile == k]]).astype(int)
                np.add.at(counts, (part[i.clip(0, 127)], part[j.clip(0, 127)]), 1)
        sides = np.bincount(part) / 128
        np.testing.assert_allclose(counts / counts.sum() / np.outer(sides, sides), 1, atol=0.05)

    @pytest.mark.parametrize("small", [40, 96, 200])
    def test_micrographs_are_drawn_in_proportion_to_their_area(self, small):
        """Every micrograph is filled with its own number, so that a drawn position tells it."""
        images = [GridImage(np.full((side, side), side, np.float32)) for side in (400, small)]
        batches = make_batches(images, [np.array([[200.0, 200.0]]), np.empty((0, 2))])
        drawn = []
        for _ in range(400):
            x, y = batches._batch()
            _, counts = split(batches, y)
            drawn.append(np.repeat(values_at_positions(batches, x).ravel(), counts.ravel()))
        share = np.mean(np.abs(np.concatenate(drawn) - small) < 1)
        expected = small**2 / (small**2 + 400**2)
        assert share == pytest.approx(expected, rel=0.15)

    def test_not_drawn_from_tiles_at_labels(self, spots):
        image, xy = spots
        batches = make_batches([image], [xy])
        _, drawn = split(batches, batches._batch()[1])
        assert drawn[: _tiles.TILES_PER_STEP // 2].sum() == 0
        assert drawn.sum() > 0

    def test_as_many_as_asked_for_on_average(self, spots):
        image, xy = spots
        batches = make_batches([image], [xy])
        drawn = [split(batches, batches._batch()[1])[1].sum() for _ in range(200)]
        assert np.mean(drawn) == pytest.approx(batches.n_unlabelled, rel=0.1)

    def test_a_small_micrograph_does_not_shrink_the_tiles(self):
        images = [GridImage(np.zeros((side, side), np.float32)) for side in (400, 20)]
        labels = [np.array([[200.0, 200.0]]), np.empty((0, 2))]
        assert make_batches(images, labels).length == (24, 24)
