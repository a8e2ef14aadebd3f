"""Estimates from the labels: number of particles, probability of a pick, threshold."""

from puclassify.picking.estimates._between_micrographs import (
    MicrographQuality as MicrographQuality,
)
from puclassify.picking.estimates._cross_fitting import FindCandidates as FindCandidates
from puclassify.picking.estimates._cross_fitting import (
    label_and_candidate_scores as label_and_candidate_scores,
)
from puclassify.picking.estimates._expected_quality import UNKNOWN_QUALITY as UNKNOWN_QUALITY
from puclassify.picking.estimates._expected_quality import expected_quality as expected_quality
from puclassify.picking.estimates._first_look import LOWEST_LOGIT as LOWEST_LOGIT
from puclassify.picking.estimates._first_look import FirstLook as FirstLook
from puclassify.picking.estimates._first_look import warn_if_nearly_empty as warn_if_nearly_empty
from puclassify.picking.estimates._fit_estimates import FEWEST_LABELS as FEWEST_LABELS
from puclassify.picking.estimates._fit_estimates import CrossFit as CrossFit
from puclassify.picking.estimates._fit_estimates import EstimationTask as EstimationTask
from puclassify.picking.estimates._fit_estimates import cross_fit as cross_fit
from puclassify.picking.estimates._fit_estimates import (
    estimate_pick_quality as estimate_pick_quality,
)
from puclassify.picking.estimates._particle_probability import (
    ParticleProbability as ParticleProbability,
)
from puclassify.picking.estimates._pick_quality import PickQuality as PickQuality
from puclassify.picking.estimates._ranks import are_clearly_better as are_clearly_better
from puclassify.picking.estimates._ranks import ranks_of_labels as ranks_of_labels
from puclassify.picking.estimates._threshold_rules import AUTO_RULE as AUTO_RULE
from puclassify.picking.estimates._threshold_rules import THRESHOLD_RULES as THRESHOLD_RULES
from puclassify.picking.estimates._threshold_rules import ThresholdRule as ThresholdRule
from puclassify.picking.estimates._threshold_rules import check_threshold as check_threshold
from puclassify.picking.estimates._threshold_rules import check_thresholds as check_thresholds
from puclassify.picking.estimates._threshold_rules import is_rule as is_rule
from puclassify.picking.estimates._unlike_training import watched as watched
