"""Pretraining on simulated micrographs: ``python -m puclassify.pretraining WEIGHTS``."""

from puclassify.pretraining._pretrain import pretrain
from puclassify.pretraining._settings import HELD_OUT as HELD_OUT
from puclassify.pretraining._settings import PretrainingSettings

__all__ = ["PretrainingSettings", "pretrain"]
