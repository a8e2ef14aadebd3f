"""Learn even against odd digits of MNIST.

1000 even digits are labelled; all 60,000 training images are unlabelled. Prints accuracy on the
test images after the last epoch, and after the epoch selected with held-out PU data::

    PUCLASSIFY_DATA=... python examples/benchmarks/mnist.py
    PUCLASSIFY_DATA=... python examples/benchmarks/mnist.py --networks mlp --criteria nnpu --seeds 1

``PUCLASSIFY_DATA`` is the folder that holds ``mnist.npz``. The network "mlp", the sigmoid
surrogate, Adam and the weight decay are those of Kiryo et al., "Positive-unlabeled learning with
non-negative risk estimator", NeurIPS 2017; batches of 2000 instead of 30,000 and a one-cycle
schedule need fewer epochs. "cnn" is this package's compact convolutional network, half as wide as
by default.
"""

from __future__ import annotations

from common.image_benchmark import benchmark
from common.image_classifiers import large_set_settings
from common.image_sets import mnist

if __name__ == "__main__":
    benchmark(
        __doc__,
        mnist,
        large_set_settings(weight_decay=5e-3),
        n_positive=1000,
        criteria=("nnpu", "upu", "pn"),
    )
