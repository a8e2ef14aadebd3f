"""Pretraining on simulated micrographs: ``python -m puclassify.pretraining WEIGHTS``."""

from puclassify.pretraining._pretrain import pretrain
from puclassify.pretraining._settings import HELD_OUT, PretrainingSettings

__all__ = ["HELD_OUT", "PretrainingSettings", "pretrain"]
