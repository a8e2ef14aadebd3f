"""Positive-unlabeled learning on images and cryo-EM particle picking for scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from puclassify._scorer_names import register_scorers

if TYPE_CHECKING:
    from puclassify import base as base
    from puclassify import calibration as calibration
    from puclassify import classifier as classifier
    from puclassify import datasets as datasets
    from puclassify import grid as grid
    from puclassify import io as io
    from puclassify import losses as losses
    from puclassify import metrics as metrics
    from puclassify import model_selection as model_selection
    from puclassify import models as models
    from puclassify import networks as networks
    from puclassify import particles as particles
    from puclassify import picking as picking
    from puclassify import plotting as plotting
    from puclassify import preprocessing as preprocessing
    from puclassify import pretraining as pretraining
    from puclassify import prior as prior
    from puclassify import regions as regions
    from puclassify.classifier import PUImageClassifier
    from puclassify.grid import GridImage
    from puclassify.models import (
        export_onnx,
        load_model,
        load_topaz_model,
        save_model,
        save_pretrained,
    )
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
    "save_pretrained",
]

# PyTorch and scikit-learn take seconds to import: everything is imported when first asked for.
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
    "save_pretrained": "models",
}
_PACKAGES = {
    "base",
    "calibration",
    "classifier",
    "cli",
    "datasets",
    "grid",
    "io",
    "losses",
    "metrics",
    "model_selection",
    "models",
    "networks",
    "particles",
    "picking",
    "plotting",
    "preprocessing",
    "pretraining",
    "prior",
    "regions",
}


if not TYPE_CHECKING:  # which see the imports above, and misspelt names

    def __getattr__(name: str) -> Any:
        if name in _PACKAGES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__, *_PACKAGES})


def _make_scorer(name: str) -> Any:
    """Make the scorer behind a name for ``scoring=``."""
    return import_module(f"{__name__}.model_selection").make_pu_scorer(name)


register_scorers(_make_scorer)
