"""What else lies in the ice: ice crystals, denatured protein, large frost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from puclassify.datasets._densities import PseudoAtoms
from puclassify.datasets._projection import paste_projections

__all__ = ["Contaminant", "draw_contaminants", "draw_frost", "paste_contaminant"]

_PLACES_TO_TRY = 100
# Mean projected density of a chain where there is any, for a mass of 1.
_CHAIN_THICKNESS = 0.66


@dataclass(frozen=True)
class _ContaminantKind:
    """Ranges of what is drawn for one kind of contaminant."""

    radius: tuple[float, float]  # in particle diameters
    strength: tuple[float, float]  # phase contrast, 1 = as thick as a particle
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
_FROST_AREA = 0.1  # of the frame at most, so that the particles still find room


@dataclass(frozen=True)
class Contaminant:
    """One thing that is not a particle.

    Parameters
    ----------
    kind : {"ice", "denatured", "speck", "frost"}
        What it is.
    x, y, radius : float
        Where it lies and how large it is, in pixels of the frame.
    strength : float
        Its phase contrast, 1 = as much as a particle on average where it is.
    absorption : float
        Its optical depth at the thickest place.
    """

    kind: str
    x: float
    y: float
    radius: float
    strength: float
    absorption: float


def draw_frost(rng, n, shape, diameter: float) -> list[Contaminant]:
    """Draw the large contaminants; they come first and the particles lie beside them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    n : int
        How many contaminants the frame will have in all.
    shape : (int, int)
        Height and width of the frame in pixels; a centre may lie anywhere in it.
    diameter : float
        The particles' diameter in pixels.

    Returns
    -------
    list of Contaminant
        Few of the ``n``, or none.
    """
    room = _FROST_AREA * shape[0] * shape[1]
    frost = []
    for _ in range(rng.binomial(n, _FROST_SHARE)):
        contaminant = _draw(rng, "frost", shape, diameter)
        room -= np.pi * contaminant.radius**2
        if room < 0:
            break
        frost.append(contaminant)
    return frost


def draw_contaminants(rng, n, shape, diameter: float, occupied) -> list[Contaminant]:
    """Draw contaminants of about a particle's size, beside the particles wherever there is room.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    n : int
        How many.
    shape : (int, int)
        Height and width of the frame in pixels; a centre may lie anywhere in it.
    diameter : float
        The particles' diameter in pixels.
    occupied : ndarray of shape (k, 3)
        x, y and radius of what lies there already.

    Returns
    -------
    list of Contaminant
        Exactly ``n``; in a full frame some lie over particles or over each other.
    """
    taken = np.asarray(occupied, dtype=np.float64)
    contaminants = []
    for _ in range(n):
        contaminant = _draw(rng, rng.choice(_SMALLER, p=_SMALLER_SHARES), shape, diameter)
        contaminant = _move_to_clear_place(rng, contaminant, shape, taken)
        taken = np.vstack([taken, [contaminant.x, contaminant.y, contaminant.radius]])
        contaminants.append(contaminant)
    return contaminants


def _draw(rng, name: str, shape, diameter: float) -> Contaminant:
    kind = _KINDS[name]
    return Contaminant(
        kind=str(name),
        x=rng.uniform(0, shape[1] - 1),
        y=rng.uniform(0, shape[0] - 1),
        radius=diameter * np.exp(rng.uniform(*np.log(kind.radius))),
        strength=rng.uniform(*kind.strength),
        absorption=rng.uniform(*kind.absorption),
    )


def _move_to_clear_place(rng, contaminant, shape, taken) -> Contaminant:
    """Move to the first of many places that touches nothing, else to the one that does least."""
    places = rng.uniform(0, [shape[1] - 1, shape[0] - 1], (_PLACES_TO_TRY, 2))
    if not len(taken):
        return contaminant
    distance = np.hypot(places[:, :1] - taken[:, 0], places[:, 1:] - taken[:, 1])
    gaps = (distance - taken[:, 2]).min(axis=1) - contaminant.radius
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
    """Draw an unfolded chain: a random walk held together, without domains or edges."""
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


def paste_contaminant(rng, potential, optical_depth, contaminant, margin, thickness_unit) -> None:
    """Add a contaminant to the projected potential and to the optical depth, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where its outline or its chain comes from.
    potential, optical_depth : ndarray of shape (height, width)
        Canvases, the frame plus a border on every side.
    contaminant : Contaminant
        What to add.
    margin : int
        Width of that border in pixels.
    thickness_unit : float
        Projected density of the particles where they are, the unit of a contaminant's strength.
    """
    center = np.array([contaminant.x, contaminant.y]) + margin
    if contaminant.kind != "denatured":
        _paste_crystal(rng, potential, optical_depth, contaminant, center, thickness_unit)
        return
    chain = _denatured_chain(rng)
    mass = contaminant.strength * thickness_unit / _CHAIN_THICKNESS
    chain = PseudoAtoms(chain.centers, chain.widths, chain.weights * mass)
    paste_projections(potential, chain, np.eye(3)[None], center[None], contaminant.radius)
