"""Varied micrographs of many molecules, one for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from puclassify._devices import resolve_device
from puclassify._parameters import check_whole_number
from puclassify.datasets._log_uniform import log_uniform
from puclassify.datasets._molecules import MoleculeList, Volumes, add_belt
from puclassify.datasets._simulator._ranges import SceneRanges
from puclassify.datasets._simulator._render import detectability, render
from puclassify.datasets._simulator._scene import VariedScene, draw_scene
from puclassify.datasets._simulator._simulated_micrograph import SimulatedMicrograph
from puclassify.datasets._simulator._views import MoleculeViews, ViewCache, make_views

__all__ = ["MicrographSimulator"]

_STREAMS = ("molecule", "particles", "carbon", "clutter", "image", "processing", "noise")
_BELT_DENSITY = (0.5, 1.0)  # of micelles, relative to detergent; drawn as one of these
_CACHE_BYTES = 512 * 2**20


class MicrographSimulator:
    """Simulates micrographs as varied as those of many microscopes, to pretrain pickers on.

    Each micrograph shows one molecule, and everything about it is drawn anew: the molecule, its
    size in pixels, the optics, the noise, the ice, what lies between the particles and what was
    done to the image before picking. A seed alone decides, so that micrographs can be drawn in any
    order, again, or by several workers.

    Parameters
    ----------
    volumes : str, path-like, Molecule, sequence of these, or None, default=None
        The molecules: names of `list_structures`, paths of density maps (MRC) or atomic models
        (PDB, mmCIF; see `read_volume`), or Molecules. None means every packed structure.
    shape : (int, int), default=(1024, 1024)
        Height and width of a micrograph in pixels.
    particle_diameter : float, default=30.0
        Longest extent of a particle in pixels, before jitter; the pixel size follows from the
        molecule's extent in ångström.
    size_jitter : (float, float), default=(0.75, 1.35)
        Range of the factor of the diameter, even in its logarithm, one for a micrograph.
    defocus : (float, float), default=(5_000.0, 40_000.0)
        Range of the underfocus in ångström: 0.5 to 4 µm.
    voltage : float or sequence of float, default=(200e3, 300e3)
        Voltages in volt to choose from.
    phase_plate : float, default=0.08
        Share of micrographs taken with a phase plate, which shifts by 0.25 to 0.75 pi.
    b_factor : (float, float), default=(60.0, 300.0)
        Range of the envelope's B-factor in square ångström.
    snr : (float, float), default=(0.03, 1.5)
        Range of the signal-to-noise ratio, even in its logarithm: the mean square of a particle's
        signal after the CTF over its disc, divided by the variance of the noise before its high
        frequencies are taken away by ``noise_cutoff``.
    noise_before_ctf : (float, float), default=(0.0, 1.0)
        Range of the share of the noise's variance that went through the CTF (solvent); the rest
        came after it (detector).
    noise_cutoff : (float, float), default=(0.06, 2.0)
        Range, even in its logarithm, of the frequency in cycles per pixel above which the noise
        that came after the CTF vanishes: strongly low-passed to white.
    ice_gradient : (float, float), default=(0.0, 0.04)
        Range of the standard deviation of the slopes and curvatures of the ice's transmission,
        relative to 1, from the middle of the frame to its edge.
    coverage : (float, float), default=(0.02, 0.5)
        Range, even in its logarithm, of the share of the area that particles cover.
    spacing : (float, float), default=(0.85, 1.5)
        Range of the smallest distance of particles in diameters of a disc as large as their mean
        shadow, of thin ones at least 0.6 of their extent: touching to apart. In an eighth of the
        micrographs they overlap more.
    sparse : float, default=0.2
        Share of micrographs with at most five particles; two in five of them have none.
    preferred_orientation : float, default=0.33
        Share of micrographs in which particles lie around one to three directions.
    micelle : float, default=0.7
        Share of membrane proteins' micrographs in which a micelle's belt surrounds them.
    negatives : mapping of str to float, float or None, default=None
        Share of micrographs with each kind of what is not a particle; what a mapping leaves out
        does not occur. None means ``{"fragments": 0.5, "wrong_scale": 0.25, "chains": 0.35,
        "specks": 0.5, "ice": 0.45, "carbon": 0.15, "filaments": 0.08, "gold": 0.08}``, a number is
        a factor of these. Fragments, molecules at a wrong scale (0.25 to 0.45 or 2.2 to 4
        diameters) and chains lie beside particles, the others anywhere.
    processed : mapping of str to float, float or None, default=None
        Share of micrographs that went through each step of processing, as for ``negatives``. None
        means ``{"low_pass": 0.3, "high_pass": 0.25, "wiener": 0.12, "median": 0.08,
        "local_contrast": 0.08, "clipped": 0.25, "eight_bit": 0.3}``.
    n_views : int, default=64
        Projections of each molecule, spread evenly; each is shown from both sides and turned and
        shifted by any amount.
    device : str or torch.device, default="cpu"
        Where images are formed; "auto" is CUDA if there is one.

    Attributes
    ----------
    names : tuple of str
        Names of the molecules.
    n_volumes : int
        How many there are.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or a kind or a structure is unknown.
    TypeError
        If ``volumes`` lists something else than names, paths and Molecules.

    See Also
    --------
    make_micrographs : Micrographs that differ in nothing but positions and noise.

    Notes
    -----
    Projections of a molecule are computed once and kept (up to half a gigabyte); their turned and
    shifted copies are summed, with those of the clutter, to a projected potential. The potential is
    multiplied by the CTF, and noise with the summed spectrum of solvent and detector is drawn in
    Fourier space: solvent and detector noise are both Gaussian and independent, so that their sum
    needs no transform of its own. Absorption and ice act on the image, and then the processing.
    Truth does not depend on the
    device; noise does. On one device the same seed gives the same bits.

    Examples
    --------
    >>> from puclassify.datasets import MicrographSimulator
    >>> simulator = MicrographSimulator(["1aon", "1mnf"], shape=(256, 256), sparse=0.0)
    >>> micrograph = simulator.draw(7)
    >>> micrograph.values.shape, micrograph.molecule in simulator.names
    (torch.Size([256, 256]), True)
    >>> len(micrograph.centers) == len(micrograph.ignored) == len(micrograph.diameters)
    True
    """

    def __init__(
        self,
        volumes: Volumes = None,
        *,
        shape: tuple[int, int] = (1024, 1024),
        particle_diameter: float = 30.0,
        size_jitter: tuple[float, float] = (0.75, 1.35),
        defocus: tuple[float, float] = (5_000.0, 40_000.0),
        voltage: float | Sequence[float] = (200e3, 300e3),
        phase_plate: float = 0.08,
        b_factor: tuple[float, float] = (60.0, 300.0),
        snr: tuple[float, float] = (0.03, 1.5),
        noise_before_ctf: tuple[float, float] = (0.0, 1.0),
        noise_cutoff: tuple[float, float] = (0.06, 2.0),
        ice_gradient: tuple[float, float] = (0.0, 0.04),
        coverage: tuple[float, float] = (0.02, 0.5),
        spacing: tuple[float, float] = (0.85, 1.5),
        sparse: float = 0.2,
        preferred_orientation: float = 0.33,
        micelle: float = 0.7,
        negatives: Mapping[str, float] | float | None = None,
        processed: Mapping[str, float] | float | None = None,
        n_views: int = 64,
        device: str | torch.device = "cpu",
    ) -> None:
        self._ranges = SceneRanges.checked(
            shape=shape,
            particle_diameter=particle_diameter,
            size_jitter=size_jitter,
            defocus=defocus,
            voltage=voltage,
            phase_plate=phase_plate,
            b_factor=b_factor,
            snr=snr,
            noise_before_ctf=noise_before_ctf,
            noise_cutoff=noise_cutoff,
            ice_gradient=ice_gradient,
            coverage=coverage,
            spacing=spacing,
            sparse=sparse,
            preferred_orientation=preferred_orientation,
            micelle=micelle,
            negatives=negatives,
            processed=processed,
        )
        self._n_views = check_whole_number(n_views, "n_views", at_least=8)
        self._molecules = MoleculeList(volumes)
        self._device = resolve_device(device)
        self._views = ViewCache(_CACHE_BYTES)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the molecules."""
        return self._molecules.names

    @property
    def n_volumes(self) -> int:
        """How many molecules there are."""
        return len(self._molecules.names)

    def draw(self, seed: int | Sequence[int], *, volume: int | None = None) -> SimulatedMicrograph:
        """Draw the micrograph of a seed.

        Parameters
        ----------
        seed : int or sequence of int
            Whole numbers from 0 on, such as ``(run, step, tile)``.
        volume : int or None, default=None
            Number of the molecule in ``names``; None means drawn as well.

        Returns
        -------
        SimulatedMicrograph
            The image and its truth.

        Raises
        ------
        ValueError
            If ``seed`` is not of whole numbers from 0 on, or there is no such volume.
        """
        parts = list(seed) if isinstance(seed, Sequence) and seed != "" else [seed]
        words = [check_whole_number(part, "seed", at_least=0) for part in parts]
        # With their number: to NumPy (1,) and (1, 0) are the same.
        streams = np.random.SeedSequence([len(words), *words]).spawn(len(_STREAMS))
        rngs = {name: np.random.default_rng(stream) for name, stream in zip(_STREAMS, streams)}
        rng, ranges = rngs["molecule"], self._ranges
        index = int(rng.integers(self.n_volumes))
        other = int(rng.integers(self.n_volumes))
        if volume is not None:
            index = check_whole_number(volume, "volume", at_least=0)
            if index >= self.n_volumes:
                raise ValueError(f"volume={index} is not one of {self.n_volumes}, counted from 0")
        diameter = ranges.particle_diameter * log_uniform(rng, *ranges.size_jitter)
        belt = float(rng.choice(_BELT_DENSITY)) if rng.random() < ranges.micelle else 0.0
        if self._molecules[index].belt is None:
            belt = 0.0
        views, extent = self._views_of(index, belt)
        scene = draw_scene(rngs, ranges, diameter, extent / diameter, views)
        needs_other = any(clutter.bank == "other" for clutter in scene.clutter)
        others = self._views_of(other, 0.0)[0] if needs_other else views
        values = render(scene, views, others, self._device)
        return _with_truth(values, scene, views, self.names[index], index, belt, seed)

    def _views_of(self, index: int, belt: float) -> tuple[MoleculeViews, float]:
        """Return the views of a molecule with its belt, and its extent in ångström."""
        molecule = self._molecules[index]
        if belt:
            molecule = self._molecules.keep((index, belt), lambda: add_belt(molecule, belt))
        views = self._views.get(
            (index, belt), lambda: make_views(molecule, self._n_views, self._device)
        )
        return views, molecule.diameter


