"""
Three kinds of clothes of Fashion-MNIST against seven
=====================================================

3000 images of the classes 1, 4 and 7 (trousers, coats, sneakers) are labelled; all 60,000 training
images are unlabelled. Prints accuracy on 10,000 test images after the last epoch, and of the epoch
that a held-out part of the PU data selects::

    PUCLASSIFY_DATA=... python examples/benchmarks/fashion_mnist.py
    PUCLASSIFY_DATA=... python examples/benchmarks/fashion_mnist.py --networks mlp --seeds 1

``PUCLASSIFY_DATA`` is the folder of ``fashion_mnist.npz``, 70,000 images in one array, which are
split here, by class and the same for every seed. Positives and their number are those of Chen et
al., "A variational approach for learning from positive and unlabeled data", NeurIPS 2020.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from image_sets import fashion_mnist
from pu_images import benchmark, large_set_settings

SETTINGS = large_set_settings(weight_decay=1e-3)


if __name__ == "__main__":
    benchmark(__doc__, fashion_mnist, SETTINGS, n_positive=3000, criteria=("nnpu", "upu", "pn"))
