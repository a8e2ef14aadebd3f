"""Trainings that start from weights in a file."""

import numpy as np
import pytest
import skorch.callbacks

from puclassify import PUImageClassifier
from puclassify.classifier import fine_tuning_rate, share_of_steps
from puclassify.networks import NETWORKS


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(40, 71, 71)).astype(np.float32)
    pixels[:20, 25:45, 25:45] -= 1.0
    return pixels, np.repeat([1, 0], [10, 30])


def classifier(init, module="resnet9", units=4, **params):
    params = {"lr": 1e-12, "max_epochs": 1, "calibration": None, "random_state": 0, **params}
    return PUImageClassifier(module, module_params={"units": units}, init=init, **params)


def test_a_training_starts_from_the_weights_of_a_file(images, untrained_weights, untrained_network):
    fitted = classifier(untrained_weights).fit(*images)
    for name, tensor in untrained_network.named_parameters():
        trained = fitted.module_.state_dict()[name]
        np.testing.assert_allclose(trained, tensor.detach().half().float(), atol=1e-6)


class _Rates(skorch.callbacks.Callback):
    """Notes the largest learning rate."""

    def __init__(self):
        self.largest = 0.0

    def on_batch_end(self, net, **kwargs):
        self.largest = max(self.largest, *(one["lr"] for one in net.optimizer_.param_groups))


@pytest.mark.parametrize(("from_file", "rate"), [(True, 2e-4), (False, 1e-3)])
def test_from_weights_the_rate_is_a_fifth(images, untrained_weights, from_file, rate):
    rates = _Rates()
    init = untrained_weights if from_file else "random"
    classifier(init, lr=1e-3, max_epochs=2, callbacks=[rates]).fit(*images)
    assert rates.largest == pytest.approx(rate, rel=0.05)


@pytest.mark.parametrize(
    ("module", "units", "message"),
    [
        ("resnet9", 8, r"weights of 'resnet9' with module_params=\{'units': 4\}.*do not fit"),
        ("resnet8", 4, "it is another network"),
    ],
)
def test_weights_of_another_network_are_refused(images, untrained_weights, module, units, message):
    with pytest.raises(ValueError, match=message):
        classifier(untrained_weights, module, units).fit(*images)


def test_weights_of_one_channel_are_refused_for_three(untrained_weights, images):
    pixels, labels = images
    with pytest.raises(ValueError, match=r"'features\.0\.weight' is \(2, 1, 7, 7\) in the file"):
        classifier(untrained_weights).fit(np.repeat(pixels[:, None], 3, axis=1), labels)


def test_a_file_that_is_not_there_is_refused(images):
    with pytest.raises(ValueError, match=r"init='nowhere' is neither one of .* nor a file"):
        classifier("nowhere").fit(*images)


@pytest.mark.parametrize("module", sorted(set(NETWORKS) - {"resnet9", "mlp"}))
def test_the_package_has_no_weights_for_other_networks(images, module):
    with pytest.raises(ValueError, match=r"init='pretrained' has no weights for a \w+"):
        PUImageClassifier(module, init="pretrained").fit(*images)


def test_auto_is_random_where_no_weights_fit(images):
    auto, random = (
        classifier(init, "conv31", lr=1e-3).fit(*images).decision_function(images[0])
        for init in ("auto", "random")
    )
    np.testing.assert_array_equal(auto, random)


def test_a_fitted_classifier_needs_the_file_no_longer(images, untrained_weights, tmp_path):
    from puclassify import load_model, save_model

    fitted = classifier(untrained_weights).fit(*images)
    save_model(fitted, tmp_path / "model.safetensors")
    untrained_weights.unlink()
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.init == str(untrained_weights)
    np.testing.assert_array_equal(
        loaded.decision_function(images[0]), fitted.decision_function(images[0])
    )


def test_more_labels_are_worth_more_steps():
    shares = [share_of_steps(n) for n in (1, 10, 20, 30, 100, 5000)]
    assert shares[:2] == pytest.approx([0.1, 0.1])  # 80 of 800 steps
    assert shares[3:] == pytest.approx([1.0, 1.0, 1.0])
    assert shares[1] < shares[2] < shares[3]


def test_more_labels_are_worth_a_higher_rate():
    rates = [fine_tuning_rate(n) for n in (1, 10, 20, 30, 5000)]
    assert rates == pytest.approx([0.2, 0.2, 0.2 * 5 ** (np.log(2) / np.log(3)), 1.0, 1.0])
