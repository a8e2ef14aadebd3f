import signal

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.callback import ScoringMonitor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify import PUImageClassifier


class EpochRecorder:
    """A scikit-learn callback."""

    def __init__(self, stop_after=None, predict=None):
        self.stop_after = stop_after
        self.predict = predict
        self.events = []
        self.logits = []

    def setup(self, estimator, context):
        self.events.append(("setup", context.max_subtasks))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if self.predict is not None:
            self.logits.append(fitted_estimator.decision_function(self.predict))
            self.fitted = fitted_estimator
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


class Recorder(skorch.callbacks.Callback):
    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(net.history[-1]["epoch"])


class LearningRates(skorch.callbacks.Callback):
    def __init__(self):
        self.rates = []

    def on_batch_end(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])


class StopsAtTwo(skorch.callbacks.Callback):
    """Stops as skorch's documentation has it."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def expected_events(n_epochs, max_epochs):
    epochs = [(when, "epoch", k) for k in range(n_epochs) for when in ("begin", "end")]
    return [
        ("setup", max_epochs),
        ("begin", "fit", 0),
        *epochs,
        ("end", "fit", 0),
        ("teardown", max_epochs),
    ]


class TestScikitLearnCallbacks:
    def test_every_epoch_is_reported(self, rows):
        recorder = EpochRecorder()
        PUImageClassifier(max_epochs=3).set_callbacks(recorder).fit(rows.X, rows.y)
        assert recorder.events == expected_events(3, 3)

    def test_scoring_monitor_scores_every_epoch(self, rows):
        monitor = ScoringMonitor(scoring=["roc_auc"])
        classifier = PUImageClassifier(max_epochs=3).set_callbacks(monitor).fit(rows.X, rows.y)
        scores = [row["roc_auc"] for row in monitor.get_logs().data]
        assert len(scores) == 4
        assert scores[-1] == classifier.score(rows.X, rows.y)

    def test_one_that_returns_true_stops_training(self, rows):
        recorder = EpochRecorder(stop_after=2)
        classifier = PUImageClassifier(max_epochs=6).set_callbacks(recorder)
        classifier.fit(rows.X, rows.y)
        assert recorder.events == expected_events(2, 6)
        assert classifier.n_iter_ == len(classifier.history_) == 2
        assert classifier.predict(rows.X).shape == (60,)

    def test_the_estimator_it_is_given_predicts_as_if_fit_had_ended(self, rows):
        recorder = EpochRecorder(predict=rows.X)
        classifier = PUImageClassifier(max_epochs=3, lr=0.02, random_state=0)
        logits = classifier.fit(rows.X, rows.y).decision_function(rows.X)
        with_callback = classifier.set_callbacks(recorder).fit(rows.X, rows.y)
        np.testing.assert_array_equal(with_callback.decision_function(rows.X), logits)
        assert not np.array_equal(recorder.logits[0], recorder.logits[1])
        np.testing.assert_array_equal(recorder.logits[2], logits)

    def test_the_estimator_it_is_given_is_a_snapshot(self, rows):
        kept = []

        class Keeps(EpochRecorder):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                if context.task_name == "epoch":
                    kept.append((fitted_estimator, fitted_estimator.decision_function(rows.X)))

        PUImageClassifier(max_epochs=3, lr=0.02).set_callbacks(Keeps()).fit(rows.X, rows.y)
        for snapshot, logits in kept:
            np.testing.assert_array_equal(snapshot.decision_function(rows.X), logits)

    def test_every_epoch_is_closed_however_training_stops(self, rows):
        for callback in (StopsAtTwo(), skorch.callbacks.EarlyStopping("train_loss", patience=1)):
            recorder = EpochRecorder()
            classifier = PUImageClassifier(max_epochs=9, lr=1e-12, callbacks=[callback])
            classifier.set_callbacks(recorder).fit(rows.X, rows.y)
            assert classifier.n_iter_ < 9
            assert recorder.events == expected_events(classifier.n_iter_, 9)

    def test_teardown_follows_an_error(self, rows):
        recorder = EpochRecorder()
        with pytest.raises(ValueError, match="y holds one class"):
            PUImageClassifier().set_callbacks(recorder).fit(rows.X, np.ones(60))
        assert recorder.events[-1][0] == "teardown"

    def test_in_a_pipeline(self, rows):
        recorder = EpochRecorder()
        classifier = PUImageClassifier(max_epochs=2).set_callbacks(recorder)
        make_pipeline(StandardScaler(), classifier).fit(rows.X, rows.y)
        assert [event for event in recorder.events if event[1:2] == ("epoch",)] == [
            (when, "epoch", k) for k in range(2) for when in ("begin", "end")
        ]

    def test_progress_bar(self, rows, capsys):
        pytest.importorskip("rich")
        from sklearn.callback import ProgressBar

        classifier = PUImageClassifier(max_epochs=2).set_callbacks(ProgressBar())
        classifier.fit(rows.X, rows.y)
        assert "PUImageClassifier" in capsys.readouterr().out


class TestSkorchCallbacks:
    def test_they_are_honoured_and_the_list_is_kept(self, rows):
        recorder = Recorder()
        callbacks = [recorder, ("named", Recorder())]
        classifier = PUImageClassifier(max_epochs=3, callbacks=callbacks).fit(rows.X, rows.y)
        classifier.predict(rows.X)
        assert callbacks[0] is recorder
        assert len(callbacks) == 2
        assert classifier.callbacks is callbacks
        assert recorder.epochs == callbacks[1][1].epochs == [1, 2, 3]

    def test_early_stopping_of_skorch_ends_quietly(self, rows):
        stopper = skorch.callbacks.EarlyStopping("train_loss", patience=2, sink=lambda text: None)
        classifier = PUImageClassifier(max_epochs=30, lr=1e-12, callbacks=[stopper], random_state=0)
        classifier.fit(rows.X, rows.y)
        assert classifier.n_iter_ == len(classifier.history_) < 30
        assert not classifier.module_.training

    def test_so_does_a_callback_of_the_users(self, rows):
        assert PUImageClassifier(callbacks=[StopsAtTwo()]).fit(rows.X, rows.y).n_iter_ == 2

    def test_one_may_watch_the_held_out_loss(self, rows):
        watcher = skorch.callbacks.EarlyStopping("valid_loss", sink=lambda text: None)
        classifier = PUImageClassifier(max_epochs=2, early_stopping=True, callbacks=[watcher])
        assert classifier.fit(rows.X, rows.y).n_iter_ == 2

    def test_control_c_is_not_swallowed(self, rows):
        class Interrupted(torch.nn.Linear):
            receptive_field = stride = None

            def __init__(self):
                super().__init__(3, 1)

            def forward(self, x):
                if self.training:
                    signal.raise_signal(signal.SIGINT)
                return super().forward(x)

        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore
        try:
            with pytest.raises(KeyboardInterrupt):
                PUImageClassifier(Interrupted, max_epochs=1).fit(rows.X, rows.y)
        finally:
            signal.signal(signal.SIGINT, before)

    def test_one_that_stops_within_the_first_epoch(self, rows):
        class Stops(skorch.callbacks.Callback):
            def on_batch_end(self, net, **kwargs):
                raise KeyboardInterrupt

        classifier = PUImageClassifier(callbacks=[Stops()], max_epochs=3, random_state=0)
        assert np.isfinite(classifier.fit(rows.X, rows.y).decision_function(rows.X)).all()

    def test_the_learning_rate_makes_one_cycle(self, rows):
        recorder = LearningRates()
        PUImageClassifier(lr=0.1, max_epochs=10, callbacks=[recorder]).fit(rows.X, rows.y)
        rates = np.array(recorder.rates)
        peak = int(np.argmax(rates))
        assert rates[peak] == pytest.approx(0.1, rel=0.02)
        assert 0.2 < peak / len(rates) < 0.4
        assert (np.diff(rates[: peak + 1]) > 0).all()
        assert (np.diff(rates[peak:]) < 0).all()
        assert rates[-1] < 0.01 * rates[peak]

    @pytest.mark.parametrize("kind", ["instance", "named", "class"])
    def test_a_schedule_replaces_it(self, rows, kind):
        schedule = skorch.callbacks.LRScheduler("ExponentialLR", gamma=1.0)
        schedule = {
            "instance": schedule,
            "named": ("schedule", schedule),
            "class": type("Constant", (skorch.callbacks.LRScheduler,), {"__init__": constant}),
        }[kind]
        recorder = LearningRates()
        PUImageClassifier(lr=0.1, max_epochs=3, callbacks=[schedule, recorder]).fit(rows.X, rows.y)
        assert set(recorder.rates) == {0.1}


def constant(self):
    skorch.callbacks.LRScheduler.__init__(self, "ExponentialLR", gamma=1.0)


class TestVerbose:
    def test_a_line_is_printed_every_epoch(self, rows, capfd):
        PUImageClassifier(max_epochs=3, verbose=1, early_stopping=True).fit(rows.X, rows.y)
        out, err = capfd.readouterr()
        lines = [line for line in err.splitlines() if "; " in line]  # others come if it is slow
        epochs = [line.partition("; ")[2].split(", ") for line in lines]
        assert [one[0] for one in epochs] == [f"epoch {n} of 3" for n in (1, 2, 3)]
        assert all({"train_loss", "valid_loss"} <= {v.split()[0] for v in one} for one in epochs)
        assert out == ""

    def test_silence_is_the_default(self, rows, capfd):
        PUImageClassifier(max_epochs=3).fit(rows.X, rows.y)
        assert capfd.readouterr() == ("", "")


class TestEarlyStopping:
    @pytest.fixture
    def noise(self):
        """Labels that say nothing: the longer the training, the worse on held-out rows."""
        rng = np.random.default_rng(0)
        return rng.normal(size=(120, 5)), np.arange(120) % 2

    def test_stops_and_keeps_the_best_weights(self, noise):
        X, y = noise
        classifier = PUImageClassifier(
            criterion="pn",
            lr=0.03,
            max_epochs=60,
            early_stopping=True,
            validation_fraction=0.3,
            random_state=0,
        )
        recorder = EpochRecorder(predict=X)
        classifier.set_callbacks(recorder).fit(X, y)
        losses = [epoch["valid_loss"] for epoch in classifier.history_]
        best = int(np.argmin(losses))
        assert classifier.n_iter_ == best + 1 + 5 < 60
        assert losses[-1] > losses[best]
        np.testing.assert_array_equal(classifier.decision_function(X), recorder.logits[best])

    @pytest.mark.parametrize("scenario", ["case_control", "single_training_set"])
    def test_the_held_out_loss_is_that_of_examples_not_trained_on(self, noise, scenario):
        X, y = noise
        classifier = PUImageClassifier(
            criterion="nnpu",
            prior=0.6,
            scenario=scenario,
            max_epochs=1,
            early_stopping=True,
            validation_fraction=0.25,
            random_state=0,
        )
        trained = []

        class Seen(skorch.callbacks.Callback):
            def on_batch_end(self, net, batch, **kwargs):
                trained.append(batch[0].numpy())

        classifier.set_params(callbacks=[Seen()]).fit(X, y)
        trained = {tuple(row) for row in np.concatenate(trained)}
        held = np.array([tuple(row) not in trained for row in X.astype(np.float32)])
        assert held[y == 1].sum() == held[y == 0].sum() == 15
        s = classifier.decision_function(X[held])
        positive, unlabelled = s[y[held] == 1], s[y[held] == 0]
        if scenario == "single_training_set":
            unlabelled = s

        def risk(z):
            return np.mean(np.logaddexp(0, -z))

        bracket = risk(-unlabelled) - 0.6 * risk(-positive)
        expected = 0.6 * risk(positive) + max(bracket, 0)
        assert classifier.history_[0]["valid_loss"] == pytest.approx(expected, rel=1e-5)
