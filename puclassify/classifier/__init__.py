"""The region-level estimator and its training loop."""

from puclassify.classifier._pu_image_classifier import PUImageClassifier

__all__ = ["PUImageClassifier"]
