"""Train a fully convolutional network on tiles and map whole micrographs with it."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.utils import check_random_state

from puclassify.classifier import PUImageClassifier
from puclassify.classifier._training import resolve_device
from puclassify.networks import check_unpadded
from puclassify.picking._dense_scoring import score_map
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking._tiles import TileBatches

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

    def __init__(self, classifier: PUImageClassifier, geometry: PickingGeometry):
        if classifier.early_stopping:
            raise ValueError(
                "classifier__early_stopping=True holds out single images, which tile training does "
                "not have; leave it False and choose classifier__max_epochs by cross-validation "
                "over micrographs"
            )
        classifier._check_training_parameters()
        self.classifier = classifier
        self.geometry = geometry
        self.n_epochs = classifier.max_epochs
        # A throw-away network, to ask for its geometry.
        network = classifier._build_module(0.5, image_shape=(1, 0, 0))
        check_unpadded(network)
        self.field, self.stride = network.receptive_field, network.stride
        classifier.image_shape_ = (1, self.field, self.field)

    def fit(self, images, labels, prior, rng, *, estimator, callback_context):
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
        estimator : estimator
            Whom the scikit-learn callbacks belong to.
        callback_context : CallbackContext
            Of its fit.
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
        )
        self.classifier.classes_ = np.array([0, 1])
        self.classifier._train(
            batches,
            prior,
            rng,
            tiles=True,
            callback_context=callback_context,
            estimator=estimator,
            verbose=max(estimator.verbose, self.classifier.verbose),
        )
        self.history = self.classifier.history_

    def score_map(self, image):
        """Score one preprocessed micrograph.

        Parameters
        ----------
        image : GridImage of shape (height, width)
            The micrograph.

        Returns
        -------
        GridImage
            Logits on the network's stride.
        """
        device = resolve_device(self.classifier.device)
        module = self.classifier.module_.to(device, memory_format=torch.channels_last).eval()
        return score_map(
            module, image, device=device, autocast_dtype=self.classifier._autocast_dtype(device)
        )
