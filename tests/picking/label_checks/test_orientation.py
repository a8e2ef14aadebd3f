import os
from pathlib import Path

import numpy as np
import pytest

from puclassify import GridImage
from puclassify.datasets import label_particles, make_micrographs
from puclassify.io import match_coordinates, read_coordinates
from puclassify.picking import check_orientation
from puclassify.picking.label_checks import shift_of_labels

# Each with what undoes it, written without the module under test.
SPOILT = {
    "as given": lambda x, y, w, h: (x, y),
    "y counted from below": lambda x, y, w, h: (x, h - 1 - y),
    "x counted from the right": lambda x, y, w, h: (w - 1 - x, y),
    "turned by 180 degrees": lambda x, y, w, h: (w - 1 - x, h - 1 - y),
    "x and y exchanged": lambda x, y, w, h: (y, x),
    "x and y exchanged, and y counted from below": lambda x, y, w, h: (h - 1 - y, x),
    "x and y exchanged, and x counted from the right": lambda x, y, w, h: (y, w - 1 - x),
    "x and y exchanged, and turned by 180 degrees": lambda x, y, w, h: (h - 1 - y, w - 1 - x),
}
FLIPS = pytest.mark.parametrize("name", list(SPOILT))


def spoil(name, labels, width, height):
    return [np.column_stack(SPOILT[name](*xy.T, width, height)) for xy in labels]


@pytest.fixture(scope="module")
def wide():
    """Micrographs that are no squares."""
    return make_micrographs(
        3,
        shape=(256, 384),
        particles_per_micrograph=40,
        particle_diameter=24.0,
        snr=0.5,
        random_state=0,
    )


@pytest.fixture(scope="module")
def wide_labels(wide):
    return label_particles(wide.coordinates, 40, random_state=0)


def by_hand(advice, coordinates):
    """Do what the advice says."""
    names = {"np": np, "coordinates": coordinates}
    exec(advice, names)
    return names["coordinates"]


