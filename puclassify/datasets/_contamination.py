"""Contaminants: ice crystals, denatured protein, large patches of frost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from puclassify.datasets._densities import PseudoAtoms
from puclassify.datasets._log_uniform import log_uniform
from puclassify.datasets._projection import paste_projections

__all__ = ["Contaminant", "draw_contaminants", "draw_frost", "paste_contaminant"]

_PLACES_TO_TRY = 100
# Mean projected density of a chain of mass 1, over the pixels that it covers.
_CHAIN_THICKNESS = 0.66


@dataclass(frozen=True)
class _ContaminantKind:
    """Ranges that the properties of one kind of contaminant are drawn from."""

    radius: tuple[float, float]  # in particle diameters
    strength: tuple[float, float]  # phase contrast in units of the particles' mean
    absorption: tuple[float, float]  # optical depth at its thickest


_KINDS = {
    "ice": _ContaminantKind((0.25, 0.7), (1.2, 3.0), (0.02, 0.08)),
    "denatured": _ContaminantKind((0.4, 0.7), (1.2, 2.4), (0.0, 0.0)),
    "speck": _ContaminantKind((0.06, 0.14), (1.4, 3.0), (0.02, 0.1)),
    "frost": _ContaminantKind((0.8, 2.2), (3.0, 7.0), (0.1, 0.8)),
}
_SMALLER = ("ice", "denatured", "speck")
_SMALLER_SHARES = (0.4, 0.35, 0.25)
_FROST_SHARE = 0.04  # of all contaminants
_FROST_AREA = 0.1  # of the frame at most, to leave room for the particles


@dataclass(frozen=True)
class Contaminant:
    """One contaminant; position and radius are in pixels of the frame."""

    kind: str  # "ice", "denatured", "speck" or "frost"
    x: float
    y: float
    radius: float
    strength: float  # phase contrast in units of the particles' mean
    absorption: float  # optical depth at its thickest


def draw_frost(
    rng: np.random.Generator, n_contaminants: int, shape: tuple[int, int], diameter: float
) -> list[Contaminant]:
    """Draw the large patches, a few of ``n_contaminants``; particles are placed beside them."""
    room = _FROST_AREA * shape[0] * shape[1]
    frost = []
    for _ in range(rng.binomial(n_contaminants, _FROST_SHARE)):
        contaminant = _draw(rng, "frost", shape, diameter)
        room -= np.pi * contaminant.radius**2
        if room < 0:
            break
        frost.append(contaminant)
    return frost


def draw_contaminants(
    rng: np.random.Generator,
    n: int,
    shape: tuple[int, int],
    diameter: float,
    occupied: np.ndarray,
) -> list[Contaminant]:
    """Draw ``n`` contaminants of about a particle's size, beside ``occupied`` where there is room.

    ``occupied`` holds x, y and radius of discs, shape (k, 3). In a full frame some contaminants lie
    over particles or over each other.
    """
    discs = np.asarray(occupied, dtype=np.float64)
    contaminants = []
    for _ in range(n):
        contaminant = _draw(rng, rng.choice(_SMALLER, p=_SMALLER_SHARES), shape, diameter)
        contaminant = _move_to_clear_place(rng, contaminant, shape, discs)
        discs = np.vstack([discs, [contaminant.x, contaminant.y, contaminant.radius]])
        contaminants.append(contaminant)
    return contaminants


def _draw(rng, name: str, shape, diameter: float) -> Contaminant:
    kind = _KINDS[name]
    return Contaminant(
        kind=str(name),
        x=rng.uniform(0, shape[1] - 1),
        y=rng.uniform(0, shape[0] - 1),
        radius=diameter * log_uniform(rng, *kind.radius),
        strength=rng.uniform(*kind.strength),
        absorption=rng.uniform(*kind.absorption),
    )


def _move_to_clear_place(rng, contaminant, shape, discs) -> Contaminant:
    """Move to the first of many random places that is clear, else to the clearest."""
    places = rng.uniform(0, [shape[1] - 1, shape[0] - 1], (_PLACES_TO_TRY, 2))
    if not len(discs):
        return contaminant
    distance = np.hypot(places[:, :1] - discs[:, 0], places[:, 1:] - discs[:, 1])
    gaps = (distance - discs[:, 2]).min(axis=1) - contaminant.radius
    clear = np.flatnonzero(gaps >= 0)
    x, y = places[clear[0] if len(clear) else gaps.argmax()]
    return replace(contaminant, x=float(x), y=float(y))


def _paste_crystal(rng, potential, optical_depth, contaminant, center, thickness_unit) -> None:
    """Add a lens of uneven outline, its edge about two pixels wide."""
    x, y = center
    reach = int(np.ceil(1.6 * contaminant.radius)) + 4
    top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
    window = (slice(top, int(y) + reach + 1), slice(left, int(x) + reach + 1))
    rows, columns = np.indices(potential[window].shape, dtype=np.float32)
    dy, dx = rows + (top - y), columns + (left - x)
    angle = np.arctan2(dy, dx)
    outline = np.ones_like(angle)
    for order in range(2, 7):
        outline += rng.normal(0, 0.12 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    outline *= contaminant.radius
    distance = np.hypot(dx, dy)
    dome = np.sqrt(np.clip(1 - (distance / outline) ** 2, 0, 1))
    tilt = 1 + (dx * rng.normal() + dy * rng.normal()) * (0.2 / contaminant.radius)
    edge = 0.5 - 0.5 * np.tanh(distance - outline)
    thickness = edge * (0.6 + 0.4 * dome) * np.clip(tilt, 0.4, 1.6)
    potential[window] += np.float32(contaminant.strength * thickness_unit) * thickness
    optical_depth[window] += np.float32(contaminant.absorption) * thickness


def _denatured_chain(rng) -> PseudoAtoms:
    """Draw an unfolded chain: a confined random walk, without domains or edges."""
    n = 60
    steps = rng.normal(0, 0.28, (n, 3))
    centers = np.empty((n, 3))
    position = np.zeros(3)
    for i, step in enumerate(steps):
        position = 0.88 * position + step
        centers[i] = position
    centers -= centers.mean(axis=0)
    centers /= max(1.0, np.linalg.norm(centers, axis=1).max())
    widths = rng.uniform(0.13, 0.22, n)
    return PseudoAtoms(centers, widths, np.full(n, 1 / n))


def paste_contaminant(
    rng: np.random.Generator,
    potential: np.ndarray,
    optical_depth: np.ndarray,
    contaminant: Contaminant,
    margin: int,
    thickness_unit: float,
) -> None:
    """Add a contaminant to the projected potential and the optical depth, in place.

    Both are canvases with a border of ``margin`` pixels around the frame. ``thickness_unit``, the
    mean projected density of a particle, is the unit of the contaminant's strength.
    """
    center = np.array([contaminant.x, contaminant.y]) + margin
    if contaminant.kind != "denatured":
        _paste_crystal(rng, potential, optical_depth, contaminant, center, thickness_unit)
        return
    chain = _denatured_chain(rng)
    mass = contaminant.strength * thickness_unit / _CHAIN_THICKNESS
    chain = PseudoAtoms(chain.centers, chain.widths, chain.weights * mass)
    paste_projections(potential, chain, np.eye(3)[None], center[None], contaminant.radius)
