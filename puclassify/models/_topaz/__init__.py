"""Detectors of the Topaz particle picker, read without that program and without running code."""

from puclassify.models._topaz._detector import TopazDetector
from puclassify.models._topaz._load_topaz_model import load_topaz_model

__all__ = ["TopazDetector", "load_topaz_model"]
