"""One-dimensional Fourier transforms of tensors on any device."""

from __future__ import annotations

import torch
from scipy import fft

__all__ = ["fft_of_columns", "ifft_of_columns", "irfft_of_rows", "rfft_of_rows"]


def rfft_of_rows(pixels: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Transform every row of a float32 image; the result may be written to ``out`` or be new."""
    if _scipy_is_faster(pixels, pixels.shape[1]):
        return torch.from_numpy(fft.rfft(pixels.numpy(), axis=1))
    return torch.fft.rfft(pixels, dim=1, out=out)


def fft_of_columns(spectrum: torch.Tensor) -> torch.Tensor:
    """Transform every column of a complex64 image, which may be overwritten."""
    if _scipy_is_faster(spectrum, spectrum.shape[0]):
        return torch.from_numpy(fft.fft(spectrum.numpy(), axis=0, overwrite_x=True))
    return torch.fft.fft(spectrum, dim=0)


def ifft_of_columns(spectrum: torch.Tensor) -> torch.Tensor:
    """Transform every column of a complex64 spectrum back; it may be overwritten."""
    if _scipy_is_faster(spectrum, spectrum.shape[0]):
        return torch.from_numpy(fft.ifft(spectrum.numpy(), axis=0, overwrite_x=True))
    return torch.fft.ifft(spectrum, dim=0)


def irfft_of_rows(spectrum: torch.Tensor, width: int) -> torch.Tensor:
    """Transform every row of a half spectrum back to ``width`` real pixels.

    The imaginary part of coefficients that are real for real pixels is set to 0.
    """
    # Libraries differ in how they treat these parts, and cuFFT promises nothing.
    spectrum.imag[:, 0] = 0
    if width % 2 == 0:
        spectrum.imag[:, -1] = 0
    if _scipy_is_faster(spectrum, width):
        return torch.from_numpy(fft.irfft(spectrum.numpy(), n=width, axis=1))
    return torch.fft.irfft(spectrum, n=width, dim=1)


def _scipy_is_faster(tensor: torch.Tensor, length: int) -> bool:
    """Return whether to leave a transform of a CPU tensor to SciPy.

    At lengths with no prime factor beyond 5, torch on a CPU is up to a fifth faster; at others,
    such as the 3710 and 4092 pixels of detectors, SciPy is up to 1.8 times as fast.
    """
    return tensor.device.type == "cpu" and fft.next_fast_len(length, real=True) != length
