"""The contrast transfer function of an electron microscope."""

from __future__ import annotations

import numpy as np

__all__ = ["contrast_transfer_function", "electron_wavelength"]


def electron_wavelength(voltage: float) -> float:
    """Compute the relativistic wavelength of an electron.

    Parameters
    ----------
    voltage : float
        Acceleration voltage in volt.

    Returns
    -------
    float
        Wavelength in ångström, ``12.2643 / sqrt(V + 0.978466e-6 V^2)`` (Kirkland, Advanced
        Computing in Electron Microscopy, 2010, eq. 2.5).
    """
    return 12.2643 / np.sqrt(voltage * (1 + 0.978466e-6 * voltage))


def contrast_transfer_function(
    shape,
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
    r"""Compute the CTF on the half grid of `scipy.fft.rfft2`.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in pixels.
    pixel_size : float
        Ångström per pixel.
    defocus_u, defocus_v : float
        Underfocus in ångström along the two principal axes; positive is underfocus.
    astigmatism_angle : float, default=0.0
        Angle of the first axis from x, towards y, in radians.
    voltage : float, default=300e3
        Acceleration voltage in volt.
    spherical_aberration : float, default=2.7e7
        In ångström.
    amplitude_contrast : float, default=0.1
        Fraction w of the contrast that is amplitude contrast.
    b_factor : float, default=0.0
        B of the Gaussian envelope ``exp(-B k^2 / 4)``, in square ångström.

    Returns
    -------
    ndarray of shape (height, width // 2 + 1) and dtype float32
        The transfer function; negative at low frequency, so that protein, whose potential is
        positive, comes out dark.

    Notes
    -----
    After Rohou and Grigorieff (J. Struct. Biol. 192, 2015, eq. 2 to 5), with the envelope:

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
    phase -= np.float32(np.pi / 2 * spherical_aberration * wavelength**3) * k2 * k2
    phase += np.float32(np.arcsin(amplitude_contrast))
    return -np.sin(phase) * np.exp(np.float32(-b_factor / 4) * k2)
