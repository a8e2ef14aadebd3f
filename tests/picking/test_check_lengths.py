import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from puclassify import GridImage
from puclassify.io import as_grid_image
from puclassify.picking._check_lengths import unused_headers, warn_if_coarse

from .conftest import small_picker


def with_headers(data, pixel_size, n=4):
    return [
        replace(as_grid_image(image, f"mic{i}"), pixel_size=pixel_size)
        for i, image in enumerate(data.micrographs[:n])
    ]


def enlarged(image):
    """Make an image of twice as many pixels a side, each half as large."""
    values = np.kron(np.asarray(image.values, np.float32), np.ones((2, 2), np.float32))
    return GridImage(values, pixel_size=image.pixel_size / 2, name=image.name)


class TestHeaders:
    def test_that_contradict_a_given_size(self, simulated):
        picker = small_picker(simulated, steps_per_epoch=6, particle_diameter=40 * 1.77)
        picker.set_params(pixel_size=1.77)
        with pytest.warns(UserWarning, match=r"pixel_size=1.77 contradicts.*which say 7.08 Å"):
            picker.fit(with_headers(simulated, 7.08), simulated.coordinates[:4])

    @pytest.mark.parametrize("header", [1.0, 0.0, None, 1e-4, 1e6])
    def test_that_mean_nothing(self, simulated, header, recwarn):
        images = with_headers(simulated, header if header else None)
        picker = small_picker(simulated, steps_per_epoch=6).set_params(
            pixel_size=2.0, particle_diameter=80.0
        )
        picker.fit(images, simulated.coordinates[:4])
        assert not [one for one in recwarn if "header" in str(one.message)]
        assert picker.pixel_size_ == 2.0

    def test_that_contradict_one_another(self, simulated):
        images = with_headers(simulated, 2.0)
        images[0] = replace(images[0], pixel_size=4.0)
        picker = small_picker(simulated, steps_per_epoch=6)
        with pytest.warns(UserWarning, match="headers give pixel sizes from 2 to 4 Å"):
            picker.fit(images, simulated.coordinates[:4])

    @pytest.mark.parametrize("pixel_size", [1.0, 2.0])
    def test_of_new_micrographs_rescale_them(self, simulated, pixel_size):
        images = with_headers(simulated, 2.0, 5)
        picker = small_picker(simulated, steps_per_epoch=6).set_params(
            pixel_size=pixel_size, particle_diameter=40.0 * pixel_size, threshold=-1.0
        )
        picker.fit(images[:4], simulated.coordinates[:4])
        expected = picker.predict(images[4:])[0]
        with pytest.warns(UserWarning, match="says 1.0001 Å per pixel.*rescaled"):
            (picks,) = picker.predict([replace(enlarged(images[4]), pixel_size=1.0001)])
        # Pixels of a finer grid: the middle of the first four lies at 0.5.
        distance = np.hypot(*(expected[:, None, :2] - (picks[:, :2] - 0.5) / 2).T)
        assert abs(len(picks) - len(expected)) <= 0.15 * len(expected)
        assert np.median(distance.min(axis=0)) < 1

    def test_are_kept_in_a_pickle(self, simulated):
        picker = small_picker(simulated, steps_per_epoch=6).set_params(pixel_size=2.0)
        picker.set_params(particle_diameter=80.0)
        picker.fit(with_headers(simulated, 2.0), simulated.coordinates[:4])
        loaded = pickle.loads(pickle.dumps(picker))
        assert loaded.pixel_size_.header == 2.0
        assert clone(loaded).pixel_size == 2.0


class TestImpossible:
    @pytest.mark.parametrize(
        ("params", "match"),
        [
            ({"particle_diameter": 1000.0}, "1000 stored pixels .* only 2"),
            ({"pixel_size": 0.01}, "4000 stored pixels at pixel_size=0.01"),
            ({"label_radius": 1e9}, r"label_radius=1e\+09 stored pixels is more than 40"),
            ({"matching_radius": 1e9}, r"matching_radius=1e\+09 stored pixels is more than 80"),
        ],
    )
    def test_lengths_are_refused(self, simulated, params, match):
        picker = small_picker(simulated, steps_per_epoch=6).set_params(**params)
        with pytest.raises(ValueError, match=match):
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])


class TestUnusedHeaders:
    """A diameter in ångström beside a pixel size that was left at 1."""

    @staticmethod
    def images(*sizes):
        return [GridImage(np.zeros((8, 8)), pixel_size=size) for size in sizes]

    def test_headers_that_agree(self):
        question = unused_headers(1.0, self.images(4.0, 4.0))
        assert "headers give 4 Å per pixel" in question
        assert 'pass pixel_size="header"' in question

    @pytest.mark.parametrize(
        ("pixel_size", "sizes"),
        [(1.0, (1.0, 1.0)), (1.0, (None,)), (1.0, (4.0, 2.0)), (4.0, (4.0,)), ("header", (4.0,))],
    )
    def test_nothing_to_ask(self, pixel_size, sizes):
        assert unused_headers(pixel_size, self.images(*sizes)) == ""


class TestCoarseMicrographs:
    @pytest.mark.parametrize("step", [1.0, 2.0, (1.0, 2.0)])
    def test_fine_enough(self, step):
        image = GridImage(np.zeros((50, 50)), step=step)
        warn_if_coarse([np.zeros((50, 50)), image], 10.0)  # warnings are errors
        with pytest.warns(UserWarning, match="spans only 4.5 pixels of micrograph 1"):
            warn_if_coarse([image, GridImage(image.values, step=4.0)], 18.0)
