"""The private skorch net that trains a PU classifier."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import skorch
import torch
from torch import nn

from puclassify._devices import autocast, may_draw
from puclassify.classifier._mixup import Mixup
from puclassify.classifier._user_callbacks import check_patterns
from puclassify.losses import MixupPULoss, reconstruction_error

__all__ = ["HybridModule", "PUNet"]

_PREFIX = "network."  # of the network's weights within a `HybridModule`


class HybridModule(nn.Module):
    """A network and, for the classifier + autoencoder hybrid, a decoder on its embedding.

    ``crop`` is applied to the input first. Its states name the network's weights as the network
    does, so that what is saved during a training can be loaded into such a network.
    """

    def __init__(
        self,
        network: nn.Module,
        decoder: nn.Module | None,
        crop: Callable[[torch.Tensor], torch.Tensor],
    ):
        super().__init__()
        self.network = network
        self.decoder = decoder
        self.crop = crop
        self.register_state_dict_post_hook(_without_prefix)
        self.register_load_state_dict_pre_hook(_with_prefix)

    def forward(
        self, x: torch.Tensor, mixup: Mixup | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return logits and the mean squared error of the reconstruction (None without a decoder).

        With ``mixup`` the mixed samples go through the network behind the samples, in one batch,
        and their logits follow those of the samples.
        """
        x = self.crop(x)
        batch = x if mixup is None else torch.cat([x, mixup.mix(x)])
        if self.decoder is None:
            return self.network(batch), None
        logits, embedding = self._logits_and_embedding(batch)
        reconstruction = self.decoder(embedding[: len(x)])
        n_pixels = reconstruction[0].numel()
        return logits, reconstruction_error(x, reconstruction) / n_pixels

    def _logits_and_embedding(self, x):
        """Run the network once and keep what its ``features`` returned on the way.

        A network that does not call its features as a module has them computed a second time.
        """
        kept = []
        features: Any = self.network.features
        if isinstance(features, nn.Module):
            hook = features.register_forward_hook(lambda _, inputs, output: kept.append(output))
            try:
                logits = self.network(x)
            finally:
                hook.remove()
        else:
            logits = self.network(x)
        return logits, kept[0] if kept else features(x)


def _without_prefix(module, state, prefix, metadata) -> None:
    for key in list(state):
        if key.startswith(f"{prefix}{_PREFIX}"):
            state[prefix + key[len(prefix) + len(_PREFIX) :]] = state.pop(key)


def _with_prefix(module, state, prefix, *args) -> None:
    decoded = module.decoder is not None
    for key in list(state):
        name = key[len(prefix) :]
        if key.startswith(prefix) and not (decoded and name.startswith("decoder.")):
            state[f"{prefix}{_PREFIX}{name}"] = state.pop(key)


