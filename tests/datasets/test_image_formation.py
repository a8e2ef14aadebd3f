"""Tests of the layers a micrograph consists of."""

from __future__ import annotations

import numpy as np
import pytest

from puclassify.datasets._background import solvent_amplitude
from puclassify.datasets._contamination import Contaminant
from puclassify.datasets._ctf import contrast_transfer_function
from puclassify.datasets._image_formation import (
    SIGNAL_CONTRAST,
    SOLVENT_FRACTION,
    MicrographLayers,
    form_layers,
    particle_contrast,
)
from puclassify.datasets._scene import Scene, SceneRecipe

STREAMS = ("optics", "placement", "orientation", "contaminants", "outlines", "solvent", "ice")


def draw_layers(seed=0, snr=0.5, **changes):
    settings = {
        "kind": "globular",
        "shape": (400, 400),
        "n_particles": 30,
        "diameter": 40.0,
        "pixel_size": 1.0,
        "defocus_range": (1400.0, 1400.0),
        "contamination": 0.0,
        "carbon_edge": 0.0,
        "crowding": 0.0,
    } | changes
    recipe = SceneRecipe(**settings)
    rngs = {name: np.random.default_rng([seed, i]) for i, name in enumerate(STREAMS)}
    scene = recipe.draw(rngs)
    noise = SIGNAL_CONTRAST**2 / snr
    middle = float(np.mean(recipe.defocus_range))
    scale = SIGNAL_CONTRAST / particle_contrast(
        recipe.kind, recipe.diameter, recipe.pixel_size, middle
    )
    dose = 1 / ((1 - SOLVENT_FRACTION) * noise)
    return scene, form_layers(scene, scale, dose, SOLVENT_FRACTION * noise, rngs)


def particle_discs(scene):
    y, x = np.indices(scene.shape)
    inside = np.zeros(scene.shape, dtype=bool)
    for cx, cy in scene.centers:
        inside |= np.hypot(x - cx, y - cy) <= scene.diameter / 2
    return inside


class TestSignalToNoise:
    @pytest.mark.parametrize("kind", ["globular", "ring", "elongated", "small"])
    @pytest.mark.parametrize("snr", [0.1, 1.0])
    def test_variances_have_the_ratio_asked_for(self, kind, snr):
        scene, layers = draw_layers(snr=snr, kind=kind)
        signal = layers.signal[particle_discs(scene)].var(dtype=np.float64)
        quiet = MicrographLayers(
            signal=np.zeros(scene.shape, np.float32),
            solvent=layers.solvent,
            contamination=layers.contamination,
            transmission=np.ones(scene.shape, np.float32),
            dose=layers.dose,
        )
        noise = (quiet.counts(np.random.default_rng(1)) / layers.dose).var(dtype=np.float64)
        assert signal / noise == pytest.approx(snr, rel=0.12)

    def test_solvent_and_shot_noise_share_the_variance(self):
        _, layers = draw_layers(snr=0.25)
        solvent = layers.solvent.var(dtype=np.float64)
        assert solvent == pytest.approx(1 / layers.dose, rel=0.05)

    def test_closer_to_focus_there_is_less_signal(self):
        _, focused = draw_layers(defocus_range=(400.0, 400.0))
        _, defocused = draw_layers(defocus_range=(1400.0, 1400.0))
        # both are scaled to their own middle; undo it to compare at one scale
        focused_std, defocused_std = (
            layers.signal.std() * particle_contrast("globular", 40.0, 1.0, defocus)
            for layers, defocus in ((focused, 400.0), (defocused, 1400.0))
        )
        assert focused_std < 0.8 * defocused_std


