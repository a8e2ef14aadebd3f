"""Coordinates as layers of points in napari, which need not be installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from puclassify._coordinate_columns import HEADER, column_places, is_frame, plain_titles
from puclassify._parameters import check_number
from puclassify._warnings import warn
from puclassify.io._check_coordinates import check_coordinate_array
from puclassify.io._coordinate_table import CoordinateTable, is_table, joined
from puclassify.io._coordinates import as_table
from puclassify.io._match_coordinates import matched_keys
from puclassify.io._micrograph import given_name

__all__ = ["from_napari", "to_napari"]

_NAME, _SCORE = HEADER[0], HEADER[3]
_MICROGRAPHS = "micrographs"  # in the metadata of a layer: the names of the images of a stack
_ACCEPTED = "a Points layer of napari or a tuple (data, options, 'points')"


def to_napari(
    picks: Any,
    micrographs: Any = None,
    *,
    particle_diameter: float | None = None,
    **options: Any,
) -> tuple[np.ndarray, dict[str, Any], str]:
    """Convert coordinates to a layer of points for napari.

    Parameters
    ----------
    picks : array-like, DataFrame, CoordinateTable, sequence or mapping of str to array-like
        The picks of one micrograph, of shape (k, 2) or (k, 3): x, y and possibly the score in
        pixels of the micrograph as stored; or those of several that lie in a stack, in any of the
        forms that `write_coordinates` takes.
    micrographs : str, path-like, or sequence of str, path-like, ndarray or GridImage, or None, \
            default=None
        The micrographs of the stack in their order, or the one micrograph. Picks by name are
        matched with them as by `match_coordinates`; None for the order in which they come.
    particle_diameter : float or None, default=None
        Size of the points, in pixels; None for that of napari.
    **options : dict
        More options of napari's Points layer, such as ``name="picks"`` or ``border_color``.

    Returns
    -------
    data : ndarray of shape (k, 2) or (k, 3)
        y and x of the points; for a stack the number of the micrograph in front.
    options : dict
        Options of the layer. Its features are the scores, the names of micrographs and further
        columns; those of points that are added by hand are empty.
    type : str
        ``"points"``

    Raises
    ------
    ValueError
        If the picks do not fit the micrographs.

    See Also
    --------
    from_napari : The way back.

    Notes
    -----
    napari counts pixels as this package does: the first stored pixel has its centre at 0, y points
    down. Images that are shown in another scale than 1 need the same ``scale`` for their points.

    Examples
    --------
    >>> from puclassify.io import to_napari
    >>> layer = to_napari([[10.0, 20.0, 1.5]], particle_diameter=30)
    >>> layer[0], layer[2]
    (array([[20., 10.]]), 'points')
    >>> layer[1]["size"], layer[1]["features"]
    (30.0, {'score': [1.5]})

    In napari::

        viewer = napari.Viewer()
        viewer.add_image(image.values)
        viewer.add_points(layer[0], **layer[1])
    """
    if particle_diameter is not None:
        expected = "a positive number of pixels, or None"
        size = check_number(particle_diameter, "particle_diameter", expected, above=0)
        options = {"size": size, **options}
    if _is_of_one(picks) and (micrographs is None or _is_path(micrographs)):
        values = check_coordinate_array(picks, "picks")
        names = None if micrographs is None else [os.fspath(cast(str, micrographs))]
        features = _features(values, names and names * len(values), {})
        return values[:, 1::-1].copy(), _layer_options(features, names, options), "points"
    table, names = _stacked(picks, micrographs)
    numbers = {name: number for number, name in enumerate(names)}
    planes = np.array([numbers[name] for name in table.names], dtype=float)
    data = np.column_stack([planes, table.values[:, 1], table.values[:, 0]])
    features = _features(table.values, table.names, table.columns)
    return data, _layer_options(features, names, options), "points"


def from_napari(
    layer: Any, micrographs: Sequence[Any] | Any | None = None, *, image: Any = None
) -> CoordinateTable:
    """Convert a layer of points of napari to coordinates.

    Parameters
    ----------
    layer : napari.layers.Points, tuple of (data, dict, "points"), or list of these
        The points, in y and x, or of a stack with the number of the image in front; or a list with
        a layer for each micrograph.
    micrographs : str, path-like, or sequence of str, path-like, ndarray or GridImage, or None, \
            default=None
        The micrographs of the stack in their order, the one micrograph, or one for each layer of a
        list. None for those that `to_napari` has noted in the layer or, for a single image, for the
        feature ``image_name``.
    image : napari.layers.Image, tuple of (data, dict, "image") or None, default=None
        The layer of the micrograph, if it has another scale or translation than the points.

    Returns
    -------
    CoordinateTable
        x and y in pixels of the micrographs, scores if every point has one, and the further
        features. `ParticlePicker.fit <puclassify.ParticlePicker.fit>` and `write_coordinates` take
        it as it is.

    Raises
    ------
    TypeError
        If ``layer`` is no layer of points.
    ValueError
        If the points have more than three axes, lie on no micrograph of the stack or are not
        finite, if there are no names of micrographs, or a layer is rotated against ``image``.

    Warns
    -----
    UserWarning
        If only some points have scores, which are left out then.

    See Also
    --------
    to_napari : The way there.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify.io import from_napari
    >>> layer = (np.array([[0, 20.0, 10.0], [1, 5.0, 6.0]]), {"name": "by hand"}, "points")
    >>> from_napari(layer, ["mic1.mrc", "mic2.mrc"]).by_micrograph()
    {'mic1.mrc': array([[10., 20.]]), 'mic2.mrc': array([[6., 5.]])}
    """
    if isinstance(layer, list):
        each = _one_for_each(layer, micrographs)
        return joined([from_napari(one, name, image=image) for one, name in zip(layer, each)])
    data, options = _parts(layer)
    if image is not None:
        data = _in_pixels_of(image, data, options)
    features = _columns_of(options)
    if any(len(column) != len(data) for column in features.values()):
        raise ValueError(f"layer has features of other lengths than its {len(data)} points")
    names, every = _names(data, features, options, micrographs)
    values = data[:, :-3:-1].copy()
    return _table(values, names, every, features)


def _is_of_one(picks: Any) -> bool:
    """Return whether picks are those of one micrograph, without its name."""
    if is_frame(picks):
        return "image_name" not in column_places([str(title) for title in picks.columns])
    if isinstance(picks, (Mapping, CoordinateTable)):
        return False
    if getattr(getattr(picks, "dtype", None), "kind", "") == "O":
        return False
    if getattr(picks, "ndim", None) == 2:
        return True
    first: Any = next((one for one in picks if one is not None and not is_frame(one)), None)
    return np.ndim(first) == 1 and np.size(first) > 0 and not np.ndim(first[0])


def _stacked(picks: Any, micrographs: Any) -> tuple[CoordinateTable, list[str]]:
    """Return all picks, and the names of the micrographs in the order of the stack."""
    names = None
    if micrographs is not None:
        names = [given_name(item, index) for index, item in enumerate(_several(micrographs))]
        if len(set(names)) < len(names):
            raise ValueError(f"micrographs must differ, got {names!r:.200}")
    if isinstance(picks, Mapping) or is_table(picks):
        table = as_table(picks, None)
        if names is None:
            return table, list(dict.fromkeys([*table.micrographs, *table.names]))
        return _matched(table, names), names
    arrays = [picks] if _is_of_one(picks) else [[] if one is None else one for one in picks]
    if names is None:
        names = [given_name(None, index) for index in range(len(arrays))]
    if len(arrays) != len(names):
        raise ValueError(
            f"picks holds arrays for {len(arrays)} micrographs, micrographs {len(names)}"
        )
    return as_table(arrays, names), names


def _matched(table: CoordinateTable, names: list[str]) -> CoordinateTable:
    """Return the rows of the micrographs of these names, under these."""
    own = table.split()
    tables = [
        replace(own[key], names=[name] * len(own[key].names), micrographs=(name,))
        for name, key in zip(names, matched_keys(own, names))
        if key is not None
    ]
    return joined(tables) if tables else CoordinateTable.from_arrays({})


def _features(values: np.ndarray, names: Any, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    scores = {_SCORE: values[:, 2].tolist()} if values.shape[1] == 3 else {}
    named = {} if names is None else {_NAME: list(names)}
    return {**named, **scores, **{title: list(one) for title, one in columns.items()}}


def _layer_options(
    features: dict[str, list[Any]], names: list[str] | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the options of a layer; points that are added by hand shall not copy features."""
    noted = {} if names is None else {_MICROGRAPHS: names}
    return {
        "name": "particles",
        "features": features,
        "feature_defaults": {title: _empty(values) for title, values in features.items()},
        "face_color": "transparent",
        "border_color": "lime",
        **options,
        "metadata": {**options.get("metadata", {}), **noted},
    }


