"""Views of molecules: projections from all sides, and of fragments."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch

from puclassify.datasets._molecules import Molecule, gather_points, half_sphere
from puclassify.datasets._simulator._optics import FREQUENCIES
from puclassify.datasets._simulator._sprites import SpriteBank

__all__ = ["MoleculeViews", "ViewCache", "make_views"]

_PIXELS = 40  # across a molecule's diameter
_POINT_SPACING = 1.0  # in those pixels: points closer than that are merged
_BLUR = 0.6  # standard deviation in those pixels: a pixel and its interpolation
_FRAGMENT_VIEWS = 12
_FRAGMENT_MASS = (0.25, 0.55)
_SPECTRUM = 128  # pixels of the transform that the mean power is taken from


@dataclass(frozen=True, eq=False)
class MoleculeViews:
    """Projections of one molecule.

    A particle's mean projected density, over its disc and all views, has a mean square of 1.
    """

    bank: SpriteBank
    fragments: SpriteBank
    rotations: np.ndarray  # (m, 3, 3): of the molecule, for each image of the bank
    area: float  # of its mean shadow, relative to the disc of its diameter
    power: np.ndarray  # mean |transform|^2 by frequency, at `power_at`
    power_at: np.ndarray  # cycles per pixel of the bank

    def energy(self, transfer: np.ndarray, diameter: float) -> np.ndarray:
        """Return a particle's energy after a transfer by frequency: sums to squares of pixels."""
        step = _PIXELS / diameter  # pixels of the bank for each of the micrograph
        at = self.power_at * step
        squared = np.square(np.interp(at, FREQUENCIES, transfer)) * (at <= FREQUENCIES[-1])
        ring = 2 * np.pi * self.power_at * (self.power_at[1] - self.power_at[0])
        return self.power * squared * ring / step**2


def make_views(molecule: Molecule, n_views: int, device: torch.device) -> MoleculeViews:
    """Project a molecule along ``n_views`` directions spread over half of the sphere.

    The other half are mirror images. Fragments are what lies on one side of a random plane.
    """
    rng = np.random.default_rng([len(molecule.points), n_views])
    scale = _PIXELS / molecule.diameter
    points, weights, variance = gather_points(
        molecule.points * scale, molecule.weights, _POINT_SPACING
    )
    reach = np.linalg.norm(points, axis=1).max()
    size = 2 * int(np.ceil(reach + 3)) + 1
    blur = np.sqrt(
        _BLUR**2 + float(np.average(variance, weights=weights)) + (molecule.width * scale) ** 2
    )
    rotations = _spread_rotations(rng, n_views)
    images = _project(points, weights, rotations, size, blur, device)
    pieces = []
    for rotation in _spread_rotations(rng, _FRAGMENT_VIEWS):
        direction = rng.normal(size=3)
        along = points @ (direction / np.linalg.norm(direction))
        order = np.argsort(along)
        share = np.cumsum(weights[order]) / weights.sum()
        kept = order[: 1 + int(np.searchsorted(share, rng.uniform(*_FRAGMENT_MASS)))]
        centred = points[kept] - np.average(points[kept], axis=0, weights=weights[kept])
        pieces.append(_project(centred, weights[kept], rotation[None], size, blur, device))
    unit = (np.pi * (_PIXELS / 2) ** 2 / float(images.square().sum((1, 2)).mean())) ** 0.5
    images *= unit
    shadow = (images > 0.1 * images.amax((1, 2), keepdim=True)).sum((1, 2)).float().mean()
    power, power_at = _mean_power(images)
    return MoleculeViews(
        bank=SpriteBank(images, _PIXELS),
        fragments=SpriteBank(torch.cat(pieces) * unit, _PIXELS),
        rotations=rotations,
        area=float(shadow) / (np.pi * (_PIXELS / 2) ** 2),
        power=power,
        power_at=power_at,
    )


def _spread_rotations(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return rotations that bring evenly spread directions of a half sphere to the beam."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    beam = half_sphere(n) @ (turn * np.linalg.det(turn))
    x = np.cross(beam, np.eye(3)[np.abs(beam).argmin(axis=1)])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, np.cross(beam, x), beam], axis=1)


def _project(points, weights, rotations, size: int, blur: float, device) -> torch.Tensor:
    """Sum the points along the beam onto pixels, linearly shared among four, and blur."""
    n = len(rotations)
    xyz = torch.from_numpy(points.astype(np.float32)).to(device)
    mass = torch.from_numpy(weights.astype(np.float32)).to(device)
    turn = torch.from_numpy(rotations[:, :2].astype(np.float32)).to(device)
    plane = torch.einsum("nij,pj->nip", turn, xyz) + (size - 1) / 2
    low = plane.floor()
    part = plane - low
    first = torch.arange(n, device=device)[:, None] * size * size
    at = first + low[:, 1].long() * size + low[:, 0].long()
    images = torch.zeros(n * size * size, device=device)
    for dy in (0, 1):
        for dx in (0, 1):
            share = (part[:, 0] if dx else 1 - part[:, 0]) * (part[:, 1] if dy else 1 - part[:, 1])
            index = (at + dy * size + dx).view(-1)
            images.index_put_((index,), (share * mass).view(-1), accumulate=True)
    frequency_y = torch.fft.fftfreq(size, device=device)
    frequency_x = torch.fft.rfftfreq(size, device=device)
    k2 = frequency_y[:, None].square() + frequency_x.square()
    spectrum = torch.fft.rfft2(images.view(n, size, size))
    return torch.fft.irfft2(spectrum * torch.exp(-2 * (np.pi * blur) ** 2 * k2), s=(size, size))


def _mean_power(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    size = max(_SPECTRUM, images.shape[-1])
    some = images[:: max(1, len(images) // 16)]
    power = torch.fft.rfft2(some, s=(size, size)).abs().square().mean(0).cpu().numpy()
    length = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    ring = np.rint(length * size).astype(int)
    total = np.bincount(ring.ravel(), power.ravel().astype(np.float64))
    mean = total / np.maximum(np.bincount(ring.ravel()), 1)
    return mean[: size // 2 + 1], np.arange(size // 2 + 1) / size


class ViewCache:
    """Keeps the views of the molecules used last, within a number of bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._views: OrderedDict = OrderedDict()

    def get(self, key, make) -> MoleculeViews:
        """Return the views of a key, made by ``make()`` if they are not kept."""
        if key not in self._views:
            self._views[key] = make()
            while len(self._views) > 1 and self._bytes() > self._largest:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def _bytes(self) -> int:
        return sum(
            views.bank.images.nbytes + views.fragments.images.nbytes
            for views in self._views.values()
        )