def _with_truth(
    values, scene: VariedScene, views: MoleculeViews, name: str, index: int, belt: float, seed: Any
) -> SimulatedMicrograph:
    particles = scene.particles
    height, width = scene.shape
    low, high = -0.5, np.array([width, height]) - 0.5
    inside = np.all((particles.centers >= low) & (particles.centers < high), axis=1)
    kept = particles.take(inside)
    optics = scene.optics
    return SimulatedMicrograph(
        values=values,
        centers=kept.centers,
        diameters=kept.diameter,
        ignored=scene.ignored[inside],
        orientations=_orientations(kept, views.rotations),
        molecule=name,
        molecule_index=index,
        pixel_size=scene.pixel_size,
        detectability=detectability(scene, views),
        settings={
            "defocus": optics.defocus,
            "voltage": optics.voltage,
            "phase_shift": optics.phase_shift,
            "b_factor": optics.b_factor,
            "snr": scene.snr,
            "noise_before_ctf": scene.noise_before_ctf,
            "noise_cutoff": scene.noise_cutoff,
            "belt": belt,
            "carbon": scene.carbon is not None,
            "clutter": {
                clutter.bank: len(clutter.sprites)
                for clutter in scene.clutter
                if len(clutter.sprites)
            },
            "processed": dict(scene.steps),
        },
        seed=seed,
    )


def _orientations(particles, rotations: np.ndarray) -> np.ndarray:
    """Return the rotations of the views, seen from either side and turned in the plane."""
    if not len(particles):
        return np.empty((0, 4))
    sides = np.array([[1, 1, 1], [1, -1, -1]])[(particles.flip < 0).astype(int)]
    seen = sides[:, :, None] * rotations[particles.image]
    turn = Rotation.from_rotvec(particles.angle[:, None] * [0.0, 0.0, 1.0])
    return (turn * Rotation.from_matrix(seen)).as_quat(canonical=True)
