"""The networks by name, and the parts of the benchmarks that measure cost."""

import mrcfile
import numpy as np
import pytest
from torch import nn

import scoring
from common.networks import build_network, gflop
from common.quick_picker import DIAMETER, quick_picker, write_micrographs
from puclassify.networks import FullyConvolutional


class TestBuildNetwork:
    @pytest.mark.parametrize(
        ("name", "field", "stride"),
        [
            ("resnet8", 71, 4),
            ("resnet9", 71, 4),
            ("dilated", 79, 4),
            ("stride 8", 71, 8),
        ],
    )
    def test_fields_and_strides(self, name, field, stride):
        network = build_network(name)
        assert (network.receptive_field, network.stride) == (field, stride)

    def test_units_follow_a_colon(self):
        widths = [
            next(p for p in build_network(name).parameters()).shape[0]
            for name in ("resnet8", "resnet8:32", "resnet8:16")
        ]
        assert widths[0] == widths[1] == 2 * widths[2]


def test_gflop_counts_multiplications_and_additions_of_a_map():
    network = FullyConvolutional(nn.Sequential(nn.Conv2d(1, 4, 3, bias=False)), 4)
    # 4 channels of 9 weights, then 4 weights of the head, at 1024 x 1024 positions
    assert gflop(network) == pytest.approx(2 * (4 * 9 + 4) * 1024**2 / 1e9)


def test_micrographs_are_repeated_and_cropped(tmp_path):
    (large,) = write_micrographs(tmp_path, 1, (1100, 2048), "float16")
    values = mrcfile.read(large)
    assert values.shape == (1100, 2048)
    assert values.dtype == np.float16
    np.testing.assert_array_equal(values[:, :1024], values[:, 1024:])
    np.testing.assert_array_equal(values[:76, :1024], values[1024:, :1024])


@pytest.fixture(scope="module")
def picker():
    return quick_picker("resnet9", binning=2)


@pytest.fixture
def path(tmp_path):
    (path,) = write_micrographs(tmp_path, 1, (256, 320))
    return path


class TestScoring:
    def test_micrographs_are_binned_to_the_diameter(self, picker, path):
        (scores,) = picker.transform([path])
        assert picker.particle_diameter == 2 * DIAMETER
        np.testing.assert_allclose(scores.step_xy, 2 * 4)
        assert scores.values.shape == (256 / 8, 320 / 8)

    def test_the_steps_lead_to_the_picks_of_the_whole(self, picker, path, monkeypatch):
        results = []

        def timed(device, run):
            results.append(run())
            return len(results), results[-1]

        monkeypatch.setattr(scoring, "timed", timed)
        assert scoring.time_steps(picker, path, 2, "cpu") == (1, 2, 3, 4, 5, 6)
        stored, small, image, (scores,), picks, (whole,) = results
        np.testing.assert_array_equal(stored.values, mrcfile.read(path))
        (expected,) = picker.preprocessing_.transform([path])
        np.testing.assert_array_equal(image.values, expected.values)
        np.testing.assert_array_equal(small.step_xy, 2)
        np.testing.assert_array_equal(scores.values, picker.transform([path])[0].values)
        np.testing.assert_array_equal(picks, whole)
        assert len(picks)

    def test_timed_returns_seconds_and_the_result(self):
        seconds, result = scoring.timed("cpu", lambda: sum(range(10**5)))
        assert seconds > 0
        assert result == sum(range(10**5))
