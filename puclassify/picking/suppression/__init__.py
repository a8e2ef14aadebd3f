"""Non-maximum suppression: from score maps to picks."""

from puclassify.picking.suppression._non_maximum_suppression import (
    NonMaximumSuppression as NonMaximumSuppression,
)
from puclassify.picking.suppression._suppress import (
    check_suppression_parameters as check_suppression_parameters,
)
from puclassify.picking.suppression._suppress import (
    non_maximum_suppression as non_maximum_suppression,
)
