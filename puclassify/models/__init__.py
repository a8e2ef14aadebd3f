"""Models in files: written, read, and exchanged with other programs, without running any code."""

from puclassify.models._export_onnx import export_onnx
from puclassify.models._load_model import load_model
from puclassify.models._save_model import save_model
from puclassify.models._save_pretrained import save_pretrained
from puclassify.models._summary import model_info
from puclassify.models._topaz import TopazDetector, load_topaz_model

__all__ = [
    "TopazDetector",
    "export_onnx",
    "load_model",
    "load_topaz_model",
    "model_info",
    "save_model",
    "save_pretrained",
]
