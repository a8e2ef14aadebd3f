"""How many particles there are, how good picks are, and where to cut."""

from puclassify.picking.estimates._fit_estimates import FEWEST_LABELS as FEWEST_LABELS
from puclassify.picking.estimates._fit_estimates import PickEstimation as PickEstimation
from puclassify.picking.estimates._fit_estimates import estimated_attributes as estimated_attributes
from puclassify.picking.estimates._threshold_rules import check_threshold as check_threshold
from puclassify.picking.estimates._threshold_rules import check_thresholds as check_thresholds
from puclassify.picking.estimates._threshold_rules import is_rule as is_rule
from puclassify.picking.estimates._threshold_rules import quality as quality
