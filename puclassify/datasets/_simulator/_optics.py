"""Transfer functions and noise spectra as functions of the frequency's length alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puclassify.datasets._background import solvent_power
from puclassify.datasets._ctf import electron_wavelength, transfer_of_phase

__all__ = ["FREQUENCIES", "Optics", "noise_spectrum"]

# Cycles per pixel up to the corner of the square; spectra are tabulated at these.
FREQUENCIES = np.linspace(0, np.sqrt(0.5), 2048, dtype=np.float64)

_STEEPNESS = 4  # of coloured noise: power falls with this exponent beyond the cut-off


@dataclass(frozen=True)
class Optics:
    """A microscope's settings for one micrograph."""

    defocus: float  # underfocus in ångström
    voltage: float  # volt
    phase_shift: float  # of a phase plate, in radians; 0 without one
    b_factor: float  # square ångström
    amplitude_contrast: float = 0.1

    def transfer(self, pixel_size: float) -> np.ndarray:
        """Return the contrast transfer with its envelope at `FREQUENCIES`; protein comes out dark.

        As in `contrast_transfer_function`, without astigmatism: at the pixel sizes of picking a few
        per cent of it cannot be seen.
        """
        k2 = np.square(FREQUENCIES / pixel_size)
        wavelength = electron_wavelength(self.voltage)
        phase = np.pi * wavelength * self.defocus * k2
        shift = float(np.arcsin(self.amplitude_contrast)) + self.phase_shift
        return transfer_of_phase(phase, k2, wavelength, shift, self.b_factor)


def noise_spectrum(
    transfer: np.ndarray, diameter: float, share_before: float, cutoff: float, weight: np.ndarray
) -> np.ndarray:
    """Return the amplitude spectrum of the noise at `FREQUENCIES`.

    A share of the variance is solvent that went through the CTF, the rest came after it; both have
    variance 1 before the latter loses what lies above the cut-off (cycles per pixel). ``weight``
    is the share of the image's frequencies at each length.
    """
    solvent = solvent_power(np.square(FREQUENCIES * diameter / 2))
    solvent *= np.square(transfer)
    solvent /= max(float(solvent @ weight), 1e-12)
    after = 1 / (1 + (FREQUENCIES / cutoff) ** _STEEPNESS)
    return np.sqrt(share_before * solvent + (1 - share_before) * after)
