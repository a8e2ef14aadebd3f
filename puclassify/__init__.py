"""Positive-unlabeled learning on images and cryo-EM particle picking for scikit-learn."""

import puclassify.model_selection  # noqa: F401  scoring= knows the names of its scorers
from puclassify.classifier import PUImageClassifier
from puclassify.grid import GridImage
from puclassify.models import export_onnx, load_model, load_topaz_model, save_model
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
    "load_model",
    "load_topaz_model",
    "sample_regions",
    "save_model",
]
