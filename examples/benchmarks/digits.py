"""
Even against odd digits of 8 x 8 pixels
=======================================

A small relative of ``mnist.py`` on the digits that come with scikit-learn, for continuous
integration: seconds a fit. 100 even digits are labelled, two thirds of the images are unlabelled
and one third is tested on::

    python examples/benchmarks/digits.py
    python examples/benchmarks/digits.py --networks mlp --criteria nnpu --seeds 1
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from image_sets import digits
from pu_images import MultilayerPerceptron, benchmark

SETTINGS = {
    "mlp": {
        "module": MultilayerPerceptron,
        "module_params": {"in_features": 8 * 8},
        "optimizer": "adam",
        "optimizer_params": {"weight_decay": 5e-3},
        "lr": 1e-3,
        "batch_size": 256,
        "max_epochs": 30,
    },
    "cnn": {
        "module": "cnn",
        "module_params": {"units": 8},
        "lr": 1e-2,
        "batch_size": 256,
        "max_epochs": 20,
    },
}


if __name__ == "__main__":
    benchmark(__doc__, digits, SETTINGS, n_positive=100, criteria=("nnpu", "upu", "pn"))
