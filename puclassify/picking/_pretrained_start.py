"""How a picker begins with a pretrained network: with labels, without, and without any fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from puclassify._warnings import warn
from puclassify.classifier import PUImageClassifier
from puclassify.grid import GridImage
from puclassify.networks import INITS, Pretrained, read_card
from puclassify.picking._contrast_and_scale import (
    choose_scale,
    inverted,
    labels_rank_higher_inverted,
    sees_more_inverted,
    set_inverted,
    warn_of_particle_size,
)
from puclassify.picking.estimates import CrossFit, FindCandidates, FirstLook
from puclassify.picking.scoring import NetworkScorer

__all__ = [
    "MOST_MICROGRAPHS",
    "UNSEEN_THRESHOLD",
    "Unlabelled",
    "evenly_spaced",
    "labelled_start",
    "line_of",
    "pretrained_report",
    "require_pretrained",
    "settings_of",
    "weights_of",
]

MOST_MICROGRAPHS = 24  # that are looked at where there is no label
_MICROGRAPHS_FOR_SCALE = 6
# The best threshold is half the largest expected F1: this one is for .7.
UNSEEN_THRESHOLD = float(np.log(0.35 / 0.65))


def line_of(weights: Pretrained) -> tuple[float, float]:
    """Return slope and intercept from a network's score at a maximum to the logit of a particle."""
    slope, intercept = weights.card["calibration"]
    return float(slope), float(intercept)


def require_pretrained(classifier: Any) -> None:
    """Refuse a classifier that knows nothing before the first label."""
    if not isinstance(classifier, PUImageClassifier):
        raise ValueError(
            f"y is None, but classifier={classifier!r} has no pretrained weights: pass labelled "
            "particles, or leave classifier at None"
        )
    if isinstance(classifier.init, str) and classifier.init == "random":
        raise ValueError(
            "y is None, and classifier__init='random' knows nothing without labels: pass labelled "
            "particles, or use ParticlePicker.from_pretrained"
        )


def evenly_spaced(X: Sequence, most: int) -> list:
    """Return at most so many items of a sequence."""
    items = list(X)
    if len(items) <= most:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, most).round().astype(int)]


def labelled_start(
    scorer: NetworkScorer,
    find_candidates: FindCandidates,
    images: Sequence[GridImage],
    labels: Sequence[np.ndarray],
    radius: float,
    preprocessing: Any,
) -> tuple[list[GridImage], FirstLook]:
    """Return the images, inverted if the labels say so, and what the pretrained network sees.

    A preprocessing that makes inverted images is set, in place.
    """
    weights = weights_of(scorer)
    warn_of_particle_size(images, scorer.geometry.diameter, weights.card["particle_pixels"])
    images = list(images)
    if labels_rank_higher_inverted(find_candidates, images, labels, radius):
        images, _ = _inverted_with_warning(images, preprocessing)
    return images, FirstLook.at(images, find_candidates, line_of(weights))


