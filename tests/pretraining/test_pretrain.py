"""A short pretraining: what it writes, and that it can be broken off."""

from dataclasses import replace

import pytest
import torch

from puclassify.datasets import list_structures
from puclassify.networks import ResNet9, read_weights
from puclassify.pretraining import HELD_OUT, PretrainingSettings, pretrain
from puclassify.pretraining import _pretrain as program
from puclassify.pretraining._held_out import HeldOut, HeldOutFigures

SHORT = PretrainingSettings(steps=4, tiles_per_step=2, tile_edge=96)


class Broken(Exception):
    """What ends a run in the middle."""


@pytest.fixture(autouse=True)
def few_lines(monkeypatch):
    """Write a checkpoint after every step, a line after every second one, and measure nothing."""
    monkeypatch.setattr(program, "_SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    monkeypatch.setattr(program, "_STEPS_BETWEEN_LINES", 2)
    figures = HeldOutFigures(0.5, {"1aon": 0.5}, 1.0, 0.0)
    monkeypatch.setattr(program.HeldOut, "measure", lambda *_: figures)


def silent(line):
    """Print nothing."""


def test_broken_off_and_continued_is_one_run(tmp_path):
    pretrain(tmp_path / "whole.safetensors", SHORT, device="cpu", log=silent)

    def breaks(line):
        if line.startswith("step 2 "):
            raise Broken

    path = tmp_path / "broken.safetensors"
    with pytest.raises(Broken):
        pretrain(path, SHORT, device="cpu", log=breaks)
    assert not path.exists()
    with pytest.raises(ValueError, match="other settings"):
        pretrain(path, replace(SHORT, seed=1), device="cpu", log=silent)
    lines = []
    card = pretrain(path, SHORT, device="cpu", n_workers=1, log=lines.append)
    assert lines[0] == "going on from step 1"
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "broken.safetensors",
        "whole.safetensors",
    ]
    whole, of_whole = read_weights(tmp_path / "whole.safetensors")
    broken, of_broken = read_weights(path)
    for name, tensor in whole.items():
        assert torch.equal(tensor, broken[name]), name
    assert card["tiles"] == of_whole["tiles"] == of_broken["tiles"] == 8
    assert card["figures"]["held_out_average_precision"] == 0.5
    ResNet9().load_state_dict(broken)


def test_nothing_held_out_is_trained_on(tmp_path):
    card = pretrain(tmp_path / "w.safetensors", SHORT, device="cpu", log=silent)
    names = {one.name for one in list_structures()}
    assert set(HELD_OUT) < names
    assert set(card["structures"]) == names - set(HELD_OUT)
    assert len(HELD_OUT) == len(set(HELD_OUT)) == 25


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("tile_edge", 50),
        ("loss", "hinge"),
        ("learning_rate", 0),
        ("seed", -1),
        ("ignored_radius", 0.1),
    ],
)
def test_bad_settings_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        replace(SHORT, **{name: value})


def test_held_out_figures_of_a_perfect_and_a_blind_network(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr("puclassify.pretraining._held_out._EDGE", 160)
    settings = replace(SHORT, held_out=("1aon", "1igt"))
    held_out = HeldOut(settings, per_structure=2)

    class Perfect(torch.nn.Module):
        """Scores the truth, which it looks up by the pixels."""

        receptive_field, stride = 1, 1

        def forward(self, x):
            for _, image, truth in held_out._micrographs:
                if torch.equal(torch.as_tensor(image.values), x[0, 0]):
                    y, x = torch.meshgrid(*map(torch.arange, image.shape), indexing="ij")
                    score = torch.full(image.shape, -9.0)
                    for cx, cy in truth.centers[~truth.ignored]:
                        score = torch.maximum(score, 5 - torch.hypot(x - cx, y - cy))
                    return score[None, None]
            raise AssertionError("an image that is not one of them")

    class Blind(torch.nn.Module):
        """Scores noise."""

        receptive_field, stride = 1, 1

        def forward(self, x):
            return torch.rand(x.shape, generator=torch.Generator().manual_seed(0))

    device = torch.device("cpu")
    perfect = held_out.measure(Perfect(), device)
    blind = held_out.measure(Blind(), device)
    assert perfect.average_precision > 0.95  # particles closer than the radius cost some
    assert blind.average_precision < 0.4
    assert perfect.slope > 1
