"""The preprocessing of a picker on the device on which its network scores."""

from __future__ import annotations

from dataclasses import replace

import torch
from sklearn.pipeline import Pipeline

from puclassify._devices import as_tensor
from puclassify.grid import GridImage
from puclassify.preprocessing._fourier_downsample import FourierDownsample
from puclassify.preprocessing._normalize_micrograph import NormalizeMicrograph

__all__ = ["preprocess_on", "runs_on_devices"]


def runs_on_devices(preprocessing) -> bool:
    """Tell whether `preprocess_on` does all that a preprocessing does.

    Parameters
    ----------
    preprocessing : transformer
        The preprocessing of a picker.

    Returns
    -------
    bool
        True for `FourierDownsample`, `NormalizeMicrograph` and pipelines of nothing else. What a
        transformer of somebody else does to arrays, be it a subclass of these, is not known.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph
    >>> from puclassify.preprocessing._on_device import runs_on_devices
    >>> runs_on_devices(make_pipeline(FourierDownsample(4), NormalizeMicrograph()))
    True
    """
    return all(
        type(step) in (FourierDownsample, NormalizeMicrograph) for step in _steps(preprocessing)
    )


def preprocess_on(preprocessing, image, device) -> GridImage:
    """Preprocess one micrograph on a device, where the result stays.

    Parameters
    ----------
    preprocessing : transformer
        One that `runs_on_devices` accepts.
    image : GridImage
        The micrograph as stored. It is uploaded in the type that it is stored in.
    device : torch.device or str
        Where to compute.

    Returns
    -------
    GridImage
        What ``preprocessing.transform`` gives, as a float32 tensor on the device.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import GridImage
    >>> from puclassify.preprocessing import FourierDownsample
    >>> from puclassify.preprocessing._on_device import preprocess_on
    >>> image = GridImage(np.ones((4, 4), np.uint8))
    >>> preprocess_on(FourierDownsample(2), image, "cpu").values
    tensor([[1., 1.],
            [1., 1.]])
    """
    on_gpu = torch.device(device).type == "cuda"  # where what follows waits for it
    image = replace(image, values=as_tensor(image.values).to(device, non_blocking=on_gpu))
    for step in _steps(preprocessing):
        image = step.image_function()(image)
    return replace(image, values=image.values.float())


def _steps(preprocessing) -> list:
    """Return the transformers that a preprocessing applies in turn."""
    if type(preprocessing) is not Pipeline:
        return [preprocessing]
    return [step for _, step in preprocessing.steps if step not in (None, "passthrough")]
