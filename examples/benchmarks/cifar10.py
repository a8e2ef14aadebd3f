"""Learn vehicles against animals of CIFAR-10.

1000 images of the classes 0, 1, 8 and 9 (aeroplanes, cars, ships, lorries) are labelled; all 50,000
training images are unlabelled. Prints accuracy on the test images after the last epoch, and after
the epoch selected with held-out PU data. Needs a GPU::

    PUCLASSIFY_DATA=... python examples/benchmarks/cifar10.py
    PUCLASSIFY_DATA=... python examples/benchmarks/cifar10.py --device cpu --epochs 1 --seeds 1

``PUCLASSIFY_DATA`` is the folder that holds ``cifar10.npz`` (arrays x_train, y_train, x_test,
y_test) or the folder ``cifar-10-batches-py``. The task and the network "cnn13" are those of Kiryo
et al., "Positive-unlabeled learning with non-negative risk estimator", NeurIPS 2017; images are not
augmented.
"""

from __future__ import annotations

from torch import nn

from common.image_benchmark import benchmark
from common.image_sets import cifar10

CONVOLUTIONS = (  # kernel, channels, stride
    (3, 96, 1),
    (3, 96, 1),
    (3, 96, 2),
    (3, 192, 1),
    (3, 192, 1),
    (3, 192, 2),
    (3, 192, 1),
    (1, 192, 1),
    (1, 10, 1),
)


class ConvolutionalNetwork(nn.Module):
    """The network of Kiryo et al. (2017) for CIFAR-10: nine convolutions, then 1000-1000-1.

    Every layer but the last has batch normalisation before its ReLU. Images have 32 x 32 pixels and
    three channels.
    """

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for kernel, channels, stride in CONVOLUTIONS:
            layers += [
                nn.Conv2d(before, channels, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        layers.append(nn.Flatten())
        for width in (8 * 8 * before, 1000):
            layers += [nn.Linear(width, 1000, bias=False), nn.BatchNorm1d(1000), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(1000, 1)

    def forward(self, x):
        """Return one logit for each image."""
        return self.head(self.features(x))


SETTINGS = {
    "cnn13": {
        "module": ConvolutionalNetwork,
        "optimizer": "adam",
        "optimizer_params": {"weight_decay": 5e-3},
        "lr": 1e-3,
        "batch_size": 500,
        "max_epochs": 50,
    }
}


if __name__ == "__main__":
    benchmark(
        __doc__, cifar10, SETTINGS, n_positive=1000, criteria=("nnpu", "dist_pu"), needs_gpu=True
    )
