"""What a pretraining consists of: everything that decides the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from puclassify._parameters import check_number, check_option, check_whole_number

__all__ = ["HELD_OUT", "LOSSES", "PretrainingSettings"]

# Structures that no weights are trained on: whole families, so that none has a relative in the
# training. They choose everything.
HELD_OUT = (
    *("1ss8", "1aon", "1mnf"),  # chaperonins
    *("1igt", "1igy"),  # antibodies
    *("1wcm", "6tps"),  # RNA polymerases
    *("3sn6", "7cfn", "7y89"),  # receptors with G proteins
    *("2pyo", "7pex"),  # nucleosomes
    "1gyt",  # aminopeptidase
    "1lnl",  # hemocyanin
    "1n2c",  # nitrogenase
    "2buk",  # a small capsid
    "2cg9",  # Hsp90
    "2vz9",  # fatty acid synthase
    "5gjv",  # calcium channel
    "5ljo",  # BAM complex
    "6scj",  # thyroglobulin
    "6w6m",  # secretin
    "7ez0",  # ribozyme
    "7t3u",  # inositol trisphosphate receptor
    "8zzi",  # BBSome
)
LOSSES = ("cross_entropy", "focal")


@dataclass(frozen=True)
class PretrainingSettings:
    """What decides the weights of a pretraining.

    Parameters
    ----------
    network : str, default="resnet9"
        A name in `puclassify.networks.NETWORKS`; a network without padding.
    steps : int, default=6000
        Steps of the optimizer.
    tiles_per_step : int, default=8
        Simulated tiles that a step sees; each is seen once.
    tile_edge : int, default=320
        Side of a tile in pixels.
    learning_rate : float, default=2e-3
        The largest of a one-cycle schedule, of AdamW.
    weight_decay : float, default=1e-2
        Of AdamW.
    loss : {"cross_entropy", "focal"}, default="focal"
        At every position of the map: the logistic loss, or that weighted by the square of the
        probability of the wrong answer [1]_.
    positive_radius : float, default=0.125
        Share of the diameter around a particle's centre within which positions are positive.
    ignored_radius : float, default=0.27
        Share of the diameter up to which further positions do not count.
    particle_pixels : float, default=30.0
        Diameter of a particle in pixels, before the simulator's jitter.
    clip : float, default=4.0
        As in `NormalizeMicrograph`.
    held_out : tuple of str
        Names of structures that are not trained on but measure the result; by default 25 of 19
        families.
    simulator : mapping, default={}
        Parameters of `MicrographSimulator` that differ from its defaults.
    seed : int, default=0
        Of the first weights and all tiles.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017; arXiv:1708.02002,
       equation 4.

    Examples
    --------
    >>> from puclassify.pretraining import PretrainingSettings
    >>> PretrainingSettings(steps=100, simulator={"size_jitter": (1.0, 1.0)}).loss
    'focal'
    """

    network: str = "resnet9"
    steps: int = 6000
    tiles_per_step: int = 8
    tile_edge: int = 320
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    loss: str = "focal"
    positive_radius: float = 0.125
    ignored_radius: float = 0.27
    particle_pixels: float = 30.0
    clip: float = 4.0
    held_out: tuple[str, ...] = HELD_OUT
    simulator: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "tiles_per_step"):
            check_whole_number(getattr(self, name), name, at_least=1)
        check_whole_number(self.tile_edge, "tile_edge", at_least=96)
        check_whole_number(self.seed, "seed", at_least=0)
        check_option(self.loss, "loss", LOSSES)
        check_number(self.learning_rate, "learning_rate", "a positive number", above=0)
        for name in ("positive_radius", "ignored_radius"):
            expected = "a share of the diameter from 0.05 to 1"
            check_number(getattr(self, name), name, expected, at_least=0.05, at_most=1)
        if self.ignored_radius < self.positive_radius:
            raise ValueError(
                f"ignored_radius={self.ignored_radius!r} must be at least positive_radius="
                f"{self.positive_radius!r}"
            )

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON holds them.

        Returns
        -------
        dict
            Names mapped to values.
        """
        return asdict(self) | {"held_out": list(self.held_out), "simulator": dict(self.simulator)}
