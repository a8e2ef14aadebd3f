"""The contrast transfer function of an electron microscope."""

from __future__ import annotations

import numpy as np

__all__ = ["contrast_transfer_function", "electron_wavelength", "transfer_of_phase"]


def electron_wavelength(voltage: float) -> float:
    """Return the relativistic wavelength in ångström of an electron at a voltage in volt.

    Kirkland, Advanced Computing in Electron Microscopy, 2010, eq. 2.5.
    """
    return 12.2643 / np.sqrt(voltage * (1 + 0.978466e-6 * voltage))


def contrast_transfer_function(
    shape: tuple[int, int],
    pixel_size: float,
    defocus_u: float,
    defocus_v: float,
    astigmatism_angle: float = 0.0,
    *,
    voltage: float = 300e3,
    spherical_aberration: float = 2.7e7,
    amplitude_contrast: float = 0.1,
    b_factor: float = 0.0,
) -> np.ndarray:
    r"""Return the CTF on the half grid of `scipy.fft.rfft2`, in float32.

    Lengths are in ångström, ``voltage`` in volt, ``b_factor`` in square ångström; positive
    defocus is underfocus; the angle of the first axis is in radians from x towards y. At low
    frequency the CTF is negative, so that protein, whose potential is positive, comes out dark.

    Notes
    -----
    After Rohou and Grigorieff (J. Struct. Biol. 192, 2015, eq. 2 to 5) with amplitude contrast w
    and a Gaussian envelope:

    .. math::

        \chi(k) = \pi \lambda k^2 \Delta(\alpha) - \tfrac{\pi}{2} C_s \lambda^3 k^4, \quad
        \mathrm{CTF} = -\sin\bigl(\chi + \arcsin w\bigr)\, e^{-B k^2/4}, \\
        \Delta(\alpha) = \tfrac12 [\Delta_u + \Delta_v
            + (\Delta_u - \Delta_v) \cos 2(\alpha - \alpha_0)]
    """
    height, width = shape
    wavelength = electron_wavelength(voltage)
    ky = np.fft.fftfreq(height, pixel_size).astype(np.float32)[:, None]
    kx = np.fft.rfftfreq(width, pixel_size).astype(np.float32)[None, :]
    k2 = kx * kx + ky * ky
    # k^2 cos 2(alpha - alpha_0) without an angle per pixel
    k2_astigmatic = (kx * kx - ky * ky) * np.float32(np.cos(2 * astigmatism_angle)) + (
        2 * kx * ky
    ) * np.float32(np.sin(2 * astigmatism_angle))
    mean, half_difference = (defocus_u + defocus_v) / 2, (defocus_u - defocus_v) / 2
    phase = np.float32(np.pi * wavelength * mean) * k2
    phase += np.float32(np.pi * wavelength * half_difference) * k2_astigmatic
    shift = float(np.arcsin(amplitude_contrast))
    return transfer_of_phase(phase, k2, wavelength, shift, b_factor, spherical_aberration)


def transfer_of_phase(
    phase: np.ndarray,
    k2: np.ndarray,
    wavelength: float,
    shift: float,
    b_factor: float,
    spherical_aberration: float = 2.7e7,
) -> np.ndarray:
    """Return the CTF where ``phase`` is that of the defocus and ``k2`` the frequency squared.

    The amplitude contrast, and a phase plate, ``shift`` the phase. Precision is that of the
    arrays; ``phase`` is overwritten.
    """
    phase -= float(np.pi / 2 * spherical_aberration * wavelength**3) * k2 * k2
    phase += shift
    return -np.sin(phase) * np.exp(float(-b_factor / 4) * k2)
