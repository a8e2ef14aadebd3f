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
        Index of the other sample.

    Notes
    -----
    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (ICLR 2018).
    """

    share: float
    partner: torch.Tensor

    @classmethod
    def draw(cls, n: int, share: float, device, n_labelled: int | None = None) -> Mixup:
        """Draw the partners from torch's generator of the CPU, the same on every device.

        Parameters
        ----------
        n : int
            Samples in the batch.
        share : float
            Weight of the sample itself.
        device : torch.device or str
            Where the batch is.
        n_labelled : int or None, default=None
            Where given, the first so many samples get partners from the others, and those from
            the first ones, everyone as often as can be. Otherwise partners are a permutation.

        Returns
        -------
        Mixup
            The draw.
        """
        if n_labelled is None or not 0 < n_labelled < n:
            partner = torch.randperm(n)
        else:
            n_others = n - n_labelled
            others = n_labelled + _deal(n_others, n_labelled)
            partner = torch.cat([others, _deal(n_labelled, n_others)])
        return cls(share, partner.to(device, non_blocking=True))

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


def _deal(n_cards: int, n_hands: int) -> torch.Tensor:
    """Deal one card to each hand, in random order and each once before any comes twice."""
    rounds = -(-n_hands // n_cards)
    return torch.cat([torch.randperm(n_cards) for _ in range(rounds)])[:n_hands]
