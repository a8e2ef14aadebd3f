"""Every callback that skorch offers: what works here, and what is refused with which advice."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
    WarmRestartLR,
)
from torch import nn

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.datasets import make_micrographs

HELD_OUT = r"'valid_loss(_best)?', which is recorded where .*set early_stopping=True, or moni"
SCORES = r"scores what a skorch net predicts.*ScoringMonitor.*early_stopping=True"


class Logged:
    """Stands for the run of any logger: keeps the names of what is logged."""

    def __init__(self):
        self.names = set()
        self.info = SimpleNamespace(run_id="run")
        self.dir = ""

    def add_scalar(self, tag, scalar_value, global_step):
        self.names.add(tag)

    def log_scalar(self, name, value, step=None):
        self.names.add(name)

    def log_metric(self, run_id, name, value, step):
        self.names.add(name)

    def log(self, values):
        self.names.update(values)

    def __getitem__(self, name):
        self.names.add(name)
        return self

    def append(self, value, *args, **kwargs):
        pass

    def __setitem__(self, name, value):
        self.names.add(name)

    def watch(self, module):
        self.names.add(type(module).__name__)

    def log_artifact(self, run_id, path):
        self.names.add(path.name)

    def set_terminated(self, run_id):
        self.names.add("terminated")

    def close(self):
        self.names.add("closed")


def path(tmp_path, **options):
    return {"dirname": str(tmp_path), **options}


# Class -> callbacks that work, as functions of a folder, with what they record in an epoch; then
# (callback, message) for those that are refused where nothing is held out.
TABLE = {
    "Callback": ([(lambda p: skorch.callbacks.Callback(), ())], []),
    "EpochTimer": ([(lambda p: EpochTimer(), ("dur",))], []),
    "PrintLog": ([(lambda p: PrintLog(sink=lambda text: None), ())], []),
    "ProgressBar": ([(lambda p: ProgressBar(detect_notebook=False), ())], []),
    "GradientNormClipping": ([(lambda p: GradientNormClipping(1.0), ())], []),
    "LRScheduler": (
        [
            (lambda p: LRScheduler("ExponentialLR", gamma=0.9), ("event_lr",)),
            (lambda p: LRScheduler("WarmRestartLR"), ("event_lr",)),
            (lambda p: LRScheduler("ReduceLROnPlateau", monitor="train_loss"), ("event_lr",)),
        ],
        [(lambda: LRScheduler("ReduceLROnPlateau", monitor="valid_loss"), HELD_OUT)],
    ),
    "WarmRestartLR": ([], [(lambda: WarmRestartLR, r"put a schedule into LRScheduler\('WarmRes")]),
    "EarlyStopping": (
        [(lambda p: EarlyStopping("train_loss"), ())],
        [
            (EarlyStopping, HELD_OUT),
            (lambda: EarlyStopping, HELD_OUT),
            (lambda: ("named", EarlyStopping()), HELD_OUT),
            (lambda: EarlyStopping("accuracy"), r"'accuracy', which nothing records; .*'train_l"),
        ],
    ),
    "Checkpoint": (
        [
            (lambda p: Checkpoint(monitor="train_loss_best", **path(p)), ("event_cp",)),
            (lambda p: Checkpoint(monitor=None, event_name="kept", **path(p)), ("kept",)),
            (lambda p: Checkpoint(monitor=lambda net: True, **path(p)), ("event_cp",)),
        ],
        [
            (Checkpoint, HELD_OUT),
            (lambda: Checkpoint(monitor=None, f_pickle="net.pkl"), "pickle the fitted classifier"),
        ],
    ),
    "TrainEndCheckpoint": (
        [(lambda p: TrainEndCheckpoint(**path(p)), ())],
        [(lambda: TrainEndCheckpoint(f_pickle="net.pkl"), "pickle the fitted classifier")],
    ),
    "LoadInitState": ([(lambda p: LoadInitState(Checkpoint(**path(p))), ())], []),
    "ParamMapper": (
        [(lambda p: ParamMapper("features.*", fn=lambda parameter: None), ())],
        [(lambda: ParamMapper("l.0*"), r"ParamMapper for parameters 'l\.0\*', but none of the")],
    ),
    "Freezer": (
        [(lambda p: Freezer("features.*"), ()), (lambda p: Freezer(lambda name: True, at=9), ())],
        [
            (lambda: Freezer("network.*"), r"but none .*; they are \['features.*'head.weight'"),
            (lambda: Freezer(["head.*", "heda.*"]), r"parameters 'heda\.\*', but none"),
        ],
    ),
    "Unfreezer": (
        [(lambda p: Unfreezer("features.*", at=2), ())],
        [(lambda: Unfreezer("l*"), "but none of the network")],
    ),
    "Initializer": (
        [(lambda p: Initializer("head.*", fn=lambda parameter: None), ())],
        [(lambda: Initializer("l*"), "but none of the network")],
    ),
    "PassthroughScoring": (
        [(lambda p: PassthroughScoring("train_loss", on_train=True), ())],
        [
            (
                lambda: PassthroughScoring("valid_loss"),
                "averages scores .* set on_train=Tr",
            )
        ],
    ),
    "EpochScoring": (
        [],
        [
            (lambda: EpochScoring("roc_auc"), SCORES),
            (lambda: EpochScoring("roc_auc", on_train=True), SCORES),
            (lambda: EpochScoring, SCORES),
        ],
    ),
    "BatchScoring": ([], [(lambda: BatchScoring("accuracy", on_train=True), SCORES)]),
    "InputShapeSetter": ([], [(InputShapeSetter, "give the shape in module_params")]),
    "TensorBoard": ([(lambda p: TensorBoard(Logged()), ())], []),
    "SacredLogger": ([(lambda p: SacredLogger(Logged(), log_on_batch_end=True), ())], []),
    "MlflowLogger": ([(lambda p: MlflowLogger(Logged(), Logged()), ())], []),
    "NeptuneLogger": ([(lambda p: NeptuneLogger(Logged(), close_after_train=False), ())], []),
    "WandbLogger": (
        [(lambda p: WandbLogger(Logged(), save_model=False), ())],
        [(lambda: WandbLogger(Logged()), rf"{HELD_OUT}.*save_model=False")],
    ),
}
WORKING = [
    pytest.param(make, recorded, id=f"{name}-{index}")
    for name, (working, _) in TABLE.items()
    for index, (make, recorded) in enumerate(working)
]
REFUSED = [
    pytest.param(make, message, id=f"{name}-{index}")
    for name, (_, refused) in TABLE.items()
    for index, (make, message) in enumerate(refused)
]


@pytest.fixture
def classifier():
    return PUImageClassifier(max_epochs=3, lr=0.01, random_state=0, module_params={"hidden": (4,)})


@pytest.fixture(autouse=True)
def neptune(monkeypatch):
    """As if neptune, which only has to be there, were installed."""
    for name in ("neptune", "neptune.handler", "neptune.utils", "neptune.types"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["neptune.handler"].Handler = type("Handler", (), {})
    sys.modules["neptune"].Run = type("Run", (), {})
    sys.modules["neptune.types"].File = SimpleNamespace(from_content=lambda text, extension: text)
    sys.modules["neptune.types"].FileVal = SimpleNamespace
    monkeypatch.setattr(NeptuneLogger, "_log_integration_version", lambda self: None, raising=False)


class TestTable:
    def test_every_callback_of_skorch_is_in_it(self):
        assert set(TABLE) == set(skorch.callbacks.__all__)
        assert all(working or refused for working, refused in TABLE.values())

    @pytest.mark.parametrize(("make", "recorded"), WORKING)
    def test_what_works(self, classifier, rows, tmp_path, make, recorded):
        classifier.set_params(callbacks=[make(tmp_path)]).fit(rows.X, rows.y)
        assert classifier.n_iter_ == 3
        usual = {"epoch", "train_loss", "dur"}
        for epoch in classifier.history_:
            assert set(epoch) == usual | set(recorded)
        json.dumps(classifier.history_)

    @pytest.mark.parametrize(("make", "message"), REFUSED)
    def test_what_is_refused(self, classifier, rows, make, message):
        with pytest.raises((ValueError, TypeError), match=f"callbacks .*{message}"):
            classifier.set_params(callbacks=[make()]).fit(rows.X, rows.y)
        assert not hasattr(classifier, "module_")

    @pytest.mark.parametrize("name", ["EarlyStopping", "Checkpoint", "LRScheduler", "WandbLogger"])
    def test_early_stopping_records_what_they_watch(self, classifier, rows, tmp_path, name):
        callback = {
            "EarlyStopping": EarlyStopping(),
            "Checkpoint": Checkpoint(**path(tmp_path)),
            "LRScheduler": LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
            "WandbLogger": WandbLogger(Logged()),
        }[name]
        if name == "WandbLogger":
            callback.wandb_run.dir = str(tmp_path)
        classifier.set_params(callbacks=[callback], early_stopping=True).fit(rows.X, rows.y)
        assert all("valid_loss" in epoch for epoch in classifier.history_)
        if name == "WandbLogger":
            assert (tmp_path / "best_model.pth").exists()

    def test_custom_callbacks_may_record_what_others_watch(self, classifier, rows):
        class Records(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                net.history.record("mine", torch.tensor(len(net.history) / 2))
                net.history.record("note", "text")
                net.history.record("number", np.float32(0.5))

        callbacks = [Records(), EarlyStopping("mine", patience=1, sink=lambda text: None)]
        classifier.set_params(callbacks=callbacks, max_epochs=9).fit(rows.X, rows.y)
        assert [epoch["mine"] for epoch in classifier.history_] == [0.5, 1.0]
        assert {type(epoch["mine"]) for epoch in classifier.history_} == {float}
        assert {epoch["note"] for epoch in classifier.history_} == {"text"}
        assert [type(epoch["number"]) for epoch in classifier.history_] == [float, float]


class TestEffects:
    """What works does what skorch's documentation says."""

    @pytest.mark.parametrize("pattern", ["head.*", ["head.weight", "head.bias"]])
    def test_a_frozen_layer_keeps_its_weights(self, classifier, rows, pattern):
        frozen = classifier.set_params(callbacks=[Freezer(pattern)]).fit(rows.X, rows.y).module_
        start = classifier.set_params(callbacks=None, lr=1e-20).fit(rows.X, rows.y).module_
        assert torch.equal(frozen.head.weight, start.head.weight)
        assert not torch.equal(frozen.features[2].weight, start.features[2].weight)

    def test_an_initializer_sets_the_weights(self, classifier, rows):
        fill = Initializer("head.weight", fn=lambda parameter: nn.init.constant_(parameter, 7.0))
        classifier.set_params(callbacks=[fill], lr=1e-20).fit(rows.X, rows.y)
        assert (classifier.module_.head.weight == 7.0).all()

    def test_frozen_until_it_is_unfrozen(self, classifier, rows):
        seen = []

        class Weights(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                seen.append(net.module_.network.head.weight.detach().clone())

        callbacks = [Freezer("head.*"), Unfreezer("head.*", at=3), Weights()]
        classifier.set_params(callbacks=callbacks).fit(rows.X, rows.y)
        assert torch.equal(seen[0], seen[1])
        assert not torch.equal(seen[1], seen[2])

    def test_a_checkpoint_can_be_loaded_into_the_network(self, classifier, rows, tmp_path):
        classifier.set_params(callbacks=[TrainEndCheckpoint(**path(tmp_path))]).fit(rows.X, rows.y)
        saved = torch.load(tmp_path / "train_end_params.pt")
        trained = classifier.module_.state_dict()
        assert saved.keys() == trained.keys()
        assert all(torch.equal(saved[name], trained[name]) for name in saved)

    def test_a_checkpoint_of_the_hybrid_holds_the_decoder_too(self, images, tmp_path):
        classifier = PUImageClassifier(
            "conv31", module_params={"units": 2}, reconstruction_weight=0.1, max_epochs=1
        )
        end = TrainEndCheckpoint(**path(tmp_path))
        classifier.set_params(callbacks=[end]).fit(images.X, images.y)
        saved = torch.load(tmp_path / "train_end_params.pt")
        decoder = {name for name in saved if name.startswith("decoder.")}
        assert decoder
        assert saved.keys() - decoder == classifier.module_.state_dict().keys()
        classifier.set_params(callbacks=[LoadInitState(end)], lr=1e-20, random_state=1)
        loaded = classifier.fit(images.X, images.y).module_.head.weight
        torch.testing.assert_close(loaded, saved["head.weight"], rtol=1e-5, atol=1e-6)

    def test_training_goes_on_from_a_checkpoint(self, classifier, rows, tmp_path):
        end = TrainEndCheckpoint(**path(tmp_path))
        classifier.set_params(callbacks=[end]).fit(rows.X, rows.y)
        first = classifier.history_
        classifier.set_params(callbacks=[LoadInitState(end)]).fit(rows.X, rows.y)
        losses = [epoch["train_loss"] for epoch in classifier.history_]
        assert losses[:3] == [epoch["train_loss"] for epoch in first]
        assert classifier.n_iter_ == 6
        assert losses[3] < losses[0]

    def test_the_best_epoch_is_loaded_at_the_end(self, classifier, rows, tmp_path):
        best = Checkpoint(
            monitor=lambda net: len(net.history) == 2, load_best=True, **path(tmp_path)
        )
        fitted = classifier.set_params(callbacks=[best]).fit(rows.X, rows.y)
        saved = torch.load(tmp_path / "params.pt")
        assert torch.equal(saved["head.weight"], fitted.module_.head.weight)

    def test_the_progress_bar_counts_batches(self, classifier, rows, monkeypatch):
        totals, logging = [], sys.modules[ProgressBar.__module__]

        class Bar:
            def __init__(self, total, leave):
                totals.append([total, 0])

            def set_postfix(self, *args, **kwargs):
                pass

            def update(self):
                totals[-1][1] += 1

            def close(self):
                pass

        monkeypatch.setattr(logging.tqdm, "tqdm", Bar)
        classifier.set_params(callbacks=[ProgressBar(detect_notebook=False)]).fit(rows.X, rows.y)
        assert len(totals) == 3
        assert all(total == counted > 1 for total, counted in totals)

    def test_loggers_hear_of_the_losses(self, classifier, rows):
        runs = [Logged() for _ in range(4)]
        classifier.set_params(
            callbacks=[
                TensorBoard(runs[0]),
                SacredLogger(runs[1]),
                MlflowLogger(runs[2], runs[2]),
                WandbLogger(runs[3], save_model=False),
            ]
        ).fit(rows.X, rows.y)
        assert {"Loss/train_loss", "closed"} <= runs[0].names
        assert "train_loss" in runs[1].names
        assert {"train_loss", "params.pth", "terminated"} <= runs[2].names
        assert {"train_loss", "HybridModule"} <= runs[3].names


class TestInAPicker:
    def test_what_it_does_not_hold_out_is_said(self):
        made = make_micrographs(
            3, shape=(160, 160), particles_per_micrograph=6, snr=1.0, random_state=0
        )
        classifier = PUImageClassifier("conv31", callbacks=[EarlyStopping()], max_epochs=1)
        with pytest.raises(ValueError, match=r"EarlyStopping with monitor='valid_loss', which"):
            ParticlePicker(made.particle_diameter, classifier=classifier).fit(
                made.micrographs, made.coordinates
            )