class TestLayers:
    def test_protein_is_dark_on_bright(self):
        scene, layers = draw_layers(n_particles=10)
        inside = particle_discs(scene)
        assert layers.signal[inside].mean() < -0.3 * SIGNAL_CONTRAST
        assert layers.signal[~inside].mean() > layers.signal[inside].mean()

    def test_signal_is_where_the_particles_are(self):
        scene, layers = draw_layers(n_particles=5)
        inside = particle_discs(scene)
        energy = np.square(layers.signal, dtype=np.float64)
        assert energy[inside].sum() > 0.8 * energy.sum()

    def test_clean_micrographs_have_no_contamination_layer(self):
        _, layers = draw_layers()
        assert not layers.contamination.any()
        assert np.abs(layers.transmission - 1).max() < 0.4

    def test_contaminants_darken_and_leave_the_signal_alone(self):
        _, clean = draw_layers()
        scene, dirty = draw_layers(contamination=1.0)
        assert len(scene.contaminants) == 30
        if not any(c.kind == "frost" for c in scene.contaminants):
            np.testing.assert_array_equal(clean.signal, dirty.signal)
        shade = dirty.transmission / clean.transmission
        assert shade.max() <= 1 + 1e-6
        for c in scene.contaminants:
            if c.kind == "ice":
                assert shade[round(c.y), round(c.x)] < 1 - 0.3 * c.absorption

    def test_carbon_is_darker_and_grainier_than_the_hole(self):
        scene, layers = draw_layers(carbon_edge=0.4, n_particles=10)
        y, x = np.indices(scene.shape)
        distance = np.hypot(x - scene.hole[0], y - scene.hole[1]) - scene.hole[2]
        film, hole = distance > 10, distance < -10
        assert layers.solvent[film].std() > 2 * layers.solvent[hole].std()
        _, without = draw_layers(n_particles=10)
        shade = layers.transmission / without.transmission
        assert shade[film].max() < 0.9 < 0.999 < shade[hole].min()
        assert (np.hypot(*(scene.centers - scene.hole[:2]).T) <= scene.hole[2] - 20).all()

    def test_solvent_spectrum_is_the_one_described(self):
        # Ratio of the power seen to the power predicted must not depend on frequency.
        scene, layers = draw_layers(n_particles=0, shape=(512, 512))
        power = (
            np.abs(np.fft.rfft2(layers.solvent * np.hanning(512)[:, None] * np.hanning(512))) ** 2
        )
        ctf = contrast_transfer_function((512, 512), 1.0, *scene.defocus, b_factor=60.0)
        predicted = (solvent_amplitude((512, 512), 40.0) * ctf) ** 2
        k = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None, :])
        ratios = [
            power[(k >= low) & (k < low + 0.03)].mean()
            / predicted[(k >= low) & (k < low + 0.03)].mean()
            for low in (0.03, 0.06, 0.1, 0.14, 0.22)
        ]
        assert max(ratios) / min(ratios) < 1.25

    def test_nothing_wraps_around_the_border(self):
        # One dark patch at the left border must leave the right border untouched.
        scene = Scene(
            kind="globular",
            shape=(200, 300),
            diameter=40.0,
            pixel_size=1.0,
            defocus=(1800.0, 1750.0, 0.3),
            centers=np.empty((0, 2)),
            quaternions=np.empty((0, 4)),
            contaminants=[Contaminant("ice", 0.0, 100.0, 25.0, 2.0, 0.05)],
            hole=None,
        )
        rngs = {name: np.random.default_rng(i) for i, name in enumerate(STREAMS)}
        layer = form_layers(scene, 1.0, 100.0, 0.01, rngs).contamination
        # away from the patch only the mean level, which the amplitude contrast spreads, is left
        assert np.ptp(layer[:, -40:]) < 0.02 * np.ptp(layer[:, :40])
        assert np.ptp(layer[:, :40]) > 0.1


class TestCounts:
    def test_shot_noise_has_poisson_variance(self):
        flat = np.zeros((300, 300), dtype=np.float32)
        transmission = np.full((300, 300), 0.5, dtype=np.float32)
        counts = MicrographLayers(flat, flat, flat, transmission, dose=80.0).counts(
            np.random.default_rng(0)
        )
        assert counts.dtype == np.float32
        assert counts.mean() == pytest.approx(40, rel=0.01)
        assert counts.var() == pytest.approx(40, rel=0.03)
