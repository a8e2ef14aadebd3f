"""The micrograph-level estimator."""

from __future__ import annotations

from functools import partial
from operator import itemgetter

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from puclassify._parallel import on_this_machine
from puclassify.base import DefaultComponentsMixin, PUBaseEstimator, UnchangedOutputMixin
from puclassify.classifier import UNCALIBRATED, FitReport, PUImageClassifier, warn_if_diverged
from puclassify.io import check_coordinates, check_micrographs
from puclassify.metrics import pick_average_precision_score
from puclassify.picking._check_images import check_images
from puclassify.picking._check_labels import check_labels
from puclassify.picking._default_components import complete_preprocessing, default_component
from puclassify.picking._geometry import PickingGeometry
from puclassify.picking._picker_parameters import check_picker_parameters
from puclassify.picking.estimates import (
    FEWEST_LABELS,
    PickEstimation,
    check_threshold,
    check_thresholds,
    estimated_attributes,
    is_rule,
)
from puclassify.picking.scoring import NetworkScorer, WindowScorer, check_memory_budget
from puclassify.picking.streaming import MicrographPipeline, collected, stream_micrographs

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
        else from the number of particles that the labels tell.
    expected_particles : float or None, default=None
        Particles that a typical micrograph holds, labelled or not. A warning says so where the
        labels tell another number.
    threshold : float, "auto", "expected_f1", ("precision", p) or ("recall", r), default="auto"
        Where to cut: the logit above which a maximum is a pick, or what the picks are to be like.
        "auto" stands for "expected_f1", the largest expected F1; ``("precision", 0.9)`` takes as
        many picks as are expected to be right in nine of ten cases, ``("recall", 0.9)`` as few as
        are expected to hold nine of ten particles.
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
        micrograph is read and preprocessed in a thread, for a GPU in two, while one is scored.
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
    threshold_report_ : dict or None
        What is expected of the picks above it: ``precision``, ``recall``, ``f1``, ``n_picks`` and
        ``n_particles`` (in a training micrograph of median area), and 90 % intervals such as
        ``precision_interval``. Of all picks, whatever ``max_picks`` of the suppression leaves of
        them. None without estimates.
    expected_particles_ : float or None
        Particles in a training micrograph of median area as the labels tell; None without
        estimates.
    calibration_ : tuple of (float, float)
        Slope and intercept of the calibration: the classifier's own logits are
        ``(logit - intercept) / slope``. ``(1.0, 0.0)`` without estimates.
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
    centre of the first pixel. Scores are logits: ``1 / (1 + exp(-score))`` is the probability that
    a maximum of that score is a particle.

    What is expected of picks is estimated from the labels alone, by cross-fitting: the micrographs
    are parted in two, and the labels of each half are scored by a classifier that was trained, for
    a third of the epochs, on the other half. Where they then stand among all candidates, and what
    the final classifier gives them, a network, tells how many particles there are and how
    probable each candidate is (``puclassify/picking/estimates``). It takes 10 labels that are a
    random choice of the particles; with fewer, ``fit`` warns, the prior is that of particles which
    cover a fifth of a micrograph, and the threshold a logit of 0. No estimates are made where
    ``threshold`` is a number and ``prior`` or ``expected_particles`` is given; the fit then takes
    half as long.

    An epoch of the classifier is 40 batches of 8 tiles; its
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

        Warns
        -----
        UserWarning
            If there are too few labels for estimates, ``expected_particles`` contradicts them, or
            a precision or recall is out of reach.
        """
        check_picker_parameters(self)
        micrographs = check_micrographs(X)
        labels = check_coordinates(y, len(micrographs))
        rng = check_random_state(self.random_state)
        preprocessing = complete_preprocessing(
            self._component("preprocessing"), self.particle_diameter, self.pixel_size, self.n_jobs
        )
        with on_this_machine():  # where they are needed next
            images = check_images(preprocessing.fit_transform(micrographs), preprocessing)
        labels = check_labels(labels, images, micrographs)
        geometry = PickingGeometry.common_to(
            images, self.particle_diameter, self.pixel_size, self.label_radius
        )
        matching_radius = float(self.matching_radius or geometry.diameter / 2)
        classifier = self._component("classifier")
        is_network = isinstance(classifier, PUImageClassifier)
        scorer = (NetworkScorer if is_network else WindowScorer)(classifier, geometry)
        context = self._init_callback_context(max_subtasks=scorer.n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        estimation = PickEstimation(
            images,
            labels,
            geometry,
            scorer.stride,
            prior=self.prior,
            expected_particles=self.expected_particles,
            threshold=self.threshold,
        )
        estimation.hold_out(scorer, self._candidates, matching_radius, rng, verbose=self.verbose)
        prior = scorer.training_prior(estimation.prior)
        fitted = {
            "preprocessing_": preprocessing,
            "n_labels_": sum(len(xy) for xy in labels),
            "prior_": prior,
            "matching_radius_": matching_radius,
        }
        raw = fitted | estimated_attributes(None, self.threshold)
        report = FitReport(
            self, context, X, y, lambda so_far: raw | _attributes(scorer.with_training(so_far))
        )
        scorer.fit(images, labels, prior, rng, report, verbose=self.verbose)
        estimates = estimation.carry_over(scorer, self._candidates)
        threshold = self.threshold if estimates is None else estimates.threshold(self.threshold)
        estimated = estimated_attributes(estimates, threshold)
        # All at once, so that a fit that fails leaves the picker as it was.
        vars(self).update(fitted | estimated | _attributes(scorer))
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
        return collected(self._stream(X, MicrographPipeline.score_map))

    def predict_proba(self, X):
        """Estimate how probable a particle is at every position, were it a maximum.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.

        Returns
        -------
        ndarray of n GridImage, dtype object
            Maps of probabilities that a maximum of such a score is a particle: the logistic
            function of those of `transform`.
        """
        maps = self.transform(X)
        for index, scores in enumerate(maps):
            maps[index] = scores.with_values(expit(scores.values))
        return maps

    def predict(self, X, threshold=None, output=None, return_quality=False):
        """Pick particles.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.
        threshold : float, str, (str, float) or None, default=None
            Logit above which a maximum is a pick, or a rule such as ``("precision", 0.9)``, which
            is applied to the training micrographs; None is ``threshold_``, ``-np.inf`` gives every
            candidate.
        output : str, path-like or None, default=None
            Where to write the picks of every micrograph as soon as it is picked: a folder or a path
            with ``{name}`` in it, as of `puclassify.io.write_coordinates`. The files call the
            micrographs by their paths as given.
        return_quality : bool, default=False
            Whether to return what is expected of the picks, too.

        Returns
        -------
        picks : ndarray of n arrays of shape (k_i, 3), dtype object
            Picks as x, y, score by descending score, in stored pixels.
        quality : dict of ndarray of shape (n,)
            Only with ``return_quality``. For each micrograph ``n_picks``, the expected
            ``precision``, ``recall`` and ``f1`` of the picks, and the expected number
            ``n_particles`` of particles, from the probabilities of its candidates.

        Raises
        ------
        ValueError
            If the threshold is a rule, or ``return_quality`` is true, and the fit made no
            estimates.
        """
        threshold = self._threshold(threshold)
        if not return_quality:
            return collected(self.iter_predict(X, threshold, output))
        found = self._fitted_estimates("return_quality=True").posterior.found
        judge = partial(MicrographPipeline.pick_and_judge, threshold=threshold, found=found)
        results = list(self._stream(X, judge, output, picks_of=itemgetter(0)))
        picks = collected(picks for picks, _ in results)
        quality = [expected for _, expected in results]
        return picks, {name: np.array([one[name] for one in quality]) for name in quality[0]}

    def iter_predict(self, X, threshold=None, output=None):
        """Pick particles in one micrograph after another, however many there are.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The micrographs; a generator is consumed a little ahead of the picks.
        threshold : float, str, (str, float) or None, default=None
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
        return self._stream(X, pick, output)

    def expected_quality(self, thresholds=None):
        """Tell what is expected of the picks of the training micrographs, from the labels alone.

        Parameters
        ----------
        thresholds : array-like of shape (m,) or None, default=None
            Logits above which a candidate is a pick. None stands for all that make a difference,
            from the one that leaves the best candidate alone down to the one that takes all.

        Returns
        -------
        dict
            Arrays of shape (m,): ``threshold``, ``precision`` (NaN without picks), ``recall``,
            ``f1`` and ``n_picks``; of shape (m, 2), the ends of 90 % intervals:
            ``precision_interval``, ``recall_interval`` and ``f1_interval``; ``n_particles``, a
            number, and ``n_particles_interval``, a pair. Numbers of picks and particles are those
            in a training micrograph of median area, without regard to ``nms__max_picks``.

        Raises
        ------
        ValueError
            If the thresholds cannot be used, or the fit made no estimates.

        See Also
        --------
        puclassify.plotting.PickQualityDisplay : Draws them.
        """
        estimates = self._fitted_estimates("expected_quality")
        thresholds = None if thresholds is None else check_thresholds(thresholds)
        return estimates.expected_quality(thresholds)

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

    def _stream(self, X, finish, output=None, picks_of=None):
        """Apply a method of the `MicrographPipeline` to every micrograph, lazily."""
        check_is_fitted(self)
        return stream_micrographs(
            X,
            self._pipeline(),
            finish,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            output=output,
            picks_of=picks_of,
        )

    def _pipeline(self):
        check_memory_budget(self.memory_budget)
        self._scorer.compile = self.compile
        return self._pipeline_of(
            self._scorer, preprocessing=self.preprocessing_, calibration=self.calibration_
        )

    def _candidates(self, scorer, image):
        """Return all candidates of a preprocessed micrograph, with the scorer's own logits."""
        return self._pipeline_of(scorer, max_picks=None).pick(image, -np.inf)

    def _pipeline_of(self, scorer, *, preprocessing=None, calibration=UNCALIBRATED, **suppression):
        scorer.memory_budget = self.memory_budget
        return MicrographPipeline(
            preprocessing,
            scorer,
            self._component("nms").get_params(deep=False) | suppression,
            self.particle_diameter,
            self.pixel_size,
            calibration,
        )

    def _threshold(self, threshold):
        check_is_fitted(self)
        if threshold is None:
            return self.threshold_
        rule = check_threshold(threshold, also=", or None for that of the fit")
        if is_rule(rule):
            return self._fitted_estimates(f"threshold={threshold!r}").threshold(rule)
        return rule

    def _fitted_estimates(self, what):
        check_is_fitted(self)
        if self._picks is None:
            raise ValueError(
                f"{what} takes estimates, which the fit has not made: fit with threshold='auto' "
                f"and at least {FEWEST_LABELS} labelled particles"
            )
        return self._picks


def _attributes(scorer) -> dict:
    """Return what a picker keeps of its scorer."""
    return {"_scorer": scorer, "classifier_": scorer.classifier, "history_": scorer.history}
