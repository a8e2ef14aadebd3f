"""Steps that turn micrographs into images a network can score."""

from puclassify.preprocessing._fourier_downsample import FourierDownsample, fourier_downsample
from puclassify.preprocessing._normalize_micrograph import (
    NormalizeMicrograph,
    normalize_micrograph,
)

__all__ = [
    "FourierDownsample",
    "NormalizeMicrograph",
    "fourier_downsample",
    "normalize_micrograph",
]
