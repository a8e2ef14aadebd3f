"""Mixing the samples of a batch, and their targets, with one another."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Mixup"]


class Mixup(NamedTuple):
    """One draw: every sample of a batch is mixed with its partner.

    Parameters
    ----------
    share : float
        Weight of the sample itself, from 0 to 1; the rest is its partner's.
    partner : tensor of shape (n,)
        Index of the other sample, a permutation of the batch.

    Notes
    -----
    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (ICLR 2018).
    """

    share: float
    partner: torch.Tensor

    @classmethod
    def draw(cls, n: int, share: float, device) -> Mixup:
        """Draw the partners from torch's generator of the CPU, the same on every device.

        Parameters
        ----------
        n : int
            Samples in the batch.
        share : float
            Weight of the sample itself.
        device : torch.device or str
            Where the batch is.

        Returns
        -------
        Mixup
            The draw.
        """
        return cls(share, torch.randperm(n).to(device, non_blocking=True))

    def mix(self, x: torch.Tensor) -> torch.Tensor:
        """Mix samples.

        Parameters
        ----------
        x : tensor of shape (n, ...)
            The samples, or something of each.

        Returns
        -------
        tensor of shape (n, ...)
            ``share * x + (1 - share) * x[partner]``.
        """
        return self.share * x + (1 - self.share) * x[self.partner]

    def soft_targets(self, logits, targets, index=None) -> torch.Tensor:
        """Mix targets: 1 for labelled positives, predictions for whatever is unlabelled.

        Parameters
        ----------
        logits : tensor of shape (n * m,)
            Logits of the samples as they are, m of each; they pass no gradient on.
        targets : tensor of shape (k,)
            PU targets of the graded logits.
        index : tensor of int of shape (k,) or None, default=None
            Which logits are graded; None for all of them in order.

        Returns
        -------
        tensor of shape (k,)
            Soft targets of the graded logits of the mixed samples. The partner of a position in a
            map is the same position in the partner's map.
        """
        labelled = (targets == 1).to(logits.dtype)
        if index is not None:
            labelled = torch.zeros_like(logits).scatter_reduce(0, index, labelled, "amax")
        t = torch.sigmoid(logits.detach()).where(labelled == 0, 1.0)
        mixed = self.mix(t.reshape(len(self.partner), -1)).flatten()
        return mixed if index is None else mixed[index]
