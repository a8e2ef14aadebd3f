"""Image formation: from the contents of the ice to counts on the detector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft

from puclassify.datasets._background import carbon_cover, ice_gradient, solvent_amplitude
from puclassify.datasets._contamination import paste_contaminant
from puclassify.datasets._ctf import contrast_transfer_function, electron_wavelength
from puclassify.datasets._densities import Particle, density_of
from puclassify.datasets._projection import (
    paste_projections,
    project_density,
    random_quaternions,
    rotation_matrices,
)
from puclassify.datasets._scene import Scene

__all__ = ["MicrographLayers", "form_layers", "particle_contrast"]

B_FACTOR = 60.0  # square ångström
SOLVENT_FRACTION = 0.5  # of the noise variance
SIGNAL_CONTRAST = 0.04  # standard deviation of the particles' signal, mean brightness = 1
_LARGEST_REACH = 512  # pixels; anything smeared further may wrap around
_CARBON_GRAIN = 2.5  # amplitude of the fluctuations of carbon relative to ice
_CARBON_DEPTH = 0.12  # its optical depth
_CARBON_STEP = 3.0  # its mean potential, in particle thicknesses


@dataclass(frozen=True)
class MicrographLayers:
    """The summands of a micrograph on the frame, all relative to the mean brightness."""

    signal: np.ndarray  # contrast of the particles after the CTF
    solvent: np.ndarray  # contrast of ice and carbon after the CTF
    contamination: np.ndarray  # contrast of contaminants and of the carbon's edge after the CTF
    transmission: np.ndarray  # through ice gradient, contaminants and carbon, around 1
    dose: float  # mean counts per pixel

    def counts(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the counts; shot noise is normal with the variance of a Poisson distribution."""
        contrast = 1 + self.signal + self.solvent + self.contamination
        expected = np.maximum(contrast * self.transmission * np.float32(self.dose), 0)
        noise = rng.standard_normal(expected.shape, dtype=np.float32)
        return expected + np.sqrt(expected) * noise


def _reference_projections(kind: Particle, diameter: float, size: int) -> np.ndarray:
    rotations = rotation_matrices(random_quaternions(np.random.default_rng(0), 32))
    return project_density(density_of(kind), rotations, np.zeros((32, 2)), diameter / 2, size)


@lru_cache(maxsize=64)
def particle_contrast(kind: Particle, diameter: float, pixel_size: float, defocus: float) -> float:
    """Return the standard deviation of a particle's image after the CTF, for a scale of 1.

    Taken over the pixels of the particle's disc and pooled over 32 fixed orientations; the
    diameter is in pixels, pixel size and underfocus (without astigmatism) in ångström.
    """
    half = int(np.ceil(1.5 * diameter))
    size = 2 * half + 1
    images = _reference_projections(kind, diameter, size)
    ctf = contrast_transfer_function((size, size), pixel_size, defocus, defocus, b_factor=B_FACTOR)
    images = scipy.fft.irfft2(scipy.fft.rfft2(images) * ctf, s=(size, size))
    y, x = np.ogrid[-half : half + 1, -half : half + 1]
    return float(images[:, x * x + y * y <= (diameter / 2) ** 2].std())


@lru_cache(maxsize=8)
def _particle_thickness(kind: Particle) -> float:
    """Return a particle's mean projected density, averaged with the density as weight."""
    images = _reference_projections(kind, 40.0, 61)
    return float(np.square(images).sum(dtype=np.float64) / images.sum(dtype=np.float64))


def _margin(scene: Scene) -> int:
    """Return the border in pixels that keeps what the CTF smears from wrapping around."""
    # The envelope has fallen to 5 % at this frequency; there an image is displaced by
    # wavelength * defocus * frequency.
    highest = min(0.5 / scene.pixel_size, np.sqrt(12 / B_FACTOR))
    reach = electron_wavelength(300e3) * max(scene.defocus[:2]) * highest / scene.pixel_size
    return int(np.ceil(min(reach, _LARGEST_REACH) + scene.diameter / 4))


def form_layers(
    scene: Scene,
    scale: float,
    dose: float,
    solvent_variance: float,
    rngs: dict[str, np.random.Generator],
) -> MicrographLayers:
    """Form the layers of one micrograph.

    ``scale`` is the contrast per unit of projected potential, ``dose`` the mean counts per pixel
    and ``solvent_variance`` that of the solvent's contrast after the CTF. ``rngs`` holds
    independent streams named "outlines", "solvent" and "ice".
    """
    height, width = scene.shape
    margin = _margin(scene)
    canvas = tuple(scipy.fft.next_fast_len(side + 2 * margin, real=True) for side in scene.shape)
    frame = (slice(margin, margin + height), slice(margin, margin + width))
    ctf = contrast_transfer_function(canvas, scene.pixel_size, *scene.defocus, b_factor=B_FACTOR)
    solvent_filter = solvent_amplitude(canvas, scene.diameter) * ctf
    solvent_scale = np.sqrt(solvent_variance / _mean_power(solvent_filter, canvas[1]))

    def transfer(potential: np.ndarray, transfer_function: np.ndarray) -> np.ndarray:
        spectrum = scipy.fft.rfft2(potential, overwrite_x=True)
        spectrum *= transfer_function
        return scipy.fft.irfft2(spectrum, s=canvas, overwrite_x=True)[frame]

    cover = None if scene.hole is None else carbon_cover(canvas, scene.hole, margin)
    others, optical_depth = _lay_out_contamination(scene, canvas, margin, cover, rngs["outlines"])
    grain = rngs["solvent"].standard_normal(canvas, dtype=np.float32)
    if cover is not None:
        grain *= 1 + np.float32(_CARBON_GRAIN - 1) * cover
    contrast_transfer = np.float32(scale) * ctf
    return MicrographLayers(
        signal=transfer(_lay_out_particles(scene, canvas, margin), contrast_transfer),
        solvent=transfer(grain, np.float32(solvent_scale) * solvent_filter),
        contamination=transfer(others, contrast_transfer),
        transmission=ice_gradient(rngs["ice"], scene.shape) * np.exp(-optical_depth[frame]),
        dose=dose,
    )


def _lay_out_particles(scene, canvas, margin) -> np.ndarray:
    potential = np.zeros(canvas, dtype=np.float32)
    rotations = rotation_matrices(scene.quaternions)
    density, radius = density_of(scene.kind), scene.diameter / 2
    paste_projections(potential, density, rotations, scene.centers + margin, radius)
    return potential


def _lay_out_contamination(scene, canvas, margin, cover, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return the projected potential and the optical depth of contaminants and carbon."""
    potential, optical_depth = np.zeros((2, *canvas), dtype=np.float32)
    thickness = _particle_thickness(scene.kind)
    for contaminant in scene.contaminants:
        paste_contaminant(rng, potential, optical_depth, contaminant, margin, thickness)
    if cover is not None:
        potential += np.float32(_CARBON_STEP * thickness) * cover
        optical_depth += np.float32(_CARBON_DEPTH) * cover
    return potential, optical_depth


def _mean_power(half_filter, width: int) -> float:
    """Return the variance of unit white noise after a filter on rfft2's half grid."""
    counted_twice = np.full(half_filter.shape[1], 2.0)
    counted_twice[0] = 1.0
    if width % 2 == 0:
        counted_twice[-1] = 1.0
    column_power = np.square(half_filter).sum(axis=0, dtype=np.float64)
    return float(column_power @ counted_twice) / (half_filter.shape[0] * width)
