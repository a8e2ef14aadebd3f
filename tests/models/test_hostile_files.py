"""Broken, changed and hostile model files: an error with a reason, and nothing executed."""

import contextlib
import copy
import hashlib
import json
import os
import pickle
import random
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from puclassify import load_model, save_model
from puclassify.models import model_info

KEY = "puclassify"
# What a mutation may lead to: a refusal, or a model that could have been saved.
REFUSED = (ValueError,)


@pytest.fixture(scope="module")
def saved(fitted_picker, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "picker.safetensors"
    save_model(fitted_picker, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def saved_classifier(fitted_classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "classifier.safetensors"
    save_model(fitted_classifier, path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def header_length(data):
    return int.from_bytes(data[:8], "little")


def description(data):
    header = json.loads(data[8 : 8 + header_length(data)])
    return json.loads(header["__metadata__"][KEY])["model"]


def signed(model, tensors):
    """Make a file whose checksum is right, as a hostile program would."""
    text = json.dumps(model, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        one = tensors[name]
        digest.update(f"\n{name} {one.dtype} {tuple(one.shape)}\n".encode())
        digest.update(one.reshape(-1).view(torch.uint8).numpy().tobytes())
    both = {"sha256": digest.hexdigest(), "model": model}
    return save(tensors, {KEY: json.dumps(both)})


def refuses(path, data, match=None):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=match) as raised:
        load_model(path)
    assert str(path) in str(raised.value)


def test_the_signature_of_these_tests_is_that_of_files(saved, path):
    path.write_bytes(signed(description(saved), load(saved)))
    assert load_model(path).n_labels_ == 36


class TestDamaged:
    def test_cut_off_anywhere(self, saved, path):
        places = {*range(20), *np.linspace(0, len(saved) - 1, 60).astype(int).tolist()}
        for place in places | {header_length(saved) + 7, header_length(saved) + 8, len(saved) - 1}:
            refuses(path, saved[:place])

    def test_longer_than_it_says(self, saved, path):
        refuses(path, saved + b"\0")

    def test_single_bits(self, saved, path):
        """Any change is noticed: by the format, or by the checksum."""
        rng = random.Random(0)
        for _ in range(150):
            changed = bytearray(saved)
            changed[rng.randrange(len(saved))] ^= 1 << rng.randrange(8)
            refuses(path, bytes(changed))

    @pytest.mark.parametrize("length", [0, 1, 2**22 + 1, 2**31, 2**40, 2**63 - 1, 2**64 - 1])
    def test_header_lengths(self, saved, path, length):
        tracemalloc.start()
        try:
            refuses(path, length.to_bytes(8, "little") + saved[8:])
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()

    def test_a_header_that_is_long_and_there(self, path):
        length = 2**22 + 8
        refuses(path, length.to_bytes(8, "little") + b"{" + b" " * length, "longer than")

    def test_of_weights_alone(self, path):
        refuses(path, save({"a": torch.zeros(3)}), "not one of puclassify.save_model")
        refuses(path, save({"a": torch.zeros(3)}, {"format": "pt"}), "not one of puclassify")

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no file"):
            load_model(tmp_path / "none")
        with pytest.raises(ValueError, match="is no file but a folder"):
            load_model(tmp_path)

    def test_devices_are_not_read(self):
        with pytest.raises(ValueError, match="is no file but"):
            load_model("/dev/zero")

    def test_pickles_and_archives_are_named(self, path):
        refuses(path, pickle.dumps({"a": 1}), "a pickle, which runs code")
        torch.save({"a": torch.zeros(2)}, path)
        refuses(path, path.read_bytes(), "ZIP archive.*load_topaz_model")


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


class TestBombs:
    @pytest.mark.parametrize("protocol", range(6))
    def test_pickles_are_not_loaded(self, path, tmp_path, protocol):
        refuses(path, pickle.dumps(Bomb(str(tmp_path / "exploded")), protocol))
        assert not (tmp_path / "exploded").exists()

    def test_nor_archives_with_them(self, path, tmp_path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", pickle.dumps(Bomb(str(tmp_path / "exploded"))))
        refuses(path, path.read_bytes(), "ZIP archive")
        assert not (tmp_path / "exploded").exists()

    def test_nothing_is_imported(self, saved, path, tmp_path, monkeypatch):
        (tmp_path / "bomb_module.py").write_text("raise SystemExit('imported')")
        monkeypatch.syspath_prepend(str(tmp_path))
        for kind in ("yours", "class", "object", "record", "number"):
            for key in ("path", "name", "type"):
                model = description(saved)
                params = model["estimator"]["fitted"]["classifier"]["params"]
                params["module"] = {"$": kind, key: "bomb_module.Bomb", "params": {}, "parts": []}
                refuses(path, signed(model, load(saved)))


def at(tree, *keys):
    for key in keys:
        tree = tree[key]
    return tree


class TestUnknown:
    """What a newer release might write, or a hostile program, with a right checksum."""

    @pytest.mark.parametrize(
        ("keys", "value", "match"),
        [
            ((), {"format_version": 2}, "version 2, written by puclassify.*update puclassify"),
            ((), {"format_version": "1"}, "version '1'"),
            ((), {"estimator": None}, "holds a NoneType"),
            ((), {"estimator": [[]]}, "holds a list"),
            (("estimator",), {"type": "ParticleFinder"}, "unknown type 'ParticleFinder'"),
            (("estimator",), {"$": "pickle"}, "unknown kind 'pickle'"),
            (("estimator",), {"type": "GEBinomialLoss", "params": {}}, "unknown attributes"),
            (("estimator", "params"), {"colour": 3}, "parameter 'colour'.*update puclassify"),
            (("estimator", "params"), {"pixelsize": 3}, "did you mean 'pixel_size'"),
            (("estimator", "params"), {"particle_diameter": -3.0}, "particle_diameter"),
            (("estimator", "params"), {"threshold": "best"}, "threshold"),
            (("estimator", "params"), {"classifier": 3}, "classifier must be"),
            (("estimator", "fitted"), {"memory": 3}, r"unknown values \['memory'\]"),
            (("estimator", "fitted"), {"threshold": "high"}, "threshold must be a logit"),
            (("estimator", "fitted"), {"calibration": 1.0}, "cannot unpack"),
            (("estimator", "fitted"), {"preprocessing": None}, "preprocessing must be"),
            (("estimator", "fitted"), {"n_labels": 1.5}, "n_labels"),
            (("estimator", "fitted"), {"quality": {}}, "quality must be a PickQuality"),
            (("estimator", "fitted"), {"pixel_size": -1.0}, "pixel_size"),
            (("estimator", "fitted", "classifier"), {"fitted": None}, "not fitted"),
            (("estimator", "fitted", "classifier", "params"), {"lr": "fast"}, "lr must be"),
            (("estimator", "fitted", "classifier", "params"), {"module": "resnet9"}, "weights"),
            (("estimator", "fitted", "classifier", "params"), {"module": "net"}, "module must be"),
            (("estimator", "fitted", "classifier", "fitted"), {"network": {}}, "no weights"),
            (
                ("estimator", "fitted", "classifier", "fitted"),
                {"image_shape": {"$": "tuple", "items": [1, 10**9, 10**9]}},
                "image_shape",
            ),
            (
                ("estimator", "fitted", "classifier", "fitted", "network"),
                {"logits": [0.0, 1.0]},
                "gives other logits",
            ),
        ],
    )
    def test_values(self, saved, path, keys, value, match):
        model = description(saved)
        at(model, *keys).update(value)
        refuses(path, signed(model, load(saved)), match)

    def test_what_is_missing(self, saved, path):
        for keys, name in [
            (("estimator",), "params"),
            (("estimator", "fitted"), "prior"),
            (("estimator", "fitted", "classifier", "fitted"), "classes"),
            (("estimator", "fitted", "classifier", "fitted"), "network"),
            (("estimator", "fitted", "quality", "fields"), "probability"),
        ]:
            model = description(saved)
            del at(model, *keys)[name]
            refuses(path, signed(model, load(saved)))

    def test_parameters_of_later_releases_have_their_defaults(self, saved, path):
        model = description(saved)
        del model["estimator"]["params"]["warm_start"]
        path.write_bytes(signed(model, load(saved)))
        assert load_model(path).warm_start is False


class TestTensors:
    @pytest.mark.parametrize(
        "change",
        [
            lambda one: one.double(),
            lambda one: one.half(),
            lambda one: one.to(torch.int32),
            lambda one: one.reshape(-1),
            lambda one: one[None],
            lambda one: one[:0],
            lambda one: torch.cat([one, one]),
        ],
        ids=["f8", "f2", "i4", "flat", "more axes", "none", "twice"],
    )
    def test_wrong_ones(self, saved, path, change):
        for name in load(saved):
            tensors = load(saved)
            changed = change(tensors[name]) if tensors[name].ndim else tensors[name][None]
            if changed.dtype == tensors[name].dtype and changed.shape == tensors[name].shape:
                continue
            tensors[name] = changed.contiguous()
            path.write_bytes(signed(description(saved), tensors))
            try:
                load_model(path)
            except REFUSED:
                continue
            assert name.startswith("array."), name  # whose types the estimates do not fix

    def test_missing_and_further_ones(self, saved, path):
        for name in load(saved):
            tensors = load(saved)
            del tensors[name]
            refuses(path, signed(description(saved), tensors), "missing")

    def test_none_is_used_twice(self, saved, path):
        """A small file must not fill the memory."""
        model = description(saved)
        weights = at(model, "estimator", "fitted", "classifier", "fitted", "network", "weights")
        first, second = list(weights)[:2]
        weights[second] = weights[first]
        refuses(path, signed(model, load(saved)), "used elsewhere")

    @pytest.mark.parametrize("units", [10**5, 10**9, 10**30, -1, 0, 2.5, "4", None])
    def test_networks_larger_than_the_file_take_no_memory(self, saved, path, units):
        model = description(saved)
        for place in (("params", "classifier"), ("fitted", "classifier")):
            params = at(model, "estimator", *place, "params")
            params["module_params"] = {"units": units}
        refuses(path, signed(model, load(saved)))

    def test_other_numbers_are_noticed(self, saved, path):
        tensors = load(saved)
        tensors["network.classifier.head.bias"] += 1.0
        refuses(path, signed(description(saved), tensors), "other logits")


class TestJSON:
    def wrapped(self, saved, text):
        return save(load(saved), {KEY: text})

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "null",
            "[]",
            "{}",
            "{",
            '{"model": {}, "sha256": 3}',
            '{"model": {"format_version": NaN}, "sha256": ""}',
            "[" * 200_000,
            '{"a":' * 100_000,
            '{"model": ' + "1" * 10_000 + "}",
            "\ud7ff",
        ],
        ids=range(11),
    )
    def test_other_texts(self, saved, path, text):
        refuses(path, self.wrapped(saved, text))

    def test_nesting(self, saved, path):
        model = description(saved)
        nested = []
        for _ in range(900):
            nested = [nested]
        model["estimator"]["params"]["prior"] = nested
        refuses(path, signed(model, load(saved)))

    @pytest.mark.parametrize("which", ["saved", "saved_classifier"])
    def test_mutations_are_refused_or_models(self, which, path, request):
        """Change values of the description at random, with a right checksum each time."""
        data = request.getfixturevalue(which)
        original, tensors = description(data), load(data)
        rng = random.Random(1)
        refused = accepted = 0
        for _ in range(250):
            model = copy.deepcopy(original)
            for _ in range(rng.choice([1, 1, 2])):
                mutate(rng, model["estimator"])
            path.write_bytes(signed(model, tensors))
            try:
                loaded = load_model(path)
            except REFUSED as error:
                refused += str(path) in str(error)
            else:
                accepted += hasattr(loaded, "prior_")
        assert refused + accepted == 250
        assert refused > 50

    def test_info_of_mutations(self, saved, path):
        original, tensors = description(saved), load(saved)
        rng = random.Random(2)
        for _ in range(100):
            model = copy.deepcopy(original)
            mutate(rng, model["summary"])
            path.write_bytes(signed(model, tensors))
            with contextlib.suppress(ValueError):
                assert model_info(path)["format_version"] == 1


STRANGE = [
    None, True, -1, 0, 10**6, 10**40, 0.5, -0.5, 1e308, "", "x", "auto", "inf", [], {}, [1, 2],
    {"$": "tuple", "items": []}, {"$": "float", "value": "nan"}, {"$": "float"}, {"$": []},
    {"$": "array", "tensor": "array.0"}, {"$": "tensor", "tensor": "array.1"},
    {"$": "values", "dtype": "U99999", "shape": [1], "items": ["a"]},
    {"$": "values", "dtype": "object", "shape": [10**12, 0], "items": []},
    {"$": "dict", "items": [[[], 1]]}, {"$": "bytes", "hex": "zz"}, {"$": "device", "name": "x"},
    {"$": "random state", "state": [1]}, {"$": "number", "type": "HalfDiameter", "parts": [1]},
    {"$": "object", "type": "Pipeline", "params": {"steps": 3}},
    {"$": "class", "name": "torch.optim.Adam"}, {"$": "class", "name": "torch.optim.lr_scheduler"},
]  # fmt: skip


def mutate(rng, tree):
    """Replace, remove, add or rename something at a random place."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(tree[key], dict | list) and tree[key] and rng.random() < 0.8:
            tree = tree[key]
            continue
        what = rng.random()
        if what < 0.7:
            tree[key] = copy.deepcopy(rng.choice(STRANGE))
        elif what < 0.85:
            del tree[key]
        elif isinstance(tree, dict):
            tree[f"{key}x"] = tree.pop(key)
        else:
            tree.append(copy.deepcopy(rng.choice(STRANGE)))
        return


class TestOffsets:
    """Headers whose tensors lie in other places than there are, or in each other."""

    def with_header(self, saved, change):
        length = header_length(saved)
        header = json.loads(saved[8 : 8 + length])
        names = [name for name in header if name != "__metadata__"]
        change(header, names)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + saved[8 + length :]

    @pytest.mark.parametrize(
        "change",
        [
            lambda header, names: header[names[1]].update(
                data_offsets=header[names[0]]["data_offsets"], shape=header[names[0]]["shape"]
            ),
            lambda header, names: header[names[0]].update(data_offsets=[0, 2**40], shape=[2**38]),
            lambda header, names: header[names[0]].update(shape=[2**63, 2**63]),
            lambda header, names: header[names[0]].update(shape=[-1]),
            lambda header, names: header[names[0]].update(data_offsets=[-4, 0]),
            lambda header, names: header[names[0]].update(data_offsets=[8, 4]),
            lambda header, names: header[names[0]].update(dtype="PICKLE"),
            lambda header, names: header.pop(names[0]),
            lambda header, names: header.update({"../../evil": header.pop(names[0])}),
            lambda header, names: header.update(__metadata__={KEY: [1]}),
            lambda header, names: header.update(__metadata__={}),
        ],
        ids=range(11),
    )
    def test_are_refused(self, saved, path, change):
        refuses(path, self.with_header(saved, change))
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize("text", [b'{"a":' * 200_000, b"[" * 10**6, b"{" + b" " * 10**6])
    def test_headers_of_brackets(self, path, text):
        refuses(path, len(text).to_bytes(8, "little") + text)

    def test_the_header_is_rewritten_as_it_was(self, saved, path):
        path.write_bytes(self.with_header(saved, lambda *_: None))
        assert load_model(path).n_labels_ == 36


def test_labels_are_not_filled_up_to_gigabytes(saved_classifier, path):
    """Letters as texts of ten thousand letters each would take 40 kB each."""
    model = description(saved_classifier)
    items = ["a"] * 20_000
    described = {"$": "values", "dtype": "U10000", "shape": [len(items)], "items": items}
    model["estimator"]["fitted"]["classes"] = described
    tracemalloc.start()
    try:
        refuses(path, signed(model, load(saved_classifier)), "array of 20000 'U10000'")
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
