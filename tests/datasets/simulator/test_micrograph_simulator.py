"""Tests of varied micrographs: what is drawn, what is told of it, and that the image shows it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from puclassify.datasets import MicrographSimulator, Molecule
from puclassify.datasets._simulator._ranges import NEGATIVES, PROCESSED

PLAIN = {
    "shape": (256, 288),
    "negatives": 0.0,
    "processed": 0.0,
    "sparse": 0.0,
    "ice_gradient": (0.0, 0.0),
}
CLEAR = PLAIN | {"snr": (1e5, 1e5)}


def boot(seed=0):
    """A molecule without symmetry: a long and a short rod at a right angle, of unequal masses."""
    rng = np.random.default_rng(seed)
    long = rng.uniform([-10, -10, -80], [10, 10, 80], (700, 3))
    short = rng.uniform([10, -8, -80], [60, 8, -60], (200, 3))
    return Molecule("boot", np.concatenate([long, short]), np.repeat([1.0, 2.0], [700, 200]))


def assert_same(first, second):
    assert torch.equal(first.values, second.values)
    np.testing.assert_array_equal(first.centers, second.centers)
    np.testing.assert_array_equal(first.ignored, second.ignored)
    np.testing.assert_array_equal(first.orientations, second.orientations)
    assert first.settings == second.settings


class TestSeeds:
    def test_a_seed_decides_whatever_was_drawn_before(self):
        names = ["1u7g", "1aon", "2pyo"]
        first, second = (MicrographSimulator(names, shape=(160, 192)) for _ in range(2))
        for seed in (3, 1, 2):
            first.draw(seed)
        for seed in (1, 2, 3):
            assert_same(first.draw(seed), second.draw(seed))

    def test_number_of_threads_does_not_matter(self):
        one, other = (MicrographSimulator("1aon", shape=(256, 256)) for _ in range(2))
        threads = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            first = one.draw(5)
            torch.set_num_threads(2)
            second = other.draw(5)
        finally:
            torch.set_num_threads(threads)
        np.testing.assert_array_equal(first.centers, second.centers)
        np.testing.assert_allclose(first.values, second.values, atol=1e-4)

    def test_seeds_of_several_numbers_differ(self):
        simulator = MicrographSimulator("1aon", **PLAIN)
        images = [simulator.draw(seed).values for seed in (1, (1, 0), (1, 1), [0, 1])]
        for i, image in enumerate(images):
            assert all(not torch.equal(image, other) for other in images[:i])

    def test_global_generators_are_left_alone(self):
        np.random.seed(0)  # noqa: NPY002  what users may rely on
        torch.manual_seed(0)
        before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        MicrographSimulator("1aon", shape=(160, 160)).draw(0)
        np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
        assert torch.equal(before[1], torch.get_rng_state())


class TestTruth:
    def test_particles_are_dark_at_their_centres(self):
        simulator = MicrographSimulator("1mnf", **CLEAR, size_jitter=(1, 1), spacing=(1.2, 1.2))
        for seed in range(3):
            micrograph = simulator.draw(seed)
            smooth = gaussian_filter(micrograph.values.numpy(), 6)
            inside = _inside(micrograph, 12)
            x, y = np.rint(micrograph.centers[inside]).astype(int).T
            assert len(x) > 0
            assert (smooth[y, x] < smooth.mean() - 0.5 * smooth.std()).all()

    def test_orientations_project_to_what_is_seen(self):
        molecule = boot()
        settings = CLEAR | {"spacing": (1.6, 1.6), "coverage": (0.1, 0.1), "phase_plate": 0.0}
        simulator = MicrographSimulator(molecule, **settings, size_jitter=(1, 1), b_factor=(0, 0))
        micrograph = simulator.draw(4)
        values = micrograph.values.numpy()
        turns = Rotation.from_quat(micrograph.orientations)
        found = []
        for center, turn in zip(micrograph.centers, turns):
            nearest = np.rint(center).astype(int)
            if (nearest < 20).any() or (nearest > np.array(values.shape[::-1]) - 21).any():
                continue
            x, y = nearest
            seen = values[y - 18 : y + 19, x - 18 : x + 19]
            shift = center - nearest
            right, *wrong = (
                _projection(molecule, one, shift, micrograph.pixel_size)
                for one in (turn, turn.inv(), Rotation.from_euler("z", 40, degrees=True) * turn)
            )
            found.append([_likeness(seen, image) for image in (right, *wrong)])
        found = np.array(found)
        assert len(found) >= 5
        # Neighbours may reach into a particle's window.
        assert np.median(found[:, 0]) > 0.8
        assert (found[:, :1] > found[:, 1:]).mean() > 0.9

    def test_signal_to_noise_ratio(self):
        # The same seed with and without noise: the difference is the noise.
        settings = PLAIN | {"noise_cutoff": (100.0, 100.0), "coverage": (0.4, 0.4)}
        noisy, clear = (
            MicrographSimulator("1mnf", **settings | {"snr": (snr, snr)}, size_jitter=(1, 1)).draw(
                2
            )
            for snr in (0.25, 1e6)
        )
        scale = (0.25 / 1e6) ** 0.5
        signal = clear.values.numpy() * scale
        noise = noisy.values.numpy() - signal
        assert noise.std() == pytest.approx(1, abs=0.03)
        y, x = np.indices(signal.shape)
        away = cKDTree(noisy.centers).query(np.column_stack([x.ravel(), y.ravel()]))[0]
        disc = away.reshape(signal.shape) < 15
        # Energy beyond the discs counts in the definition.
        assert np.square(signal[disc]).mean() == pytest.approx(0.25, rel=0.35)

    def test_extents_and_pixel_size(self):
        simulator = MicrographSimulator(boot(), **PLAIN, size_jitter=(0.8, 1.25))
        sizes = []
        for seed in range(12):
            micrograph = simulator.draw(seed)
            assert set(micrograph.diameters) == {micrograph.diameters[0]}
            sizes.append(micrograph.diameters[0])
            extent = micrograph.diameters[0] * micrograph.pixel_size
            assert extent == pytest.approx(boot().diameter)
        assert 24 <= min(sizes) < 28 < 33 < max(sizes) <= 37.5

    def test_names_and_numbers(self):
        simulator = MicrographSimulator(["1aon", boot()], **PLAIN)
        assert simulator.names == ("1aon", "boot")
        assert simulator.draw(0, volume=1).molecule == "boot"
        assert {simulator.draw(seed).molecule for seed in range(8)} == {"1aon", "boot"}


def _inside(micrograph, border):
    size = np.array(micrograph.values.shape[::-1])
    return ((micrograph.centers > border) & (micrograph.centers < size - 1 - border)).all(axis=1)


def _projection(molecule, turn, shift, pixel_size):
    """Sum the points along z onto 37 x 37 pixels."""
    xy = turn.apply(molecule.points)[:, :2] / pixel_size + shift
    edges = np.arange(-18.5, 19)
    image = np.histogram2d(xy[:, 1], xy[:, 0], (edges, edges), weights=molecule.weights)[0]
    return gaussian_filter(image, 1.0)


def _likeness(seen, image):
    """Correlate a projection with an image after the CTF, both without slow changes."""
    seen, image = (gaussian_filter(one, 1.5) - gaussian_filter(one, 6.0) for one in (-seen, image))
    return np.corrcoef(seen[6:-6, 6:-6].ravel(), image[6:-6, 6:-6].ravel())[0, 1]


class TestContents:
    def test_sparse_micrographs_have_at_most_five(self):
        simulator = MicrographSimulator("1aon", **PLAIN | {"sparse": 1.0})
        numbers = [len(simulator.draw(seed).centers) for seed in range(15)]
        assert max(numbers) <= 5
        assert 0 in numbers

    def test_crowds_touch_but_do_not_lie_on_each_other(self):
        settings = PLAIN | {"coverage": (0.45, 0.45), "spacing": (0.95, 0.95)}
        simulator = MicrographSimulator("1yac", **settings, size_jitter=(1, 1))
        gaps = []
        for seed in range(10):
            centers = simulator.draw(seed).centers
            distance = cKDTree(centers).query(centers, k=2)[0][:, 1]
            gaps.append((distance.min(), np.median(distance)))
        smallest, median = np.median(gaps, axis=0)
        assert 20 < smallest < median < 33

    @pytest.mark.parametrize("kind", NEGATIVES)
    def test_each_kind_of_clutter_alone(self, kind):
        settings = PLAIN | {"negatives": {kind: 1.0}, "coverage": (0.2, 0.2)}
        simulator = MicrographSimulator(["1aon", "1yac"], **settings)
        plain = MicrographSimulator(["1aon", "1yac"], **settings | {"negatives": 0.0})
        differ, hidden = 0, 0
        for seed in range(16):
            micrograph, without = simulator.draw(seed), plain.draw(seed)
            np.testing.assert_array_equal(micrograph.centers, without.centers)
            banks = set(micrograph.settings["clutter"])
            assert len(banks) <= 1
            assert micrograph.settings["carbon"] == (kind == "carbon")
            differ += not torch.equal(micrograph.values, without.values)
            hidden += int(micrograph.ignored.sum())
            assert not without.ignored.any()
        assert differ >= 12
        if kind in ("ice", "carbon", "filaments"):
            assert hidden > 0
        elif kind != "gold":  # whose few beads seldom lie on a particle
            assert hidden == 0

    @pytest.mark.parametrize("kind", PROCESSED)
    def test_each_kind_of_processing_alone(self, kind):
        settings = PLAIN | {"processed": {kind: 1.0}}
        micrograph = MicrographSimulator("1aon", **settings).draw(1)
        assert list(micrograph.settings["processed"]) == [kind]
        assert torch.isfinite(micrograph.values).all()
        before = MicrographSimulator("1aon", **PLAIN).draw(1)
        assert not torch.equal(micrograph.values, before.values)

    def test_preferred_orientations_are_fewer(self):
        counts = {}
        for share in (0.0, 1.0):
            simulator = MicrographSimulator("1aon", **PLAIN | {"preferred_orientation": share})
            spread = []
            for seed in range(8):
                beams = Rotation.from_quat(simulator.draw(seed).orientations).inv().apply([0, 0, 1])
                axes = np.linalg.eigvalsh(beams.T @ beams / len(beams))
                spread.append(axes[-1])
            counts[share] = np.mean(spread)
        assert counts[0.0] < 0.5 < 0.6 < counts[1.0]

    def test_micelles_surround_membrane_proteins_only(self):
        settings = PLAIN | {"micelle": 1.0}
        assert MicrographSimulator("1u7g", **settings).draw(0).settings["belt"] > 0
        assert MicrographSimulator("1aon", **settings).draw(0).settings["belt"] == 0
        bare = MicrographSimulator("1u7g", **PLAIN | {"micelle": 0.0}).draw(0)
        assert bare.settings["belt"] == 0


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"shape": 256}, r"shape must be a \(height, width\) pair"),
            ({"shape": (256, 8)}, "the width in shape must be"),
            ({"particle_diameter": 3}, "particle_diameter must be a number of pixels"),
            ({"defocus": (1.5, 2.5)}, "defocus must be .* underfocus in ångström"),
            ({"snr": (1.0, 0.1)}, r"snr must be given as \(low, high\)"),
            ({"noise_before_ctf": (0, 2)}, "noise_before_ctf must be"),
            ({"voltage": 300}, "voltage must be volts .*300 kV is 300e3"),
            ({"voltage": ()}, "voltage must be volts"),
            ({"phase_plate": 8}, "phase_plate must be a share from 0 to 1, got 8"),
            ({"negatives": {"icy": 1}}, "negatives has no kind 'icy' .*did you mean 'ice'"),
            ({"processed": {"median": 2}}, r"processed\['median'\] must be a share"),
            ({"processed": "all"}, "processed must be None, a factor"),
            ({"n_views": 1}, "n_views must be a whole number >= 8"),
            ({"volumes": []}, "at least one molecule"),
            ({"volumes": "1xyz"}, "no structure named '1xyz'"),
            ({"device": "gpu7"}, "device must be"),
        ],
    )
    def test_refuses(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            MicrographSimulator(**{"volumes": "1aon"} | parameters)

    def test_refuses_other_volumes(self):
        with pytest.raises(TypeError, match="number 1 is ndarray"):
            MicrographSimulator(["1aon", np.zeros((3, 3, 3))])

    @pytest.mark.parametrize("seed", [-1, 0.5, None, "a", (1, -2)])
    def test_refuses_seeds(self, seed):
        with pytest.raises(ValueError, match="seed must be a whole number >= 0"):
            MicrographSimulator("1aon", **PLAIN).draw(seed)

    def test_refuses_volumes_that_there_are_not(self):
        with pytest.raises(ValueError, match="volume=1 is not one of 1"):
            MicrographSimulator("1aon", **PLAIN).draw(0, volume=1)


@pytest.mark.gpu
class TestDevice:
    def test_truth_and_signal_are_those_of_the_cpu(self):
        settings = {"shape": (256, 256), "snr": (1e5, 1e5), "processed": 0.0}
        host = MicrographSimulator(["1aon", "1u7g"], **settings)
        device = MicrographSimulator(["1aon", "1u7g"], **settings, device="cuda")
        for seed in range(6):
            first, second = host.draw(seed), device.draw(seed)
            np.testing.assert_array_equal(first.centers, second.centers)
            np.testing.assert_array_equal(first.ignored, second.ignored)
            assert second.values.device.type == "cuda"
            if not first.settings["carbon"]:  # whose grain is noise
                a, b = first.values.ravel(), second.values.cpu().ravel()
                assert np.corrcoef(a, b)[0, 1] > 0.999

    def test_same_seed_same_bits(self):
        first, second = (
            MicrographSimulator(["1aon", "1u7g"], shape=(256, 256), device="cuda").draw(3)
            for _ in range(2)
        )
        assert torch.equal(first.values, second.values)
