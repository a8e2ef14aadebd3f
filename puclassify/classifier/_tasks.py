"""What a network is trained on: single images, or tiles of which every position has a logit."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from puclassify.classifier._forward import crop_to_field
from puclassify.networks import Decoder

__all__ = ["SingleImages", "Task", "Tiles"]

_RECONSTRUCTED_PIXELS = 30  # across, around each map position of a tile


class Task(Protocol):
    """The differences between the kinds of input."""

    def crop(self, x: torch.Tensor, module: nn.Module) -> torch.Tensor:
        """Return the part of the input that the network sees."""

    def check_logits(self, logits: torch.Tensor, module: nn.Module, shape: tuple) -> None:
        """Refuse a network whose logits for two samples of that shape do not fit the task."""

    def decoder(self, channels: int, module: nn.Module, shape: tuple) -> nn.Module:
        """Make a decoder of embeddings with so many channels, for the autoencoder hybrid."""


class SingleImages:
    """Images or feature rows with one logit each."""

    def crop(self, x: torch.Tensor, module: nn.Module) -> torch.Tensor:
        """Crop images to the receptive field around their centre."""
        return crop_to_field(x, module)

    def check_logits(self, logits: torch.Tensor, module: nn.Module, shape: tuple) -> None:
        """Refuse more or less than one logit for each of two samples."""
        n_samples = 2
        if logits.numel() == n_samples and logits.ndim and len(logits) == n_samples:
            return
        if logits.numel() < n_samples or len(logits) != n_samples:
            fix = "keep the first axis, that of the samples, to the end"
        elif logits.shape[1:].numel() == logits.shape[1] and logits.shape[1] == 2:
            fix = (
                "end in one output, not in one for each class; that of the positive class minus "
                "that of the other is the same"
            )
        elif logits.shape[1:].numel() == logits.shape[1]:
            fix = "end in one output, such as a last layer of out_features=1 or out_channels=1"
        else:
            fix = (
                "declare its receptive_field, so that larger images are cropped to it, or pool "
                "over the image"
            )
        raise ValueError(
            f"module {type(module).__name__} gives logits of shape {tuple(logits.shape)} for "
            f"{n_samples} samples of shape {shape}, where one logit each was expected: {fix}"
        )

    def decoder(self, channels: int, module: nn.Module, shape: tuple) -> nn.Module:
        """Reconstruct the whole image, or what the receptive field holds of it."""
        field = getattr(module, "receptive_field", None)
        n_channels, *size = shape
        return Decoder(channels, (n_channels, *(size if field is None else (field, field))))


class Tiles:
    """Tiles of micrographs, mapped whole."""

    def crop(self, x: torch.Tensor, module: nn.Module) -> torch.Tensor:
        """Leave tiles as they are."""
        return x

    def check_logits(self, logits: torch.Tensor, module: nn.Module, shape: tuple) -> None:
        """Accept any map: the picker has checked that the network is fully convolutional."""

    def decoder(self, channels: int, module: nn.Module, shape: tuple) -> nn.Module:
        """Let every position reconstruct the middle of its field; they overlap and merge."""
        field, stride = int(module.receptive_field), int(module.stride)  # type: ignore[arg-type]
        middle = min(field, _RECONSTRUCTED_PIXELS + field % 2)
        return Decoder(channels, (shape[0], middle, middle), stride=stride)
