import threading
import time

import numpy as np
import pytest
import skorch.callbacks
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from puclassify.classifier import Interrupt, _net
from puclassify.losses import LOSSES, MixupPULoss
from puclassify.picking.tiles import _spline_store

# Losses with mixup draw its share on the host: no wait, but it looks like one where all is there.
CRITERIA = [name for name, loss in LOSSES.items() if not issubclass(loss, MixupPULoss)]


class Waiting(TorchDispatchMode):
    """Remembers the operations for which a host would wait for its accelerator."""

    ALWAYS = (
        torch.ops.aten._local_scalar_dense,
        torch.ops.aten.is_nonzero,
        torch.ops.aten.equal,
        torch.ops.aten.nonzero,
        torch.ops.aten.masked_select,
        torch.ops.aten._unique2,
        torch.ops.aten.repeat_interleave,
    )
    WITH_MASK = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_)

    def __init__(self):
        super().__init__()
        self.n_calls, self.found = 0, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.n_calls += 1
        operation = func.overloadpacket
        masks = operation in self.WITH_MASK and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if masks or operation in self.ALWAYS:
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


class WatchesSteps(skorch.callbacks.Callback):
    """Watches three whole steps, from the end of one to the end of another."""

    def on_train_begin(self, net, **kwargs):
        self.mode, self.n_batches = Waiting(), 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1
        if self.n_batches == 2:
            self.mode.__enter__()
        elif self.n_batches == 5:
            self.mode.__exit__(None, None, None)


class ForbidsWaiting(skorch.callbacks.Callback):
    """Lets CUDA raise where one of some whole steps waits for it."""

    def on_train_begin(self, net, **kwargs):
        self.n_batches = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1
        torch.cuda.set_sync_debug_mode("error" if 2 <= self.n_batches < 8 else "default")


def test_the_watch_sees_what_waits():
    x = torch.arange(3.0)
    for wait in (
        x[0].item,
        lambda: bool(x.any()),
        lambda: x[x > 1],
        lambda: x.masked_select(x > 1),
        x.nonzero,
        lambda: x.clone().__setitem__(x > 1, x[:1]),
    ):
        with Waiting() as mode:
            wait()
        assert mode.found
    with Waiting() as mode:
        x[torch.tensor([0, 2])].where(torch.tensor([True, False]), 0.0).sum()
    assert not mode.found


class TestSteps:
    @pytest.mark.parametrize("criterion", CRITERIA)
    def test_do_not_wait(self, make_picker, simulated, criterion, monkeypatch):
        monkeypatch.setattr(_net, "_reading_waits", lambda device: True)
        picker = make_picker().set_params(
            classifier__callbacks=[WatchesSteps()],
            classifier__criterion=criterion,
            classifier__optimizer="sgd",  # Adam counts steps on the host
            classifier__device="cpu",
        )
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        (watch,) = picker.classifier_.callbacks
        assert watch.n_batches > 5
        assert watch.mode.n_calls > 300
        assert watch.mode.found == []

    @pytest.mark.gpu
    @pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
    @pytest.mark.parametrize("criterion", list(LOSSES))
    def test_do_not_wait_for_cuda(self, make_picker, simulated, criterion):
        picker = make_picker().set_params(
            classifier__callbacks=[ForbidsWaiting()],
            classifier__criterion=criterion,
            classifier__device="cuda",
        )
        try:
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_trains_the_same_from_a_file(make_picker, simulated, monkeypatch):
    maps = []
    for free in (np.inf, 0.0):
        monkeypatch.setattr(_spline_store, "free_memory", lambda device, free=free: free)
        picker = make_picker().fit(simulated.micrographs[:2], simulated.coordinates[:2])
        maps.append(picker.transform(simulated.micrographs[4:5])[0].values)
    np.testing.assert_array_equal(*maps)


