"""Detectors of Topaz: the logits of that program, without it and without running their pickles.

``data/make_topaz_files.py`` made the files, of random weights, and the logits.
"""

import collections
import json
import os
import pickle
import random
import shutil
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from puclassify import load_model, save_model
from puclassify.models import TopazDetector, load_topaz_model
from puclassify.networks import check_unpadded

DATA = Path(__file__).parent / "data"
EXPECTED = json.loads((DATA / "topaz_logits.json").read_text())
LARGEST = 2**32


def sample(n, side):
    numbers = torch.arange(n * side * side, dtype=torch.int64) * 2654435761 % LARGEST
    return (numbers.double() / LARGEST * 4 - 2).float().reshape(n, 1, side, side)


@pytest.fixture
def network_in():
    """Return the network of a file, which may warn of dropout."""

    def load(name):
        path = DATA / f"topaz_{name}.sav"
        if name.endswith("dropout_weights"):
            with pytest.warns(UserWarning, match="taken for dropout"):
                return load_topaz_model(path, 40).classifier_.module_
        return load_topaz_model(path, 40).classifier_.module_

    return load


@pytest.mark.parametrize("kind", ["module", "weights"])
@pytest.mark.parametrize("name", list(EXPECTED))
class TestLogits:
    def test_are_those_of_the_program(self, name, kind, network_in):
        network, expected = network_in(f"{name}_{kind}"), EXPECTED[name]
        assert network.receptive_field == expected["width"]
        with torch.inference_mode():
            logits = network(sample(2, expected["width"])).flatten().tolist()
            of_map = network(sample(1, expected["width"] + 16)).flatten().tolist()
        assert np.ptp(expected["map"]) > 0.01
        np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)
        np.testing.assert_allclose(of_map, expected["map"], atol=1e-5)

    def test_of_maps_are_those_of_patches(self, name, kind, network_in):
        check_unpadded(network_in(f"{name}_{kind}"))


class TestPicker:
    @pytest.fixture
    def picker(self):
        return load_topaz_model(
            DATA / "topaz_resnet8_bn_module.sav", 40, downsample=2, threshold=-3, device="cpu"
        )

    def test_picks(self, picker, simulated):
        picks = picker.predict(simulated.micrographs[:1])[0]
        assert picks.shape[1] == 3
        assert (picks[:, 2] > -3).all()

    def test_scores_are_the_detectors_on_the_preprocessed_micrograph(self, picker, simulated):
        (scores,) = picker.transform(simulated.micrographs[:1])
        (image,) = picker.preprocessing_.transform(simulated.micrographs[:1])
        assert image.step == 2
        # The logits of a map are at every fourth pixel from the first; a field reaches 35 pixels.
        x = torch.from_numpy(np.asarray(image.values))[None, None, 1:, 1:]
        with torch.inference_mode():
            inside = picker.classifier_.module_(x)[0, 0].numpy()
        n, m = inside.shape
        assert min(n, m) > 10
        around = scores.values[9 : 9 + n, 9 : 9 + m]
        np.testing.assert_allclose(around, inside, atol=1e-4)

    def test_what_is_not_known(self, picker):
        assert np.isnan(picker.prior_)
        assert picker.threshold_report_ is picker.expected_particles_ is None
        assert picker.n_labels_ == picker.n_micrographs_ == 0
        assert picker.threshold_ == -3.0

    def test_is_saved_and_loaded(self, picker, simulated, tmp_path):
        save_model(picker, tmp_path / "model")
        loaded = load_model(tmp_path / "model")
        assert loaded.classifier_.module is TopazDetector
        np.testing.assert_array_equal(
            loaded.predict(simulated.micrographs[:1])[0],
            picker.predict(simulated.micrographs[:1])[0],
        )

    def test_training_goes_on(self, simulated):
        picker = load_topaz_model(DATA / "topaz_conv31_bn_weights.sav", 40, device="cpu")
        start = picker.classifier_.module_.head.weight.detach().clone()
        picker.set_params(
            warm_start=True,
            expected_particles=12,
            classifier__max_epochs=1,
            classifier__lr=1e-12,
            classifier__optimizer="sgd",
        )
        picker._steps_per_epoch = 2
        picker.fit(simulated.micrographs[:1], simulated.coordinates[:1])
        torch.testing.assert_close(picker.classifier_.module_.head.weight.detach(), start)

    def test_rules_need_labels(self):
        with pytest.raises(ValueError, match="pass a logit"):
            load_topaz_model(DATA / "topaz_conv31_bn_weights.sav", 40, threshold="auto")


