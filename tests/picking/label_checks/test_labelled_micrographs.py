import numpy as np
import pytest

from puclassify import GridImage
from puclassify.picking.label_checks import labelled_micrographs

IMAGES = [GridImage(np.zeros((100, 100)), name=f"mic{i}") for i in range(8)]


def labels_of(numbers):
    return [np.full((n, 2), 50.0) for n in numbers]


@pytest.mark.parametrize(
    "numbers", [[25] * 4 + [0] * 4, [100] + [0] * 7, [14] * 7 + [0], [12] + [0] * 7]
)
def test_micrographs_that_nobody_looked_at_are_left_out(numbers):
    n_without = numbers.count(0)
    with pytest.warns(UserWarning, match=f"{n_without} of 8 micrographs have no label.*left out"):
        images, labels = labelled_micrographs(IMAGES, labels_of(numbers))
    assert [image.name for image in images] == [f"mic{i}" for i in np.flatnonzero(numbers)]
    assert [len(xy) for xy in labels] == [n for n in numbers if n]


@pytest.mark.parametrize("numbers", [[1] * 8, [1, 2] + [0] * 6, [3, 2, 2, 1, 1, 1, 0, 0], [50] * 8])
def test_those_without_labels_by_chance_stay(numbers, recwarn):
    images, labels = labelled_micrographs(IMAGES, labels_of(numbers))
    assert images == IMAGES
    assert [len(xy) for xy in labels] == numbers
    assert not recwarn


def test_labels_spread_at_random_hardly_ever_lose_micrographs(recwarn):
    rng = np.random.default_rng(0)
    lost = 0
    for n_labels in (5, 10, 20, 40) * 100:
        numbers = np.bincount(rng.integers(8, size=n_labels), minlength=8)
        lost += len(labelled_micrographs(IMAGES, labels_of(numbers))[0]) < 8
    assert lost <= 0.01 * 400
