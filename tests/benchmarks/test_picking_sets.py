from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from common import picking_sets
from common.picking_sets import PickingSet, average_precision, fit_and_pick, picking_set
from puclassify.datasets import make_micrographs
from puclassify.io import read_micrograph

SMALL = {"shape": (128, 160), "particles_per_micrograph": 3}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(picking_sets, "make_micrographs", partial(make_micrographs, **SMALL))


@pytest.fixture
def real(monkeypatch, tmp_path):
    """Write eight blank images and labels on images with four times as many pixels per side."""
    image = pytest.importorskip("PIL.Image")
    names = [f"{day}_{hour}" for day in ("15_07", "16_02") for hour in (41, 42, 43, 44)]
    folder = tmp_path / "micrographs"
    (folder / "bgal_images_1024").mkdir(parents=True)
    (folder / "bgal_coords_4096px").mkdir()
    rows = ["image_name,x,y"]
    for number, name in enumerate(names):
        pixels = np.zeros((64, 64), np.uint8)
        image.fromarray(pixels).save(folder / "bgal_images_1024" / f"{name}.png")
        rows += [f"{name},{4 * number + 1.5},9.5", f"{name},101.5,33.5"]
    (folder / "bgal_coords_4096px" / "cryoppp.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv("PUCLASSIFY_DATA", str(tmp_path))
    return names


def stems(paths):
    return [path.rpartition("/")[2].removesuffix(".png") for path in paths]


@pytest.mark.usefixtures("small")
class TestSimulated:
    def test_files_hold_the_micrographs_and_two_thirds_are_for_training(self, tmp_path):
        data = picking_sets.simulated(tmp_path, "ring", 0.2, random_state=3)
        made = make_micrographs(12, kind="ring", snr=0.2, random_state=3, **SMALL)
        assert len(data.train) == len(data.train_coordinates) == 8
        assert len(data.test) == len(data.test_coordinates) == 4
        for path, micrograph in zip(data.train + data.test, made.micrographs, strict=True):
            np.testing.assert_array_equal(read_micrograph(path).values, np.asarray(micrograph))
        found = data.train_coordinates + data.test_coordinates
        for xy, expected in zip(found, made.coordinates, strict=True):
            np.testing.assert_array_equal(xy, expected)
        assert data.particle_diameter == made.particle_diameter
        assert data.radius == made.particle_diameter / 2
        assert data.name == "simulated ring, snr 0.2"

    def test_without_snr_the_simulator_has_its_default(self, tmp_path):
        data = picking_sets.simulated(tmp_path, "globular", None, random_state=0)
        made = make_micrographs(1, random_state=0, **SMALL)
        pixels = read_micrograph(data.train[0]).values
        np.testing.assert_array_equal(pixels, np.asarray(made.micrographs[0]))
        assert data.name == "simulated globular, default snr"

    def test_sets_of_two_seeds_lie_in_one_folder(self, tmp_path):
        first, second = (picking_set("ring", tmp_path, seed) for seed in (0, 1))
        assert not set(first.train + first.test) & set(second.train + second.test)
        pixels = [read_micrograph(data.train[0]).values for data in (first, second)]
        assert not np.array_equal(*pixels)


class TestBetaGalactosidase:
    @pytest.mark.parametrize("half", [0, 1])
    def test_halves_alternate_and_the_under_labelled_image_is_never_scored(self, real, half):
        data = picking_sets.beta_galactosidase(half)
        assert stems(data.train) == real[half::2]
        assert stems(data.test) == [name for name in real[1 - half :: 2] if name != "15_07_41"]
        assert "15_07_41" in real[0::2]

    def test_coordinates_are_those_of_the_mean_of_blocks_of_4_x_4_pixels(self, real):
        data = picking_sets.beta_galactosidase(0)
        for name, xy in zip(stems(data.train), data.train_coordinates, strict=True):
            np.testing.assert_allclose(xy, [[real.index(name), 2.0], [25.0, 8.0]])

    def test_seeds_take_the_halves_in_turn(self, real, tmp_path):
        names = [picking_set(picking_sets.REAL, tmp_path, seed).name for seed in range(4)]
        assert names == [f"beta-galactosidase, half {seed % 2}" for seed in range(4)]


def two_micrographs():
    truth = [np.array([[10.0, 10.0], [30.0, 10.0]]), np.array([[20.0, 20.0], [50.0, 50.0]])]
    return PickingSet("made up", ["a"], [np.zeros((1, 2))], ["b", "c"], truth, 8.0, radius=4.0)


class TestAveragePrecision:
    def test_picks_match_within_the_radius_of_the_set(self):
        data = two_micrographs()
        picks = [np.column_stack([xy + [3.9, 0], [2, 1]]) for xy in data.test_coordinates]
        assert average_precision(data, picks) == 1
        far = [np.column_stack([xy + [4.1, 0], [2, 1]]) for xy in data.test_coordinates]
        assert average_precision(data, far) == 0

    def test_a_particle_without_a_pick_costs_its_share(self):
        data = two_micrographs()
        picks = [np.column_stack([xy, [2, 1]]) for xy in data.test_coordinates]
        assert average_precision(data, [picks[0], picks[1][:1]]) == pytest.approx(3 / 4)

    def test_a_false_pick_in_front_lowers_the_precision_of_those_behind(self):
        data = two_micrographs()
        picks = [np.array([[10.0, 10.0, 2.0]]), np.array([[40.0, 5.0, 3.0]])]
        assert average_precision(data, picks) == pytest.approx(1 / 4 * 1 / 2)


def test_fit_and_pick_trains_on_one_part_and_picks_every_candidate_of_the_other():
    data = two_micrographs()
    calls = []

    def fit(X, y):
        calls.append((X, y))
        sum(range(10**6))

    picker = SimpleNamespace(fit=fit, predict=lambda X, threshold: (X, threshold))
    picks, fit_seconds, pick_seconds = fit_and_pick(picker, data, "labels")
    assert calls == [(data.train, "labels")]
    assert picks == (data.test, -np.inf)
    assert fit_seconds > pick_seconds >= 0
