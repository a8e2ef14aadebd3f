"""Learn even against odd digits of 8 x 8 pixels.

A small version of ``mnist.py`` with the digits that come with scikit-learn; a fit takes seconds.
100 even digits are labelled, two thirds of the images are unlabelled, one third is for testing::

    python examples/benchmarks/digits.py
    python examples/benchmarks/digits.py --networks mlp --criteria nnpu --seeds 1
"""

from __future__ import annotations

from common.image_benchmark import benchmark
from common.image_classifiers import small_set_settings
from common.image_sets import digits

if __name__ == "__main__":
    benchmark(
        __doc__,
        digits,
        small_set_settings(),
        n_positive=100,
        criteria=("nnpu", "upu", "pn"),
    )
