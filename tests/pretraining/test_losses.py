"""Dense losses against float64 NumPy."""

import numpy as np
import pytest
import torch

from puclassify.pretraining._losses import dense_loss
from puclassify.pretraining._targets import IGNORED


@pytest.mark.parametrize("kind", ["cross_entropy", "focal"])
def test_equals_numpy(kind):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (2, 5, 7))
    answers = rng.choice([0.0, 1.0, IGNORED], (2, 5, 7))
    p = 1 / (1 + np.exp(-logits))
    right = np.where(answers == 1, p, 1 - p)
    loss = -np.log(right) * ((1 - right) ** 2 if kind == "focal" else 1)
    expected = loss[answers != IGNORED].mean()
    found = dense_loss(torch.from_numpy(logits), torch.from_numpy(answers), kind)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_is_zero_where_nothing_counts():
    logits = torch.randn(1, 3, 3, requires_grad=True)
    loss = dense_loss(logits, torch.full((1, 3, 3), IGNORED), "focal")
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(logits.grad.abs().sum()) == 0
