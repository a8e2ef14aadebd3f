"""Splitters and scorers for search and cross-validation, and a comparison of candidates."""

from puclassify.model_selection._compare_candidates import compare_candidates
from puclassify.model_selection._pick_scorer import make_pick_scorer
from puclassify.model_selection._pu_scorer import make_pu_scorer
from puclassify.model_selection._pu_stratified_k_fold import PUStratifiedKFold
from puclassify.model_selection._responses import probabilities_of as probabilities_of
from puclassify.model_selection._responses import scores_of as scores_of

__all__ = ["PUStratifiedKFold", "compare_candidates", "make_pick_scorer", "make_pu_scorer"]
