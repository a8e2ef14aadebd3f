"""The class prior: estimates of it, and what it means in either scenario."""

from puclassify.prior._bbe import BBEPrior
from puclassify.prior._scenarios import unlabelled_prior

__all__ = ["BBEPrior", "unlabelled_prior"]
