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
    """Bright spots of known place on a dark image."""
    rng = np.random.default_rng(0)
    xy = np.round(rng.uniform([120, 120], [480, 460], (150, 2)))
    pixels = np.zeros((580, 600), np.float32)
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
        places += [batches._place_anywhere()[0] for _ in range(8)]
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

    def test_unequal_steps_are_not_mixed(self):
        image = GridImage(np.zeros((64, 64)), step=(1.0, 1.5))
        batches = make_batches([image], [np.array([[30.0, 30.0]])])
        for _ in range(20):
            turn = batches._turn(0)
            assert turn[0, 1] == pytest.approx(0, abs=1e-12)
            assert turn[1, 0] == pytest.approx(0, abs=1e-12)


class TestUnlabelled:
    def test_positions_reach_the_border_as_often(self):
        """The values of the image are its row numbers, so that a drawn position tells its row."""
        rows = np.repeat(np.arange(128, dtype=np.float32)[:, None], 128, axis=1)
        batches = make_batches([GridImage(rows)], [np.array([[64.0, 64.0]])], field=1)
        drawn = []
        for _ in range(300):
            x, targets = batches._batch()
            at_positions = x[:, 0, ::4, ::4].reshape(-1)
            drawn.append(at_positions[targets["index"][targets["target"] == 0]].numpy())
        counts = np.histogram(np.concatenate(drawn), bins=8, range=(0, 128))[0]
        assert counts.min() > 0.8 * counts.mean()
        assert counts.max() < 1.2 * counts.mean()

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
        assert drawn.sum() == batches.n_unlabelled

    def test_a_small_micrograph_does_not_shrink_the_tiles(self):
        images = [GridImage(np.zeros((side, side), np.float32)) for side in (400, 20)]
        labels = [np.array([[200.0, 200.0]]), np.empty((0, 2))]
        assert make_batches(images, labels).length == (24, 24)
