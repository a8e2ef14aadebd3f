"""Tests of the simulator's face."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from puclassify.datasets import Molecule, load_structure, make_micrographs
from puclassify.grid import GridImage

TINY = {"shape": (128, 160), "particles_per_micrograph": 3}


def assert_same(first, second, n):
    for i in range(n):
        np.testing.assert_array_equal(first.micrographs[i].values, second.micrographs[i].values)
        np.testing.assert_array_equal(first.coordinates[i], second.coordinates[i])
        np.testing.assert_array_equal(first.orientations[i], second.orientations[i])
        np.testing.assert_array_equal(first.contaminants[i], second.contaminants[i])
        np.testing.assert_array_equal(first.ctf[i], second.ctf[i])


class TestResult:
    def test_shapes_names_and_types(self):
        data = make_micrographs(2, **TINY, random_state=0)
        assert [image.name for image in data.micrographs] == ["mic_000.mrc", "mic_001.mrc"]
        for image, xy, quaternions, defocus in zip(
            data.micrographs, data.coordinates, data.orientations, data.defocus
        ):
            assert isinstance(image, GridImage)
            assert image.values.shape == (128, 160)
            assert image.values.dtype == np.float32
            assert image.pixel_size == 1.0
            assert np.isfinite(image.values).all()
            assert xy.shape == (3, 2)
            assert quaternions.shape == (3, 4)
            assert defocus.shape == (3,)
        assert data.ctf.shape == (2, 3)
        assert "'globular'" in data.DESCR

    def test_defaults_fit_twelve_particles_in_256_pixels(self):
        data = make_micrographs(40, shape=(256, 256), particles_per_micrograph=12, random_state=1)
        assert data.particle_diameter == 40.0
        for xy in data.coordinates:
            assert xy.shape == (12, 2)
            assert pdist(xy).min() >= 40
            assert (xy >= 20).all()
            assert (xy <= 235).all()

    def test_particles_are_where_the_truth_says(self):
        # Almost without noise all that is dark and uneven is a particle.
        data = make_micrographs(
            2,
            shape=(256, 256),
            particles_per_micrograph=6,
            snr=200.0,
            contamination=0,
            random_state=2,
        )
        for image, xy in zip(data.micrographs, data.coordinates):
            y, x = np.indices(image.shape)
            distance = np.min([np.hypot(x - cx, y - cy) for cx, cy in xy], axis=0)
            inside, outside = distance < 12, distance > 35
            assert image.values[inside].mean() < image.values[outside].mean()
            slope = np.hypot(*np.gradient(image.values))
            assert slope[inside].mean() > 4 * slope[outside].mean()

    def test_moving_every_particle_by_the_truth_lines_up_their_images(self):
        # The mean over all particles, each cut out at its rounded centre, is a centred dark disc.
        data = make_micrographs(
            8,
            shape=(256, 256),
            particles_per_micrograph=12,
            snr=50.0,
            contamination=0,
            random_state=3,
        )
        patches = [
            image.values[y - 19 : y + 20, x - 19 : x + 20] / image.values.mean() - 1
            for image, xy in zip(data.micrographs, data.coordinates)
            for x, y in np.rint(xy).astype(int)
        ]
        mean = np.minimum(np.mean(patches, axis=0), 0)
        rows, columns = np.indices(mean.shape) - 19
        assert abs((mean * rows).sum() / mean.sum()) < 0.7
        assert abs((mean * columns).sum() / mean.sum()) < 0.7

    @pytest.mark.parametrize(
        ("kind", "diameter"), [("ring", 40), ("elongated", 44), ("small", 28), ("globular", 40)]
    )
    def test_default_diameter_follows_the_pixel_size(self, kind, diameter):
        data = make_micrographs(1, kind=kind, pixel_size=4.0, **TINY, random_state=0)
        assert data.particle_diameter == 4 * diameter
        assert data.micrographs[0].pixel_size == 4.0

    def test_looks_alike_at_every_scale(self):
        small, large = (
            make_micrographs(1, pixel_size=size, **TINY, snr=50.0, random_state=4)
            for size in (2.0, 4.0)
        )
        correlation = np.corrcoef(
            small.micrographs[0].values.ravel(), large.micrographs[0].values.ravel()
        )[0, 1]
        assert correlation > 0.95
        np.testing.assert_array_equal(small.coordinates[0], large.coordinates[0])

    def test_number_of_contaminants(self):
        data = make_micrographs(
            3, shape=(400, 400), particles_per_micrograph=20, contamination=0.6, random_state=0
        )
        assert [len(c) for c in data.contaminants] == [12, 12, 12]
        assert [len(c) for c in data.contaminant_kinds] == [12, 12, 12]
        clean = make_micrographs(1, **TINY, contamination=0, random_state=0)
        assert clean.contaminants[0].shape == (0, 3)

    def test_empty_micrographs(self):
        data = make_micrographs(1, shape=(96, 96), particles_per_micrograph=0, random_state=0)
        assert data.coordinates[0].shape == (0, 2)
        assert data.orientations[0].shape == (0, 4)
        assert np.isfinite(data.micrographs[0].values).all()


class TestDefocus:
    def test_is_drawn_within_the_range(self):
        data = make_micrographs(20, **TINY, defocus=(800.0, 1000.0), random_state=0)
        mean = data.ctf[:, :2].mean(axis=1)
        assert (mean >= 800).all()
        assert (mean <= 1000).all()
        assert mean.std() > 20
        for i, per_particle in enumerate(data.defocus):
            np.testing.assert_allclose(per_particle, mean[i])

    def test_one_number_fixes_it(self):
        data = make_micrographs(2, **TINY, defocus=900.0, random_state=0)
        np.testing.assert_allclose(data.ctf[:, :2].mean(axis=1), 900)

    def test_default_grows_with_the_square_of_the_diameter(self):
        data = make_micrographs(10, **TINY, particle_diameter=160.0, pixel_size=4.0, random_state=0)
        mean = data.ctf[:, :2].mean(axis=1)
        assert (mean >= 16_000).all()
        assert (mean <= 30_000).all()
        half = make_micrographs(10, **TINY, particle_diameter=80.0, pixel_size=2.0, random_state=0)
        np.testing.assert_allclose(half.ctf[:, :2] * 4, data.ctf[:, :2])


class TestRandomState:
    def test_same_seed_same_micrographs(self):
        assert_same(*(make_micrographs(2, **TINY, random_state=5) for _ in range(2)), 2)

    def test_other_seed_other_micrographs(self):
        first, second = (make_micrographs(1, **TINY, random_state=seed) for seed in (5, 6))
        assert not np.array_equal(first.coordinates[0], second.coordinates[0])
        assert not np.array_equal(first.micrographs[0].values, second.micrographs[0].values)

    def test_first_micrographs_do_not_depend_on_the_number(self):
        few, many = (make_micrographs(n, **TINY, random_state=7) for n in (2, 4))
        assert_same(few, many, 2)
        assert not np.array_equal(many.coordinates[0], many.coordinates[2])

    def test_noise_level_leaves_the_scene_alone(self):
        low, high = (make_micrographs(1, **TINY, snr=snr, random_state=8) for snr in (0.1, 1.0))
        np.testing.assert_array_equal(low.coordinates[0], high.coordinates[0])
        np.testing.assert_array_equal(low.orientations[0], high.orientations[0])
        np.testing.assert_array_equal(low.contaminants[0], high.contaminants[0])

    @pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
    def test_generators(self, make):
        assert_same(*(make_micrographs(1, **TINY, random_state=make(3)) for _ in range(2)), 1)
        generator = make(3)
        first, second = (make_micrographs(1, **TINY, random_state=generator) for _ in range(2))
        assert not np.array_equal(first.coordinates[0], second.coordinates[0])

    @pytest.mark.parametrize("seed", [None, 0])
    def test_global_generator_is_neither_used_nor_changed(self, seed):
        np.random.seed(0)  # noqa: NPY002
        before = np.random.get_state()  # noqa: NPY002
        make_micrographs(1, **TINY, random_state=seed)
        after = np.random.get_state()  # noqa: NPY002
        np.testing.assert_array_equal(before[1], after[1])
        assert before[2:] == after[2:]

    def test_none_differs_from_call_to_call(self):
        first, second = (make_micrographs(1, **TINY) for _ in range(2))
        assert not np.array_equal(first.coordinates[0], second.coordinates[0])


class TestErrors:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (
                {"kind": "blob"},
                "kind must be 'globular', 'ring', 'elongated' or 'small', got 'blob'",
            ),
            ({"n_micrographs": 0}, "n_micrographs must be a whole number >= 1, got 0"),
            ({"particles_per_micrograph": 2.5}, "particles_per_micrograph must be a whole number"),
            ({"shape": 128}, r"shape must be a \(height, width\) pair"),
            (
                {"shape": (128.0, 128)},
                r"the height in shape must be a whole number >= 1, got 128\.0",
            ),
            ({"shape": (128, -128)}, "the width in shape must be a whole number >= 1, got -128"),
            ({"shape": (30, 128)}, r"40\.0 pixels and does not fit in shape=\(30, 128\)"),
            (
                {"pixel_size": 0.0},
                "pixel_size must be a positive number of ångström per pixel, got",
            ),
            ({"particle_diameter": 0}, "particle_diameter must be a positive number of ångström"),
            ({"particle_diameter": 4.0}, "at least 5 Å"),
            ({"particle_diameter": 20.0, "pixel_size": 5.0}, r"4\.0 pixels, too few"),
            ({"snr": 0.0}, "snr must be a positive number"),
            ({"snr": True}, "snr must be a positive number, a ratio of variances, got True"),
            ({"snr": np.inf}, "snr must be a positive number"),
            ({"contamination": -1}, "contamination must be a number from 0 to 10"),
            ({"carbon_edge": 1.0}, "carbon_edge must be a number from 0 to 0.9"),
            ({"crowding": 2}, "crowding must be a number from 0 to 1"),
            ({"defocus": (2000.0, 1000.0)}, r"defocus must be given as \(low, high\)"),
            ({"defocus": (1.0, 2.5)}, "micrometres"),
            ({"defocus": -1000.0}, r"positive underfocus in ångström, .* got -1000\.0"),
            ({"defocus": "high"}, "defocus must be None, a positive .* got 'high'"),
            ({"defocus": (1, 2, 3)}, r"defocus must be None, a positive .* got \(1, 2, 3\)"),
            ({"random_state": "seed"}, "random_state must be None, .* got 'seed'"),
            ({"random_state": -1}, "random_state must be None, a whole number >= 0, .* got -1"),
            ({"particles_per_micrograph": 40}, "particles_per_micrograph=40 .* do not fit"),
        ],
    )
    def test_names_the_parameter(self, settings, message):
        with pytest.raises(ValueError, match=message):
            make_micrographs(**({"n_micrographs": 1} | TINY | settings))


class TestMolecules:
    def test_a_packed_structure_at_its_own_size(self):
        data = make_micrographs(1, kind="1mnf", **TINY, random_state=0)
        assert data.particle_diameter == load_structure("1mnf").diameter
        assert data.particle_diameter / data.pixel_size == pytest.approx(40)
        assert data.kinds == ["1mnf"]
        assert "'1mnf'" in data.DESCR
        same = make_micrographs(1, volumes="1MNF", **TINY, random_state=0)
        np.testing.assert_array_equal(data.micrographs[0].values, same.micrographs[0].values)

    def test_what_is_seen_is_the_molecule(self):
        # Points of the molecule, turned by the truth, are where the image is dark.
        data = make_micrographs(
            2,
            kind="1igt",
            shape=(160, 160),
            particles_per_micrograph=4,
            snr=1e4,
            contamination=0,
            random_state=1,
        )
        points = load_structure("1igt").points / data.pixel_size
        for image, centers, quaternions in zip(
            data.micrographs, data.coordinates, data.orientations
        ):
            for center, turn in zip(centers, Rotation.from_quat(quaternions)):
                x, y = np.rint(turn.apply(points)[:, :2] + center).astype(int).T
                z, w = np.rint(turn.inv().apply(points)[:, :2] + center).astype(int).T
                assert image.values[y, x].mean() < image.values.mean()
                assert image.values[y, x].mean() < image.values[w, z].mean()

    def test_micrographs_show_a_list_in_turn(self):
        rod = Molecule("rod", np.c_[np.linspace(0, 80, 41), np.zeros((41, 2))], np.ones(41))
        data = make_micrographs(3, volumes=["1mnf", rod], **TINY, random_state=0)
        assert data.kinds == ["1mnf", "rod", "1mnf"]
        assert data.particle_diameter == load_structure("1mnf").diameter
        np.testing.assert_allclose(data.particle_diameters[1], rod.diameter)
        scaled = make_micrographs(2, volumes=[rod], particle_diameter=60.0, pixel_size=2.0, **TINY)
        np.testing.assert_allclose(scaled.particle_diameters, 60.0)

    def test_kind_or_volumes(self):
        with pytest.raises(ValueError, match="either kind or volumes"):
            make_micrographs(1, kind="ring", volumes="1mnf")


class TestOldSeeds:
    """Micrographs of procedural kinds are what they were before there were molecules."""

    @pytest.mark.parametrize(
        ("kind", "mean", "position"),
        [
            ("globular", 498.6733482047915, 549.281315517366),
            ("elongated", 499.2911257445812, 544.4586748786397),
        ],
    )
    def test_figures(self, kind, mean, position):
        data = make_micrographs(1, kind=kind, **TINY, random_state=3)
        assert data.micrographs[0].values.mean(dtype=float) == pytest.approx(mean, rel=1e-6)
        assert data.coordinates[0].sum() == pytest.approx(position, rel=1e-12)
