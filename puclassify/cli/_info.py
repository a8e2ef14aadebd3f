"""The command ``info``."""

from __future__ import annotations

import os
from typing import Any

import click

from puclassify.cli._command import command, print_result
from puclassify.cli._files import looks_like_model
from puclassify.cli._options import PATH

_EXAMPLE = """\
puclassify info model.safetensors
puclassify info mic1.mrc picks.star"""


@command(name="info", example=_EXAMPLE)
@click.argument("files", type=PATH, nargs=-1, required=True)
def info(**options: Any) -> None:
    """Tell what is in model, micrograph or coordinate files.

    Of a model: its training and what to expect of its picks; of a micrograph: its size, pixel size
    and values; of coordinates: their number and range. A folder or pattern of coordinates counts as
    one, one of micrographs as each of them.
    """
    results = [_of(path) for given in options["files"] for path in _each(given)]
    texts = ["\n".join(_lines(one)) for one in results]
    print_result({"files": results}, "\n\n".join(texts))


def _each(given: str) -> list[str]:
    """Return the micrographs of a pattern or folder; anything else is described as one."""
    from puclassify.io import micrograph_files

    is_pattern = given.lower().endswith(_endings()) and not os.path.exists(given)
    holds_some = os.path.isdir(given) and any(
        name.lower().endswith(_endings()) for name in os.listdir(given)
    )
    return list(micrograph_files([given])) if is_pattern or holds_some else [given]


def _endings() -> tuple[str, ...]:
    from puclassify.io import MICROGRAPH_FORMATS

    return tuple(end for known in MICROGRAPH_FORMATS.values() for end in known.extensions)


def _of(path: str) -> dict[str, Any]:
    if looks_like_model(path):
        from puclassify.models import model_info

        return {"file": path, "kind": "model", **model_info(path)}
    if path.lower().endswith(_endings()):
        return {"file": path, "kind": "micrograph", **_of_micrograph(path)}
    return {"file": path, "kind": "coordinates", **_of_coordinates(path)}


def _of_micrograph(path: str) -> dict[str, Any]:
    import numpy as np

    from puclassify.io import read_micrograph

    image = read_micrograph(path)
    values = np.asarray(image.values)
    finite = values[np.isfinite(values)].astype(float)
    found = {"height": values.shape[0], "width": values.shape[1], "type": str(values.dtype)}
    found["pixel_size"] = image.pixel_size
    if finite.size:
        found |= {"min": finite.min(), "max": finite.max()}
        found |= {"mean": finite.mean(), "std": finite.std()}
    found["n_not_finite"] = values.size - finite.size
    return found


def _of_coordinates(path: str) -> dict[str, Any]:
    import numpy as np

    from puclassify.io import read_coordinate_table

    table = read_coordinate_table(path)
    counts = [len(xy) for xy in table.by_micrograph().values()]
    found: dict[str, Any] = {"n_micrographs": len(counts), "n_particles": len(table.names)}
    if counts and len(table.names):
        found["n_in_a_micrograph"] = [min(counts), float(np.median(counts)), max(counts)]
        for title, column in zip(("x", "y", "score"), table.values.T):
            found[title] = [np.nanmin(column), np.nanmax(column)]
    found["columns"] = list(table.columns)
    return found


def _lines(result: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for key, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_shown(value)}")
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(_shown, value)) or "none"
    if value is None:
        return "unknown"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