class TestFitAll:
    """Cross-fitted scorers are trained beside one another on a CPU, with the same result."""

    @pytest.fixture
    def cross_fitted(self, make_picker, simulated):
        def fit(n_threads, **params):
            picker = make_picker().set_params(threshold="auto", **params)
            before = torch.get_num_threads()
            torch.set_num_threads(n_threads)
            try:
                return picker.fit(simulated.micrographs[:4], simulated.coordinates[:4])
            finally:
                torch.set_num_threads(before)

        return fit

    @pytest.mark.parametrize("criterion", ["nnpu", "vpu"])
    def test_in_turn_or_side_by_side(self, cross_fitted, criterion):
        pickers = [
            cross_fitted(
                n, classifier__criterion=criterion, classifier__module_params={"dropout": 0.1}
            )
            for n in (1, 2)
        ]
        # The prior comes from the cross-fitted trainings; scores differ in their last bits.
        assert pickers[0].prior_ == pytest.approx(pickers[1].prior_, rel=1e-5)

    def test_an_error_in_one_ends_the_other(self, cross_fitted, monkeypatch):
        ended = []
        begin = Interrupt.on_batch_begin

        def on_batch_begin(self, net, **kwargs):
            try:
                begin(self, net, **kwargs)
            except RuntimeError:
                ended.append(threading.current_thread())
                raise
            if len(net.history) == 1 and self is first.setdefault("callback", self):
                raise OSError("unplugged")

        first = {}
        monkeypatch.setattr(Interrupt, "on_batch_begin", on_batch_begin)
        with pytest.raises(OSError, match="unplugged"):
            cross_fitted(2, classifier__max_epochs=2000)
        for _ in range(100):
            if ended:
                break
            time.sleep(0.05)
        assert len(ended) == 1


class TestOutOfMemory:
    """A device whose memory is too small for large tiles is imitated by a hook on every layer."""

    @pytest.fixture
    def limit(self):
        state = {"edge": 10**9, "error": torch.cuda.OutOfMemoryError("CUDA out of memory."), "n": 0}

        def refuse(module, inputs):
            is_image = bool(inputs) and inputs[0].ndim == 4 and inputs[0].device.type != "meta"
            if is_image and inputs[0].shape[-1] > state["edge"]:
                state["n"] += 1
                raise state["error"]

        hook = torch.nn.modules.module.register_module_forward_pre_hook(refuse)
        yield state
        hook.remove()

    @pytest.mark.parametrize(
        "error",
        [
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)("out of memory"),
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
            MemoryError(),
        ],
        ids=["cuda", "torch", "cpu", "cublas", "python"],
    )
    def test_halves_the_tiles_with_the_same_result(self, fitted, simulated, limit, error):
        (expected,) = fitted.transform(simulated.micrographs[4:5])
        limit.update(edge=60, error=error)
        with pytest.warns(UserWarning, match="cpu ran out of memory while") as caught:
            (scores,) = fitted.transform(simulated.micrographs[4:5])
        np.testing.assert_allclose(scores.values, expected.values, rtol=0, atol=1e-5)
        assert limit["n"] == len(caught) >= 2  # a warning for each time

    def test_later_micrographs_begin_with_small_tiles(self, fitted, simulated, limit):
        limit["edge"] = 60
        with pytest.warns(UserWarning, match="ran out of memory"):
            fitted.predict(simulated.micrographs[4:5])
        n_failed = limit["n"]
        fitted.predict(simulated.micrographs[4:])  # without a warning
        assert limit["n"] == n_failed

    @pytest.mark.filterwarnings("ignore:cpu ran out of memory")
    def test_gives_up_at_a_single_position(self, fitted, simulated, limit):
        limit["edge"] = 3
        with pytest.raises(torch.cuda.OutOfMemoryError):
            fitted.predict(simulated.micrographs[4:5])

    def test_other_errors_are_raised_at_once(self, fitted, simulated, limit):
        limit.update(edge=60, error=RuntimeError("no kernel image is available"))
        with pytest.raises(RuntimeError, match="no kernel image"):
            fitted.predict(simulated.micrographs[4:5])
        assert limit["n"] == 1
