"""Parameters of simulated micrographs: defaults and checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from puclassify._parameters import check_number, check_option, check_pair, check_whole_number
from puclassify.datasets._densities import KINDS, Particle
from puclassify.datasets._molecules import (
    Molecule,
    MoleculeList,
    list_structures,
    load_structure,
)

__all__ = [
    "check_diameter",
    "check_range",
    "check_shape",
    "check_simulation_parameters",
    "choose_defocus_range",
    "choose_particles",
    "choose_pixel_size",
    "default_diameter",
]

_DEFAULT_KIND = "globular"
_MOLECULE_PIXELS = 40.0
_DEFAULT_DIAMETER = {"globular": 40.0, "ring": 40.0, "elongated": 44.0, "small": 28.0}  # pixels
# At the default defocus every particle looks like one of 160 Å at 1.6 to 3 µm.
_REFERENCE_DIAMETER, _REFERENCE_DEFOCUS = 160.0, (16_000.0, 30_000.0)
_SMALLEST_DIAMETER = 6.0  # pixels; below it a particle has no shape left
_SMALLEST_PROTEIN = 5.0  # ångström; below it the envelope of the CTF leaves nothing


def choose_particles(kind: Any, volumes: Any) -> list[Particle]:
    """Return the particles that micrographs show in turn."""
    if volumes is None:
        if isinstance(kind, str) and _is_structure(kind):
            return [load_structure(kind)]
        try:
            check_option(kind, "kind", KINDS)
        except ValueError as error:
            raise ValueError(
                f"{error}; real molecules are names of list_structures() such as '1aon', and files "
                "are passed as volumes="
            ) from None
        return [kind]
    if kind != _DEFAULT_KIND:
        raise ValueError(f"pass either kind or volumes, got kind={kind!r} and volumes")
    molecules = MoleculeList(volumes)
    return [molecules[i] for i in range(len(molecules.names))]


def _is_structure(kind: str) -> bool:
    return kind not in KINDS and any(kind.lower() == s.name for s in list_structures())


def choose_pixel_size(pixel_size: Any, particles: list[Particle]) -> float:
    """Return ångström per pixel; None makes the largest molecule 40 pixels wide."""
    if pixel_size is not None:
        expected = "a positive number of ångström per pixel"
        return check_number(pixel_size, "pixel_size", expected, above=0)
    sizes = [p.diameter for p in particles if isinstance(p, Molecule)]
    return max(sizes) / _MOLECULE_PIXELS if sizes else 1.0


def default_diameter(kind: Particle, pixel_size: float) -> float:
    """Return the default diameter of a kind of particle in ångström; molecules have their own."""
    if isinstance(kind, Molecule):
        return kind.diameter
    return _DEFAULT_DIAMETER[kind] * pixel_size


def check_simulation_parameters(
    *,
    n_micrographs: Any,
    shape: Any,
    particles_per_micrograph: Any,
    snr: Any,
    contamination: Any,
    carbon_edge: Any,
    crowding: Any,
) -> None:
    """Check the parameters of `make_micrographs` that do not depend on others."""
    check_whole_number(n_micrographs, "n_micrographs", at_least=1)
    check_whole_number(particles_per_micrograph, "particles_per_micrograph", at_least=0)
    check_shape(shape, at_least=1)
    check_number(snr, "snr", "a positive number, a ratio of variances", above=0)
    for value, name, highest in (
        (contamination, "contamination", 10),
        (carbon_edge, "carbon_edge", 0.9),
        (crowding, "crowding", 1),
    ):
        check_number(value, name, f"a number from 0 to {highest}", at_least=0, at_most=highest)


def check_shape(shape: Any, *, at_least: int) -> tuple[int, int]:
    """Return height and width in pixels."""
    if np.shape(shape) != (2,):
        raise ValueError(f"shape must be a (height, width) pair of whole numbers, got {shape!r}")
    height, width = (
        check_whole_number(side, f"the {name} in shape", at_least=at_least)
        for side, name in zip(shape, ("height", "width"), strict=True)
    )
    return height, width


def check_range(value: Any, name: str, expected: str, **bounds: float) -> tuple[float, float]:
    """Return a (low, high) range within the bounds, or that of one number."""
    low, high = check_pair(value, name, expected, **bounds)
    if low > high:
        raise ValueError(f"{name} must be given as (low, high), got {value!r}")
    return low, high


def check_diameter(particle_diameter: Any, pixel_size: float, shape: tuple[int, int]) -> None:
    """Check that particles (ångström) can be seen at the pixel size and fit in the frame."""
    expected = "a positive number of ångström"
    check_number(particle_diameter, "particle_diameter", expected, above=0)
    diameter = particle_diameter / pixel_size
    sizes = f"particle_diameter={particle_diameter:g} Å at pixel_size={pixel_size:g} Å per pixel"
    if particle_diameter < _SMALLEST_PROTEIN:
        raise ValueError(
            f"particle_diameter={particle_diameter:g} Å is smaller than any particle that a "
            f"microscope can show (at least {_SMALLEST_PROTEIN:g} Å): is it in nanometres, or is "
            "pixel_size too small?"
        )
    if diameter < _SMALLEST_DIAMETER:
        raise ValueError(
            f"{sizes} is {diameter:.1f} pixels, too few to have a shape (at least "
            f"{_SMALLEST_DIAMETER:g}): pass a larger particle_diameter or a smaller pixel_size"
        )
    if diameter + 2 > min(shape):
        raise ValueError(
            f"{sizes} is {diameter:.1f} pixels and does not fit in shape={tuple(shape)}: pass a "
            "larger shape, a smaller particle_diameter or a larger pixel_size"
        )


def choose_defocus_range(defocus: Any, particle_diameter: float) -> tuple[float, float]:
    """Return the lowest and highest underfocus in ångström; None depends on the diameter."""
    if defocus is None:
        factor = (particle_diameter / _REFERENCE_DIAMETER) ** 2
        return factor * _REFERENCE_DEFOCUS[0], factor * _REFERENCE_DEFOCUS[1]
    expected = "None, a positive underfocus in ångström, or a (low, high) pair of them"
    low, high = check_range(defocus, "defocus", expected, above=0)
    if low < 100 and particle_diameter > 20:
        raise ValueError(
            f"defocus is in ångström and {defocus!r} is almost zero: if it is in micrometres, "
            "multiply it by 10000"
        )
    return low, high
