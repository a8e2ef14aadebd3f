"""Train a fully convolutional network on tiles and map whole micrographs with it."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils import check_random_state

from puclassify._devices import resolve_device
from puclassify.classifier import PUImageClassifier
from puclassify.networks import check_unpadded, fold_batch_norm
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking.scoring._memory_budget import default_memory_budget, tile_length
from puclassify.picking.scoring._score_map import score_map
from puclassify.picking.tiles import TileBatches

__all__ = ["NetworkScorer"]


class NetworkScorer:
    """Scores micrographs with the network of a `PUImageClassifier`.

    Parameters
    ----------
    classifier : PUImageClassifier
        Its parameters decide; it is trained in place.
    geometry : PickingGeometry
        The radii.
    """

    memory_budget: float | str = "auto"  # of the picker
    compile = False  # of the picker
    may_memorize = False  # turned and magnified labels among thousands of others, for some epochs
    _cache = None

    def __init__(self, classifier: PUImageClassifier, geometry: PickingGeometry):
        self.classifier = classifier
        self.geometry = geometry
        self.n_epochs = classifier.max_epochs
        # A throw-away network, to ask for its geometry.
        network = classifier._build_module(0.5, image_shape=(1, 0, 0))
        check_unpadded(network)
        self.field, self.stride = network.receptive_field, network.stride
        classifier.image_shape_ = (1, self.field, self.field)

    def shortened(self, share: float) -> NetworkScorer:
        """Return a scorer like this one, to be trained afresh and for fewer epochs.

        Parameters
        ----------
        share : float
            Of the epochs; there is at least one.

        Returns
        -------
        NetworkScorer
            With a clone of the classifier, which reports to nobody.
        """
        n_epochs = max(1, round(share * self.classifier.max_epochs))
        shorter = clone(self.classifier)
        shorter.set_params(max_epochs=n_epochs, callbacks=None, verbose=0)
        return NetworkScorer(shorter, self.geometry)

    def fit(self, images, labels, prior, rng, report, *, verbose=0):
        """Train on tiles.

        Parameters
        ----------
        images : list of GridImage
            The preprocessed micrographs.
        labels : list of ndarray of shape (k_i, 2)
            Labelled centres in stored pixels.
        prior : float
            P(y = 1) among unlabelled map positions.
        rng : RandomState
            Seeds everything.
        report : FitReport or None
            Whom the scikit-learn callbacks belong to; None tells them nothing.
        verbose : int, default=0
            Above 0 a line is printed every epoch.
        """
        if self.classifier.random_state is not None:
            rng = check_random_state(self.classifier.random_state)
        batches = TileBatches(
            images,
            labels,
            field=self.field,
            stride=self.stride,
            label_radius=self.geometry.label_radius_on(images[0]),
            n_unlabelled=self.classifier.batch_size,
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            device=self.device,
        )
        self.classifier.classes_ = np.array([0, 1])
        self.classifier._train(
            batches, prior, rng, report, tiles=True, verbose=max(verbose, self.classifier.verbose)
        )

    @property
    def device(self) -> torch.device:
        """Where micrographs are scored, and had best be preprocessed."""
        return resolve_device(self.classifier.device)

    @property
    def history(self) -> list[dict]:
        """What the classifier recorded of its training, epoch by epoch.

        Returns
        -------
        list of dict
            Empty while the first training is under way.
        """
        return getattr(self.classifier, "history_", [])

    def with_module(self, module) -> NetworkScorer:
        """Return a scorer like this one with another network.

        Parameters
        ----------
        module : nn.Module
            The network.

        Returns
        -------
        NetworkScorer
            The copy.
        """
        other = copy.copy(self)
        other._cache = None
        other.classifier = copy.copy(self.classifier)
        other.classifier.module_ = module
        return other

    def score_map(self, image):
        """Score one preprocessed micrograph.

        Parameters
        ----------
        image : GridImage of shape (height, width)
            The micrograph.

        Returns
        -------
        GridImage
            Logits on the network's stride: a tensor on the classifier's device.
        """
        device = self.device
        dtype = self.classifier._autocast_dtype(device)
        network, tile = self._prepared(device, dtype)
        return score_map(network, image, device=device, autocast_dtype=dtype, tile=tile)

    def _prepared(self, device, dtype):
        """Return the network as it scores fastest, and the tiles that fit into the memory."""
        module = self.classifier.module_
        key = device, dtype, self.memory_budget, self.compile, _version(module)
        if self._cache is None or self._cache[0] != key:
            module.to(device, memory_format=torch.channels_last).eval()
            key = (*key[:-1], _version(module))
            folded = fold_batch_norm(module)
            budget = self.memory_budget
            if isinstance(budget, str):
                budget = default_memory_budget(device)
            tile = tile_length(folded, budget, dtype or torch.float32)
            network = _compiled(folded) if self.compile else folded
            self._cache = key, network, tile
        return self._cache[1:]

    def __getstate__(self):
        return vars(self) | {"_cache": None}


def _version(module):
    """Return what changes with a network, which may be changed in place between predictions."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    training = any(part.training for part in module.modules())
    return training, [(id(tensor), tensor._version, tensor.device) for tensor in tensors]


def _compiled(module):
    """Compile a network for maps of any size."""
    compiled = torch.compile(module, dynamic=True)
    compiled.receptive_field, compiled.stride = module.receptive_field, module.stride
    return compiled