def refuses(path, match=None):
    with pytest.raises(ValueError, match=match) as raised:
        load_topaz_model(path, 40)
    assert str(path) in str(raised.value)


class TestRefused:
    def test_other_networks(self, tmp_path):
        path = tmp_path / "other.sav"
        refuses(DATA / "topaz_pooled_module.sav", "pooling")
        refuses(DATA / "topaz_filled_module.sav", "was it saved filled")
        for weights, why in [
            ({"enc1.0.weight": torch.zeros(3)}, "denoising"),
            ({"classifier.weight": 3}, "no tensor"),
            ({}, "another one"),
            ([1, 2], "holds a list"),
            (nn.Linear(3, 1), "no part of a detector"),
        ]:
            torch.save(weights, path)
            refuses(path, why)

    @pytest.mark.parametrize("change", [lambda x: x[:1], lambda x: torch.cat([x, x])])
    def test_other_shapes(self, tmp_path, change):
        weights = torch.load(DATA / "topaz_resnet8_bn_weights.sav")
        for name in ("features.features.1.conv1.weight", "classifier.weight"):
            changed = collections.OrderedDict(weights)
            changed[name] = change(changed[name])
            if changed[name].shape != weights[name].shape:
                torch.save(changed, tmp_path / "changed.sav")
                refuses(tmp_path / "changed.sav", "shape")

    def test_missing_weights(self, tmp_path):
        weights = torch.load(DATA / "topaz_resnet8_bn_weights.sav")
        for name in weights:
            less = {key: value for key, value in weights.items() if key != name}
            torch.save(less, tmp_path / "less.sav")
            refuses(tmp_path / "less.sav")

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            load_topaz_model(tmp_path / "none.sav", 40)
        with pytest.raises(ValueError, match="folder"):
            load_topaz_model(tmp_path, 40)

    def test_models_of_this_library(self, fitted_picker, tmp_path):
        save_model(fitted_picker, tmp_path / "model.sav")
        refuses(tmp_path / "model.sav")


