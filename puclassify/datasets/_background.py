"""Vitreous ice and carbon film around the particles."""

from __future__ import annotations

import numpy as np
import scipy.fft

__all__ = ["carbon_cover", "ice_gradient", "solvent_amplitude"]

# How much stronger than white the solvent's fluctuations are where they are as long as a particle.
_LOW_FREQUENCY_GAIN = 6.0


def solvent_amplitude(shape, diameter: float) -> np.ndarray:
    """Compute the amplitude spectrum of the solvent's projected potential, before the CTF.

    White at high frequency, as amorphous ice is at these resolutions, and rising towards
    fluctuations of a particle's size: uneven ice and what is dissolved in it.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the canvas in pixels.
    diameter : float
        The particles' diameter in pixels.

    Returns
    -------
    ndarray of shape (height, width // 2 + 1) and dtype float32
        Square root of the power ``1 + g / (1 + (k d / 2)^2)``, k in cycles per pixel.
    """
    ky = np.fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    kx = scipy.fft.rfftfreq(shape[1]).astype(np.float32)[None, :]
    return np.sqrt(
        1
        + np.float32(_LOW_FREQUENCY_GAIN)
        / (1 + (kx * kx + ky * ky) * np.float32(diameter / 2) ** 2)
    )


def ice_gradient(rng, shape) -> np.ndarray:
    """Draw the slow change of brightness that ice of uneven thickness makes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    shape : (int, int)
        Height and width of the frame in pixels.

    Returns
    -------
    ndarray of shape (height, width) and dtype float32
        Transmission around 1, a few per cent up and down.
    """
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    a, b, c, d, e = rng.normal(0, 0.03, 5).astype(np.float32)
    return 1 + a * x + b * y + c * x * y + d * (x * x - 1 / 3) + e * (y * y - 1 / 3)


def carbon_cover(shape, hole, margin: int) -> np.ndarray:
    """Compute where carbon film lies.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the canvas in pixels.
    hole : (float, float, float)
        x, y and radius of the hole in pixels of the frame.
    margin : int
        Border of the canvas around the frame, in pixels.

    Returns
    -------
    ndarray of shape (height, width) and dtype float32
        1 on carbon, 0 in the hole, an edge about four pixels wide.
    """
    x, y, radius = hole
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(y + margin)
    columns = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(x + margin)
    return 0.5 + 0.5 * np.tanh((np.hypot(rows, columns) - np.float32(radius)) / 2)
