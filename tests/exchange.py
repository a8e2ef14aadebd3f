"""Exchange models between two environments: ``write FOLDER`` in one, ``read FOLDER`` in another.

``make test-exchange`` does it in both directions between the releases of constraints.txt and the
oldest ones that pyproject.toml admits. Read models have to predict what was written beside them.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch

from puclassify import ParticlePicker, PUImageClassifier, load_model, save_model
from puclassify.datasets import make_micrographs
from puclassify.models import model_info

CLASSIFIERS = {
    "classifier": {"module": "cnn", "calibration": None},
    "calibrated": {"module": "cnn", "calibration": "auto"},
    "mlp": {"module": "mlp", "criterion": "ge_binomial"},
}


def write(folder: Path) -> None:
    """Train small models, and write them with what they predict."""
    folder.mkdir(parents=True, exist_ok=True)
    images, y = examples()
    for name, parameters in CLASSIFIERS.items():
        classifier = PUImageClassifier(prior=0.3, max_epochs=2, random_state=0, **parameters)
        save_model(classifier.fit(images, y), folder / f"{name}.safetensors")
        np.save(folder / f"{name}.npy", classifier.decision_function(images))
    data = micrographs()
    picker = ParticlePicker(data.particle_diameter, pixel_size=data.pixel_size, random_state=0)
    picker.set_params(classifier__module="conv31", classifier__max_epochs=1)
    picker.fit(data.micrographs, data.coordinates)
    save_model(picker, folder / "picker.safetensors")
    picks = picker.predict(data.micrographs, threshold=-1)
    np.savez(folder / "picker.npz", *picks)


def read(folder: Path) -> None:
    """Compare what the models of another environment predict here with what they did there."""
    images, _ = examples()
    for name in CLASSIFIERS:
        classifier = load_model(folder / f"{name}.safetensors")
        expected = np.load(folder / f"{name}.npy")
        report(name, np.abs(classifier.decision_function(images) - expected).max())
    picker = load_model(folder / "picker.safetensors")
    with np.load(folder / "picker.npz") as written:
        expected = list(written.values())
    found = picker.predict(micrographs().micrographs, threshold=-1)
    assert [len(xy) for xy in found] == [len(xy) for xy in expected]
    assert all(np.array_equal(a[:, :2], b[:, :2]) for a, b in zip(found, expected))
    n_picks = sum(map(len, found))
    report(f"picker, {n_picks} picks", max(np.abs(a - b).max() for a, b in zip(found, expected)))
    print("written with", model_info(folder / "picker.safetensors")["versions"])


def report(name: str, difference: float) -> None:
    """Print the largest difference of logits, which has to be one of rounding."""
    print(f"{name}: logits differ by up to {difference:.1e}")
    assert difference < 1e-4, f"the logits of {name} differ by {difference}"


def examples() -> tuple[np.ndarray, np.ndarray]:
    """Return 1000 images of 16 x 16 pixels, 200 of 300 positives labelled."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(1000, 16, 16)).astype(np.float32)
    images[:300, 4:12, 4:12] += 1
    return images, np.repeat([1, 0], [200, 800])


def micrographs():
    """Return three small micrographs."""
    return make_micrographs(
        3, shape=(256, 256), particles_per_micrograph=15, snr=1.0, random_state=0
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of few labels, and of an old release about newer ones
    action, where = sys.argv[1:]
    print(f"{action}: Python {sys.version.split()[0]}, torch {torch.__version__},", end=" ")
    print(f"NumPy {np.__version__}, scikit-learn {sklearn.__version__}")
    {"write": write, "read": read}[action](Path(where))
