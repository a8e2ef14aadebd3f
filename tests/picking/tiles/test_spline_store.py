import numpy as np
import pytest
import torch

from puclassify import GridImage
from puclassify.picking.tiles import _spline_store
from puclassify.picking.tiles._spline import spline_coefficients
from puclassify.picking.tiles._spline_store import SplineStore

CPU = torch.device("cpu")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [GridImage(rng.normal(size=shape)) for shape in ((40, 50), (33, 61))]


@pytest.fixture
def no_room(monkeypatch):
    monkeypatch.setattr(_spline_store, "free_memory", lambda device: 0.0)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def same(store, images):
    return all(
        np.array_equal(values.numpy(), spline_coefficients(image.values))
        for values, image in zip(store.values, images, strict=True)
    )


def test_in_memory(images, folder):
    store = SplineStore(images, CPU)
    assert store.device == CPU
    assert same(store, images)
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("no_room")
def test_in_a_file_that_leaves_nothing_behind(images, folder):
    before = set(folder.iterdir())
    store = SplineStore(images, CPU)
    assert same(store, images)
    assert set(folder.iterdir()) == before
    del store
    assert set(folder.iterdir()) == before


@pytest.mark.usefixtures("no_room")
def test_a_full_disk_is_an_error(images, monkeypatch, folder):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(OSError, match="No space left"):
        SplineStore(images, CPU)


@pytest.mark.parametrize(("factor", "is_mapped"), [(1.9, True), (2.1, False)])
def test_takes_at_most_half_of_what_is_free(images, monkeypatch, factor, is_mapped):
    n_bytes = 4 * (40 * 50 + 33 * 61)
    monkeypatch.setattr(_spline_store, "free_memory", lambda device: factor * n_bytes)
    monkeypatch.setattr(_spline_store, "_in_file", lambda arrays, shapes: None)
    assert (SplineStore(images, CPU).values is None) == is_mapped


def test_squares_are_cut_in_mirrored_order(images):
    store = SplineStore(images, CPU)
    rows = torch.tensor([[2, 1, 0, 1], [3, 4, 5, 6]])
    columns = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 2]])
    squares = store.squares([1, 0], [5, 40], rows, columns).numpy()
    for square, m, start, i, j in zip(squares, (1, 0), (5, 40), rows, columns, strict=True):
        expected = spline_coefficients(images[m].values)[np.ix_(i, start + j)]
        np.testing.assert_array_equal(square, expected)
