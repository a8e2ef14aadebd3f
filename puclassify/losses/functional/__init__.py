"""The formulas of the losses, as pure functions of logits, targets and class prior.

Every function takes ``logits`` and ``targets`` of any, equally sized, shapes (they are flattened),
where a target of 1 marks a labelled positive and anything else an unlabelled example, and returns
a scalar tensor; the mixup terms take mixed logits and soft targets instead. Half-precision logits
are computed in float32, float64 stays float64. Nothing waits for a value from an accelerator:
examples are selected by masks, never by indexing.

A mean over no examples is 0, so a batch without positives or without unlabelled examples has a
finite loss and gradient.
"""

from puclassify.losses.functional._discarding import cvir_loss
from puclassify.losses.functional._distribution import (
    distribution_mixup_term,
    distribution_pu_loss,
)
from puclassify.losses.functional._examples import check_interval as check_interval
from puclassify.losses.functional._expectation import (
    ge_binomial_loss,
    ge_kl_loss,
    unlabelled_mean_probability,
)
from puclassify.losses.functional._risks import (
    absolute_pu_loss,
    non_negative_pu_loss,
    pn_loss,
    unbiased_pu_loss,
)
from puclassify.losses.functional._variational import (
    variational_mixup_term,
    variational_pu_loss,
)

__all__ = [
    "absolute_pu_loss",
    "cvir_loss",
    "distribution_mixup_term",
    "distribution_pu_loss",
    "ge_binomial_loss",
    "ge_kl_loss",
    "non_negative_pu_loss",
    "pn_loss",
    "unbiased_pu_loss",
    "unlabelled_mean_probability",
    "variational_mixup_term",
    "variational_pu_loss",
]
