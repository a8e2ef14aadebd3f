"""The ranges that varied micrographs are drawn from, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puclassify._parameters import check_number, did_you_mean
from puclassify.datasets._simulation_parameters import check_range, check_shape
from puclassify.datasets._simulator._processing import PROCESSES

__all__ = ["NEGATIVES", "PROCESSED", "SceneRanges"]

# How often a kind occurs in a micrograph.
NEGATIVES = {
    "fragments": 0.5,
    "wrong_scale": 0.25,
    "chains": 0.35,
    "specks": 0.5,
    "ice": 0.45,
    "carbon": 0.15,
    "filaments": 0.08,
    "gold": 0.08,
}
PROCESSED = {
    "low_pass": 0.3,
    "high_pass": 0.25,
    "wiener": 0.12,
    "median": 0.08,
    "local_contrast": 0.08,
    "clipped": 0.25,
    "eight_bit": 0.3,
}
assert set(PROCESSED) == set(PROCESSES)

_SMALLEST_DIAMETER = 8.0


@dataclass(frozen=True)
class SceneRanges:
    """Checked parameters of `MicrographSimulator` that a micrograph is drawn from."""

    shape: tuple[int, int]
    particle_diameter: float
    size_jitter: tuple[float, float]
    defocus: tuple[float, float]
    voltage: tuple[float, ...]
    phase_plate: float
    b_factor: tuple[float, float]
    snr: tuple[float, float]
    noise_before_ctf: tuple[float, float]
    noise_cutoff: tuple[float, float]
    ice_gradient: tuple[float, float]
    coverage: tuple[float, float]
    spacing: tuple[float, float]
    sparse: float
    preferred_orientation: float
    micelle: float
    negatives: Mapping[str, float]
    processed: Mapping[str, float]

    @classmethod
    def checked(cls, **values: Any) -> SceneRanges:
        """Check what a user passed and fill in what a mapping leaves out."""
        checked: dict[str, Any] = {
            "shape": check_shape(values["shape"], at_least=16),
            "particle_diameter": check_number(
                values["particle_diameter"],
                "particle_diameter",
                f"a number of pixels, at least {_SMALLEST_DIAMETER:g}",
                at_least=_SMALLEST_DIAMETER,
            ),
        }
        for name, words, lowest, highest in (
            ("size_jitter", "positive factors", 0.05, 20.0),
            ("defocus", "underfocus in ångström", 100.0, 200_000.0),
            ("b_factor", "square ångström", 0.0, 10_000.0),
            ("snr", "positive ratios of variances", 1e-6, 1e6),
            ("noise_before_ctf", "shares from 0 to 1", 0.0, 1.0),
            ("noise_cutoff", "cycles per pixel", 1e-3, 100.0),
            ("ice_gradient", "shares of the brightness from 0 to 1", 0.0, 1.0),
            ("coverage", "shares of the area from 0.001 to 0.9", 0.001, 0.9),
            ("spacing", "positive factors of the particle's width", 0.05, 20.0),
        ):
            expected = f"a (low, high) range of {words} from {lowest:g} to {highest:g}, or one"
            checked[name] = check_range(
                values[name], name, expected, at_least=lowest, at_most=highest
            )
        volts = values["voltage"]
        volts = tuple(volts) if isinstance(volts, (tuple, list)) else (volts,)
        expected = "volts from 40,000 to 1,000,000 (300 kV is 300e3), or a list of them"
        checked["voltage"] = tuple(
            check_number(v, "voltage", expected, at_least=4e4, at_most=1e6) for v in volts
        )
        if not volts:
            raise ValueError(f"voltage must be {expected}, got {values['voltage']!r}")
        for name in ("phase_plate", "sparse", "preferred_orientation", "micelle"):
            checked[name] = _share(values[name], name)
        for name, defaults in (("negatives", NEGATIVES), ("processed", PROCESSED)):
            checked[name] = _shares(values[name], name, defaults)
        return cls(**checked)


def _share(value: Any, name: str) -> float:
    return check_number(value, name, "a share from 0 to 1", at_least=0, at_most=1)


def _shares(value: Any, name: str, defaults: dict[str, float]) -> dict[str, float]:
    """Return the shares of all kinds: defaults, times a number, or what a mapping names."""
    if not isinstance(value, Mapping):
        if value is None:
            return dict(defaults)
        expected = "None, a factor from 0 (none) to 1 of the defaults, or a mapping of shares"
        factor = check_number(value, name, expected, at_least=0, at_most=1)
        return {kind: factor * share for kind, share in defaults.items()}
    unknown = [kind for kind in value if kind not in defaults]
    if unknown:
        hint = did_you_mean(str(unknown[0]), defaults)
        raise ValueError(f"{name} has no kind {unknown[0]!r} (it has {', '.join(defaults)}){hint}")
    return {kind: _share(value.get(kind, 0.0), f"{name}[{kind!r}]") for kind in defaults}
