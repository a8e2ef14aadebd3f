"""Displays of picks, curves, training, scores, priors and calibration; they need matplotlib."""

from puclassify.plotting._pick_precision_recall_display import PickPrecisionRecallDisplay
from puclassify.plotting._pick_quality_display import PickQualityDisplay
from puclassify.plotting._picks_display import PicksDisplay
from puclassify.plotting._prior_display import PriorDisplay
from puclassify.plotting._pu_precision_recall_display import PUPrecisionRecallDisplay
from puclassify.plotting._reliability_display import ReliabilityDisplay
from puclassify.plotting._score_histogram_display import ScoreHistogramDisplay
from puclassify.plotting._training_history_display import TrainingHistoryDisplay

__all__ = [
    "PUPrecisionRecallDisplay",
    "PickPrecisionRecallDisplay",
    "PickQualityDisplay",
    "PicksDisplay",
    "PriorDisplay",
    "ReliabilityDisplay",
    "ScoreHistogramDisplay",
    "TrainingHistoryDisplay",
]
