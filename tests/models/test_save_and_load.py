"""What was saved is loaded: predictions to the bit, parameters, and all that was fitted."""

import copy
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skorch.callbacks
import torch
from safetensors import safe_open
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from torch import nn

import puclassify
from puclassify import GridImage, NonMaximumSuppression, PUImageClassifier, load_model, save_model
from puclassify.losses import GEBinomialLoss, NonNegativePULoss
from puclassify.metrics import pick_average_precision_score
from puclassify.models import model_info
from puclassify.networks import FullyConvolutional
from puclassify.preprocessing import NormalizeMicrograph

from .small_models import small_classifier, small_picker


class Shallow(FullyConvolutional):
    """A network of the user's."""

    def __init__(self, in_channels=1, width=3):
        super().__init__(
            nn.Sequential(nn.Conv2d(in_channels, width, 7, stride=2), nn.ReLU()), width
        )


class OtherForward(Shallow):
    """The same weights, other logits."""

    def forward(self, x):
        return 2 * super().forward(x)


class Scaled(TransformerMixin, BaseEstimator):
    """A preprocessing of the user's, with a fitted attribute."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        self.scales_ = np.array([self.by, 2.0])
        return self

    def transform(self, X):
        images = np.empty(len(X), dtype=object)
        for index, one in enumerate(X):
            values = one.values if isinstance(one, GridImage) else one
            images[index] = GridImage(np.asarray(values, np.float32) * self.scales_[0])
        return images


def made_here(in_channels=1):
    return Shallow(in_channels, 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def again(estimator, path, **given):
    save_model(estimator, path)
    return load_model(path, **given)


def assert_same(one, other):
    """Compare attributes deeply, types included."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, nn.Module):
        assert_same(dict(one.state_dict()), dict(other.state_dict()))
        assert one.training == other.training
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
        assert one.dtype == other.dtype
        assert one.stride() == other.stride()
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name, value in one.items():
            assert_same(value, other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for pair in zip(one, other):
            assert_same(*pair)
    elif hasattr(one, "__dict__"):
        ignored = {"_cache", "_steps_per_epoch", "_generators"}
        attributes = [
            {key: value for key, value in vars(x).items() if key not in ignored}
            for x in (one, other)
        ]
        assert set(attributes[0]) == set(attributes[1])
        for name, value in attributes[0].items():
            assert_same(value, attributes[1][name])
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(other)
    else:
        assert one == other


class TestPicker:
    def test_picks_are_the_same_to_the_bit(self, fitted_picker, simulated, path):
        loaded = again(fitted_picker, path)
        for rule in (None, ("precision", 0.8), -np.inf):
            pairs = zip(
                fitted_picker.predict(simulated.micrographs, rule),
                loaded.predict(simulated.micrographs, rule),
            )
            for one, other in pairs:
                assert len(one)
                np.testing.assert_array_equal(one, other)

    def test_all_that_is_fitted_is_the_same(self, fitted_picker, path):
        assert fitted_picker._quality is not None
        assert_same(fitted_picker, again(fitted_picker, path))

    def test_expected_quality_is_the_same(self, fitted_picker, path):
        assert_same(fitted_picker.expected_quality(), again(fitted_picker, path).expected_quality())

    def test_clones(self, fitted_picker, path):
        loaded = again(fitted_picker, path)
        assert repr(clone(loaded)) == repr(clone(fitted_picker))
        assert not hasattr(clone(loaded), "classifier_")

    def test_saved_again_it_is_the_same_file(self, fitted_picker, path, tmp_path):
        save_model(again(fitted_picker, path), tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == path.read_bytes()

    def test_training_goes_on(self, fitted_picker, simulated, path):
        loaded = again(fitted_picker, path).set_params(
            warm_start=True, expected_particles=12, threshold=0.0, classifier__max_epochs=1
        )
        start = {k: v.clone() for k, v in loaded.classifier_.module_.state_dict().items()}
        loaded.set_params(classifier__lr=1e-12, classifier__optimizer="sgd")
        loaded.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        for name, values in loaded.classifier_.module_.state_dict().items():
            if "weight" in name:
                torch.testing.assert_close(values, start[name], atol=1e-6, rtol=0)

    def test_micrographs_of_another_pixel_size_are_rescaled(self, simulated, path):
        sized = [
            GridImage(one, name=f"m{i}", pixel_size=1.5)
            for i, one in enumerate(simulated.micrographs)
        ]
        picker = small_picker(simulated, pixel_size=1.5, expected_particles=12, threshold=0.0)
        picker.set_params(particle_diameter=1.5 * simulated.particle_diameter)
        picker.fit(sized[:2], simulated.coordinates[:2])
        loaded = again(picker, path)
        assert loaded.pixel_size_.header == picker.pixel_size_.header == 1.5
        others = [replace(one, pixel_size=2.0) for one in sized[2:3]]
        with pytest.warns(UserWarning, match="rescaled"):
            picks = loaded.predict(others)
        with pytest.warns(UserWarning, match="rescaled"):
            np.testing.assert_array_equal(picks[0], picker.predict(others)[0])

    def test_parameters_of_all_kinds(self, simulated, path):
        classifier = PUImageClassifier(
            "conv31",
            criterion=GEBinomialLoss(slack=0.1, risk_weight=10.0),
            module_params={"units": 2},
            optimizer=torch.optim.RMSprop,
            optimizer_params={"momentum": np.float32(0.5)},
            max_epochs=1,
            batch_size=64,
            device=torch.device("cpu"),
            random_state=np.random.RandomState(3),
        )
        picker = small_picker(
            simulated,
            classifier=classifier,
            preprocessing=make_pipeline(NormalizeMicrograph(clip=5.0)),
            nms=NonMaximumSuppression(9.0, border=2),
            expected_particles=np.int64(12),
            threshold=np.float64(0.25),
            label_radius=3.0,
        ).set_params(nms__max_picks=30)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        loaded = again(picker, path)
        assert_same(picker.threshold, loaded.threshold)
        assert_same(picker.nms, loaded.nms)
        assert loaded.classifier_.optimizer is torch.optim.RMSprop
        assert_same(loaded.classifier_.optimizer_params, {"momentum": np.float32(0.5)})
        assert loaded.classifier_.criterion.get_params() == classifier.criterion.get_params()
        draws = [one.classifier.random_state.randint(1000, size=5) for one in (picker, loaded)]
        np.testing.assert_array_equal(*draws)
        np.testing.assert_array_equal(
            loaded.predict(simulated.micrographs[3:4])[0],
            picker.predict(simulated.micrographs[3:4])[0],
        )

    def test_a_radius_that_was_never_set_follows_the_diameter(self, picker, path):
        picker.set_params(nms__border=5)
        loaded = again(picker, path)
        loaded.set_params(particle_diameter=60.0)
        assert loaded.nms.radius == 30.0 / loaded.pixel_size

    def test_preprocessing_of_the_users(self, simulated, path):
        picker = small_picker(
            simulated, preprocessing=Scaled(0.1), expected_particles=12, threshold=0.0
        )
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        save_model(picker, path)
        with pytest.raises(ValueError, match=r"Scaled.*custom=\[Scaled\]"):
            load_model(path)
        loaded = load_model(path, custom=[Scaled])
        np.testing.assert_array_equal(loaded.preprocessing_.scales_, [0.1, 2.0])
        np.testing.assert_array_equal(
            loaded.predict(simulated.micrographs[3:4])[0],
            picker.predict(simulated.micrographs[3:4])[0],
        )

    def test_other_classifiers_are_refused(self, simulated, path):
        picker = small_picker(
            simulated, classifier=GaussianNB(), expected_particles=12, threshold=0.0
        ).fit(simulated.micrographs[:2], simulated.coordinates[:2])
        with pytest.raises(TypeError, match=r"only networks.*joblib"):
            save_model(picker, path)
        assert not path.exists()


ROWS = np.random.default_rng(0).normal(size=(80, 3))
ROW_LABELS = np.repeat([1, 0], [20, 60])
ROWS[:40] += 1.5


class TestClassifier:
    @pytest.mark.parametrize("method", ["decision_function", "predict_proba", "transform"])
    def test_of_images(self, fitted_classifier, images, path, method):
        loaded = again(fitted_classifier, path)
        assert_same(fitted_classifier, loaded)
        np.testing.assert_array_equal(
            getattr(loaded, method)(images[0]), getattr(fitted_classifier, method)(images[0])
        )

    def test_of_rows(self, path):
        classifier = small_classifier().fit(ROWS, ROW_LABELS)
        loaded = again(classifier, path)
        assert_same(classifier, loaded)
        np.testing.assert_array_equal(loaded.predict_proba(ROWS), classifier.predict_proba(ROWS))

    def test_of_a_frame(self, path):
        frame = pd.DataFrame(ROWS, columns=["a", "b", "c"])
        classifier = small_classifier().fit(frame, ROW_LABELS).set_output(transform="pandas")
        loaded = again(classifier, path)
        assert_same(classifier, loaded)
        pd.testing.assert_frame_equal(loaded.transform(frame), classifier.transform(frame))

    def test_output_of_a_picker(self, fitted_picker, simulated, path):
        picker = copy.deepcopy(fitted_picker).set_output(transform="pandas")
        (frame,) = again(picker, path).predict(simulated.micrographs[3:4])
        pd.testing.assert_frame_equal(frame, picker.predict(simulated.micrographs[3:4])[0])

    @pytest.mark.parametrize(
        "labels",
        [
            np.where(ROW_LABELS == 1, "positive", "background"),
            np.where(ROW_LABELS == 1, "positive", "background").astype(object),
            ROW_LABELS == 1,
            np.where(ROW_LABELS == 1, 1.0, -1.0),
            np.where(ROW_LABELS == 1, 1, 0).astype(np.uint8),
        ],
        ids=["strings", "objects", "booleans", "floats", "bytes"],
    )
    def test_labels(self, labels, path):
        classifier = small_classifier().fit(ROWS, labels)
        loaded = again(classifier, path)
        assert_same(classifier.classes_, loaded.classes_)
        np.testing.assert_array_equal(loaded.predict(ROWS), classifier.predict(ROWS))

    @pytest.mark.parametrize(
        ("module", "params"),
        [("resnet8", {"units": 2}), ("conv31", {"units": 2}), ("mlp", {"hidden": (5,)})],
    )
    def test_networks_by_name(self, module, params, path):
        rng = np.random.default_rng(1)
        pixels, y = rng.normal(size=(24, 2, 72, 73)).astype("f4"), np.repeat([1, 0], [8, 16])
        classifier = small_classifier(module, module_params=params, max_epochs=1).fit(pixels, y)
        loaded = again(classifier, path)
        assert_same(classifier, loaded)
        np.testing.assert_array_equal(
            loaded.decision_function(pixels), classifier.decision_function(pixels)
        )

    def test_training_goes_on_as_it_would_have(self, fitted_classifier, images, path):
        loaded = again(fitted_classifier, path).set_params(warm_start=True)
        original = again(fitted_classifier, path).set_params(warm_start=True)
        original.module_ = fitted_classifier.module_
        assert_same(loaded.fit(*images).module_, original.fit(*images).module_)

    def test_diverged_figures_are_kept(self, fitted_classifier, path):
        classifier = PUImageClassifier(**fitted_classifier.get_params(deep=False))
        vars(classifier).update(vars(fitted_classifier))
        classifier.history_ = [{"epoch": 1, "train_loss": float("nan"), "x": float("-inf")}]
        classifier.n_iter_ = 1
        assert_same(classifier.history_, again(classifier, path).history_)
        with safe_open(path, "np") as file:
            json.loads(file.metadata()["puclassify"], parse_constant=pytest.fail)

    def test_criterion_class(self, images, path):
        classifier = small_classifier(
            criterion=NonNegativePULoss, module_params={"units": 2}, max_epochs=1
        )
        assert again(classifier.fit(*images), path).criterion is NonNegativePULoss


class TestModulesOfUsers:
    @pytest.fixture
    def classifier(self, images):
        return small_classifier(Shallow, module_params={"width": 2}, max_epochs=1).fit(*images)

    def test_are_loaded_where_they_are_named(self, classifier, images, path):
        loaded = again(classifier, path, module=Shallow)
        assert loaded.module is Shallow
        assert_same(classifier, loaded)
        np.testing.assert_array_equal(loaded.predict(images[0]), classifier.predict(images[0]))

    def test_custom_names_them_too(self, classifier, path):
        assert again(classifier, path, custom=[Shallow]).module is Shallow

    def test_are_not_imported_by_themselves(self, classifier, path, monkeypatch):
        monkeypatch.setattr(Shallow, "__module__", "a_module_to_import")
        save_model(classifier, path)
        monkeypatch.undo()
        with pytest.raises(
            ValueError, match=r"'a_module_to_import\.Shallow'.*load_model\(\.\.\., module=Shallow\)"
        ):
            load_model(path)
        assert "a_module_to_import" not in sys.modules
        assert load_model(path, module=Shallow).module is Shallow

    def test_other_logits_are_noticed(self, classifier, path):
        save_model(classifier, path)
        with pytest.raises(ValueError, match="OtherForward gives other logits"):
            load_model(path, module=OtherForward)

    def test_other_weights_are_noticed(self, classifier, path):
        save_model(classifier, path)
        with pytest.raises(ValueError, match=r"features.0.bias.*missing|width"):
            load_model(path, module=puclassify.networks.Conv31)

    def test_factories(self, images, path):
        classifier = small_classifier(made_here, max_epochs=1).fit(*images)
        assert again(classifier, path, module=made_here).module is made_here

    def test_a_module_that_is_not_needed_is_refused(self, fitted_classifier, path):
        save_model(fitted_classifier, path)
        with pytest.raises(ValueError, match="holds a network of puclassify"):
            load_model(path, module=Shallow)

    def test_an_instance_is_refused(self, classifier, path):
        save_model(classifier, path)
        with pytest.raises(TypeError, match="instance of Shallow"):
            load_model(path, module=Shallow())

    def test_what_is_not_in_the_state_is_noticed_on_saving(self, classifier, path):
        classifier.module_.head.register_forward_hook(lambda *_: _[-1] + 1.0)
        with pytest.raises(ValueError, match="other logits than module_"):
            save_model(classifier, path)
        assert not path.exists()


class TestRefusedOnSaving:
    def test_callbacks(self, images, path):
        classifier = small_classifier(
            callbacks=[skorch.callbacks.EpochTimer()], module_params={"units": 2}, max_epochs=1
        ).fit(*images)
        with pytest.raises(TypeError, match=re.escape("omit=['callbacks']")):
            save_model(classifier, path)
        assert not path.exists()
        save_model(classifier, path, omit=["callbacks"])
        loaded = load_model(path)
        assert loaded.callbacks is None
        np.testing.assert_array_equal(loaded.predict(images[0]), classifier.predict(images[0]))

    def test_of_pickers_everywhere(self, picker, path):
        for one in (picker.classifier, picker.classifier_):
            one.callbacks = [skorch.callbacks.EpochTimer()]
        with pytest.raises(TypeError, match=r"classifier__callbacks\[0\].*omit=\['callbacks'\]"):
            save_model(picker, path)
        save_model(picker, path, omit=["callbacks"])
        assert load_model(path).classifier_.callbacks is None

    def test_losses_of_torch(self, fitted_classifier, path):
        changed = clone(fitted_classifier).set_params(criterion=nn.BCEWithLogitsLoss())
        vars(changed).update({k: v for k, v in vars(fitted_classifier).items() if k[-1] == "_"})
        changed._needs_float32 = False
        with pytest.raises(TypeError, match=r"criterion=BCE.*omit=\['criterion'\]"):
            save_model(changed, path)

    def test_other_estimators(self, path):
        with pytest.raises(TypeError, match="estimator must be a ParticlePicker"):
            save_model(make_pipeline(GaussianNB()), path)

    def test_unfitted_ones(self, path, simulated):
        for estimator in (PUImageClassifier(), small_picker(simulated)):
            with pytest.raises(NotFittedError):
                save_model(estimator, path)

    def test_parameters_that_do_not_build_the_network(self, fitted_classifier, path):
        params = fitted_classifier.get_params(deep=False) | {"module_params": {"units": 5}}
        changed = PUImageClassifier(**params)
        fitted = {k: v for k, v in vars(fitted_classifier).items() if k not in params}
        vars(changed).update(fitted)
        with pytest.raises(ValueError, match=r"cannot be built again.*Set them back"):
            save_model(changed, path)

    def test_omitted_names_that_are_none(self, fitted_classifier, path):
        with pytest.raises(ValueError, match=r"\['callback'\], which are no parameters"):
            save_model(fitted_classifier, path, omit=["callback"])

    def test_omitted_names_without_a_default(self, picker, path):
        with pytest.raises(ValueError, match="'particle_diameter', which has no default"):
            save_model(picker, path, omit=["particle_diameter"])

    def test_folders_that_are_not_there(self, fitted_classifier, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            save_model(fitted_classifier, tmp_path / "none" / "model")

    def test_a_write_that_fails_leaves_the_old_file(
        self, fitted_classifier, fitted_picker, path, monkeypatch
    ):
        save_model(fitted_classifier, path)
        before = path.read_bytes()

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.replace", full)
        with pytest.raises(OSError, match="No space"):
            save_model(fitted_picker, path)
        assert path.read_bytes() == before
        assert [one.name for one in path.parent.iterdir()] == [path.name]


class TestDevices:
    def test_opens_without_the_device_it_was_trained_on(self, picker, path):
        for one in (picker.classifier, picker.classifier_):
            one.device = "cuda:9"
        save_model(picker, path)
        with pytest.warns(UserWarning, match=r"device='cuda:9'.*loaded with device='auto'"):
            loaded = load_model(path)
        assert loaded.classifier_.device == loaded.classifier.device == "auto"

    def test_the_caller_chooses(self, picker, path):
        for one in (picker.classifier, picker.classifier_):
            one.device = "cuda:9"
        save_model(picker, path)
        loaded = load_model(path, device="cpu")
        assert loaded.classifier_.device == "cpu"
        with pytest.raises(ValueError, match="device must be"):
            load_model(path, device="gpu")

    @pytest.mark.gpu
    def test_trained_on_cuda_it_opens_on_the_cpu(self, images, path):
        classifier = small_classifier(device="cuda", module_params={"units": 4}).fit(*images)
        save_model(classifier, path)
        loaded = load_model(path, device="cpu")
        assert {one.device.type for one in loaded.module_.parameters()} == {"cpu"}
        classifier.set_params(precision="float32")
        np.testing.assert_allclose(
            loaded.decision_function(images[0]),
            classifier.decision_function(images[0]),
            atol=1e-3,
        )


class TestFile:
    def test_any_reader_of_safetensors_opens_it(self, fitted_picker, path):
        save_model(fitted_picker, path)
        with safe_open(path, "np") as file:
            weights = file.get_tensor("network.classifier.head.weight")
        module = fitted_picker.classifier_.module_
        np.testing.assert_array_equal(weights, module.head.weight.detach().numpy())

    def test_no_pickle_is_in_it(self, fitted_picker, path):
        save_model(fitted_picker, path)
        header = int.from_bytes(path.read_bytes()[:8], "little")
        described = json.loads(path.read_bytes()[8 : 8 + header])
        dtypes = {one["dtype"] for one in described.values() if "dtype" in one}
        assert dtypes <= {"F32", "F64", "I64"}

    def test_no_device_is_in_it(self, fitted_picker, path):
        """Values are numbers; where they were computed is in no tensor."""
        save_model(fitted_picker, path)
        length = int.from_bytes(path.read_bytes()[:8], "little")
        header = json.loads(path.read_bytes()[8 : 8 + length])
        described = header.pop("__metadata__")["puclassify"]
        assert {tuple(sorted(one)) for one in header.values()} == {
            ("data_offsets", "dtype", "shape")
        }
        assert "cuda" not in described
        devices = re.findall(r'"device":("[^"]*"|\{.*?\})', described)
        assert set(devices) == {'"auto"'}  # what the user set, not what was used

    def test_versions_and_summary(self, fitted_picker, path):
        save_model(fitted_picker, path)
        info = model_info(path)
        assert info["versions"]["torch"] == torch.__version__
        assert info["versions"]["puclassify"] == puclassify.__version__
        assert info["class"] == "ParticlePicker"
        assert info["n_labels"] == 36
        assert info["n_micrographs"] == 3
        assert info["network"] == "Conv31"
        assert info["calibration"] == fitted_picker.calibration_
        assert info["threshold_report"] == fitted_picker.threshold_report_
        assert info["n_parameters"] == sum(
            one.numel() for one in fitted_picker.classifier_.module_.parameters()
        )


def at_coarser_pixels(image, factor):
    """Return the same scene in pixels that are larger, by cropping its spectrum."""
    spectrum = np.fft.fftshift(np.fft.fft2(image))
    sides = [round(side / factor) for side in image.shape]
    start = [side // 2 - new // 2 for side, new in zip(image.shape, sides)]
    cut = spectrum[start[0] : start[0] + sides[0], start[1] : start[1] + sides[1]]
    return np.fft.ifft2(np.fft.ifftshift(cut)).real.astype(np.float32)


def test_the_same_scene_at_another_pixel_size(simulated, path):
    """What was trained at 1.5 ångström finds the particles at 2.25 and at 1.5 as well."""
    size = 255  # a multiple of 1.5
    scenes = [np.asarray(one, np.float32)[:size, :size] for one in simulated.micrographs]
    inside = [xy[(xy < size).all(axis=1)] for xy in map(np.asarray, simulated.coordinates)]
    fine = [GridImage(one, name=f"m{i}", pixel_size=1.5) for i, one in enumerate(scenes)]
    picker = small_picker(simulated, pixel_size=1.5, expected_particles=12, threshold=0.0)
    picker.set_params(particle_diameter=1.5 * simulated.particle_diameter)
    picker._steps_per_epoch = 20
    loaded = again(picker.fit(fine[:3], inside[:3]), path)
    coarse = [
        GridImage(at_coarser_pixels(one, 1.5), name=f"c{i}", pixel_size=2.25)
        for i, one in enumerate(scenes)
    ]
    of_fine = loaded.predict(fine[3:], -np.inf)
    with pytest.warns(UserWarning, match="rescaled"):
        of_coarse = loaded.predict(coarse[3:], -np.inf)
    radius = simulated.particle_diameter / 2
    expected = pick_average_precision_score(inside[3:], of_fine, radius)
    found = pick_average_precision_score([xy / 1.5 for xy in inside[3:]], of_coarse, radius / 1.5)
    assert expected > 0.8
    assert abs(found - expected) < 0.1
