import numpy as np
import pytest

from puclassify import GridImage
from puclassify.datasets import local_contrast, make_micrographs


def by_counting_pixels(values, x, y, radius):
    disc, ring = [], []
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            distance = np.hypot(column - x, row - y)
            if distance <= radius:
                disc.append(values[row, column])
            elif distance <= 1.5 * radius:
                ring.append(values[row, column])
    return (np.mean(ring) - np.mean(disc)) / np.std(ring)


class TestFormula:
    @pytest.mark.parametrize("centre", [(20.0, 15.0), (20.3, 15.8), (2.0, 3.5), (39.0, 29.0)])
    def test_like_counting_pixels(self, centre):
        values = np.random.default_rng(0).normal(10, 2, size=(30, 40))
        measured = local_contrast([values.astype(np.float32)], [[centre]], 6.0)
        assert measured[0][0] == pytest.approx(by_counting_pixels(values, *centre, 6.0), rel=1e-5)

    def test_pixels_of_a_grid(self):
        values = np.random.default_rng(0).normal(size=(30, 40))
        image = GridImage(values, step=4.0, offset=1.5)
        measured = local_contrast([image], [[[1.5 + 4 * 20, 1.5 + 4 * 15]]], 24.0)
        assert measured[0] == pytest.approx(local_contrast([values], [[[20, 15]]], 6.0)[0])

    def test_bright_particles_and_empty_micrographs(self):
        values = np.random.default_rng(0).normal(size=(30, 40))
        xy = [[[20, 15], [10, 10]], np.empty((0, 2))]
        dark = local_contrast([values, values], xy, 6.0)
        bright = local_contrast([-values, values], xy, 6.0, dark=False)
        assert dark[0].tolist() == bright[0].tolist()
        assert dark[1].shape == (0,)

    def test_flat_surroundings(self):
        values = np.zeros((30, 30))
        assert local_contrast([values], [[[15, 15]]], 6.0)[0].tolist() == [0.0]
        values[15, 15] = -1
        assert local_contrast([values], [[[15, 15]]], 6.0)[0].tolist() == [np.inf]


def test_particles_have_a_higher_contrast_than_other_positions():
    data = make_micrographs(
        2, shape=(400, 400), particles_per_micrograph=20, contamination=0.0, random_state=0
    )
    radius = data.particle_diameter / data.pixel_size / 2
    of_particles = np.concatenate(local_contrast(data.micrographs, data.coordinates, radius))
    elsewhere = np.random.default_rng(0).uniform(50, 350, size=(2, 20, 2))
    of_others = np.concatenate(local_contrast(data.micrographs, list(elsewhere), radius))
    assert np.mean(of_particles[:, None] > of_others) > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0}, "radius must be a positive number of stored pixels, got 0"),
        ({"radius": 0.1}, r"fewer than two pixels of 'micrograph 0' .* x = 5, y = 5"),
        ({"coordinates": [[[500, 5]]]}, "fewer than two pixels .* x = 500"),
        ({"coordinates": []}, "coordinates of 0 micrographs but there are 1"),
    ],
    ids=lambda value: None,
)
def test_errors(arguments, message):
    given = {"coordinates": [[[5, 5]]], "radius": 3, **arguments}
    with pytest.raises(ValueError, match=message):
        local_contrast([np.zeros((20, 20))], given["coordinates"], given["radius"])
