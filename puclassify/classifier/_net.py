"""The private skorch net that trains a PU classifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import skorch
import torch
from torch import nn

from puclassify._devices import autocast
from puclassify.classifier._mixup import Mixup
from puclassify.losses import MixupPULoss, reconstruction_error

__all__ = ["HybridModule", "PUNet"]


class HybridModule(nn.Module):
    """A network and, for the classifier + autoencoder hybrid, a decoder on its embedding.

    Parameters
    ----------
    network : nn.Module
        Gives logits and, for the hybrid, has ``features``.
    decoder : nn.Module or None
        Maps the embedding to a reconstruction of (the centre of) the input.
    crop : callable
        Applied to the input first; single images are cropped to the receptive field.
    """

    def __init__(self, network: nn.Module, decoder: nn.Module | None, crop):
        super().__init__()
        self.network = network
        self.decoder = decoder
        self.crop = crop

    def forward(self, x, mixup=None):
        """Score samples.

        Parameters
        ----------
        x : tensor of shape (n, c, h, w) or (n, features)
            The samples.
        mixup : Mixup or None, default=None
            Where given, the mixed samples go through the network behind the samples, in one batch.

        Returns
        -------
        logits : tensor
            The logits, of the samples first and of the mixed ones behind them.
        error : tensor of shape () or None
            Mean squared error of the reconstructed pixels of the samples, None without a decoder.
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
        """Run the network once and keep what its ``features`` gave on the way.

        How the network makes logits of its features is its own affair; a network that does not
        call them as a module has them computed a second time.
        """
        kept = []
        features = self.network.features
        if isinstance(features, nn.Module):
            hook = features.register_forward_hook(lambda _, inputs, output: kept.append(output))
            try:
                logits = self.network(x)
            finally:
                hook.remove()
        else:
            logits = self.network(x)
        return logits, kept[0] if kept else features(x)


class PUNet(skorch.NeuralNet):
    """Training loop of skorch with PU targets, mixed precision, mixup and a reconstruction term.

    Targets are a tensor with one entry per logit, or a mapping with ``index`` (positions in the
    flattened logits, ``(m,)``) and ``target`` (their PU labels, ``(m,)``) for maps of which only
    some logits are graded.

    Parameters
    ----------
    *args : tuple
        As of `skorch.NeuralNet`.
    reconstruction_weight : float or "batch/10"
        Weight of the mean squared reconstruction error.
    autocast_dtype : torch.dtype or None
        Precision of the forward pass.
    n_labelled : int or None
        How many samples of a batch, the first ones, bring the labelled positives.
    **kwargs : dict
        As of `skorch.NeuralNet`.

    Attributes
    ----------
    stop_after_epoch : bool
        Set by a callback that wants training to end with the epoch under way.
    """

    def __init__(
        self,
        *args,
        reconstruction_weight=0.0,
        autocast_dtype=None,
        n_labelled=None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.reconstruction_weight = reconstruction_weight
        self.autocast_dtype = autocast_dtype
        self.n_labelled = n_labelled

    def get_iterator(self, dataset, training=False):
        """Return the data set itself: it gives whole batches.

        Parameters
        ----------
        dataset : iterable of (x, targets)
            The batches.
        training : bool, default=False
            Ignored.

        Returns
        -------
        iterable
            The data set.
        """
        return dataset

    def infer(self, x, **fit_params):
        """Run the module at the chosen precision, in training on mixed inputs too if need be.

        Parameters
        ----------
        x : tensor
            The input.
        **fit_params : dict
            As of `skorch.NeuralNet.infer`.

        Returns
        -------
        logits : tensor
            The logits of the input.
        error : tensor of shape () or None
            The reconstruction error.
        mixup : Mixup or None
            What was mixed, for a criterion that asks for it (`puclassify.losses.MixupPULoss`).
        mixed_logits : tensor or None
            The logits of the mixed input.
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
        """Grade the logits, and mixed logits and the reconstruction where there are any.

        Parameters
        ----------
        y_pred : tuple
            As of `infer`.
        y_true : tensor or mapping
            The targets.
        X : tensor or None, default=None
            Ignored.
        training : bool, default=False
            Ignored.

        Returns
        -------
        tensor of shape ()
            The loss.
        """
        logits, reconstruction_error, mixup, mixed_logits = y_pred
        y_true = skorch.utils.to_tensor(y_true, device=self.device)
        logits, index = logits.float().flatten(), None
        if isinstance(y_true, Mapping):
            index, y_true = y_true["index"], y_true["target"]
        loss = self.criterion_(_graded(logits, index), y_true)
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
        """Run one epoch, and read its losses from an accelerator all at once at its end.

        skorch reads the loss of every batch, which waits for the batch, while the accelerator then
        waits for the next.

        Parameters
        ----------
        iterator : iterable of (x, targets) or None
            The batches.
        training : bool
            Whether they are trained on.
        prefix : str
            What their records in the history begin with.
        step_fn : callable
            Takes a batch and returns its loss among others.
        **fit_params : dict
            Passed to ``step_fn``.
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
        """Train until the last epoch or until a callback stops it.

        Parameters
        ----------
        batches : iterable of (x, targets)
            One pass over it is one epoch.
        epochs : int
            Largest number of epochs.
        """
        self.stop_after_epoch = False
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
    """Tell whether reading a number waits for work that the device has not done yet."""
    return torch.device(device).type != "cpu"


def _graded(logits, index):
    return logits if index is None else logits[index]


def _raised_by_callback() -> bool:
    """Tell skorch's way of stopping early, raised by a callback's own line, from a real Ctrl-C."""
    traceback = sys.exc_info()[2]
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame if traceback else None
    return frame is not None and isinstance(frame.f_locals.get("self"), skorch.callbacks.Callback)
