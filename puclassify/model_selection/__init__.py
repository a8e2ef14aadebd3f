"""Splitters and scorers for search and cross-validation."""

from puclassify.model_selection._pick_scorer import make_pick_scorer
from puclassify.model_selection._pu_stratified_k_fold import PUStratifiedKFold

__all__ = ["PUStratifiedKFold", "make_pick_scorer"]