def _empty(values: list[Any]) -> Any:
    return np.nan if all(isinstance(one, (int, float)) for one in values) else ""


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _several(micrographs: Any) -> Sequence[Any]:
    return [micrographs] if _is_path(micrographs) else micrographs


def _one_for_each(layers: list, micrographs: Any) -> Sequence[Any]:
    each = [None] * len(layers) if micrographs is None else _several(micrographs)
    if len(each) != len(layers):
        raise ValueError(f"layer holds {len(layers)} layers, micrographs {len(each)} names")
    return each


def _parts(layer: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the data (n, 2) or (n, 3) and the options of a layer of points."""
    data, options, kind = _tuple_of(layer)
    if kind != "points":
        raise TypeError(f"layer must be {_ACCEPTED}, got a layer of {kind}")
    points = np.asarray(data, dtype=float)
    if points.size == 0:
        points = points.reshape(0, points.shape[1] if points.shape[1:] in ((2,), (3,)) else 2)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(
            f"layer has points of shape {points.shape}, expected (n, 2), y and x, or (n, 3), with "
            "the number of the image in front"
        )
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise ValueError(f"point {bad[0]} of the layer is {points[bad[0]].tolist()}; remove it")
    return points, options


def _tuple_of(layer: Any) -> tuple[Any, dict[str, Any], str]:
    """Return a layer as data, options and type; layers of napari know their own."""
    if hasattr(layer, "as_layer_data_tuple"):
        layer = layer.as_layer_data_tuple()
    if not isinstance(layer, tuple) or len(layer) != 3 or not isinstance(layer[1], Mapping):
        raise TypeError(f"layer must be {_ACCEPTED}, got {type(layer).__name__}")
    return layer[0], dict(layer[1]), str(layer[2])


def _in_pixels_of(image: Any, data: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Return points of a layer in the pixels of that of an image."""
    _, of_image, _ = _tuple_of(image)
    n = data.shape[1]
    scale, shift = _placement(options, n, "layer")
    image_scale, image_shift = _placement(of_image, n, "image")
    return (data * scale + shift - image_shift) / image_scale


def _placement(options: dict[str, Any], n: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and translation of the last n axes of a layer."""
    for name, neutral in (("rotate", np.eye), ("shear", np.zeros), ("affine", np.eye)):
        value = options.get(name)
        turned = None if value is None else np.asarray(value, dtype=float)
        if turned is not None and not np.allclose(turned, _neutral(turned, neutral)):
            raise ValueError(
                f"{what} has {name}={turned.tolist()}, which is not taken into account; reset it"
            )
    found = []
    for name, default in (("scale", 1.0), ("translate", 0.0)):
        value = options.get(name)
        axes = [] if value is None else list(np.atleast_1d(np.asarray(value, dtype=float)))
        found.append(np.array(([default] * n + axes)[-n:]))
    return found[0], found[1]


def _neutral(value: np.ndarray, neutral: Any) -> np.ndarray:
    return neutral(len(value)) if neutral is np.eye and value.ndim == 2 else np.zeros(value.shape)


def _columns_of(options: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the features of a layer, in older ones its properties, as lists."""
    found = options.get("features")
    if found is None or not len(found):
        found = options.get("properties") or {}
    return {str(title): np.asarray(found[title]).tolist() for title in found}


def _names(
    data: np.ndarray, features: dict[str, list[Any]], options: dict[str, Any], micrographs: Any
) -> tuple[list[str], list[str]]:
    """Return the micrograph of every point, and all micrographs.

    Places in the stack come before names in features, which points added by hand may lack.
    """
    noted = dict(options.get("metadata") or {}).get(_MICROGRAPHS)
    given = noted if micrographs is None else _several(micrographs)
    every = [] if given is None else [given_name(one, index) for index, one in enumerate(given)]
    if data.shape[1] == 3:
        return _names_of_stack(data[:, 0], every)
    if len(every) > 1:
        raise ValueError(
            f"the points of the layer lie on one image, but there are {len(every)} micrographs; "
            "pass that one, or a list of layers"
        )
    if every:
        return every * len(data), every
    titles = dict(zip(plain_titles(features), features))
    names = features.get(titles.get("imagename", ""), [])
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(
            "the layer does not name the micrograph of its points; pass micrographs=, its name"
        )
    return names, list(dict.fromkeys(names))


def _names_of_stack(planes: np.ndarray, every: list[str]) -> tuple[list[str], list[str]]:
    numbers = np.rint(planes).astype(int)
    every = every or [given_name(None, index) for index in range(numbers.max(initial=-1) + 1)]
    outside = np.flatnonzero((numbers < 0) | (numbers >= len(every)))
    if outside.size:
        raise ValueError(
            f"{outside.size} points lie on no image of the stack, the first is point {outside[0]} "
            f"on image {planes[outside[0]]:g}; there are {len(every)} micrographs"
        )
    return [every[number] for number in numbers], every


def _table(
    values: np.ndarray, names: list[str], every: list[str], features: dict[str, list[Any]]
) -> CoordinateTable:
    titles = dict(zip(plain_titles(features), features))
    columns = {title: one for title, one in features.items() if title != titles.get("imagename")}
    scored = titles.get("score", titles.get("confidence"))
    if scored is not None:
        scores = np.array([np.nan if one is None else one for one in columns.pop(scored)], float)
        missing = int(np.isnan(scores).sum())
        if not missing:
            values = np.column_stack([values, scores])
        elif missing < len(scores):
            warn(
                f"{missing} of {len(scores)} points have no score, perhaps since they were added "
                "by hand: scores are left out"
            )
    return CoordinateTable(names, values, columns, micrographs=tuple(every))
