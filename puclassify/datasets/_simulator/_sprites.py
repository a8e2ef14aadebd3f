"""Sprites: small images that are turned, scaled and added to a micrograph."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from puclassify.datasets._projection import add_patches

__all__ = ["SpriteBank", "Sprites", "add_at_once", "paste"]

_AT_ONCE = 64  # sprites; keeps the patches in the processor's cache


@dataclass(frozen=True, eq=False)
class SpriteBank:
    """Images of one size, (m, s, s), of things whose diameter is ``diameter`` pixels of theirs."""

    images: torch.Tensor
    diameter: float

    @property
    def reach(self) -> float:
        """Half the edge of an image, in diameters."""
        return self.images.shape[-1] / 2 / self.diameter


@dataclass(frozen=True, eq=False)
class Sprites:
    """Where and how images of a bank lie in a frame; all arrays have one entry for each."""

    image: np.ndarray  # number of the image in its bank
    centers: np.ndarray  # (n, 2), x and y in pixels of the frame
    angle: np.ndarray  # in radians, from x towards y
    flip: np.ndarray  # -1 where y of the image is mirrored, else 1
    diameter: np.ndarray  # in pixels
    strength: np.ndarray

    def __len__(self) -> int:
        return len(self.image)

    def take(self, which: np.ndarray) -> Sprites:
        """Return some of them."""
        return Sprites(
            self.image[which],
            self.centers[which],
            self.angle[which],
            self.flip[which],
            self.diameter[which],
            self.strength[which],
        )

    def scaled(self, factor: float) -> Sprites:
        """Return them with another strength."""
        return replace(self, strength=self.strength * factor)

    def modulo(self, n_images: int) -> Sprites:
        """Return them with numbers of images that a bank of ``n_images`` has."""
        return replace(self, image=self.image % n_images)


def paste(canvas: torch.Tensor, bank: SpriteBank, sprites: Sprites, margin: int) -> None:
    """Add sprites to a canvas that has a border of ``margin`` pixels around the frame, in place."""
    # Patches are as large as the largest of a group: groups of like sizes waste little.
    size = np.ceil(2 * np.log2(np.maximum(sprites.diameter, 1))).astype(int)
    for group in np.unique(size):
        members = np.flatnonzero(size == group)
        for start in range(0, len(members), _AT_ONCE):
            _paste_alike(canvas, bank, sprites.take(members[start : start + _AT_ONCE]), margin)


def _paste_alike(canvas, bank: SpriteBank, sprites: Sprites, margin: int) -> None:
    device = canvas.device
    half = int(np.ceil(bank.reach * float(sprites.diameter.max()))) + 1
    nearest = np.rint(sprites.centers).astype(np.int64)
    offset = np.arange(-half, half + 1, dtype=np.float32)
    scale = bank.diameter / sprites.diameter * (2 / bank.images.shape[-1])
    cos, sin = np.cos(sprites.angle) * scale, np.sin(sprites.angle) * scale
    fraction = sprites.centers - nearest
    # Back to coordinates of the image: shifted, turned back, mirrored, scaled to -1 ... 1.
    shift_x = cos * fraction[:, 0] + sin * fraction[:, 1]
    shift_y = cos * fraction[:, 1] - sin * fraction[:, 0]
    rows = np.stack(
        [
            np.stack([cos, sin, -shift_x], axis=1),
            sprites.flip[:, None] * np.stack([-sin, cos, -shift_y], axis=1),
        ],
        axis=1,
    )
    line = torch.from_numpy(offset).to(device)
    turn = torch.from_numpy(rows.astype(np.float32)).to(device)
    image = torch.from_numpy(sprites.image.astype(np.int64)).to(device)
    strength = torch.from_numpy(sprites.strength.astype(np.float32)).to(device)
    grid = (
        turn[:, None, None, :, 0] * line[None, None, :, None]
        + turn[:, None, None, :, 1] * line[None, :, None, None]
        + turn[:, None, None, :, 2]
    )
    patches = torch.nn.functional.grid_sample(
        bank.images[image, None], grid, padding_mode="zeros", align_corners=False
    )[:, 0]
    patches *= strength[:, None, None]
    _add_patches(canvas, patches, nearest + margin, half)


def _add_patches(canvas, patches, centers: np.ndarray, half: int) -> None:
    """Add patches around whole-number centres, cut off at the canvas's edges."""
    if canvas.device.type == "cpu":
        add_patches(canvas.numpy(), patches.numpy(), centers - half)
    else:
        add_at_once(canvas, patches, centers - half)


def add_at_once(canvas: torch.Tensor, patches: torch.Tensor, corners: np.ndarray) -> None:
    """Add patches whose first pixels lie at ``corners`` (x, y), the same way each time."""
    height, width = canvas.shape
    line = torch.arange(patches.shape[1], device=canvas.device)
    at = torch.from_numpy(corners).to(canvas.device)
    y, x = at[:, 1, None] + line, at[:, 0, None] + line
    index = y[:, :, None] * width + x[:, None, :]
    inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None]
    # Adds in a fixed order, unlike index_add, so that a seed gives the same bits on a GPU.
    canvas.view(-1).index_put_((index[inside],), patches[inside], accumulate=True)
