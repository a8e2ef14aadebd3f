import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates

from puclassify import GridImage
from puclassify.picking.tiles import _spline_store, _tile_batches

N_LABELLED = _tile_batches.TILES_PER_STEP // 2


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.gpu,
        ),
    ]
)
def device(request):
    return request.param


@pytest.fixture
def no_room(monkeypatch):
    monkeypatch.setattr(_spline_store, "free_memory", lambda device: 0.0)


@pytest.fixture
def noise():
    """Two micrographs of noise, of different sizes and steps."""
    rng = np.random.default_rng(1)
    return [
        GridImage(rng.normal(size=(300, 280))),
        GridImage(rng.normal(size=(90, 310)), step=(2.0, 2.5), offset=1.0),
    ]


LABELS = [np.array([[5.0, 290.0], [100.0, 100.0]]), np.array([[400.0, 30.0]])]


def make_batches(images, labels, *, seed=0, **settings):
    settings = {"field": 31, "stride": 4, "label_radius": 4.0, "n_unlabelled": 64} | settings
    return _tile_batches.TileBatches(images, labels, rng=np.random.default_rng(seed), **settings)


def some_steps(batches, n):
    """The first n batches of as many epochs as it takes."""
    while True:
        for batch in batches:
            if n == 0:
                return
            n -= 1
            yield batch


def values_at_positions(batches, x):
    """The middle pixel of every position's field, interpolated where there is none."""
    field = batches.size[0] - (batches.length[0] - 1) * batches.stride
    middle = (field - 1) / 2
    places = np.meshgrid(
        *(middle + batches.stride * np.arange(n) for n in batches.length), indexing="ij"
    )
    return np.stack([map_coordinates(tile, places, order=1) for tile in x[:, 0].numpy()])


def split(batches, y):
    """Boolean maps of the positive and counts of the drawn unlabelled positions."""
    shape = (_tile_batches.TILES_PER_STEP, *batches.length)
    index, target = y["index"].numpy(), y["target"].numpy()
    assert (np.diff(target) <= 0).all()  # positives first
    positive, drawn = np.zeros(np.prod(shape), bool), np.zeros(np.prod(shape), int)
    positive[index[target == 1]] = True
    np.add.at(drawn, index[target == 0], 1)
    assert positive.sum() == (target == 1).sum()  # each once
    return positive.reshape(shape), drawn.reshape(shape)


def same_batches(first, second):
    return all(
        torch.equal(x, x2)
        and torch.equal(y["index"], y2["index"])
        and torch.equal(y["target"], y2["target"])
        for (x, y), (x2, y2) in zip(first, second, strict=True)
    )


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
        for x, y in some_steps(batches, 20):
            positive, _ = split(batches, y)
            values = values_at_positions(batches, x)
            bright = values > 0.8  # less than 1.4 pixels from a spot's middle
            assert positive[bright].all()
            assert values[positive].min() > 0.05  # no more than 4.9 pixels from one
            n_bright += bright.sum()
        assert n_bright > 100

    def test_labels_stay_on_their_particles_on_unequal_steps(self, spots):
        image, xy = spots
        squeezed = GridImage(image.values[:, ::2], step=(2.0, 1.0))
        batches = make_batches([squeezed], [xy])
        n_bright = 0
        for x, y in some_steps(batches, 20):
            positive, _ = split(batches, y)
            bright = values_at_positions(batches, x) > 0.8
            assert positive[bright].all()
            n_bright += bright.sum()
        assert n_bright > 50

    def test_every_label_owns_a_position(self):
        image = GridImage(np.zeros((256, 256), np.float32))
        batches = make_batches([image], [np.array([[254.6, 254.6]])], field=71, label_radius=0.5)
        for _, y in some_steps(batches, 40):
            positive, _ = split(batches, y)
            assert (positive[:N_LABELLED].sum(axis=(1, 2)) >= 1).all()


class TestPixels:
    @pytest.mark.parametrize("field", [31, 32])
    def test_equal_an_independent_interpolation(self, noise, field, device):
        batches = make_batches(noise, LABELS, field=field, device=device)
        tiles, _, _ = batches._place(3)
        pixels = np.stack(
            np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in batches.size), indexing="ij"), -1
        )
        for step, x in enumerate(batches._cut(tiles)):
            assert x.shape == (_tile_batches.TILES_PER_STEP, 1, *batches.size)
            for k, tile in enumerate(x[:, 0].cpu().numpy()):
                where = tiles[step, k].on_micrograph(pixels)
                values = noise[tiles.micrograph[step, k]].values
                expected = map_coordinates(
                    values, np.moveaxis(where, -1, 0), order=3, mode="mirror"
                )
                np.testing.assert_allclose(tile, expected, atol=1e-3)

    def test_of_micrographs_smaller_than_a_tile(self):
        image = GridImage(np.random.default_rng(0).normal(size=(20, 1)))
        batches = make_batches([image], [np.array([[0.0, 10.0]])])
        assert batches.length == (5, 1)
        for x, _ in batches:
            assert torch.isfinite(x).all()


