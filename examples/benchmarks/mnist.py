"""
Even against odd digits of MNIST
================================

1000 even digits are labelled; all 60,000 training images are unlabelled. Prints accuracy on the
test images after the last epoch, and of the epoch that a held-out part of the PU data selects::

    PUCLASSIFY_DATA=... python examples/benchmarks/mnist.py
    PUCLASSIFY_DATA=... python examples/benchmarks/mnist.py --networks mlp --criteria nnpu --seeds 1

``PUCLASSIFY_DATA`` is the folder of ``mnist.npz``. The network "mlp", the sigmoid surrogate, Adam
and the weight decay are those of Kiryo et al., "Positive-unlabeled learning with non-negative risk
estimator", NeurIPS 2017; batches of 2000 instead of 30,000 and a one-cycle schedule need fewer
epochs. "cnn" is this package's compact convolutional network, half as wide as by default.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from image_sets import mnist
from pu_images import benchmark, large_set_settings

SETTINGS = large_set_settings(weight_decay=5e-3)


if __name__ == "__main__":
    benchmark(__doc__, mnist, SETTINGS, n_positive=1000, criteria=("nnpu", "upu", "pn"))
