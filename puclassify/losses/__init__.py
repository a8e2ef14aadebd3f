"""Losses for learning from positive and unlabelled examples."""

from puclassify.losses import functional
from puclassify.losses._abspu import AbsolutePULoss
from puclassify.losses._base import PULoss
from puclassify.losses._cvir import CVIRLoss
from puclassify.losses._dist_pu import DistributionPULoss
from puclassify.losses._ge_binomial import GEBinomialLoss
from puclassify.losses._ge_kl import GEKLLoss
from puclassify.losses._mixup import MixupPULoss
from puclassify.losses._nnpu import NonNegativePULoss
from puclassify.losses._pn import PNLoss
from puclassify.losses._reconstruction import reconstruction_error
from puclassify.losses._upu import UnbiasedPULoss
from puclassify.losses._vpu import VariationalPULoss
from puclassify.losses.registry import LOSSES, make_loss

__all__ = [
    "LOSSES",
    "AbsolutePULoss",
    "CVIRLoss",
    "DistributionPULoss",
    "GEBinomialLoss",
    "GEKLLoss",
    "MixupPULoss",
    "NonNegativePULoss",
    "PNLoss",
    "PULoss",
    "UnbiasedPULoss",
    "VariationalPULoss",
    "functional",
    "make_loss",
    "reconstruction_error",
]
