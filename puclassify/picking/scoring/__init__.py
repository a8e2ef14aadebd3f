"""Score maps of whole micrographs, by a network or any other classifier."""

from puclassify.picking.scoring._memory_budget import check_memory_budget as check_memory_budget
from puclassify.picking.scoring._network_scorer import NetworkScorer as NetworkScorer
from puclassify.picking.scoring._score_map import score_map as score_map
from puclassify.picking.scoring._symmetric_map import symmetric_score_map as symmetric_score_map
from puclassify.picking.scoring._window_scorer import WindowScorer as WindowScorer
