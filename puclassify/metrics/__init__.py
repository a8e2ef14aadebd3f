"""Metrics of picks against true particles, and of classifiers from PU labels."""

from puclassify.metrics._pick_matching import PickMatches, match_picks
from puclassify.metrics._pick_matching import check_matching_radius as check_matching_radius
from puclassify.metrics._pick_matching import check_true_and_picked as check_true_and_picked
from puclassify.metrics._pick_precision_recall import (
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
)
from puclassify.metrics._pu_calibration import pu_calibration_error
from puclassify.metrics._pu_calibration_curve import binned_shares as binned_shares
from puclassify.metrics._pu_calibration_curve import pu_calibration_curve
from puclassify.metrics._pu_classification import (
    pu_accuracy_score,
    pu_f1_score,
    pu_precision_score,
)
from puclassify.metrics._pu_precision_recall import counts_above as counts_above
from puclassify.metrics._pu_precision_recall import pu_precision_recall_curve
from puclassify.metrics._pu_ranking import largest_prior_of_ranking as largest_prior_of_ranking
from puclassify.metrics._pu_ranking import pu_average_precision_score, pu_roc_auc_score
from puclassify.metrics._pu_recall import pu_lee_liu_score, pu_recall_score
from puclassify.metrics._pu_risk import pu_risk_score
from puclassify.metrics._pu_sample import PUSample as PUSample

__all__ = [
    "PickMatches",
    "match_picks",
    "pick_average_precision_score",
    "pick_precision_recall_curve",
    "pick_precision_recall_fscore",
    "pu_accuracy_score",
    "pu_average_precision_score",
    "pu_calibration_curve",
    "pu_calibration_error",
    "pu_f1_score",
    "pu_lee_liu_score",
    "pu_precision_recall_curve",
    "pu_precision_score",
    "pu_recall_score",
    "pu_risk_score",
    "pu_roc_auc_score",
]
