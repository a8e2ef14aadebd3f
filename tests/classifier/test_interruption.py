import pickle
import signal
import warnings

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from puclassify import PUImageClassifier


class ControlC(skorch.callbacks.Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.epoch and len(net.history[-1]["batches"]) == 2:
            press_control_c()


class Fails(skorch.callbacks.Callback):
    """Raises an error in the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise OSError("disk full")


def press_control_c():
    """Raise the interrupt from a function, as callbacks that raise one stop a training."""
    signal.raise_signal(signal.SIGINT)


def raise_interrupt(number, frame):
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def control_c_interrupts():
    before = signal.signal(signal.SIGINT, raise_interrupt)  # background jobs ignore it
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def classifier():
    return PUImageClassifier(max_epochs=4, random_state=0, lr=0.01)


def interrupted(classifier, rows, epoch, **params):
    """Interrupt a fit in an epoch and return the exception."""
    classifier.set_params(callbacks=[ControlC(epoch)], **params)
    with pytest.raises(KeyboardInterrupt) as caught:
        classifier.fit(rows.X, rows.y)
    classifier.set_params(callbacks=None)
    return caught.value


class TestFirstFit:
    @pytest.mark.parametrize("epoch", [1, 3])
    def test_leaves_nothing_fitted(self, classifier, rows, epoch):
        before = set(vars(classifier))
        interrupted(classifier, rows, epoch)
        assert set(vars(classifier)) == before
        with pytest.raises(ValueError, match="not fitted"):
            check_is_fitted(classifier)

    def test_in_the_first_epoch_there_is_nothing_to_keep(self, classifier, rows):
        interrupt = interrupted(classifier, rows, 1)
        assert not hasattr(interrupt, "partial_estimator")
        assert interrupt.__notes__ == [
            "The training was interrupted after 0 of 4 epochs, and nothing of it is kept.",
            "The PUImageClassifier is as it was before fit.",
        ]

    @pytest.mark.parametrize("calibration", [None, "platt"])
    def test_complete_epochs_are_in_the_exception(self, classifier, rows, calibration):
        """Epochs that are complete are those of a fit that a callback stops there."""
        classifier.set_params(calibration=calibration)
        interrupt = interrupted(classifier, rows, 3)
        assert "after 2 of 4 epochs. The partial_estimator" in interrupt.__notes__[0]

        class Stops(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                net.stop_after_epoch = len(net.history) == 2

        stopped = clone(classifier).set_params(callbacks=[Stops()]).fit(rows.X, rows.y)
        partial = interrupt.partial_estimator
        slope, intercept = stopped.calibration_
        np.testing.assert_allclose(
            slope * partial.decision_function(rows.X) + intercept,
            stopped.decision_function(rows.X),
            rtol=1e-6,
        )
        assert partial.n_iter_ == len(partial.history_) == 2
        assert partial.calibration_ == (1.0, 0.0)
        assert partial.n_features_in_ == 3
        assert partial.get_params().keys() == classifier.get_params().keys()
        partial = pickle.loads(pickle.dumps(partial.set_params(callbacks=None)))
        assert np.isfinite(partial.fit(rows.X, rows.y).decision_function(rows.X)).all()

    def test_with_early_stopping_they_end_at_the_best(self, classifier, rows):
        losses = {}

        class HeldOut(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                state = net.module_.network.state_dict()
                losses[net.history[-1, "valid_loss"]] = {k: v.clone() for k, v in state.items()}

        classifier.set_params(early_stopping=True, lr=1.0, max_epochs=9)
        classifier.set_params(callbacks=[HeldOut(), ControlC(5)])
        with pytest.raises(KeyboardInterrupt) as caught:
            classifier.fit(rows.X, rows.y)
        weights = caught.value.partial_estimator.module_.state_dict()
        for name, value in losses[min(losses)].items():
            torch.testing.assert_close(weights[name], value, rtol=0, atol=0)

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_with_an_estimated_prior(self, classifier, rows, scenario):
        classifier.set_params(prior="dedpul", validation_fraction=0.4, scenario=scenario)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interrupt = interrupted(classifier, rows, 2)
        assert interrupt.partial_estimator.prior_ == 0.5

    def test_in_a_pipeline(self, classifier, rows):
        pipeline = make_pipeline(StandardScaler(), classifier)
        interrupt = interrupted_pipeline(pipeline, rows)
        X = pipeline[0].transform(rows.X)
        assert interrupt.partial_estimator.decision_function(X).shape == (60,)


def interrupted_pipeline(pipeline, rows):
    pipeline.set_params(puimageclassifier__callbacks=[ControlC(2)])
    with pytest.raises(KeyboardInterrupt) as caught:
        pipeline.fit(rows.X, rows.y)
    return caught.value


class TestRefit:
    @pytest.mark.parametrize("warm_start", [False, True])
    @pytest.mark.parametrize("callback", [ControlC(1), ControlC(3), Fails()])
    def test_leaves_what_was(self, classifier, rows, warm_start, callback):
        classifier.fit(rows.X, rows.y)
        logits = classifier.decision_function(rows.X)
        classifier.set_params(warm_start=warm_start)
        classifier = pickle.loads(pickle.dumps(classifier))
        before, attributes = pickle.dumps(classifier), dict(vars(classifier))
        y = np.where(rows.y == 1, True, False)  # other classes
        with pytest.raises((KeyboardInterrupt, OSError)):
            classifier.set_params(callbacks=[callback]).fit(rows.X[:, :3] + 1.0, y)
        classifier.set_params(callbacks=None)
        assert all(vars(classifier)[name] is value for name, value in attributes.items())
        assert pickle.dumps(classifier) == before
        np.testing.assert_array_equal(classifier.decision_function(rows.X), logits)

    def test_on_samples_of_another_kind(self, classifier, rows, images):
        classifier.fit(rows.X, rows.y)
        logits = classifier.decision_function(rows.X)
        for X, y in ((images.X, images.y), (rows.X[:, :2], rows.y)):
            with pytest.raises(KeyboardInterrupt):
                classifier.set_params(callbacks=[ControlC(1)]).fit(X, y)
            assert classifier.n_features_in_ == 3
            np.testing.assert_array_equal(classifier.decision_function(rows.X), logits)

    def test_warm_start_goes_on_from_the_same_weights_after_an_interrupt(self, classifier, rows):
        classifier.set_params(warm_start=True).fit(rows.X, rows.y)
        expected = pickle.loads(pickle.dumps(classifier)).fit(rows.X, rows.y)
        interrupted(classifier, rows, 3)
        classifier.fit(rows.X, rows.y)
        np.testing.assert_array_equal(
            classifier.decision_function(rows.X), expected.decision_function(rows.X)
        )

    def test_warm_start_leaves_a_module_that_somebody_kept(self, classifier, rows):
        module = classifier.set_params(warm_start=True).fit(rows.X, rows.y).module_
        weights = {name: value.clone() for name, value in module.state_dict().items()}
        classifier.fit(rows.X, rows.y)
        assert classifier.module_ is not module
        for name, value in module.state_dict().items():
            torch.testing.assert_close(value, weights[name], rtol=0, atol=0)
