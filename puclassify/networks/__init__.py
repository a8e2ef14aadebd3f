"""Networks that score image patches, and whole micrographs with the same weights.

Pass them as ``module``, by name or as a class; `NETWORKS` maps the names to the classes.
"""

from puclassify.networks import registry
from puclassify.networks._batch_norm import BatchNorm2d as BatchNorm2d
from puclassify.networks._contract import check_unpadded, set_head_bias
from puclassify.networks._decoder import Decoder
from puclassify.networks._folding import fold_batch_norm, unfolded_batch_norms
from puclassify.networks._fully_convolutional import FullyConvolutional
from puclassify.networks._pretrained import INITS as INITS
from puclassify.networks._pretrained import Pretrained as Pretrained
from puclassify.networks._pretrained import check_init as check_init
from puclassify.networks._pretrained import load_pretrained as load_pretrained
from puclassify.networks._receptive_field import receptive_field
from puclassify.networks._residual_block import ResidualBlock as ResidualBlock
from puclassify.networks._weights import holds_weights as holds_weights
from puclassify.networks._weights import read_card as read_card
from puclassify.networks._weights import read_weights, write_weights
from puclassify.networks.registry import *  # noqa: F403  every network in the register

__all__ = [
    "Decoder",
    "FullyConvolutional",
    "check_unpadded",
    "fold_batch_norm",
    "read_weights",
    "receptive_field",
    "set_head_bias",
    "unfolded_batch_norms",
    "write_weights",
    *registry.__all__,
]
