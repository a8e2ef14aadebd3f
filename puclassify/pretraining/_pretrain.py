"""From simulated tiles to the weights of a network and their card."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from puclassify._devices import autocast, resolve_device, resolve_precision
from puclassify.networks import resolve_network, set_head_bias, write_weights
from puclassify.pretraining._checkpoint import load_checkpoint, save_checkpoint
from puclassify.pretraining._held_out import HeldOut
from puclassify.pretraining._losses import dense_loss
from puclassify.pretraining._settings import PretrainingSettings
from puclassify.pretraining._tiles import SimulatedTiles, batches, training_structures

__all__ = ["pretrain"]

_FIRST_PRIOR = 0.02  # share of the positions that are positive, roughly
_STEPS_BETWEEN_LINES = 50
_SECONDS_BETWEEN_CHECKPOINTS = 120.0
_LIMITS = (
    "Trained on simulated micrographs of the structures listed, particles dark on bright, "
    "20 to 43 pixels wide after downsampling."
)


def pretrain(
    output: str | os.PathLike,
    settings: PretrainingSettings | None = None,
    *,
    device: str = "auto",
    n_workers: int = 0,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a network on simulated micrographs of real molecules, and write its weights.

    The run can be broken off at any time: the same call goes on from the last checkpoint, which is
    written beside the output every two minutes.

    Parameters
    ----------
    output : str or path-like
        The file of the weights (``*.safetensors``).
    settings : PretrainingSettings or None, default=None
        What decides the weights; None means the defaults.
    device : str, default="auto"
        Where to train.
    n_workers : int, default=0
        Processes that simulate; with 0 the training does it between its steps. The weights do not
        depend on it.
    log : callable, default=print
        Called with lines of text.

    Returns
    -------
    dict
        The card: what the weights were trained on, measured figures and limits.

    Raises
    ------
    ValueError
        If a checkpoint beside the output is that of other settings.

    See Also
    --------
    MicrographSimulator : What is trained on.

    Notes
    -----
    Weights are those of the last step. The calibration of the card is a logistic regression of
    maxima of held-out micrographs.

    Examples
    --------
    >>> from puclassify.pretraining import PretrainingSettings, pretrain
    >>> card = pretrain("weights.safetensors", PretrainingSettings())  # doctest: +SKIP
    """
    settings = settings or PretrainingSettings()
    output = Path(output)
    training = _Training(settings, resolve_device(device))
    checkpoint = output.with_name(output.name + ".checkpoint")
    state = load_checkpoint(checkpoint, settings)
    if state is not None:
        training.restore(state)
        log(f"going on from step {training.step}")
    training.run(n_workers, checkpoint, log)
    log("measuring on held-out structures")
    figures = HeldOut(settings).measure(training.network.eval(), training.device)
    card = {
        "network": settings.network,
        "module_params": {},
        "particle_pixels": settings.particle_pixels,
        "preprocessing": {"clip": settings.clip},
        "contrast": "dark",
        "calibration": [figures.slope, figures.intercept],
        "structures": training_structures(settings),
        "held_out": list(settings.held_out),
        "settings": settings.as_json(),
        "seed": settings.seed,
        "commit": _commit(),
        "steps": settings.steps,
        "tiles": settings.steps * settings.tiles_per_step,
        "seconds": round(training.seconds),
        "figures": figures.as_json(),
        "limits": _LIMITS,
    }
    write_weights(output, training.network.state_dict(), card)
    checkpoint.unlink(missing_ok=True)
    log(f"average precision on held-out structures: {figures.average_precision:.3f}")
    return card


class _Training:
    """A network, its optimizer and schedule, and how far they are."""

    def __init__(self, settings: PretrainingSettings, device: torch.device):
        self.settings, self.device = settings, device
        self.step, self.seconds = 0, 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            network: Any = resolve_network(settings.network)()
        set_head_bias(network, _FIRST_PRIOR)
        self.network = network.to(device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, settings.learning_rate, total_steps=settings.steps, pct_start=0.1
        )
        self._dtype = resolve_precision("auto", device, training=True)

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.step, self.seconds = state["step"], state["seconds"]

    def run(self, n_workers: int, checkpoint: Path, log: Callable[[str], None]) -> None:
        """Train to the last step."""
        settings = self.settings
        tiles = SimulatedTiles(settings, self.network.receptive_field, self.network.stride)
        self.network.train()
        started, before = time.monotonic(), self.seconds
        saved, losses = started, torch.zeros((), device=self.device)
        for pixels, answers in batches(tiles, settings.tiles_per_step, self.step, n_workers):
            losses += self._train_on(pixels, answers)
            self.step += 1
            now = time.monotonic()
            self.seconds = before + now - started
            if self.step % _STEPS_BETWEEN_LINES == 0:
                loss, losses = float(losses) / _STEPS_BETWEEN_LINES, torch.zeros_like(losses)
                left = self.seconds / self.step * (settings.steps - self.step)
                log(
                    f"step {self.step} of {settings.steps}, loss {loss:.5f}, "
                    f"{self.seconds:.0f} s, {left:.0f} s left"
                )
            if now - saved > _SECONDS_BETWEEN_CHECKPOINTS:
                saved = now
                save_checkpoint(checkpoint, settings, self._state())

    def _train_on(self, pixels: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        x = pixels.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        self._optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self._dtype):
            logits = self.network(x)[:, 0]
        loss = dense_loss(logits, answers.to(self.device), self.settings.loss)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        return loss.detach()

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }


def _commit() -> str | None:
    """Return the commit of the checkout that this file lies in, if it is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
