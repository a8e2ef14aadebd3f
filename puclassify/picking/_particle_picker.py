"""The micrograph-level estimator."""

from __future__ import annotations

import os
import warnings
from collections import deque
from contextlib import closing
from functools import partial

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from puclassify._parallel import on_this_machine
from puclassify.base import DefaultComponentsMixin, PUBaseEstimator, UnchangedOutputMixin
from puclassify.classifier import PUImageClassifier
from puclassify.classifier._progress import FitReport
from puclassify.classifier._training import warn_if_diverged
from puclassify.grid import GridImage
from puclassify.io import check_coordinates, check_micrographs, micrograph_name
from puclassify.io._micrograph import iter_micrographs
from puclassify.io._pick_writer import PickWriter
from puclassify.metrics import pick_average_precision_score
from puclassify.picking._check_images import check_images
from puclassify.picking._default_components import default_component
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking._memory import check_memory_budget
from puclassify.picking._micrograph_pipeline import MicrographPipeline
from puclassify.picking._network_scorer import NetworkScorer
from puclassify.picking._picker_parameters import check_picker_parameters, check_threshold
from puclassify.picking._streaming import progress, stream
from puclassify.picking._window_scorer import WindowScorer
from puclassify.preprocessing import FourierDownsample
from puclassify.preprocessing._pixel_size import stored_pixel_size
from puclassify.regions import labels_inside

__all__ = ["ParticlePicker"]


