"""Tests of the contrast transfer function."""

from __future__ import annotations

import numpy as np
import pytest

from puclassify.datasets._ctf import contrast_transfer_function, electron_wavelength


def reference_ctf(k, angle, u, v, angle0, wavelength, cs, w):
    """The textbook form with an angle per frequency, in float64."""
    defocus = 0.5 * (u + v + (u - v) * np.cos(2 * (angle - angle0)))
    chi = np.pi * wavelength * defocus * k**2 - 0.5 * np.pi * cs * wavelength**3 * k**4
    return -(np.sqrt(1 - w**2) * np.sin(chi) + w * np.cos(chi))


class TestElectronWavelength:
    @pytest.mark.parametrize(
        ("voltage", "wavelength"), [(100e3, 0.03701), (200e3, 0.02508), (300e3, 0.01969)]
    )
    def test_tabulated(self, voltage, wavelength):
        assert electron_wavelength(voltage) == pytest.approx(wavelength, abs=6e-6)


class TestContrastTransferFunction:
    def test_against_the_textbook_form(self):
        shape, pixel_size, u, v, angle0 = (48, 61), 2.0, 12_000.0, 11_000.0, 0.6
        ctf = contrast_transfer_function(shape, pixel_size, u, v, angle0)
        ky = np.fft.fftfreq(48, pixel_size)[:, None]
        kx = np.fft.rfftfreq(61, pixel_size)[None, :]
        expected = reference_ctf(
            np.hypot(kx, ky),
            np.arctan2(ky, kx),
            u,
            v,
            angle0,
            electron_wavelength(300e3),
            2.7e7,
            0.1,
        )
        assert ctf.shape == (48, 31)
        assert ctf.dtype == np.float32
        np.testing.assert_allclose(ctf, expected, atol=2e-4)

    def test_first_zero_lies_where_the_phase_is_pi(self):
        # Without spherical aberration and amplitude contrast the zeros are at n = lambda D k^2.
        defocus, size, pixel_size = 15_000.0, 4096, 1.0
        ctf = contrast_transfer_function(
            (1, size),
            pixel_size,
            defocus,
            defocus,
            spherical_aberration=0.0,
            amplitude_contrast=0.0,
        )[0]
        k = np.fft.rfftfreq(size, pixel_size)
        crossings = k[1:-1][np.sign(ctf[1:-1]) != np.sign(ctf[2:])]
        expected = np.sqrt(np.arange(1, 6) / (electron_wavelength(300e3) * defocus))
        np.testing.assert_allclose(crossings[:5], expected, atol=1.5 / size)

    def test_protein_is_dark_at_low_frequency(self):
        ctf = contrast_transfer_function((64, 64), 4.0, 20_000.0, 20_000.0)
        assert ctf[0, 0] == pytest.approx(-0.1, abs=1e-6)
        assert (ctf[0, :6] < 0).all()

    def test_envelope(self):
        plain = contrast_transfer_function((32, 32), 1.5, 9000.0, 9000.0)
        damped = contrast_transfer_function((32, 32), 1.5, 9000.0, 9000.0, b_factor=80.0)
        k2 = np.fft.fftfreq(32, 1.5)[:, None] ** 2 + np.fft.rfftfreq(32, 1.5)[None, :] ** 2
        np.testing.assert_allclose(damped, plain * np.exp(-20 * k2), atol=1e-5)
