"""Measures of how good picks and scores are."""

from puclassify.metrics._pick_matching import PickMatches, match_picks
from puclassify.metrics._pick_precision_recall import (
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
)

__all__ = [
    "PickMatches",
    "match_picks",
    "pick_average_precision_score",
    "pick_precision_recall_curve",
    "pick_precision_recall_fscore",
]
