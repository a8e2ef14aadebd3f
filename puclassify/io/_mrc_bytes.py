"""Whether the bytes of an MRC file of mode 0 have a sign, which programs disagree about."""

from __future__ import annotations

from typing import Any

import numpy as np

from puclassify._warnings import warn

__all__ = ["bytes_type"]

_IMOD = 1146047817  # "IMOD", at byte 152
_IMOD_AT = 152
_PIXELS_LOOKED_AT = 1 << 20


def bytes_type(values: np.ndarray, header: Any, path: str) -> np.dtype:
    """Return int8 or uint8 for pixels that were read as uint8.

    IMOD says which, if it wrote the file; else the minimum and maximum in the header fit one of the
    two, or the one is taken in which neighbouring pixels differ less, with a warning.
    """
    signed: np.dtype = np.dtype(np.int8)
    unsigned: np.dtype = np.dtype(np.uint8)
    if values.max() < 128:
        return signed  # the same numbers in both
    stamp, flags = np.frombuffer(header.tobytes(), header.dtype["mode"], 2, _IMOD_AT).tolist()
    if stamp == _IMOD:
        return signed if flags & 1 else unsigned
    low, high = float(header.dmin), float(header.dmax)
    fits = {dtype: _holds(low, high, values.view(dtype)) for dtype in (signed, unsigned)}
    if fits[signed] != fits[unsigned]:
        return signed if fits[signed] else unsigned
    if 0 <= low < high and 127 < high <= 255:
        guess, reason = unsigned, f"its header gives {low:g} and {high:g} as extremes"
    elif -128 <= low < 0 and low < high <= 127 and high > 1:
        guess, reason = signed, f"its header gives {low:g} and {high:g} as extremes"
    else:
        steps = {dtype: _mean_step(values.view(dtype)) for dtype in (signed, unsigned)}
        guess = unsigned if steps[unsigned] < steps[signed] else signed
        reason = f"neighbouring pixels then differ by {steps[guess]:.3g} in the mean"
        reason += f", else by {max(steps.values()):.3g}"
    other = signed if guess == unsigned else unsigned
    warn(
        f"{path} holds bytes (MRC mode 0), and its header does not say whether they have a sign: "
        f"they are read as {guess.name}, since {reason}. If that is wrong, pass its pixels as an "
        f"array, read_micrograph(path).values.view({other.name!r}), or convert it to mode 1"
    )
    return guess


def _holds(low: float, high: float, values: np.ndarray) -> bool:
    """Return whether all pixels are between the extremes of the header."""
    return bool(low - 0.5 <= values.min() and values.max() <= high + 0.5)


def _mean_step(values: np.ndarray) -> float:
    """Return the mean difference between neighbouring pixels of rows all over the image."""
    rows = max(1, _PIXELS_LOOKED_AT // values.shape[1])
    some = values[:: max(1, len(values) // rows)].astype(np.int16)
    axis = 1 if some.shape[1] > 1 else 0
    steps = np.abs(np.diff(some, axis=axis))
    return float(steps.mean()) if steps.size else float(np.abs(some).mean())
