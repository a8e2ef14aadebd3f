"""What an extraction of particles has written."""

from __future__ import annotations

from dataclasses import dataclass

from puclassify.io import SkippedMicrograph

__all__ = ["ExtractedParticles"]


@dataclass(frozen=True)
class ExtractedParticles:
    """What `extract_particles` has written, and what it has left out.

    Parameters
    ----------
    star : str or None
        The STAR file of all particles; None if every micrograph was skipped.
    n_particles : int
        Number of particles in it.
    n_at_edges : int
        Number of picks that were left out because their boxes reach beyond the micrograph.
    skipped : tuple of SkippedMicrograph
        Micrographs that could not be read or extracted, with their errors.

    Examples
    --------
    >>> from puclassify.particles import ExtractedParticles
    >>> ExtractedParticles("Particles/particles.star", n_particles=120, n_at_edges=3)
    ExtractedParticles(star='Particles/particles.star', n_particles=120, n_at_edges=3, skipped=())
    """

    star: str | None
    n_particles: int
    n_at_edges: int = 0
    skipped: tuple[SkippedMicrograph, ...] = ()
