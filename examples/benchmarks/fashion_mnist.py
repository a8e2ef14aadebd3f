"""Learn three classes of Fashion-MNIST against the other seven.

3000 images of the classes 1, 4 and 7 (trousers, coats, sneakers) are labelled; all 60,000 training
images are unlabelled. Prints accuracy on 10,000 test images after the last epoch, and after the
epoch selected with held-out PU data::

    PUCLASSIFY_DATA=... python examples/benchmarks/fashion_mnist.py
    PUCLASSIFY_DATA=... python examples/benchmarks/fashion_mnist.py --networks mlp --seeds 1

``PUCLASSIFY_DATA`` is the folder that holds ``fashion_mnist.npz``, 70,000 images in one array; they
are split here by class, the same way for every seed. Positive classes and the number of labels are
those of Chen et al., "A variational approach for learning from positive and unlabeled data",
NeurIPS 2020.
"""

from __future__ import annotations

from common.image_benchmark import benchmark
from common.image_classifiers import large_set_settings
from common.image_sets import fashion_mnist

if __name__ == "__main__":
    benchmark(
        __doc__,
        fashion_mnist,
        large_set_settings(weight_decay=1e-3),
        n_positive=3000,
        criteria=("nnpu", "upu", "pn"),
    )
