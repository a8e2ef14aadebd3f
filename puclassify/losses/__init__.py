"""Losses for learning from positive and unlabelled examples.

Pass them as ``criterion``, by name or as an object with its parameters; `LOSSES` maps the names to
the classes. A loss is called with logits and targets.
"""

from puclassify.losses import functional, registry
from puclassify.losses._base import PULoss
from puclassify.losses._mixup import MixupPULoss
from puclassify.losses._reconstruction import reconstruction_error
from puclassify.losses.registry import *  # noqa: F403  every loss in the register

__all__ = ["MixupPULoss", "PULoss", "functional", "reconstruction_error", *registry.__all__]
