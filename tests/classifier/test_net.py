import numpy as np
import pytest
import skorch.callbacks
import torch

from puclassify import PUImageClassifier
from puclassify.classifier import _net


class LossesInEpoch(skorch.callbacks.Callback):
    """What the history holds at the end of batches, and of epochs."""

    def __init__(self, stop_at_batch=None):
        self.stop_at_batch = stop_at_batch
        self.during, self.after = [], []

    def on_batch_end(self, net, **kwargs):
        batches = net.history[-1, "batches"]
        self.during.append(batches[-1]["train_loss"])
        if len(batches) == self.stop_at_batch:
            raise KeyboardInterrupt

    def on_epoch_end(self, net, **kwargs):
        self.after.append(net.history[-1, "batches", :, "train_loss"])

    def on_train_end(self, net, **kwargs):
        self.last = net.history[-1, "batches", :, "train_loss"]


@pytest.fixture
def far(monkeypatch):
    """As if the CPU were an accelerator."""
    monkeypatch.setattr(_net, "_reading_waits", lambda device: True)


def fit(callback, criterion="nnpu"):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)).astype(np.float32), np.arange(400) < 100
    classifier = PUImageClassifier(
        criterion=criterion, max_epochs=2, random_state=0, prior=0.3, callbacks=[callback]
    )
    return classifier.fit(X, y.astype(int))


class TestReadingOfLosses:
    @pytest.mark.usefixtures("far")
    def test_waits_for_the_end_of_the_epoch(self, monkeypatch):
        at_end = LossesInEpoch()
        history = fit(at_end).history_
        assert all(isinstance(loss, torch.Tensor) for loss in at_end.during)
        assert not any(loss.requires_grad for loss in at_end.during)
        assert all(isinstance(loss, float) for losses in at_end.after for loss in losses)
        monkeypatch.undo()
        at_once = LossesInEpoch()
        same = fit(at_once).history_
        assert all(isinstance(loss, float) for loss in at_once.during)
        assert at_once.after == at_end.after
        losses = [[epoch["train_loss"] for epoch in epochs] for epochs in (history, same)]
        assert losses[0] == losses[1]

    @pytest.mark.usefixtures("far")
    def test_also_where_a_callback_stops_within_one(self):
        callback = LossesInEpoch(stop_at_batch=3)
        fit(callback)
        assert [float(loss) for loss in callback.during] == callback.last
        assert len(callback.last) == 3
        assert all(isinstance(loss, float) for loss in callback.last)
