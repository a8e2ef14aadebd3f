"""The plain loop, which the fast ways are compared with, compared with cases done by hand."""

import numpy as np
import pytest
import torch

from puclassify.picking.suppression._suppress_one_by_one import suppress_one_by_one

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("values", "radius", "settings", "expected"),
    [
        ([[0, 5, 3, 0, 4]], 1.5, {"limit": 0}, [1, 4]),
        ([[0, 5, 3, 0, 4]], 3.0, {"limit": 0}, [1]),
        ([[9, 0, 8, 0, 7]], 2.0, {"limit": 0}, [0, 4]),  # what is suppressed suppresses nothing
        ([[1, 2], [2, 1]], 1.0, {}, [1, 2]),  # ties in the order of their index
        ([[1, 2], [2, 1]], 1.5, {}, [1]),
        ([[1, 2], [2, 1]], 0.0, {"limit": 1}, [1, 2]),
        ([[NAN, 1, INF, -INF]], 0.0, {}, [2, 1]),
        ([[9, 1, 2, 9]], 5.0, {"inside": np.s_[:, 1:3]}, [2]),  # outside suppresses nothing
        ([[3, 2], [1, 0]], 1.0, {"step_xy": (0.5, 2.0)}, [0, 2]),
        ([[3, 2], [1, 0]], 1.0, {"step_xy": (2.0, 0.5)}, [0, 1]),
        ([[4, 3, 2, 1]], 0.3, {"step_xy": (0.1, 1.0)}, [0]),  # 3 * 0.1 > 0.3 by rounding
        (np.zeros((0, 3)), 1.0, {}, []),
    ],
)
def test_by_hand(values, radius, settings, expected):
    values = torch.as_tensor(np.array(values, dtype=np.float32))
    assert suppress_one_by_one(values, radius, **settings).tolist() == expected
