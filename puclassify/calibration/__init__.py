"""Calibration of probabilities to the frequencies of the true classes, from PU labels."""

from puclassify.calibration._platt import pu_platt_scaling
from puclassify.calibration._pu_platt_scaling import PUPlattScaling

__all__ = ["PUPlattScaling", "pu_platt_scaling"]
