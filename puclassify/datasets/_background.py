"""Vitreous ice and carbon film around the particles."""

from __future__ import annotations

import numpy as np
import scipy.fft

__all__ = ["carbon_cover", "ice_gradient", "solvent_amplitude", "solvent_power"]

# Excess power, relative to white, of solvent fluctuations much longer than a particle.
_LOW_FREQUENCY_GAIN = 6.0


def solvent_amplitude(shape: tuple[int, int], diameter: float) -> np.ndarray:
    """Return the amplitude spectrum of the solvent's projected potential, before the CTF.

    White at high frequency, as amorphous ice is at these resolutions, and rising towards
    fluctuations of a particle's size (uneven ice, dissolved matter): the square root of
    ``1 + g / (1 + (k d / 2)^2)``, k in cycles per pixel, on the half grid of `scipy.fft.rfft2`.
    ``diameter`` is the particles' in pixels.
    """
    ky = np.fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    kx = scipy.fft.rfftfreq(shape[1]).astype(np.float32)[None, :]
    return np.sqrt(solvent_power((kx * kx + ky * ky) * np.float32(diameter / 2) ** 2))


def solvent_power(radius_by_wavelength2: np.ndarray) -> np.ndarray:
    """Return the solvent's power, at squares of cycles in a particle's radius, white being 1."""
    return 1 + _LOW_FREQUENCY_GAIN / (1 + radius_by_wavelength2)


def ice_gradient(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw the transmission of ice of uneven thickness: 1 with a few per cent of slow change."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    a, b, c, d, e = rng.normal(0, 0.03, 5).astype(np.float32)
    return 1 + a * x + b * y + c * x * y + d * (x * x - 1 / 3) + e * (y * y - 1 / 3)


def carbon_cover(
    shape: tuple[int, int], hole: tuple[float, float, float], margin: int
) -> np.ndarray:
    """Return 1 on carbon film, 0 in its hole, with an edge about four pixels wide.

    ``shape`` is that of the canvas, which has a border of ``margin`` pixels around the frame;
    ``hole`` is x, y and radius in pixels of the frame.
    """
    x, y, radius = hole
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(y + margin)
    columns = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(x + margin)
    return 0.5 + 0.5 * np.tanh((np.hypot(rows, columns) - np.float32(radius)) / 2)
