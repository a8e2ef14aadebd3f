"""Simulated micrographs with known particles."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from puclassify.datasets._image_formation import (
    SIGNAL_CONTRAST,
    SOLVENT_FRACTION,
    form_layers,
    particle_contrast,
)
from puclassify.datasets._molecules import Volumes
from puclassify.datasets._scene import Scene, SceneRecipe
from puclassify.datasets._seeds import Seed, seed_sequence
from puclassify.datasets._simulation_parameters import (
    check_diameter,
    check_simulation_parameters,
    choose_defocus_range,
    choose_particles,
    choose_pixel_size,
    default_diameter,
)
from puclassify.grid import GridImage

__all__ = ["make_micrographs"]

_STREAMS = (
    "optics",
    "placement",
    "orientation",
    "contaminants",
    "outlines",
    "solvent",
    "ice",
    "shot",
)

_DESCR = """\
Simulated cryo-EM micrographs
-----------------------------
{n} micrographs of {height} x {width} pixels at {pixel_size:g} Å/pixel; {kinds} particles of
{diameter:g} Å ({diameter_px:.1f} pixels), dark on bright; snr = {snr:g}; 300 kV, Cs 2.7 mm,
amplitude contrast 0.1, underfocus {low:.0f} to {high:.0f} Å; {contaminants} contaminants a
micrograph{carbon}. Positions are x, y in pixels, the centre of the first pixel is (0, 0).
"""


def make_micrographs(
    n_micrographs: int = 20,
    *,
    kind: str = "globular",
    volumes: Volumes = None,
    shape: tuple[int, int] = (1024, 1024),
    particles_per_micrograph: int = 150,
    particle_diameter: float | None = None,
    pixel_size: float | None = None,
    snr: float = 0.4,
    defocus: float | tuple[float, float] | None = None,
    contamination: float = 0.45,
    carbon_edge: float = 0.0,
    crowding: float = 0.0,
    random_state: Seed = None,
) -> Bunch:
    r"""Simulate cryo-EM micrographs with known particles.

    Particles of one kind lie in random orientations in vitreous ice, between ice crystals,
    denatured protein and frost. The image goes through the contrast transfer function of a
    microscope and is detected with shot noise. Protein is dark on bright, as in raw micrographs.

    Parameters
    ----------
    n_micrographs : int, default=20
        Number of micrographs. For one seed, the first ones are the same at every number.
    kind : {"globular", "ring", "elongated", "small"} or str, default="globular"
        The kind of particle: a name of `list_structures` such as "1aon" (GroEL with GroES), or
        procedural: a compact complex of several domains with a cleft, a channel and a
        cavity ("globular"); a barrel of two seven-fold rings; a bent rod three times as long as
        thick; a protein of three domains with few details ("small"). A kind is the same molecule
        in every call, so that training and test micrographs can come from two calls.
    volumes : str, path-like, Molecule, sequence of these, or None, default=None
        Instead of ``kind``: a density map (MRC file), an atomic model (PDB or mmCIF file; see
        `read_volume`), a name of `list_structures`, a `Molecule`, or a list of them, which the
        micrographs show in turn.
    shape : (int, int), default=(1024, 1024)
        Height and width of each micrograph in pixels.
    particles_per_micrograph : int, default=150
        Particles in each micrograph; they do not overlap and lie wholly inside.
    particle_diameter : float or None, default=None
        Longest extent of a particle in ångström; None means 40 pixels ("globular", "ring"),
        44 pixels ("elongated") or 28 pixels ("small") times ``pixel_size``, and for molecules
        their own extent.
    pixel_size : float or None, default=None
        Ångström per pixel. None means 1 for procedural kinds, so that all lengths in ångström are
        in pixels, and for molecules a fortieth of the largest one's diameter.
    snr : float, default=0.4
        Signal-to-noise ratio: the variance of the particles' signal after the contrast transfer
        function, over the pixels within half a diameter of their centres, divided by the variance
        of all noise (solvent and shot). It holds for the mean over orientations at the middle of
        the defocus range and is lower closer to focus; contaminants, carbon and the ice gradient
        do not count as noise.
    defocus : float, (float, float) or None, default=None
        Underfocus in ångström, or the (low, high) range that each micrograph's is drawn from.
        None means 16,000 to 30,000 Å (1.6 to 3 µm) for a particle of 160 Å, in proportion to the
        square of the diameter for others, so that particles look alike at every scale: a particle
        of 40 pixels at the default 1 Å per pixel looks like a 160 Å particle at 4 Å per pixel.
    contamination : float, default=0.45
        Contaminants per particle, up to 10: ice crystals and chains of denatured protein of about a
        particle's size, small dark specks, and a few large patches of frost, which never cover
        particles.
    carbon_edge : float, default=0.0
        Fraction of each micrograph, up to 0.9, that is carbon film around a round hole, in which
        the particles lie.
    crowding : float, default=0.0
        Probability, up to 1, that a particle is placed next to another (at 1 to 1.15 diameters)
        instead of anywhere.
    random_state : int, RandomState instance, Generator or None, default=None
        Pass an integer to get the same micrographs in every call. NumPy's global generator is
        neither used nor changed. Parameters that affect only the image, such as ``snr``, do not
        change the positions and orientations of a seed.

    Returns
    -------
    Bunch
        With the attributes

        micrographs : list of GridImage
            float32 counts of shape ``shape``, named ``mic_000.mrc`` and so on.
        coordinates : list of ndarray of shape (particles_per_micrograph, 2)
            x, y of the centres of mass in stored pixels, not rounded.
        particle_diameter, pixel_size : float
            The diameter in ångström, of several molecules the largest, and ångström per pixel.
        particle_diameters : ndarray of shape (n_micrographs,)
            The diameter in ångström of the particles of each micrograph.
        kinds : list of str
            The kind, or the molecule's name, of the particles of each micrograph.
        orientations : list of ndarray of shape (particles_per_micrograph, 4)
            Unit quaternions x, y, z, w (the order of `scipy.spatial.transform.Rotation.from_quat`)
            that rotate the molecule into the micrograph's frame, in which the beam is z.
        defocus : list of ndarray of shape (particles_per_micrograph,)
            Underfocus at each particle in ångström, mean of the two axes.
        ctf : ndarray of shape (n_micrographs, 3)
            Underfocus along the two axes of the astigmatism in ångström, and the angle of the
            first axis from x towards y in degrees.
        contaminants : list of ndarray of shape (m, 3)
            x, y and radius of each contaminant in pixels.
        contaminant_kinds : list of ndarray of shape (m,)
            "ice", "denatured", "speck" or "frost".
        carbon_holes : list of (float, float, float) or None
            x, y and radius of the hole in the carbon film in pixels; None without carbon.
        DESCR : str
            A description of the simulation.

    Raises
    ------
    ValueError
        If a parameter is out of range, a molecule is unknown or cannot be read, or the particles
        do not fit.
    TypeError
        If ``volumes`` lists something else than names, paths and Molecules.

    See Also
    --------
    MicrographSimulator : Micrographs of which each differs in everything.

    Notes
    -----
    A density is a sum of Gaussian pseudo-atoms (at most 600 for a real molecule), whose projection
    is a sum of 2-D Gaussians and needs no interpolation; orientations are uniform over SO(3). Let V
    be the projected potential of particles and contaminants and s that of the solvent (white,
    rising towards fluctuations of a particle's size). In the weak-phase approximation the expected
    counts are

    .. math::

        I = d \, T \, \bigl(1 + \mathcal F^{-1}[\mathrm{CTF} \cdot \mathcal F (a V + b s)]\bigr)

    where the transmission T is a slow ice gradient times the absorption of contaminants and
    carbon. Half of the noise variance is solvent, shaped by the CTF, and half is shot noise,
    normal with variance I. The signal's standard deviation is 4 % of the brightness, a usual
    value, and the dose d (counts per pixel) follows from ``snr``. The CTF is that of a microscope
    at 300 kV with a spherical aberration of 2.7 mm and 10 % amplitude contrast (Rohou and
    Grigorieff, J. Struct. Biol. 192, 2015), up to 3 % astigmatism and a B-factor of 60 square
    ångström. For the physics of the simulation see Vulović et al., J. Struct. Biol. 183, 2013.

    Examples
    --------
    >>> from puclassify.datasets import make_micrographs
    >>> data = make_micrographs(
    ...     2, shape=(256, 256), particles_per_micrograph=12, random_state=0
    ... )
    >>> data.micrographs[0].name, data.micrographs[0].shape
    ('mic_000.mrc', (256, 256))
    >>> [xy.shape for xy in data.coordinates]
    [(12, 2), (12, 2)]
    >>> data.particle_diameter / data.pixel_size
    40.0

    The same molecule at the scale of a real microscope, 160 Å at 4 Å per pixel:

    >>> data = make_micrographs(
    ...     1, shape=(256, 256), particles_per_micrograph=12, particle_diameter=160.0,
    ...     pixel_size=4.0, defocus=(15_000.0, 25_000.0), random_state=0,
    ... )
    >>> bool(14_000 < data.ctf[0, 1] <= data.ctf[0, 0] < 26_000)
    True

    A real molecule, GroEL with GroES:

    >>> data = make_micrographs(
    ...     1, kind="1aon", shape=(256, 256), particles_per_micrograph=12, random_state=0
    ... )
    >>> round(data.particle_diameter), round(data.pixel_size, 1)
    (209, 5.2)
    """
    check_simulation_parameters(
        n_micrographs=n_micrographs,
        shape=shape,
        particles_per_micrograph=particles_per_micrograph,
        snr=snr,
        contamination=contamination,
        carbon_edge=carbon_edge,
        crowding=crowding,
    )
    particles = choose_particles(kind, volumes)
    pixel_size = choose_pixel_size(pixel_size, particles)
    recipes = []
    for particle in particles:
        diameter = particle_diameter
        if diameter is None:
            diameter = default_diameter(particle, pixel_size)
        check_diameter(diameter, pixel_size, shape)
        recipe = SceneRecipe(
            kind=particle,
            shape=(int(shape[0]), int(shape[1])),
            n_particles=particles_per_micrograph,
            diameter=float(diameter / pixel_size),
            pixel_size=float(pixel_size),
            defocus_range=choose_defocus_range(defocus, diameter),
            contamination=contamination,
            carbon_edge=carbon_edge,
            crowding=crowding,
        )
        recipes.append(recipe)
    # The matrix products are too small to share among threads; beside other work on the machine,
    # threads waiting for each other take ten times as long.
    with threadpool_limits(limits=1, user_api="blas"):
        scenes, micrographs = _simulate(recipes, snr, n_micrographs, seed_sequence(random_state))
    if particle_diameter is None:
        particle_diameter = max(default_diameter(p, pixel_size) for p in particles)
    return _bunch(scenes, micrographs, particle_diameter, snr, recipes, carbon_edge)


def _simulate(
    recipes: list[SceneRecipe], snr: float, n_micrographs: int, seeds: np.random.SeedSequence
) -> tuple[list[Scene], list[GridImage]]:
    noise_variance = SIGNAL_CONTRAST**2 / snr
    solvent_variance = SOLVENT_FRACTION * noise_variance
    dose = 1 / (noise_variance - solvent_variance)
    scenes, micrographs = [], []
    # Each micrograph has a random stream of its own, split into one for each aspect, so that a
    # change of one does not change the others.
    for i, seed in enumerate(seeds.spawn(n_micrographs)):
        rngs = {
            name: np.random.default_rng(stream)
            for name, stream in zip(_STREAMS, seed.spawn(len(_STREAMS)))
        }
        recipe = recipes[i % len(recipes)]
        scale = SIGNAL_CONTRAST / particle_contrast(
            recipe.kind, recipe.diameter, recipe.pixel_size, float(np.mean(recipe.defocus_range))
        )
        scene = recipe.draw(rngs)
        values = form_layers(scene, scale, dose, solvent_variance, rngs).counts(rngs["shot"])
        scenes.append(scene)
        micrographs.append(GridImage(values, pixel_size=scene.pixel_size, name=f"mic_{i:03d}.mrc"))
    return scenes, micrographs


def _bunch(
    scenes: list[Scene],
    micrographs: list[GridImage],
    particle_diameter: float,
    snr: float,
    recipes: list[SceneRecipe],
    carbon_edge: float,
) -> Bunch:
    first = scenes[0]
    names = [s.kind if isinstance(s.kind, str) else s.kind.name for s in scenes]
    shown = ", ".join(map(repr, dict.fromkeys(names)))
    return Bunch(
        micrographs=micrographs,
        coordinates=[scene.centers for scene in scenes],
        particle_diameter=float(particle_diameter),
        particle_diameters=np.array([s.diameter * s.pixel_size for s in scenes]),
        kinds=names,
        pixel_size=float(first.pixel_size),
        orientations=[scene.quaternions for scene in scenes],
        defocus=[
            np.full(len(scene.centers), (scene.defocus[0] + scene.defocus[1]) / 2)
            for scene in scenes
        ],
        ctf=np.array([[*scene.defocus[:2], np.rad2deg(scene.defocus[2])] for scene in scenes]),
        contaminants=[
            np.array([(c.x, c.y, c.radius) for c in scene.contaminants]).reshape(-1, 3)
            for scene in scenes
        ],
        contaminant_kinds=[np.array([c.kind for c in s.contaminants], dtype=str) for s in scenes],
        carbon_holes=[scene.hole for scene in scenes],
        DESCR=_DESCR.format(
            n=len(scenes),
            height=first.shape[0],
            width=first.shape[1],
            pixel_size=first.pixel_size,
            kinds=shown,
            diameter=particle_diameter,
            diameter_px=particle_diameter / first.pixel_size,
            snr=snr,
            low=min(recipe.defocus_range[0] for recipe in recipes),
            high=max(recipe.defocus_range[1] for recipe in recipes),
            contaminants=len(first.contaminants),
            carbon=f"; carbon on {carbon_edge:.0%} of each" if carbon_edge else "",
        ),
    )
