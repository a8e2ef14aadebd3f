"""
Networks for picking: average precision against the operations of a micrograph
===============================================================================

Trains the picker with one network after another on the same labels and prints average precision
on micrographs that it has not seen, after the last epoch, beside the operations of a score map of
1024 x 1024 pixels and the CPU-seconds of training::

    OMP_NUM_THREADS=1 PUCLASSIFY_DATA=... python examples/benchmarks/networks.py
    python examples/benchmarks/networks.py --sets elongated --networks resnet8 resnet9:24

``resnet9:24`` is the network with 24 units. "dilated" and "stride 8" are what else was tried. Sets,
labels and seeds are those of ``objectives_picking.py``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from puclassify import ParticlePicker
from puclassify.networks import NETWORKS, FullyConvolutional
from puclassify.networks._batch_norm import BatchNorm2d
from puclassify.networks._residual_block import ResidualBlock

sys.path.insert(0, str(Path(__file__).resolve().parent))
from objectives_picking import REAL, SNR, picking_set
from picking_sets import average_precision, draw_labels, fit_and_pick
from tables import mean_sd, table_head, table_row


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["resnet8", "resnet8:16", "resnet9", "resnet9:24", "dilated", "stride 8"],
    )
    parser.add_argument("--sets", nargs="+", choices=[REAL, *SNR], default=["ring", REAL])
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    if not os.environ.get("PUCLASSIFY_DATA"):
        options.sets = [name for name in options.sets if name != REAL]
    print(table_head(["set", "network", "GFLOP", "AP, mean (sd)", "train, CPU-s", "AP"]))
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            for network in options.networks:
                rows = [
                    train(name, network, seed, folder, options) for seed in range(options.seeds)
                ]
                scores, seconds = np.transpose(rows)
                each = " ".join(f"{score:.3f}" for score in scores)
                cells = [name, network, f"{gflop(make(network)):.1f}", mean_sd(scores, 3)]
                print(table_row([*cells, f"{seconds.mean():.0f}", each]), flush=True)


def train(name, network, seed, folder, options):
    """Return average precision and CPU-seconds of training."""
    data = picking_set(name, folder, seed)
    picker = ParticlePicker(data.particle_diameter, random_state=seed)
    picker.set_params(
        classifier__max_epochs=options.epochs, classifier__module=partial(make, network)
    )
    labels = draw_labels(data.train_coordinates, options.labels, seed)
    picks, seconds, _ = fit_and_pick(picker, data, labels)
    return average_precision(data, picks), seconds


def make(network):
    """Build a network by the name of its row."""
    if network in TRIED:
        return TRIED[network]()
    name, _, units = network.partition(":")
    return NETWORKS[name](units=int(units or 32))


def gflop(module):
    """Count the operations of one map; a multiplication and an addition are two."""
    edge = 1024 + module.receptive_field - module.stride
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module.eval()(torch.zeros(1, 1, edge, edge))
    return counter.get_total_flops() / 1e9


def _layer(in_channels, out_channels, side, stride=1, dilation=1):
    convolution = nn.Conv2d(in_channels, out_channels, side, stride, dilation=dilation, bias=False)
    return [convolution, BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _dilated():
    """Fewer layers than ResNet9 for the same field."""
    layers = [
        *_layer(1, 16, 7, 2),
        *_layer(16, 32, 5, 2),
        ResidualBlock(32, 32),
        ResidualBlock(32, 32, dilation=2),
        *_layer(32, 64, 3, 1, 2),
    ]
    return FullyConvolutional(nn.Sequential(*layers), 64)


def _stride_8():
    """A coarser map."""
    layers = [
        *_layer(1, 16, 7, 2),
        *_layer(16, 32, 5, 2),
        ResidualBlock(32, 32),
        *_layer(32, 64, 3, 2),
        ResidualBlock(64, 64),
        *_layer(64, 128, 1),
    ]
    return FullyConvolutional(nn.Sequential(*layers), 128)


TRIED = {"dilated": _dilated, "stride 8": _stride_8}

if __name__ == "__main__":
    main()
