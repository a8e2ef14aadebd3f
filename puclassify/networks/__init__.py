"""Networks that score image regions, and whole micrographs without change."""

from puclassify.networks._cnn import CompactCNN
from puclassify.networks._contract import check_unpadded, set_head_bias
from puclassify.networks._conv import Conv31, Conv63, Conv127
from puclassify.networks._decoder import Decoder
from puclassify.networks._folding import fold_batch_norm as fold_batch_norm
from puclassify.networks._fully_convolutional import FullyConvolutional
from puclassify.networks._mlp import MLP
from puclassify.networks._receptive_field import receptive_field
from puclassify.networks._resnet import ResNet8, ResNet9, ResNet16
from puclassify.networks.registry import NETWORKS, resolve_network

__all__ = [
    "MLP",
    "NETWORKS",
    "CompactCNN",
    "Conv31",
    "Conv63",
    "Conv127",
    "Decoder",
    "FullyConvolutional",
    "ResNet8",
    "ResNet9",
    "ResNet16",
    "check_unpadded",
    "receptive_field",
    "resolve_network",
    "set_head_bias",
]
