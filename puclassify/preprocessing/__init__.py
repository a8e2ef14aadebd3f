"""Preprocessing of micrographs: downsampling and normalisation."""

from puclassify.preprocessing._fourier_downsample import FourierDownsample, fourier_downsample
from puclassify.preprocessing._normalize_micrograph import (
    NormalizeMicrograph,
    normalize_micrograph,
)
from puclassify.preprocessing._on_device import preprocess_on as preprocess_on
from puclassify.preprocessing._on_device import runs_on_devices as runs_on_devices

__all__ = [
    "FourierDownsample",
    "NormalizeMicrograph",
    "fourier_downsample",
    "normalize_micrograph",
]
