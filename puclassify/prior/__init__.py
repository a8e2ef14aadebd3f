"""Estimators of the class prior, its conversion between the scenarios, and propensities."""

from puclassify.prior._bbe import BBEPrior
from puclassify.prior._best_bin import ratio_margin as ratio_margin
from puclassify.prior._dedpul import DEDPULPrior
from puclassify.prior._elkan_noto import ElkanNotoPrior
from puclassify.prior._estimate_propensities import estimate_propensities
from puclassify.prior._unlabelled_prior import prior_of_unlabelled as prior_of_unlabelled
from puclassify.prior._unlabelled_prior import unlabelled_prior

__all__ = [
    "BBEPrior",
    "DEDPULPrior",
    "ElkanNotoPrior",
    "estimate_propensities",
    "unlabelled_prior",
]
