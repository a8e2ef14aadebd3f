"""Displays of picks, precision-recall curves, training and scores; they need matplotlib."""

from puclassify.plotting._pick_precision_recall_display import PickPrecisionRecallDisplay
from puclassify.plotting._picks_display import PicksDisplay
from puclassify.plotting._score_histogram_display import ScoreHistogramDisplay
from puclassify.plotting._training_history_display import TrainingHistoryDisplay

__all__ = [
    "PickPrecisionRecallDisplay",
    "PicksDisplay",
    "ScoreHistogramDisplay",
    "TrainingHistoryDisplay",
]
