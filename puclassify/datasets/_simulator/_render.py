"""From a scene to its image, on any device: one pair of Fourier transforms, two if filtered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch

from puclassify.datasets._simulator._clutter import Clutter
from puclassify.datasets._simulator._clutter_images import clutter_bank
from puclassify.datasets._simulator._half_grid import HalfGrid, half_grid
from puclassify.datasets._simulator._optics import FREQUENCIES, noise_spectrum
from puclassify.datasets._simulator._processing import high_pass, low_pass, process, wiener
from puclassify.datasets._simulator._scene import VariedScene
from puclassify.datasets._simulator._sprites import SpriteBank, paste
from puclassify.datasets._simulator._views import MoleculeViews

__all__ = ["detectability", "render"]

_MARGIN = 0.8  # diameters around the frame: cut particles, and room for what the CTF smears
_FEW_PARTICLES = 20.0  # in 1024 x 1024 pixels: a Wiener filter is not made for fewer
_NOMINAL_AREA = 1024**2


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Amplitudes by frequency."""

    signal: np.ndarray  # for a potential in particles
    noise: np.ndarray
    particle_power: np.ndarray  # of the signal, of one particle on average, for each pixel


def _spectra(scene: VariedScene, views: MoleculeViews, weight: np.ndarray) -> _Spectra:
    transfer = scene.optics.transfer(scene.pixel_size)
    energy = views.energy(transfer, scene.diameter)
    scale = np.sqrt(scene.snr * np.pi * scene.diameter**2 / 4 / energy.sum())
    noise = noise_spectrum(
        transfer, scene.diameter, scene.noise_before_ctf, scene.noise_cutoff, weight
    )
    step = views.bank.diameter / scene.diameter
    power = np.interp(FREQUENCIES, views.power_at * step, views.power) / step**4
    return _Spectra(scale * transfer, noise, power * np.square(scale * transfer))


def detectability(scene: VariedScene, views: MoleculeViews) -> float:
    """Return a particle's signal-to-noise ratio after the best linear filter for it."""
    spectra = _spectra(scene, views, np.full(len(FREQUENCIES), 1 / len(FREQUENCIES)))
    ratio = spectra.particle_power / np.maximum(np.square(spectra.noise), 1e-9)
    inside = FREQUENCIES <= 0.5
    return float(
        np.sqrt(np.trapezoid((2 * np.pi * FREQUENCIES * ratio)[inside], FREQUENCIES[inside]))
    )


def render(
    scene: VariedScene, views: MoleculeViews, other: MoleculeViews, device: torch.device
) -> torch.Tensor:
    """Form the image of a scene; ``other`` has the views of the molecule at a wrong scale."""
    height, width = scene.shape
    margin = int(np.ceil(_MARGIN * scene.diameter))
    canvas = tuple(scipy.fft.next_fast_len(side + 2 * margin, real=True) for side in scene.shape)
    grid = half_grid(canvas, device)
    generator = torch.Generator(device).manual_seed(scene.noise_seed)
    spectra = _spectra(scene, views, grid.weight)
    potential, depth = _lay_out(scene, views, other, canvas, margin, device)
    if scene.carbon is not None:
        _add_carbon(scene, spectra, grid, potential, depth, margin, generator)
    spectrum = torch.fft.rfft2(potential)
    spectrum *= grid.table(spectra.signal)
    spectrum += grid.noise(spectra.noise, generator)
    image = torch.fft.irfft2(spectrum, s=canvas)
    transmission = _ice_thickness(scene.gradient, scene.shape, canvas, margin, device)
    if scene.carbon is not None or any(clutter.depth for clutter in scene.clutter):
        transmission *= torch.exp(-depth)
    image = (image + scene.brightness) * transmission - scene.brightness
    filters = _filters(scene, spectra)
    if filters is not None:
        image = torch.fft.irfft2(torch.fft.rfft2(image) * grid.table(filters), s=canvas)
    image = image[margin : margin + height, margin : margin + width]
    return process(image, scene.steps, scene.diameter).contiguous()


def _lay_out(scene: VariedScene, views, other, canvas, margin: int, device):
    """Return the projected potential, in particles, and the optical depth."""
    potential = torch.zeros(canvas, device=device)
    depth = torch.zeros(canvas, device=device)
    paste(potential, views.bank, scene.particles, margin)
    for clutter in scene.clutter:
        if not len(clutter.sprites):
            continue
        bank = _bank_of(clutter, views, other, device)
        sprites = clutter.sprites.modulo(len(bank.images))
        paste(potential, bank, sprites, margin)
        if clutter.depth:
            paste(depth, bank, sprites.scaled(clutter.depth), margin)
    return potential, depth


def _bank_of(clutter: Clutter, views, other, device) -> SpriteBank:
    if clutter.bank == "fragment":
        return views.fragments
    if clutter.bank == "other":
        return other.bank
    return clutter_bank(clutter.bank, float(clutter.sprites.diameter.max()), device)


def _add_carbon(scene, spectra, grid: HalfGrid, potential, depth, margin, generator) -> None:
    """Add the film's step, its grain and its absorption."""
    x, y, radius = scene.carbon.hole
    rows = torch.arange(potential.shape[0], device=potential.device)[:, None] - (y + margin)
    columns = torch.arange(potential.shape[1], device=potential.device)[None] - (x + margin)
    cover = (0.5 + (torch.hypot(rows, columns) - radius) / 3).clamp_(0, 1)
    after_ctf = np.sqrt(float(np.square(spectra.signal) @ grid.weight))
    grain = torch.randn(potential.shape, device=potential.device, generator=generator)
    grain *= scene.carbon.grain / max(after_ctf, 1e-9)
    potential += cover * (grain + scene.carbon.step)
    depth += cover * scene.carbon.depth


def _filters(scene: VariedScene, spectra: _Spectra) -> np.ndarray | None:
    """Return the product of the filters by frequency that people applied, if any."""
    filters = []
    if "low_pass" in scene.steps:
        filters.append(low_pass(scene.steps["low_pass"], order=4))
    if "high_pass" in scene.steps:
        filters.append(high_pass(scene.steps["high_pass"] * scene.diameter))
    if "wiener" in scene.steps:
        area = scene.shape[0] * scene.shape[1]
        density = max(len(scene.particles) / area, _FEW_PARTICLES / _NOMINAL_AREA)
        filters.append(wiener(density * spectra.particle_power, spectra.noise))
    return np.prod(filters, axis=0) if filters else None


def _ice_thickness(gradient: np.ndarray, shape, canvas, margin: int, device) -> torch.Tensor:
    """Return the transmission of ice of slowly changing thickness, around 1."""
    y, x = (
        ((torch.arange(whole, device=device) - margin) * (2 / max(side - 1, 1)) - 1).clamp_(-1, 1)
        for side, whole in zip(shape, canvas, strict=True)
    )
    a, b, c, d, e = gradient.tolist()
    along_y = (b * y + e * (y * y - 1 / 3))[:, None]
    along_x = 1 + a * x + d * (x * x - 1 / 3)
    return (along_x + along_y + c * y[:, None] * x).clamp_(0.2, 2)
