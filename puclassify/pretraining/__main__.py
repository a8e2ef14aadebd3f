"""The command ``python -m puclassify.pretraining``."""

from __future__ import annotations

import json
from typing import Any

import click

from puclassify.pretraining import PretrainingSettings, pretrain
from puclassify.pretraining._settings import LOSSES

_DEFAULTS = PretrainingSettings()


@click.command(context_settings={"show_default": True})
@click.argument("output", type=click.Path(dir_okay=False))
@click.option("--steps", type=int, default=_DEFAULTS.steps, help="Steps of the optimizer.")
@click.option("--tiles-per-step", type=int, default=_DEFAULTS.tiles_per_step)
@click.option("--learning-rate", type=float, default=_DEFAULTS.learning_rate, help="The largest.")
@click.option("--loss", type=click.Choice(LOSSES), default=_DEFAULTS.loss)
@click.option("--seed", type=int, default=_DEFAULTS.seed)
@click.option(
    "--simulator",
    default="{}",
    help="JSON of parameters of MicrographSimulator, for ablations: '{\"size_jitter\": [1, 1]}'.",
)
@click.option("--device", default="auto")
@click.option("--workers", type=int, default=1, help="Processes that simulate.")
def main(output: str, simulator: str, device: str, workers: int, **options: Any) -> None:
    """Train a network on simulated micrographs of real molecules; write its weights to OUTPUT.

    The same command goes on with a run that was broken off.
    """
    settings = PretrainingSettings(simulator=json.loads(simulator), **options)
    pretrain(output, settings, device=device, n_workers=workers, log=_print)


def _print(line: str) -> None:
    click.echo(line)


if __name__ == "__main__":
    main()
