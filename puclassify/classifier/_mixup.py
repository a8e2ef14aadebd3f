"""Mixing the samples of a batch, and their targets, with one another."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Mixup"]


class Mixup(NamedTuple):
    """One draw: every sample of a batch is mixed with a partner, which weighs ``1 - share``.

    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (ICLR 2018).
    """

    share: float
    partner: torch.Tensor

    @classmethod
    def draw(
        cls, n: int, share: float, device: torch.device | str, n_labelled: int | None = None
    ) -> Mixup:
        """Draw the partners from torch's generator of the CPU, the same on every device.

        With ``n_labelled`` the first samples get partners from the others, and those from the first
        ones, each equally often (to within one). Otherwise partners are a permutation.
        """
        if n_labelled is None or not 0 < n_labelled < n:
            partner = torch.randperm(n)
        else:
            n_others = n - n_labelled
            others = n_labelled + _deal(n_others, n_labelled)
            partner = torch.cat([others, _deal(n_labelled, n_others)])
        return cls(share, partner.to(device, non_blocking=True))

    def mix(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``share * x + (1 - share) * x[partner]``."""
        return self.share * x + (1 - self.share) * x[self.partner]

    def soft_targets(
        self, logits: torch.Tensor, targets: torch.Tensor, index: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return soft targets of the graded logits of the mixed samples.

        Targets are 1 for labelled positives and predictions for everything unlabelled. ``logits``
        are those of the samples as they are, and pass no gradient on; ``index`` says which of them
        are graded. The partner of a position in a map is the same position in the partner's map.
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
