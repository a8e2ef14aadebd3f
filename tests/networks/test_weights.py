import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from puclassify.networks import read_card, read_weights, write_weights


def test_weights_come_back_to_half_precision(untrained_weights, untrained_network, weights_card):
    state, card = read_weights(untrained_weights)
    own = untrained_network.state_dict()
    assert set(state) == set(own)
    for name, tensor in own.items():
        if tensor.is_floating_point():
            assert state[name].dtype == torch.float32
            np.testing.assert_array_equal(state[name], tensor.numpy().astype("float16"))
        else:
            assert state[name].dtype == tensor.dtype
    assert {name: card[name] for name in weights_card} == weights_card
    assert read_card(untrained_weights) == card


def test_any_safetensors_reader_reads_the_file(untrained_weights, untrained_network):
    assert load_file(untrained_weights)["head.weight"].dtype == np.float16


def _rewritten(path, change_tensors=None, change_card=None):
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        card = json.loads(file.metadata()["puclassify-weights"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if change_tensors:
        change_tensors(tensors)
    if change_card:
        change_card(card)
    save_file(tensors, path, {"puclassify-weights": json.dumps(card)})


def test_changed_weights_are_refused(untrained_weights):
    def change(tensors):
        tensors["head.weight"] = tensors["head.weight"] + np.float16(1)

    _rewritten(untrained_weights, change)
    with pytest.raises(ValueError, match=r"w\.safetensors holds no pretrained.*checksum"):
        read_weights(untrained_weights)


def test_a_changed_card_is_refused(untrained_weights):
    _rewritten(untrained_weights, change_card=lambda card: card.update(calibration=[3.0, 0.0]))
    with pytest.raises(ValueError, match="checksum"):
        read_weights(untrained_weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format_version is 2"),
        ({"network": 3}, "network must be a name"),
        ({"module_params": []}, "module_params must be an object"),
        ({"preprocessing": None}, "preprocessing must be an object"),
        ({"particle_pixels": 0}, "particle_pixels must be a positive number"),
        ({"particle_pixels": True}, "particle_pixels must be a positive number"),
        ({"contrast": "grey"}, "contrast must be one of"),
        ({"calibration": [1.0]}, "calibration must be"),
        ({"calibration": [-1.0, 0.0]}, "calibration must be a positive slope"),
    ],
)
def test_a_card_with_wrong_values_is_refused(untrained_weights, weights_card, change, message):
    _rewritten(untrained_weights, change_card=lambda card: card.update(change))
    with pytest.raises(ValueError, match=message):
        read_weights(untrained_weights)
    if "format_version" not in change:
        with pytest.raises(ValueError, match=message):
            write_weights(untrained_weights, {}, weights_card | change)


@pytest.mark.parametrize("start", [b"PK\x03\x04" + bytes(20), b"\x80\x04" + bytes(20), b"", b"x"])
def test_other_files_are_refused(tmp_path, start):
    (tmp_path / "w.safetensors").write_bytes(start)
    with pytest.raises(ValueError, match=r"w\.safetensors holds no pretrained weights"):
        read_weights(tmp_path / "w.safetensors")


def test_a_file_of_other_tensors_is_refused(tmp_path):
    save_file({"a": np.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="not one of save_pretrained"):
        read_weights(tmp_path / "w.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_weights(tmp_path / "none.safetensors")


def test_what_half_precision_cannot_hold_is_refused(tmp_path, untrained_network, weights_card):
    state = untrained_network.state_dict()
    state["head.weight"] = state["head.weight"] + 1e5
    with pytest.raises(ValueError, match=r"head\.weight holds values that float16 cannot"):
        write_weights(tmp_path / "w.safetensors", state, weights_card)
    assert not list(tmp_path.iterdir())