class ParticlePicker(
    CallbackSupportMixin, DefaultComponentsMixin, UnchangedOutputMixin, PUBaseEstimator
):
    """Find particles in cryo-EM micrographs from a few labelled ones.

    Micrographs are downsampled and normalised, a classifier learns from the labelled particles and
    everything else as unlabelled, whole micrographs are scored, and the maxima of the score maps
    are the picks.

    Parameters
    ----------
    particle_diameter : float
        Diameter of the particle in ångström; in stored pixels with ``pixel_size=1.0``.
    pixel_size : float or "header", default=1.0
        Ångström per pixel of the micrographs as stored; "header" reads each MRC header and refuses
        one that says 0 or 1.
    classifier : PUImageClassifier, other classifier or None, default=None
        None stands for ``PUImageClassifier("resnet9", criterion=GEBinomialLoss(slack=0.1,
        risk_weight=10.0), batch_size=1024)``. A `PUImageClassifier` with an unpadded network is
        trained on tiles of the micrographs; any other scikit-learn classifier is trained on
        flattened regions and slid over them, and does not read ``prior``.
    preprocessing : transformer or None, default=None
        From micrographs to `GridImage`. None stands for a pipeline of `FourierDownsample`
        (``downsample``), which bins so that the diameter is about 30 pixels, and
        ``NormalizeMicrograph(clip=4.0)`` (``normalize``).
    nms : NonMaximumSuppression or None, default=None
        None stands for ``NonMaximumSuppression(radius)`` with half the diameter as radius. Its own
        ``threshold`` is not used.
    prior : float or "auto", default="auto"
        P(y = 1) among unlabelled map positions. "auto" derives it from ``expected_particles``,
        else from the guess that particles cover a fifth of a micrograph.
    expected_particles : float or None, default=None
        Particles that a typical micrograph holds, labelled or not.
    threshold : float or "auto", default="auto"
        Logit above which a maximum is a pick; "auto" is 0, a probability of one half.
    label_radius : float or None, default=None
        Map positions this close to a labelled centre, in stored pixels, are positive. None is an
        eighth of the diameter, at least one pixel of the binned grid.
    matching_radius : float or None, default=None
        Largest distance in stored pixels at which `score` counts a pick as right. None is half the
        diameter.
    memory_budget : float or "auto", default="auto"
        Bytes that the layers of the network may take in one forward pass: large micrographs are
        scored in overlapping tiles, with the same result. "auto" is a quarter of the free memory,
        at most 128 MiB, or on a GPU a half of it, at most 4 GiB; more is no faster.
    compile : bool, default=False
        Whether to score with a network compiled by ``torch.compile``. That takes up to a minute,
        needs a C++ compiler on a CPU, and pays with thousands of micrographs and ``n_jobs=None``.
    n_jobs : int or None, default=None
        Micrographs read, scored and picked at once (a joblib setting). With None or 1 the next
        micrograph is read and preprocessed in a thread while one is scored.
    verbose : int, default=0
        Above 0 a line is printed every training epoch, and predictions show their progress and how
        much time is left.
    random_state : int, RandomState instance or None, default=None
        Seed; the same seed gives the same picker on one machine at an equal number of threads.

    Attributes
    ----------
    classifier_ : estimator
        The trained classifier.
    preprocessing_ : transformer
        The preprocessing with the diameter filled in.
    prior_ : float
        P(y = 1) among unlabelled map positions that was trained with.
    threshold_ : float
        The logit that decides.
    matching_radius_ : float
        In stored pixels.
    history_ : list of dict
        Per epoch of training, as `PUImageClassifier.history_`; empty for other classifiers.
    n_labels_ : int
        Labelled particles that were trained on.

    See Also
    --------
    PUImageClassifier : The classifier inside.
    NonMaximumSuppression : From score maps to picks.

    Notes
    -----
    Coordinates are x, y in pixels of the micrographs as stored, x to the right, y down, from the
    centre of the first pixel. An epoch of the classifier is 40 batches of 8 tiles; its
    ``batch_size`` is the number of unlabelled map positions graded in each.

    References
    ----------
    .. [1] T. Bepler et al., "Positive-unlabeled convolutional neural networks for particle picking
       in cryo-electron micrographs", Nature Methods 16, 2019; arXiv:1803.08207.

    Examples
    --------
    >>> from puclassify import ParticlePicker, PUImageClassifier
    >>> from puclassify.datasets import make_micrographs
    >>> data = make_micrographs(3, shape=(256, 256), particles_per_micrograph=12, random_state=0)
    >>> picker = ParticlePicker(
    ...     data.particle_diameter,
    ...     classifier=PUImageClassifier("resnet9", criterion="ge_binomial", max_epochs=1),
    ...     random_state=0,
    ... )
    >>> picks = picker.fit(data.micrographs[:2], data.coordinates[:2]).predict(data.micrographs[2:])
    >>> picks[0].shape[1]                                     # x, y and score
    3
    """

    def __init__(
        self,
        particle_diameter,
        *,
        pixel_size=1.0,
        classifier=None,
        preprocessing=None,
        nms=None,
        prior="auto",
        expected_particles=None,
        threshold="auto",
        label_radius=None,
        matching_radius=None,
        memory_budget="auto",
        compile=False,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.particle_diameter = particle_diameter
        self.pixel_size = pixel_size
        self.classifier = classifier
        self.preprocessing = preprocessing
        self.nms = nms
        self.prior = prior
        self.expected_particles = expected_particles
        self.threshold = threshold
        self.label_radius = label_radius
        self.matching_radius = matching_radius
        self.memory_budget = memory_budget
        self.compile = compile
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _default_component(self, name):
        if getattr(self, name) is not None:
            return None
        return default_component(name, self.particle_diameter, self.pixel_size)

    def _materialise(self, name, nested):
        fresh = name == "nms" and self.nms is None
        super()._materialise(name, nested)
        if fresh:
            self.nms.radius = None  # half the diameter, also when that is changed later

    def _component(self, name):
        given = getattr(self, name)
        return self._default_component(name) if given is None else clone(given)

    @with_callbacks
    def fit(self, X, y):
        """Learn from labelled particles.

        Parameters
        ----------
        X : sequence of n path, 2-D array or GridImage
            The micrographs; their sizes may differ.
        y : sequence of n arrays of shape (k_i, 2)
            Labelled centres of each as x, y in stored pixels. A micrograph without labels is
            unlabelled data.

        Returns
        -------
        ParticlePicker
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no label, labels lie outside their micrograph, or a parameter cannot be
            used; the message names it.
        """
        check_picker_parameters(self)
        micrographs = check_micrographs(X)
        labels = check_coordinates(y, len(micrographs))
        rng = check_random_state(self.random_state)
        preprocessing = self._preprocessing()
        with on_this_machine():  # where they are needed next
            images = check_images(preprocessing.fit_transform(micrographs), preprocessing)
        labels = self._labels_inside(images, labels, micrographs)
        geometry = self._common_geometry(images)
        classifier = self._component("classifier")
        is_network = isinstance(classifier, PUImageClassifier)
        scorer = (NetworkScorer if is_network else WindowScorer)(classifier, geometry)
        prior = self._resolve_prior(images, geometry, scorer.stride)
        if is_network:
            prior = classifier._training_prior(prior)  # its criterion's own wins
        fitted = {
            "preprocessing_": preprocessing,
            "n_labels_": sum(len(xy) for xy in labels),
            "prior_": prior,
            "threshold_": 0.0 if self.threshold == "auto" else float(self.threshold),
            "matching_radius_": float(self.matching_radius or geometry.diameter / 2),
        }
        context = self._init_callback_context(max_subtasks=scorer.n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        report = FitReport(
            self, context, X, y, lambda module: fitted | _attributes(scorer.with_module(module))
        )
        scorer.fit(images, labels, prior, rng, report, verbose=self.verbose)
        # All at once, so that a fit that fails leaves the picker as it was.
        vars(self).update(fitted | _attributes(scorer))
        if is_network:
            warn_if_diverged(self.history_, self.classifier_.lr)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def transform(self, X):
        """Score every position of micrographs.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.

        Returns
        -------
        ndarray of n GridImage, dtype object
            Maps of logits on the network's stride.
        """
        return _object_array(self._stream(X, MicrographPipeline.score_map))

    def predict_proba(self, X):
        """Estimate the probability of a particle at every position of micrographs.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.

        Returns
        -------
        ndarray of n GridImage, dtype object
            Maps of probabilities: the logistic function of those of `transform`.
        """
        maps = self.transform(X)
        for index, scores in enumerate(maps):
            maps[index] = scores.with_values(expit(scores.values))
        return maps

    def predict(self, X, threshold=None, output=None):
        """Pick particles.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.
        threshold : float or None, default=None
            Logit above which a maximum is a pick; None is ``threshold_``, ``-np.inf`` gives every
            candidate.
        output : str, path-like or None, default=None
            Where to write the picks of every micrograph as soon as it is picked: a folder or a path
            with ``{name}`` in it, as of `puclassify.io.write_coordinates`. The files call the
            micrographs by their paths as given.

        Returns
        -------
        ndarray of n arrays of shape (k_i, 3), dtype object
            Picks as x, y, score by descending score, in stored pixels.
        """
        return _object_array(self.iter_predict(X, threshold, output))

    def iter_predict(self, X, threshold=None, output=None):
        """Pick particles in one micrograph after another, however many there are.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The micrographs; a generator is consumed a little ahead of the picks.
        threshold : float or None, default=None
            As in `predict`.
        output : str, path-like or None, default=None
            As in `predict`.

        Returns
        -------
        generator of ndarray of shape (k, 3)
            The picks of one micrograph after another.

        Notes
        -----
        The next micrographs are read and preprocessed while one is scored, and memory does not grow
        with their number. A run that is broken off keeps the files that it has written.
        """
        pick = partial(MicrographPipeline.pick, threshold=self._threshold(threshold))
        if output is None:
            return self._stream(X, pick)
        writer, paths = PickWriter(output), deque()
        return _written(self._stream(X, pick, paths), paths, writer)

    def score(self, X, y):
        """Measure the picks against known particles.

        Parameters
        ----------
        X : sequence of n path, 2-D array or GridImage
            The micrographs.
        y : sequence of n arrays of shape (k_i, 2)
            All their particles.

        Returns
        -------
        float
            Average precision over all candidates, whatever the threshold, within
            ``matching_radius_``.
        """
        picks = self.predict(X, threshold=-np.inf)
        return pick_average_precision_score(
            check_coordinates(y, len(picks)), picks, self.matching_radius_
        )

    def _stream(self, X, finish, paths=None):
        """Apply a method of the `MicrographPipeline` to every micrograph, lazily.

        What they are called is appended to ``paths`` as they are taken.
        """
        check_is_fitted(self)
        items = iter_micrographs(X)
        total = len(items) if hasattr(items, "__len__") else None
        if paths is not None:
            items = _noted(items, paths)
        pipeline = self._pipeline()
        results = stream(pipeline.read, partial(finish, pipeline), items, self.n_jobs)
        return progress(results, total, self.verbose)

    def _pipeline(self):
        check_memory_budget(self.memory_budget)
        self._scorer.memory_budget, self._scorer.compile = self.memory_budget, self.compile
        suppression = self._component("nms").get_params(deep=False)
        return MicrographPipeline(
            self.preprocessing_,
            self._scorer,
            suppression,
            self.particle_diameter,
            self.pixel_size,
        )

    def _threshold(self, threshold):
        if threshold is None:
            check_is_fitted(self)
            return self.threshold_
        return check_threshold(threshold, "a number (a logit) or None")

    def _preprocessing(self):
        """Return the preprocessing with the picker's diameter and number of jobs filled in."""
        preprocessing = self._component("preprocessing")
        nested = preprocessing.get_params(deep=True)
        for key, value in [("", preprocessing), *nested.items()]:
            if isinstance(value, FourierDownsample) and value.particle_diameter is None:
                value.set_params(
                    particle_diameter=self.particle_diameter, pixel_size=self.pixel_size
                )
            if key.rpartition("__")[2] == "n_jobs" and value is None:
                preprocessing.set_params(**{key: self.n_jobs})
        return preprocessing

    def _labels_inside(self, images, labels, micrographs):
        """Drop stray labels with a warning; refuse many of them, or none at all."""
        steps = [item.step_xy if isinstance(item, GridImage) else (1, 1) for item in micrographs]
        labels, n_outside = labels_inside(images, labels, steps=steps)
        if n_outside:
            warnings.warn(
                f"{n_outside} labels in y lie outside their micrograph and were left out",
                UserWarning,
                stacklevel=4,
            )
        if not any(map(len, labels)):
            raise ValueError("y holds no labelled particle at all; at least one is needed")
        return labels

    def _geometry(self, image):
        diameter = self.particle_diameter / stored_pixel_size(self.pixel_size, image)
        return PickingGeometry(diameter, self.label_radius)

    def _common_geometry(self, images):
        """Return the geometry of all training micrographs; refuse a mixture of pixel sizes."""
        sizes = [stored_pixel_size(self.pixel_size, image) for image in images]
        if max(sizes) > 1.01 * min(sizes):
            raise ValueError(
                f"the headers give pixel sizes from {min(sizes):g} to {max(sizes):g} Å; train on "
                "micrographs of one pixel size, or pass them as GridImages of one grid"
            )
        return self._geometry(images[0])

    def _resolve_prior(self, images, geometry, stride):
        if self.prior == "auto":
            return geometry.prior(images, stride, self.expected_particles)
        return float(self.prior)


def _attributes(scorer) -> dict:
    """Return what a picker keeps of its scorer."""
    return {"_scorer": scorer, "classifier_": scorer.classifier, "history_": scorer.history}


def _object_array(items) -> np.ndarray:
    """Collect what a stream gives."""
    items = list(items)
    if not items:
        raise ValueError("X holds no micrographs, at least 1 is required")
    return np.fromiter(items, dtype=object, count=len(items))  # copies no pixels


def _written(results, paths, writer):
    """Write the picks of every micrograph, under the path that the caller gave, and yield them."""
    with closing(results):
        for picks in results:
            writer.write(paths.popleft(), picks)
            yield picks
    writer.finish()


def _noted(items, paths):
    for index, item in enumerate(items):
        is_path = isinstance(item, (str, os.PathLike))
        paths.append(os.fspath(item) if is_path else micrograph_name(item, index))
        yield item