class TestOrientation:
    @FLIPS
    def test_is_seen_and_put_right(self, wide, wide_labels, name):
        check = check_orientation(wide.micrographs, spoil(name, wide_labels, 384, 256))
        assert check.reading == name
        assert check.confidence > 0.95
        assert check.fits == (name == "as given")
        for corrected, xy in zip(check.corrected, wide_labels, strict=True):
            np.testing.assert_allclose(corrected, xy)

    @FLIPS
    def test_advice_puts_it_right(self, wide, wide_labels, name):
        spoilt = spoil(name, wide_labels, 384, 256)
        advice = check_orientation(wide.micrographs, spoilt).advice
        if name == "as given":
            assert advice.startswith("nothing to do, unless all lie beside what they label")
            return
        for corrected, xy in zip(by_hand(advice, spoilt), wide_labels, strict=True):
            np.testing.assert_allclose(corrected, xy)

    @pytest.mark.parametrize("scale", [2, 4, 1 / 2, 1 / 4, 3.7])
    @pytest.mark.parametrize("name", ["as given", "y counted from below"])
    def test_of_labels_at_another_binning(self, wide, wide_labels, name, scale):
        spoilt = spoil(
            name, [(xy + 0.5) * scale - 0.5 for xy in wide_labels], 384 * scale, 256 * scale
        )
        check = check_orientation(
            wide.micrographs, spoilt, particle_diameter=wide.particle_diameter / wide.pixel_size
        )
        for corrected, xy in zip(check.corrected, wide_labels, strict=True):
            np.testing.assert_allclose(corrected, xy, atol=0.01 if scale != 3.7 else 6.0)
        for corrected, xy in zip(by_hand(check.advice, spoilt), wide_labels, strict=True):
            np.testing.assert_allclose(corrected, xy, atol=0.1 if scale != 3.7 else 6.0)

    def test_of_binned_micrographs(self, wide, wide_labels):
        images = [GridImage(np.asarray(image), step=2.0, offset=0.5) for image in wide.micrographs]
        labels = [2 * xy + 0.5 for xy in wide_labels]
        assert check_orientation(images, labels).fits
        upside_down = [np.column_stack([xy[:, 0], 511 - xy[:, 1]]) for xy in labels]
        check = check_orientation(images, upside_down)
        assert check.reading == "y counted from below"
        np.testing.assert_allclose(check.corrected[0], labels[0])

    def test_dark_or_bright(self, wide, wide_labels):
        inverted = [-np.asarray(image) for image in wide.micrographs]
        assert check_orientation(inverted, wide_labels).fits

    def test_there_is_no_telling_on_noise(self):
        rng = np.random.default_rng(0)
        readings = []
        for _ in range(20):
            images = [rng.normal(size=(256, 256)).astype(np.float32) for _ in range(2)]
            labels = [rng.uniform(0, 255, (25, 2)) for _ in images]
            readings += [
                check_orientation(images, labels, particle_diameter=diameter).reading
                for diameter in (None, 24.0)
            ]
        assert readings == ["cannot tell"] * 40

    @pytest.mark.parametrize("value", [0.0, np.nan])
    def test_nor_on_nothing(self, value):
        images = [np.full((64, 64), value, np.float32)]
        labels = [np.random.default_rng(0).uniform(0, 63, (30, 2))]
        check = check_orientation(images, labels)
        assert (check.reading, check.corrected) == ("cannot tell", None)

    def test_nor_with_a_few_labels(self, wide, wide_labels):
        check = check_orientation(wide.micrographs[:1], [wide_labels[0][:4]])
        assert check.reading == "cannot tell"

    def test_labels_are_needed(self, wide):
        with pytest.raises(ValueError, match="coordinates hold no label"):
            check_orientation(wide.micrographs, [[], [], []])

    @FLIPS
    def test_on_real_micrographs(self, name):
        if "PUCLASSIFY_DATA" not in os.environ:
            pytest.skip("set PUCLASSIFY_DATA to the folder with real micrographs")
        folder = Path(os.environ["PUCLASSIFY_DATA"]) / "micrographs"
        paths = sorted(str(path) for path in (folder / "bgal_images_1024").glob("*.png"))[::2]
        table = read_coordinates(folder / "bgal_coords_4096px" / "cryoppp.csv", step=4, offset=1.5)
        labels = label_particles(match_coordinates(table, paths), 30, random_state=0)
        check = check_orientation(paths, spoil(name, labels, 1024, 1024))
        assert check.reading == name


class TestShift:
    @pytest.mark.parametrize("shift", [(1, 0), (-1, -1), (0, -1.5)])
    def test_is_seen(self, wide, wide_labels, shift):
        diameter = wide.particle_diameter / wide.pixel_size
        shift = np.array(shift) * diameter / 2
        spoilt = [xy + shift for xy in wide_labels]
        spoilt = [xy[((xy > 0) & (xy < [383, 255])).all(axis=1)] for xy in spoilt]
        check = check_orientation(wide.micrographs, spoilt, particle_diameter=diameter)
        assert check.reading == "shifted"
        for corrected, xy in zip(check.corrected, spoilt, strict=True):
            assert np.hypot(*(corrected - (xy - shift)).T).max() < 0.3 * diameter

    @pytest.mark.parametrize("kind", ["globular", "ring", "elongated"])
    def test_none_is_seen_where_there_is_none(self, kind):
        for seed in range(3):
            data = make_micrographs(
                3, shape=(384, 384), particles_per_micrograph=40, kind=kind, random_state=seed
            )
            labels = label_particles(data.coordinates, 60, random_state=seed)
            images = [GridImage(np.asarray(image)) for image in data.micrographs]
            diameter = data.particle_diameter / data.pixel_size
            assert shift_of_labels(images, labels, diameter) is None
