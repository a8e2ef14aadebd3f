"""The formulas of the losses, as pure functions of logits, targets and class prior.

``logits`` and ``targets`` may have any shapes of equal size; they are flattened. A target of 1
marks a labelled positive, anything else an unlabelled example. The result is a scalar tensor. The
mixup terms accept mixed logits and soft targets instead. Half-precision logits are computed in
float32; float64 stays float64. Examples are selected by masks, never by indexing, so that the host
never waits for a value from an accelerator.

With ``weights`` the means over the labelled and over the unlabelled examples are weighted, each
divided by the sum of its own weights, and examples of weight 0 do not count. They are not checked:
they must not be negative.

A mean over no examples is 0: a batch without positives or without unlabelled examples has a finite
loss and gradient.
"""

from puclassify.losses._abspu import absolute_pu_loss
from puclassify.losses._cvir import cvir_loss
from puclassify.losses._dist_pu import distribution_mixup_term, distribution_pu_loss
from puclassify.losses._ge_binomial import ge_binomial_loss
from puclassify.losses._ge_kl import ge_kl_loss, unlabelled_mean_probability
from puclassify.losses._nnpu import non_negative_pu_loss
from puclassify.losses._pn import pn_loss
from puclassify.losses._upu import unbiased_pu_loss
from puclassify.losses._vpu import variational_mixup_term, variational_pu_loss

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
