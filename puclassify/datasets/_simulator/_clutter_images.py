"""Images of what is not a particle: ice crystals, chains, specks, gold beads and filaments."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from puclassify.datasets._simulator._sprites import SpriteBank

__all__ = ["CLUTTER_IMAGES", "clutter_bank"]

# How many images there are of each kind; numbers of images count from 0 within a kind.
CLUTTER_IMAGES = {"ice": 16, "chain": 24, "speck": 8, "gold": 1, "filament": 1}
_COARSE, _FINE = 40, 160  # pixels across
_LARGE = 64.0  # pixels in a micrograph from which the fine images are taken


def clutter_bank(kind: str, largest: float, device: torch.device) -> SpriteBank:
    """Return the images of a kind, finer ones where they are shown ``largest`` pixels wide."""
    pixels = _FINE if kind == "ice" and largest > _LARGE else _COARSE
    return _bank(kind, pixels, device)


@lru_cache(maxsize=32)
def _bank(kind: str, pixels: int, device: torch.device) -> SpriteBank:
    half = int(0.6 * pixels)
    y, x = np.mgrid[-half : half + 1, -half : half + 1] / (pixels / 2)  # 1 at the radius
    images = []
    for seed in range(CLUTTER_IMAGES[kind]):
        rng = np.random.default_rng([seed, sum(kind.encode())])
        images.append(_DRAW[kind](rng, x, y, 2 / pixels))
    return SpriteBank(torch.from_numpy(np.array(images, np.float32)).to(device), pixels)


def _edge(inside, pixel):
    """Turn a distance to the edge, positive inside, into a step about a pixel wide."""
    return np.clip(0.5 + inside / (1.5 * pixel), 0, 1)


def _ice(rng, x, y, pixel):
    """Draw a crystal with straight edges and a facet, or a lens of uneven outline."""
    tilt = 1 + 0.35 * (x * rng.normal() + y * rng.normal())
    if rng.random() < 0.4:
        n = rng.integers(3, 8)
        directions = 2 * np.pi * (np.arange(n) + rng.uniform(-0.25, 0.25, n)) / n
        distances = rng.uniform(0.5, 0.85, n)
        sides = [
            d - (x * np.cos(a) + y * np.sin(a)) for a, d in zip(directions, distances, strict=True)
        ]
        inside = np.minimum(np.min(sides, axis=0), 1 - np.hypot(x, y))
        facet = 1 - 0.4 * _edge(x * np.cos(directions[0]) + y * np.sin(directions[0]), pixel)
        return _edge(inside, pixel) * facet * np.clip(tilt, 0.3, 1.7)
    angle = np.arctan2(y, x)
    outline = 0.85 * np.ones_like(x)
    for order in range(2, 7):
        outline += rng.normal(0, 0.14 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    distance = np.hypot(x, y)
    dome = np.sqrt(np.clip(1 - (distance / np.maximum(outline, 0.1)) ** 2, 0, 1))
    inside = np.minimum(outline, 1) - distance
    return _edge(inside, pixel) * (0.5 + 0.5 * dome) * np.clip(tilt, 0.4, 1.6)


def _chain(rng, x, y, pixel):
    """Draw an unfolded chain: a random walk of blobs, tight or loose."""
    n = int(rng.integers(30, 90))
    memory = rng.uniform(0.8, 0.98)
    walk = np.zeros((n, 2))
    for i in range(1, n):
        walk[i] = memory * walk[i - 1] + rng.normal(0, 0.3, 2)
    walk -= walk.mean(axis=0)
    walk /= max(1.0, 1.15 * np.hypot(*walk.T).max())
    image = np.zeros_like(x)
    for (cx, cy), width in zip(walk, rng.uniform(0.07, 0.16, n), strict=True):
        image += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
    return image / (image**2).sum() * image.sum()  # its mean density, weighted by itself, is 1


def _speck(rng, x, y, pixel):
    """Draw a blot without detail, round or oblong."""
    oblong = rng.uniform(0.5, 1)
    return np.exp(-((x / 0.5) ** 2 + (y / (0.5 * oblong)) ** 2))


def _gold(rng, x, y, pixel):
    """Draw a solid sphere with a hard edge."""
    return np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))


def _filament(rng, x, y, pixel):
    """Draw a smooth disc; many of them in a row are a filament."""
    return np.clip(1 - x**2 - y**2, 0, 1)


_DRAW = {"ice": _ice, "chain": _chain, "speck": _speck, "gold": _gold, "filament": _filament}