class TestUnlabelled:
    @pytest.fixture
    def of_two_sizes(self):
        """Return a function that makes batches of micrographs filled with the length of a side."""

        def make(small):
            images = [GridImage(np.full((side, side), side, np.float32)) for side in (400, small)]
            return make_batches(images, [np.array([[200.0, 200.0]]), np.empty((0, 2))])

        return make

    @pytest.mark.parametrize("small", [40, 96, 200])
    def test_micrographs_are_drawn_in_proportion_to_their_area(self, of_two_sizes, small):
        batches = of_two_sizes(small)
        tiles, drawn, inside = batches._place(4000)
        tile = drawn // np.prod(batches.length)
        micrograph = tiles.micrograph[np.arange(4000)[:, None], tile][inside]
        assert micrograph.mean() == pytest.approx(small**2 / (small**2 + 400**2), rel=0.1)

    def test_pixels_are_those_of_the_micrographs_that_were_drawn(self, of_two_sizes):
        batches, sides = of_two_sizes(200), np.array([400, 200])
        tiles, drawn, inside = of_two_sizes(200)._place(len(batches))
        assert set(tiles.micrograph.ravel()) == {0, 1}
        for step, (x, y) in enumerate(batches):
            expected = np.broadcast_to(sides[tiles.micrograph[step], None, None, None], x.shape)
            np.testing.assert_allclose(x, expected, atol=1)
            _, counts = split(batches, y)
            expected = np.bincount(drawn[step, inside[step]], minlength=counts.size)
            np.testing.assert_array_equal(counts.ravel(), expected)

    def test_corners_and_middle_are_drawn_equally_often(self):
        batches = make_batches([GridImage(np.zeros((128, 128)))], [np.array([[64.0, 64.0]])])
        tiles, drawn, inside = batches._place(4000)
        tile, position = np.divmod(drawn, np.prod(batches.length))
        of_tile = tiles[np.arange(4000)[:, None], tile]
        where = np.rint(of_tile.on_micrograph(batches.positions[position])[inside])
        assert where.min() == 0
        assert where.max() == 127
        part = np.arange(128) * 3 // 128
        counts = np.zeros((3, 3))
        np.add.at(counts, tuple(part[where.T.astype(int)]), 1)
        sides = np.bincount(part) / 128
        np.testing.assert_allclose(counts / counts.sum() / np.outer(sides, sides), 1, atol=0.05)

    def test_not_drawn_from_tiles_at_labels(self, spots):
        image, xy = spots
        batches = make_batches([image], [xy])
        for _, y in batches:
            _, drawn = split(batches, y)
            assert drawn[:N_LABELLED].sum() == 0
            assert drawn[N_LABELLED:].sum() > 0

    def test_as_many_as_asked_for_on_average(self, spots):
        image, xy = spots
        batches = make_batches([image], [xy])
        drawn = [split(batches, y)[1].sum() for _, y in some_steps(batches, 200)]
        assert np.mean(drawn) == pytest.approx(batches.n_unlabelled, rel=0.1)

    def test_a_step_never_goes_without(self):
        image = GridImage(np.zeros((20, 20), np.float32))
        batches = make_batches([image], [np.array([[10.0, 10.0]])], n_unlabelled=1)
        for _, y in some_steps(batches, 200):
            assert split(batches, y)[1].sum() > 0

    def test_a_small_micrograph_does_not_shrink_the_tiles(self):
        images = [GridImage(np.zeros((side, side), np.float32)) for side in (400, 20)]
        labels = [np.array([[200.0, 200.0]]), np.empty((0, 2))]
        assert make_batches(images, labels).length == (24, 24)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_an_epoch_has_the_steps_asked_for(noise, n_steps):
    batches = make_batches(noise, LABELS, steps_per_epoch=n_steps)
    assert len(batches) == len(list(batches)) == n_steps
    assert len(make_batches(noise, LABELS)) == _tile_batches.STEPS_PER_EPOCH


def test_label_radius_of_each_micrograph(spots):
    """A micrograph with a larger radius has more positives; the other has as many as before."""
    image, xy = spots

    def n_positive(label_radius):
        batches = make_batches([image, image], [xy[:75], xy[75:]], label_radius=label_radius)
        tiles, drawn, inside = batches._place(40)
        index, target, sizes = batches._targets(tiles, drawn, inside)
        of_step = np.repeat(np.arange(40), sizes)[target == 1]
        tile = index[target == 1] // len(batches.positions)
        return np.bincount(tiles.micrograph[of_step, tile], minlength=2)

    same, unequal = n_positive(4.0), n_positive((4.0, 8.0))
    np.testing.assert_array_equal(n_positive((4.0, 4.0)), same)
    assert unequal[0] == same[0]
    assert unequal[1] > 2 * same[1] > 0


class TestReproducible:
    def test_by_the_seed(self, noise):
        first, same, other = (make_batches(noise, LABELS, seed=seed) for seed in (0, 0, 1))
        first_epoch = list(first)
        assert same_batches(first_epoch, same)
        assert not same_batches(first_epoch, first)
        assert not same_batches(first_epoch, other)

    @pytest.mark.usefixtures("no_room")
    def test_from_a_file_as_from_memory(self, noise, monkeypatch, device):
        mapped = list(make_batches(noise, LABELS, device=device))
        monkeypatch.undo()
        assert same_batches(mapped, make_batches(noise, LABELS, device=device))

    def test_on_cuda_as_on_the_cpu(self, noise, device):
        on_cpu = make_batches(noise, LABELS)
        for (x, y), (x2, y2) in zip(on_cpu, make_batches(noise, LABELS, device=device)):
            assert x2.device.type == y2["index"].device.type == device
            torch.testing.assert_close(x, x2.cpu(), atol=1e-3, rtol=0)
            assert torch.equal(y["index"], y2["index"].cpu())
            assert torch.equal(y["target"], y2["target"].cpu())


def test_example_is_a_corner_of_some(noise):
    example = make_batches(noise, LABELS).example()
    assert example.shape == (2, 1, 90, 256)
