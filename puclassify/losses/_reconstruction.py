"""Reconstruction error of the hybrid of classifier and autoencoder."""

from __future__ import annotations

import torch

__all__ = ["reconstruction_error"]


def reconstruction_error(images: torch.Tensor, reconstruction: torch.Tensor) -> torch.Tensor:
    r"""Squared error of an autoencoder, summed over pixels, averaged over images.

    Parameters
    ----------
    images : Tensor of shape (n, channels, height, width)
        The original images.
    reconstruction : Tensor of shape (n, channels, height or less, width or less)
        Output of a `puclassify.networks.Decoder` for the embedding. If smaller than the images, it
        is compared with their centre.

    Returns
    -------
    Tensor of shape ()
        Mean over the images of :math:`\|x - x'\|^2`.

    Notes
    -----
    The hybrid of classifier and autoencoder adds this to the loss of the classifier (Bepler et al.,
    arXiv 1803.08207). `PUImageClassifier` first divides it by the number of reconstructed pixels,
    so that ``reconstruction_weight`` means the same for every size of image and decoder.

    Examples
    --------
    >>> import torch
    >>> from puclassify.losses import reconstruction_error
    >>> reconstruction_error(torch.ones(2, 1, 5, 5), torch.zeros(2, 1, 3, 3))
    tensor(9.)
    """
    if images.ndim != 4 or reconstruction.ndim != 4 or images.shape[:2] != reconstruction.shape[:2]:
        raise ValueError(
            "images and reconstruction must be 4-D with equal batch and channels, got shapes "
            f"{tuple(images.shape)} and {tuple(reconstruction.shape)}"
        )
    margins = [a - b for a, b in zip(images.shape[2:], reconstruction.shape[2:], strict=True)]
    if min(margins) < 0 or any(margin % 2 for margin in margins):
        raise ValueError(
            f"reconstruction of {tuple(reconstruction.shape[2:])} pixels cannot be centred in "
            f"images of {tuple(images.shape[2:])}: make the decoder's image_shape as large as the "
            "images, or smaller by an even number"
        )
    (top, left), (h, w) = [m // 2 for m in margins], reconstruction.shape[2:]
    difference = images[:, :, top : top + h, left : left + w] - reconstruction
    wide = torch.promote_types(difference.dtype, torch.float32)
    return difference.to(wide).square().sum() / max(len(images), 1)
