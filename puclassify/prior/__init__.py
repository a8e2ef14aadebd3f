"""Estimators of the class prior, and its conversion between the scenarios."""

from puclassify.prior._bbe import BBEPrior
from puclassify.prior._best_bin import ratio_margin as ratio_margin
from puclassify.prior._dedpul import DEDPULPrior
from puclassify.prior._elkan_noto import ElkanNotoPrior
from puclassify.prior._unlabelled_prior import prior_of_unlabelled as prior_of_unlabelled
from puclassify.prior._unlabelled_prior import unlabelled_prior

__all__ = ["BBEPrior", "DEDPULPrior", "ElkanNotoPrior", "unlabelled_prior"]
