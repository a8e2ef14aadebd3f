"""Micrographs in training: held once, where there is room for them."""

from __future__ import annotations

import tempfile

import numpy as np
import torch

from puclassify._devices import free_memory
from puclassify.picking.tiles._spline import spline_coefficients

__all__ = ["SplineStore"]

_LARGEST_SHARE = 0.5  # of the free memory of a device or of the machine


class SplineStore:
    """The spline coefficients of micrographs on the device, in memory or in a temporary file.

    Parameters
    ----------
    images : list of GridImage
        The preprocessed micrographs.
    device : torch.device
        Where their tiles are needed. They are put there if they take no more than half of what is
        free, else in the memory of the machine under the same condition, else in a file.

    Attributes
    ----------
    values : list of tensor of shape (height, width), float32
        The coefficients.
    device : torch.device
        Where they are.

    Notes
    -----
    The file lies in the folder for temporary files, which the environment variable ``TMPDIR``
    changes. It is memory-mapped and has no name, so that the system deletes it with the last of
    ``values``, however training ends.
    """

    def __init__(self, images, device: torch.device):
        n_bytes = 4 * sum(image.values.size for image in images)
        main = torch.device("cpu")
        roomy = next((place for place in (device, main) if _has_room(place, n_bytes)), None)
        coefficients = (spline_coefficients(image.values) for image in images)
        if roomy is not None:
            self.device = roomy
            self.values = [torch.from_numpy(c).to(roomy) for c in coefficients]
        else:
            self.device = main
            self.values = _in_file(coefficients, [image.shape for image in images])

    def squares(self, micrographs, left, rows, columns) -> torch.Tensor:
        """Cut one square out of each of some micrographs.

        Parameters
        ----------
        micrographs : list of n int
            Which.
        left : list of n int
            The first column that each square needs; the last is less than ``size`` columns away.
        rows : tensor of int of shape (n, size), on ``device``
            The rows of each square.
        columns : tensor of int of shape (n, size), on ``device``
            Its columns, counted from the first.

        Returns
        -------
        tensor of shape (n, size, size), float32
            The squares, on ``device``.
        """
        return torch.stack(
            [
                self.values[m][:, start : start + len(j)].index_select(0, i).index_select(1, j)
                for m, start, i, j in zip(micrographs, left, rows, columns, strict=True)
            ]
        )


def _has_room(device: torch.device, n_bytes: int) -> bool:
    return n_bytes <= _LARGEST_SHARE * free_memory(device)


def _in_file(arrays, shapes) -> list[torch.Tensor]:
    """Write arrays to a temporary file and map it."""
    with tempfile.TemporaryFile(prefix="puclassify-") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        # Copy-on-write: torch wants memory that it could write to, but nobody does.
        mapped = torch.from_numpy(np.memmap(file, dtype=np.float32, mode="c"))
    parts = mapped.split([height * width for height, width in shapes])
    return [part.view(*shape) for part, shape in zip(parts, shapes, strict=True)]
