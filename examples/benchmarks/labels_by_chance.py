"""
Labels that mean nothing
========================

How often a picker takes labels that mean nothing, or lie beside particles, for labels of particles
(false alarms, which are to be one in a hundred), and how often it believes those that are right
(power)::

    python examples/benchmarks/labels_by_chance.py

The classifier is a cheap one: micrographs are correlated with the mean of the patches around the
labels it is trained on. Each trial simulates micrographs and labels of its own.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial

import numpy as np
from scipy.signal import fftconvolve

from puclassify import GridImage
from puclassify.datasets import label_particles, make_micrographs
from puclassify.picking import non_maximum_suppression
from puclassify.picking.estimates._chance import LabelMover
from puclassify.picking.estimates._cross_fitting import held_out_scores
from puclassify.picking.label_checks import each_once

EDGE, N_MICROGRAPHS, DIAMETER = 384, 4, 24.0
RADIUS = DIAMETER / 2


def main():
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--snr", type=float, default=0.1)
    options = parser.parse_args()
    print("| labels | " + " | ".join(str(n) for n in options.labels) + " |")
    print("|" + " --- |" * (1 + len(options.labels)))
    for name, spoil in SPOILT.items():
        shares = []
        for n_labels in options.labels:
            believed = [
                believe(*spoil(*simulate(n_labels, seed, options.snr), seed), seed)
                for seed in range(options.trials)
            ]
            shares.append(np.mean(believed))
        print(f"| {name} | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)


def simulate(n_labels, seed, snr):
    """Simulate micrographs, and label some particles of all."""
    data = make_micrographs(
        N_MICROGRAPHS,
        shape=(EDGE, EDGE),
        particles_per_micrograph=60,
        particle_diameter=DIAMETER,
        pixel_size=1.0,
        snr=snr,
        random_state=seed,
    )
    images = [np.asarray(image, dtype=np.float32) for image in data.micrographs]
    return images, label_particles(data.coordinates, n_labels, random_state=seed)


def as_given(images, labels, seed):
    """Return labels that are right."""
    return images, labels


def upside_down(images, labels, seed):
    """Return labels that were counted from below."""
    return images, [np.column_stack([xy[:, 0], EDGE - 1 - xy[:, 1]]) for xy in labels]


def of_others(images, labels, seed):
    """Return labels in the order of other micrographs."""
    return images, [*labels[1:], labels[0]]


def anywhere(images, labels, seed):
    """Return as many labels at random places."""
    rng = np.random.default_rng(seed)
    return images, [rng.uniform(0, EDGE - 1, xy.shape) for xy in labels]


def on_noise(images, labels, seed):
    """Return white noise with labels at random places."""
    rng = np.random.default_rng(seed)
    images = [rng.normal(size=(EDGE, EDGE)).astype(np.float32) for _ in images]
    return anywhere(images, labels, seed)


def beside(images, labels, seed):
    """Return labels half a diameter beside their particles, in directions of their own."""
    rng = np.random.default_rng(seed)
    moved = []
    for xy in labels:
        angle = rng.uniform(0, 2 * np.pi, len(xy))
        steps = RADIUS * np.column_stack([np.cos(angle), np.sin(angle)])
        moved.append(np.clip(xy + steps, 0, EDGE - 1))
    return images, moved


SPOILT = {
    "right": as_given,
    "half a diameter beside": beside,
    "upside down": upside_down,
    "of other micrographs": of_others,
    "anywhere": anywhere,
    "anywhere on white noise": on_noise,
}


def believe(images, labels, seed):
    """Return whether held-out labels rank higher than by chance, and lie on what is found."""
    images = [GridImage(image) for image in images]
    with warnings.catch_warnings(action="ignore"):
        labels = each_once(labels, DIAMETER)
    move = LabelMover(DIAMETER, RADIUS, np.random.RandomState(seed))
    rng = np.random.RandomState(seed)
    scores = held_out_scores(train_each, images, labels, RADIUS, rng, move)
    return scores.chance.labels_mean_something and scores.chance.labels_are_centred


def train_each(parts):
    """Return a finder of candidates for each part of the data."""
    return [partial(find_candidates, mean_patch(*part)) for part in parts]


def mean_patch(images, labels):
    """Average the patches of one and a half diameters around labels."""
    half = int(0.75 * DIAMETER)
    patches = [
        image.values[y - half : y + half + 1, x - half : x + half + 1]
        for image, xy in zip(images, labels)
        for x, y in np.rint(xy).astype(int)
        if half <= min(x, y) and max(x, y) < EDGE - half
    ]
    patch = np.mean(patches, axis=0) if patches else np.zeros((2 * half + 1,) * 2)
    return patch - patch.mean()


def find_candidates(patch, image):
    """Correlate a micrograph with a patch; return all maxima."""
    scores = fftconvolve(image.values, patch[::-1, ::-1], mode="same").astype(np.float32)
    return non_maximum_suppression(scores, RADIUS)


if __name__ == "__main__":
    main()
