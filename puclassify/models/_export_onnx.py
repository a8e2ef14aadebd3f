"""From a fitted estimator to a network in the ONNX format, for programs without PyTorch."""

from __future__ import annotations

import copy
import os
import tempfile
import warnings
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from puclassify.classifier import PUImageClassifier
from puclassify.io import replace_files
from puclassify.networks import FullyConvolutional, fold_batch_norm
from puclassify.picking import ParticlePicker

__all__ = ["export_onnx"]


def export_onnx(estimator: Any, path: str | os.PathLike) -> None:
    """Write the network of a fitted picker or classifier, with its calibration, as ONNX.

    Parameters
    ----------
    estimator : ParticlePicker or PUImageClassifier
        A fitted one; that of a picker is a network.
    path : str or path-like
        The file, by convention ``*.onnx``. It is complete or absent at any time.

    Raises
    ------
    TypeError
        If the estimator is another one.
    ImportError
        If the packages of the extra ``onnx`` are missing.
    ValueError
        If the network cannot be exported.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    save_model : Keeps everything, for `load_model`.

    Notes
    -----
    The input ``images`` is float32 of shape (n, channels, height, width), or (n, features). The
    output ``logits`` is calibrated: those of `PUImageClassifier.decision_function` of shape (n,),
    or for a network with a receptive field maps of shape (n, 1, height', width'), one logit for
    each position of the field, at its stride.
    Preprocessing and the search for maxima are not in the file: images are to be preprocessed as by
    ``preprocessing_`` of a picker, and its score maps hold also positions whose field reaches over
    the edge of the micrograph.

    Examples
    --------
    >>> from puclassify import export_onnx
    >>> export_onnx(picker, "picker.onnx")                                    # doctest: +SKIP
    """
    if type(estimator) not in (ParticlePicker, PUImageClassifier):
        raise TypeError(
            f"estimator must be a ParticlePicker or a PUImageClassifier, got {estimator!r}"
        )
    check_is_fitted(estimator)
    is_picker = isinstance(estimator, ParticlePicker)
    classifier = estimator.classifier_ if is_picker else estimator
    if not isinstance(classifier, PUImageClassifier):
        raise TypeError(f"the picker's classifier is {classifier!r}; only networks are exported")
    module = copy.deepcopy(classifier.module_).cpu().float().eval()
    network = _Calibrated(fold_batch_norm(module), estimator.calibration_).eval()
    replace_files({os.fspath(path): _exported(network, classifier.image_shape_)})


class _Calibrated(nn.Module):
    """A network with the calibration of its logits."""

    def __init__(self, module: nn.Module, calibration: tuple[float, float]):
        super().__init__()
        self.module = module
        self.slope, self.intercept = map(float, calibration)
        self.gives_maps = isinstance(getattr(module, "receptive_field", None), int)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return calibrated logits."""
        module: Any = self.module
        is_plain = type(module).forward is FullyConvolutional.forward  # checks the size of images
        logits = module.head(module.features(images)) if is_plain else module(images)
        logits = self.slope * logits + self.intercept
        return logits if self.gives_maps else logits.flatten()


def _exported(network: _Calibrated, image_shape: tuple[int, ...]) -> bytes:
    """Return the bytes of an ONNX model of any number of images, and of any size for maps."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "export_onnx needs the packages of an extra: pip install 'puclassify[onnx]'"
        ) from error
    axes = [0]
    if network.gives_maps and len(image_shape) == 3:
        axes = [0, 2, 3]
        field: Any = network.module.receptive_field
        image_shape = (image_shape[0], field + 24, field + 40)
    example = torch.zeros(2, *image_shape)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        file = os.path.join(folder, "network.onnx")
        try:
            torch.onnx.export(
                network,
                (example,),
                file,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=(dict.fromkeys(axes, torch.export.Dim.DYNAMIC),),
                external_data=False,
                verbose=False,
                dynamo=True,
            )
        except Exception as error:
            raise ValueError(
                f"module {type(network.module).__name__} cannot be exported: {error}"
            ) from error
        with open(file, "rb") as written:
            return written.read()