class PUNet(skorch.NeuralNet):
    """Training loop of skorch with PU targets, mixed precision, mixup and a reconstruction term.

    Targets are a tensor with one entry per logit, or a mapping with ``index`` (positions in the
    flattened logits, ``(m,)``) and ``target`` (their PU labels, ``(m,)``) for maps of which only
    some logits are graded; ``weights`` in the mapping are those of the targets in the loss. The
    first ``n_labelled`` samples of a batch bring the labelled
    positives; ``scoring_dtype`` is the precision in which callbacks score held-out examples.
    Whatever draws random numbers in a step uses ``generators``. A callback sets
    ``stop_after_epoch`` to end the training with the current epoch.
    """

    def __init__(
        self,
        *args,
        reconstruction_weight=0.0,
        autocast_dtype=None,
        scoring_dtype=None,
        n_labelled=None,
        generators=None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.reconstruction_weight = reconstruction_weight
        self.autocast_dtype = autocast_dtype
        self.scoring_dtype = scoring_dtype
        self.n_labelled = n_labelled
        self.generators = generators

    def get_all_learnable_params(self):
        """Yield the parameters under the names that they have in the network."""
        for name, parameter in super().get_all_learnable_params():
            yield name.removeprefix(_PREFIX), parameter

    def get_dataset(self, X, y=None):
        """Return the batches themselves."""
        return X

    def get_iterator(self, dataset, training=False):
        """Return the batches themselves: one pass over them is one epoch."""
        return dataset

    def train_step_single(self, batch, **fit_params):
        """Compute the loss and its gradients, with random numbers of the training's own."""
        draws = may_draw(self.module_, self.criterion_)
        with self.generators.drawing() if draws else contextlib.nullcontext():
            return super().train_step_single(batch, **fit_params)

    def infer(self, x, **fit_params):
        """Return logits, reconstruction error, the mixup drawn and the mixed logits.

        The last two are None unless the criterion (`puclassify.losses.MixupPULoss`) asks for mixup.
        """
        criterion, mixup, mixed_logits = self.criterion_, None, None
        if self.module_.training and isinstance(criterion, MixupPULoss) and criterion.mixes:
            n_labelled = self.n_labelled if criterion.mixes_across else None
            mixup = Mixup.draw(len(x), criterion.draw_share(), self.device, n_labelled)
        with autocast(torch.device(self.device), self.autocast_dtype):
            logits, error = super().infer(x, mixup=mixup, **fit_params)
        if mixup is not None:
            logits, mixed_logits = logits[: len(x)], logits[len(x) :]
        return logits, error, mixup, mixed_logits

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss of logits, of mixed logits and of the reconstruction."""
        logits, reconstruction_error, mixup, mixed_logits = y_pred
        y_true = skorch.utils.to_tensor(y_true, device=self.device)
        logits, index, weights = logits.float().flatten(), None, None
        if isinstance(y_true, Mapping):
            index, weights = y_true.get("index"), y_true.get("weights")
            y_true = y_true["target"]
        weighted = () if weights is None else (weights,)  # which losses of others do not accept
        loss = self.criterion_(_graded(logits, index), y_true, *weighted)
        if mixup is not None:
            mixed_logits = _graded(mixed_logits.float().flatten(), index)
            soft_targets = mixup.soft_targets(logits, y_true, index)
            loss = loss + self.criterion_.mixup_term(mixed_logits, soft_targets)
        if reconstruction_error is None:
            return loss
        weight = self.reconstruction_weight
        weight = len(y_true) / 10 if weight == "batch/10" else weight
        return loss + weight * reconstruction_error

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch, and read its losses from an accelerator together at its end.

        skorch reads the loss of every batch, which waits for the batch, while the accelerator then
        waits for the next.
        """
        if iterator is None or not _reading_waits(self.device):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        key, records = f"{prefix}_loss", []
        try:
            for batch in iterator:
                self.notify("on_batch_begin", batch=batch, training=training)
                step = step_fn(batch, **fit_params)
                self.history.record_batch(key, step["loss"].detach())
                self.history.record_batch(f"{prefix}_batch_size", len(batch[0]))
                records.append(self.history[-1]["batches"][-1])
                self.notify("on_batch_end", batch=batch, training=training, **step)
        finally:  # a callback may stop training within an epoch
            losses = torch.stack([record[key] for record in records]).tolist() if records else []
            for record, loss in zip(records, losses):
                record[key] = loss
        self.history.record(f"{prefix}_batch_count", len(records))

    def train(self, batches, epochs: int) -> None:
        """Train until the last epoch or until a callback stops it."""
        self.stop_after_epoch = False
        names = [name for name, _ in self.get_all_learnable_params()]
        check_patterns([callback for _, callback in self.callbacks_], names)
        self.notify("on_train_begin", X=batches, y=None)
        try:
            for _ in range(epochs):
                self.fit_loop(batches, epochs=1)
                if self.stop_after_epoch:
                    break
        except KeyboardInterrupt:
            if not _raised_by_callback():  # Ctrl-C is the user's, and must end a search too
                raise
        self.notify("on_train_end", X=batches, y=None)


def _reading_waits(device) -> bool:
    """Return whether reading a number waits for the device to finish its work."""
    return torch.device(device).type != "cpu"


def _graded(logits, index):
    return logits if index is None else logits[index]


def _raised_by_callback() -> bool:
    """Return whether a KeyboardInterrupt is skorch's way of stopping early, not a real Ctrl-C."""
    traceback = sys.exc_info()[2]
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame if traceback else None
    return frame is not None and isinstance(frame.f_locals.get("self"), skorch.callbacks.Callback)
