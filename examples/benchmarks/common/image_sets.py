"""Images with known classes, and labelled positives drawn from them.

Files are read from the folder named by ``PUCLASSIFY_DATA``. Needs NumPy and scikit-learn only.
"""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

__all__ = ["ImageSet", "cifar10", "digits", "fashion_mnist", "mnist"]


@dataclass
class ImageSet:
    """Images of shape (n, h, w) or (n, c, h, w), pixels from 0 to 1, and which are positive."""

    train: np.ndarray
    train_truth: np.ndarray  # bool
    test: np.ndarray
    test_truth: np.ndarray

    @property
    def prior(self) -> float:
        """Share of positives among the training images, which all are the unlabelled sample."""
        return float(np.mean(self.train_truth))

    def labelled(self, n_positive: int, seed: int) -> np.ndarray:
        """Return the indices of randomly drawn positives, to be labelled."""
        positives = np.flatnonzero(self.train_truth)
        return np.random.default_rng(seed).choice(positives, n_positive, replace=False)

    def draw(self, n_positive: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labelled positives followed by all training images, and labels 1 and 0.

        This is the case-control scenario: labelled positives are among the unlabelled images, too.
        """
        drawn = self.labelled(n_positive, seed)
        X = np.concatenate([self.train[drawn], self.train])
        return X, np.repeat([1, 0], [n_positive, len(self.train)])


def mnist() -> ImageSet:
    """Load handwritten digits, even ones positive, with the split of the data set."""
    data = np.load(_path("mnist.npz"))
    return ImageSet(
        _pixels(data["x_train"]),
        data["y_train"] % 2 == 0,
        _pixels(data["x_test"]),
        data["y_test"] % 2 == 0,
    )


def fashion_mnist() -> ImageSet:
    """Load clothes; trousers, coats and sneakers (classes 1, 4 and 7) are positive."""
    data = np.load(_path("fashion_mnist.npz"))
    return _split(_pixels(data["x"]), data["y"], [1, 4, 7], n_test=10_000)


def cifar10() -> ImageSet:
    """Load colour photographs; vehicles (classes 0, 1, 8 and 9) are positive.

    Reads ``cifar10.npz`` or the folder ``cifar-10-batches-py`` as published for Python. The files
    of the folder are pickles, which can run code when they are read: get them from the source.
    """
    path = _path("cifar10.npz", "cifar-10-batches-py")
    if path.is_file():
        with np.load(path) as data:
            stored = [data[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    else:
        train = [_cifar10_batch(path / f"data_batch_{number}") for number in range(1, 6)]
        stored = [np.concatenate(parts) for parts in zip(*train)]
        stored += _cifar10_batch(path / "test_batch")
    x_train, y_train, x_test, y_test = stored
    vehicles = [0, 1, 8, 9]
    return ImageSet(
        _pixels(_channels_first(x_train)),
        np.isin(np.ravel(y_train), vehicles),
        _pixels(_channels_first(x_test)),
        np.isin(np.ravel(y_test), vehicles),
    )


def digits() -> ImageSet:
    """Load the 8 x 8 handwritten digits that come with scikit-learn, even ones positive."""
    data = load_digits()
    X = (data.images / 16).astype(np.float32)
    return _split(X, data.target, [0, 2, 4, 6, 8], n_test=len(X) // 3)


def _path(*names: str) -> Path:
    """Return the path of the first of the names found in the data folder."""
    wanted = " or ".join(names)
    folder = os.environ.get("PUCLASSIFY_DATA")
    if not folder:
        sys.exit(f"set PUCLASSIFY_DATA to the folder that holds {wanted}")
    for name in names:
        if (Path(folder) / name).exists():
            return Path(folder) / name
    sys.exit(f"PUCLASSIFY_DATA={folder} holds no {wanted}")


def _cifar10_batch(path: Path) -> list[np.ndarray]:
    """Read images of shape (n, 3, 32, 32) and their classes from one file of CIFAR-10."""
    if not path.is_file():
        sys.exit(f"{path.parent} holds no {path.name}")
    with path.open("rb") as file:
        batch = pickle.load(file, encoding="bytes")
    return [np.reshape(batch[b"data"], (-1, 3, 32, 32)), np.asarray(batch[b"labels"])]


def _channels_first(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 3, 1, 2) if x.shape[-1] == 3 else x


def _pixels(stored) -> np.ndarray:
    return stored.astype(np.float32) / 255


def _split(X, classes, positive, n_test) -> ImageSet:
    """Split at random, the same way for all seeds, with equal class shares on both sides."""
    train, test = train_test_split(
        np.arange(len(X)), test_size=n_test, stratify=classes, random_state=0
    )
    truth = np.isin(classes, positive)
    return ImageSet(X[train], truth[train], X[test], truth[test])
