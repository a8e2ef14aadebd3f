"""Positive-unlabeled learning on images and cryo-EM particle picking for scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import puclassify.model_selection  # noqa: F401  scoring= knows the names of its scorers

if TYPE_CHECKING:
    from puclassify.classifier import PUImageClassifier
    from puclassify.grid import GridImage
    from puclassify.models import export_onnx, load_model, load_topaz_model, save_model
    from puclassify.particles import extract_particles
    from puclassify.picking import NonMaximumSuppression, ParticlePicker
    from puclassify.regions import RegionExtractor, RegionTable, sample_regions

__version__ = "0.1.0.dev0"

__all__ = [
    "GridImage",
    "NonMaximumSuppression",
    "PUImageClassifier",
    "ParticlePicker",
    "RegionExtractor",
    "RegionTable",
    "export_onnx",
    "extract_particles",
    "load_model",
    "load_topaz_model",
    "sample_regions",
    "save_model",
]

# PyTorch takes seconds to import: what needs it is imported when it is first asked for.
_HOMES = {
    "GridImage": "grid",
    "NonMaximumSuppression": "picking",
    "PUImageClassifier": "classifier",
    "ParticlePicker": "picking",
    "RegionExtractor": "regions",
    "RegionTable": "regions",
    "export_onnx": "models",
    "extract_particles": "particles",
    "load_model": "models",
    "load_topaz_model": "models",
    "sample_regions": "regions",
    "save_model": "models",
}
_PACKAGES = {
    "calibration",
    "classifier",
    "datasets",
    "grid",
    "io",
    "losses",
    "metrics",
    "models",
    "networks",
    "particles",
    "picking",
    "plotting",
    "preprocessing",
    "prior",
    "regions",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