@dataclass(frozen=True)
class Unlabelled:
    """A picker's start on micrographs without labels.

    ``preprocess`` makes a preprocessing for a scale of the diameter, and the images; and
    ``finder`` makes what finds the candidates of a scorer at a scale.
    """

    preprocess: Callable[[float], tuple[Any, list[GridImage]]]
    finder: Callable[[NetworkScorer, float], FindCandidates]
    scorer_for: Callable[[list[GridImage], float], NetworkScorer]
    tries_scales: bool

    def start(self) -> tuple[float, Any, list[GridImage], NetworkScorer, FirstLook]:
        """Return the chosen scale, its preprocessing, images and scorer, and what it sees."""
        preprocessing, images = self.preprocess(1.0)
        scorer = self.scorer_for(images, 1.0)
        weights = weights_of(scorer)
        warn_of_particle_size(images, scorer.geometry.diameter, weights.card["particle_pixels"])
        find, line = self.finder(scorer, 1.0), line_of(weights)
        look = FirstLook.at(images, find, line)
        inverse = FirstLook.at(inverted(images), find, line)
        is_inverted = sees_more_inverted(look, inverse)
        if is_inverted:
            images, is_inverted = _inverted_with_warning(images, preprocessing)
            look = FirstLook.at(images, find, line)
        if not self.tries_scales:
            return 1.0, preprocessing, images, scorer, look

        def at_scale(scale: float) -> FirstLook:
            scaled = self._images_at(scale, is_inverted)[1]
            some = evenly_spaced(scaled, _MICROGRAPHS_FOR_SCALE)
            return FirstLook.at(some, self.finder(scorer, scale), line)

        some = evenly_spaced(images, _MICROGRAPHS_FOR_SCALE)
        at_one = look if len(some) == len(images) else FirstLook.at(some, find, line)
        scale = choose_scale(at_scale, at_one)
        if scale == 1.0:
            return scale, preprocessing, images, scorer, look
        _warn_of_scale(scale)
        preprocessing, images = self._images_at(scale, is_inverted)
        scorer = self.scorer_for(images, scale)
        look = FirstLook.at(images, self.finder(scorer, scale), line)
        return scale, preprocessing, images, scorer, look

    def _images_at(self, scale: float, invert: bool) -> tuple[Any, list[GridImage]]:
        preprocessing, images = self.preprocess(scale)
        if invert:
            set_inverted(preprocessing, True)
            images = inverted(images)
        return preprocessing, images


def pretrained_report(
    scorer: NetworkScorer,
    look: FirstLook | None,
    before: CrossFit | None,
    *,
    invert: bool,
    scale: float = 1.0,
) -> dict[str, Any]:
    """Return what `ParticlePicker.pretrained_report_` documents."""
    weights = weights_of(scorer)
    ranks = None if before is None else before.mean_ranks
    kept = "pretrained" if before is None or before.keeps_pretrained else "fine-tuned"
    return {
        "weights": weights.source,
        "sha256": weights.card["sha256"],
        "contrast": "inverted" if invert else "as is",
        "scale": scale,
        "n_particles": None if look is None else look.n_particles / float(look.areas.sum()),
        "kept": kept,
        "rank_pretrained": None if ranks is None else ranks[0],
        "rank_fine_tuned": None if ranks is None else ranks[1],
    }


def settings_of(weights: Any) -> dict[str, dict[str, Any]]:
    """Return the parameters of the default classifier and preprocessing that weights are for.

    Those of the package are for the defaults.
    """
    is_path = isinstance(weights, str | os.PathLike) and weights not in INITS
    if not is_path or not os.path.exists(weights):
        return {"classifier": {}, "preprocessing": {}}
    card = read_card(weights)
    return {
        "classifier": {
            "module": card["network"],
            "module_params": dict(card["module_params"]) or None,
        },
        "preprocessing": {
            "downsample__target_diameter": float(card["particle_pixels"]),
            "normalize__clip": card["preprocessing"].get("clip"),
            "normalize__invert": card["contrast"] == "bright",
        },
    }


def weights_of(scorer: NetworkScorer) -> Pretrained:
    if scorer.weights is None:
        raise ValueError(
            f"classifier__init={scorer.classifier.init!r} stands for random weights here, since "
            "the package has none that fit this network: pass labelled particles, or set "
            "classifier__init to a file of save_pretrained"
        )
    return scorer.weights


def _inverted_with_warning(
    images: list[GridImage], preprocessing: Any
) -> tuple[list[GridImage], bool]:
    """Invert images and the preprocessing, where it can be; return the images, and whether."""
    if not set_inverted(preprocessing, True):
        warn(
            "the particles seem to be brighter than the ice, while pretrained weights are for "
            f"darker ones, and preprocessing={preprocessing!r} has no NormalizeMicrograph(invert="
            "True): invert the micrographs"
        )
        return images, False
    warn(
        "the particles are brighter than the ice, while pretrained weights are for darker ones: "
        "the contrast was inverted, here and in every prediction "
        "(preprocessing__normalize__invert=True)"
    )
    return inverted(images), True


def _warn_of_scale(scale: float) -> None:
    warn(
        f"the pretrained network sees more at {scale:g} times the given particle_diameter, which "
        "was used: is the diameter right? diameter_scale_ has the factor"
    )
