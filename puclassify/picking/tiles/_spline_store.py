"""The micrographs of a training as spline coefficients, kept where there is room for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from puclassify._devices import free_memory
from puclassify.grid import GridImage
from puclassify.picking.tiles._spline import spline_coefficients

__all__ = ["SplineStore"]

_LARGEST_SHARE = 0.5  # of the free memory of a device or of the machine


class SplineStore:
    """The spline coefficients of micrographs on a device, in memory or in a temporary file.

    They are kept on the device that the tiles are needed on, if they use at most half of its free
    memory, else in the memory of the machine under the same condition, else in a file. That file
    lies in the folder for temporary files, which the environment variable ``TMPDIR`` changes. It is
    memory-mapped and has no name, so that the system deletes it with the last of ``values``,
    however the training ends.
    """

    def __init__(self, images: Sequence[GridImage], device: torch.device):
        n_bytes = 4 * sum(image.values.size for image in images)
        main = torch.device("cpu")
        roomy = next((place for place in (device, main) if _has_room(place, n_bytes)), None)
        coefficients = (spline_coefficients(image.values) for image in images)
        if roomy is not None:
            self.device = roomy  # where the values are
            self.values = [torch.from_numpy(c).to(roomy) for c in coefficients]
        else:
            self.device = main
            self.values = _in_file(coefficients, [image.shape for image in images])

    def squares(
        self,
        micrographs: Sequence[int],
        left: Sequence[int],
        rows: torch.Tensor,
        columns: torch.Tensor,
    ) -> torch.Tensor:
        """Cut one square out of each of n micrographs: a tensor (n, size, size) on ``device``.

        ``rows`` and ``columns`` (n, size) are indices; those of columns are counted from ``left``,
        the first column that a square needs.
        """
        return torch.stack(
            [
                self.values[m][:, start : start + len(j)].index_select(0, i).index_select(1, j)
                for m, start, i, j in zip(micrographs, left, rows, columns, strict=True)
            ]
        )


def _has_room(device: torch.device, n_bytes: int) -> bool:
    return n_bytes <= _LARGEST_SHARE * free_memory(device)


def _in_file(arrays: Iterable[np.ndarray], shapes: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
    """Write arrays to a temporary file and map it."""
    with tempfile.TemporaryFile(prefix="puclassify-") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        # Copy-on-write, because torch expects writable memory; nothing is ever written.
        mapped = torch.from_numpy(np.memmap(file, dtype=np.float32, mode="c"))
    flat = mapped.split([height * width for height, width in shapes])
    return [values.view(*shape) for values, shape in zip(flat, shapes, strict=True)]