class Bomb:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class TestBombs:
    """Pickles that run something where they are unpickled."""

    def bombs(self, target):
        return [
            Bomb(os.mkdir, target),
            Bomb(os.system, f"mkdir {target}"),
            Bomb(eval, f"__import__('os').mkdir({target!r})"),
            Bomb(getattr, os, "mkdir"),
            collections.OrderedDict(weights=Bomb(os.mkdir, target)),
            Bomb(torch.load, target),
            Bomb(nn.Module.__getattr__, nn.Linear(1, 1), "forward"),
        ]

    def test_in_archives(self, tmp_path):
        target = str(tmp_path / "exploded")
        for bomb in self.bombs(target)[:6]:
            if bomb is not None:
                for protocol in (2, 4):
                    path = tmp_path / "bomb.sav"
                    try:
                        data = pickle.dumps(bomb, protocol)
                    except (pickle.PicklingError, TypeError):
                        continue
                    with zipfile.ZipFile(path, "w") as archive:
                        archive.writestr("bomb/data.pkl", data)
                    refuses(path, "could run any program")
        assert not os.path.exists(target)

    @pytest.mark.parametrize("protocol", range(6))
    def test_in_files_of_before(self, tmp_path, protocol):
        target, path = str(tmp_path / "exploded"), tmp_path / "bomb.sav"
        path.write_bytes(pickle.dumps(Bomb(os.mkdir, target), protocol))
        refuses(path)
        start = (DATA / "topaz_conv31_bn_weights.sav").read_bytes()[:30]
        path.write_bytes(start + pickle.dumps(Bomb(os.mkdir, target), protocol))
        refuses(path)
        assert not os.path.exists(target)

    def test_among_the_parts_of_a_network(self, tmp_path):
        target = str(tmp_path / "exploded")
        network = nn.Sequential(nn.Linear(1, 1))
        network.hook = Bomb(os.mkdir, target)
        torch.save(network, tmp_path / "network.sav")
        refuses(tmp_path / "network.sav", r"names posix\.mkdir, which is no part of a detector")
        assert not os.path.exists(target)

    def test_attributes_of_functions_are_not_set(self, tmp_path):
        data = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}U\x0c__defaults__N\x85s\x86b."
        with zipfile.ZipFile(tmp_path / "set.sav", "w") as archive:
            archive.writestr("set/data.pkl", data)
        refuses(tmp_path / "set.sav", "sets attributes of a function")

    def test_classes_of_the_program_are_not_imported(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "topaz", None)  # an import fails
        network = load_topaz_model(DATA / "topaz_conv31_bn_module.sav", 40).classifier_.module_
        assert not any(name.startswith("topaz.") for name in sys.modules)
        assert {type(one).__module__.partition(".")[0] for one in network.modules()} == {
            "puclassify",
            "torch",
        }

    def test_networks_with_their_source(self, tmp_path, monkeypatch):
        """Files of before archives hold the source of classes, which is not compiled."""
        module = types.ModuleType("topaz.fake")
        exec("from torch import nn\nclass Fake(nn.Sequential):\n    pass", module.__dict__)
        monkeypatch.setitem(sys.modules, "topaz.fake", module)
        monkeypatch.setitem(sys.modules, "topaz", types.ModuleType("topaz"))
        with pytest.warns(UserWarning, match="source"):
            torch.save(
                module.Fake(nn.Linear(2, 1)),
                tmp_path / "fake.sav",
                _use_new_zipfile_serialization=False,
            )
        monkeypatch.delitem(sys.modules, "topaz.fake")
        refuses(tmp_path / "fake.sav", "'0.weight' is no part of a detector")


class TestDamaged:
    @pytest.mark.parametrize("kind", ["module", "weights"])
    def test_cut_off_anywhere(self, tmp_path, kind):
        data = (DATA / f"topaz_conv31_plain_{kind}.sav").read_bytes()
        path = tmp_path / "cut.sav"
        for place in {*range(20), *np.linspace(0, len(data) - 1, 80).astype(int).tolist()}:
            path.write_bytes(data[:place])
            refuses(path)

    @pytest.mark.parametrize("kind", ["module", "weights"])
    def test_changed_bytes_are_refused_or_weights(self, tmp_path, kind):
        data = (DATA / f"topaz_conv31_plain_{kind}.sav").read_bytes()
        path, rng, refused = tmp_path / "changed.sav", random.Random(0), 0
        for _ in range(300):
            changed = bytearray(data)
            for _ in range(rng.choice([1, 2, 8])):
                changed[rng.randrange(len(data))] = rng.randrange(256)
            path.write_bytes(bytes(changed))
            try:
                load_topaz_model(path, 40)
            except ValueError:
                refused += 1
        assert refused > 50

    def test_compressed_archives(self, tmp_path):
        shutil.copy(DATA / "topaz_conv31_plain_module.sav", tmp_path / "stored.sav")
        with (
            zipfile.ZipFile(tmp_path / "stored.sav") as stored,
            zipfile.ZipFile(tmp_path / "packed.sav", "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            for name in stored.namelist():
                packed.writestr(name, stored.read(name))
        refuses(tmp_path / "packed.sav", "compressed")

    def test_tensors_larger_than_their_values(self, tmp_path):
        weights = torch.load(DATA / "topaz_conv31_plain_weights.sav")
        weights["classifier.weight"] = torch.zeros(1).expand(10**9, 1, 1, 1)
        torch.save(weights, tmp_path / "large.sav")
        refuses(tmp_path / "large.sav", "larger than its values")
