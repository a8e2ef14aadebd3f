"""The micrograph-level estimator."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import fields, replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags, TransformerTags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from puclassify._containers import container_of, picks_in, set_container
from puclassify._parallel import on_this_machine
from puclassify._progress import with_verbose_steps
from puclassify.base import PUBaseEstimator, all_or_nothing
from puclassify.classifier import FitReport, PUImageClassifier, warn_if_diverged
from puclassify.grid import GridImage
from puclassify.io import check_coordinates, check_micrographs, in_order, is_table
from puclassify.metrics import pick_average_precision_score
from puclassify.picking._check_images import (
    check_images,
    fit_preprocessing,
    refuse_score_maps,
)
from puclassify.picking._check_labels import check_labels, check_particles_of_score
from puclassify.picking._check_lengths import (
    check_lengths,
    relative_pixel_size,
    unused_headers,
    warn_if_coarse,
)
from puclassify.picking._check_micrographs import warn_of_copies, without_constant
from puclassify.picking._contrast_and_scale import can_be_scaled, is_inverted
from puclassify.picking._default_components import (
    complete_preprocessing,
    default_component,
    follow_headers,
)
from puclassify.picking._describe_run import describe_run
from puclassify.picking._fitted_attributes import FittedAttributes
from puclassify.picking._geometry import HalfDiameter, PickingGeometry
from puclassify.picking._picker_parameters import check_picker_parameters
from puclassify.picking._pretrained_start import (
    MOST_MICROGRAPHS,
    UNSEEN_THRESHOLD,
    Unlabelled,
    evenly_spaced,
    labelled_start,
    line_of,
    pretrained_report,
    require_pretrained,
    settings_of,
    weights_of,
)
from puclassify.picking.estimates import (
    FEWEST_LABELS,
    LOWEST_LOGIT,
    UNKNOWN_QUALITY,
    EstimationTask,
    FindCandidates,
    PickQuality,
    check_threshold,
    check_thresholds,
    cross_fit,
    estimate_pick_quality,
    warn_if_nearly_empty,
    watched,
)
from puclassify.picking.label_checks import (
    each_once,
    labelled_micrographs,
    warn_if_read_otherwise,
)
from puclassify.picking.scoring import NetworkScorer, WindowScorer, check_memory_budget
from puclassify.picking.streaming import (
    MicrographPipeline,
    PickStream,
    collected,
    stream_micrographs,
)
from puclassify.picking.suppression import NonMaximumSuppression
from puclassify.picking.tiles import STEPS_PER_EPOCH

__all__ = ["ParticlePicker"]

Micrograph = str | os.PathLike | np.ndarray | GridImage
Threshold = float | str | tuple[str, float]


class ParticlePicker(CallbackSupportMixin, PUBaseEstimator):
    """Find particles in cryo-EM micrographs from a few labelled ones.

    Micrographs are downsampled and normalised, a classifier is trained on the labelled particles
    with everything else as unlabelled, whole micrographs are scored, and the maxima of the score
    maps are the picks.

    Parameters
    ----------
    particle_diameter : float
        Diameter of the particle in ångström; in stored pixels with ``pixel_size=1.0``.
    pixel_size : float or "header", default=1.0
        Ångström per pixel of the micrographs as stored; "header" reads it from each MRC header and
        refuses the values 0 and 1. A warning says so if headers contradict a number other than 1.
    classifier : PUImageClassifier, other classifier or None, default=None
        None stands for ``PUImageClassifier("resnet9", criterion=GEBinomialLoss(slack=0.1,
        risk_weight=10.0), batch_size=1024)``. A `PUImageClassifier` with an unpadded network is
        trained on tiles of the micrographs. Any other scikit-learn classifier is trained on
        flattened regions, is slid over the micrographs and ignores ``prior``.
    preprocessing : transformer or None, default=None
        From micrographs to `GridImage`. None stands for a pipeline of `FourierDownsample`
        (``downsample``), which bins so that the diameter is about 30 pixels, and
        ``NormalizeMicrograph(clip=4.0)`` (``normalize``).
    nms : NonMaximumSuppression or None, default=None
        None stands for ``NonMaximumSuppression(radius)`` with half the diameter as radius, also
        after ``set_params(nms__border=5)``: a radius that was never set follows a later diameter
        and the pixel sizes of headers. Its own ``threshold`` is not used.
    prior : float or "auto", default="auto"
        P(y = 1) among unlabelled map positions. "auto" derives it from ``expected_particles``, or
        without that from the number of particles estimated from the labels.
    expected_particles : float or None, default=None
        Particles in a typical micrograph, labelled or not. A warning says so if the labels imply
        another number.
    threshold : float, str or (str, float), default="auto"
        The logit above which a maximum is a pick, or a rule that chooses it. "auto" stands for
        "expected_f1", the largest expected F1; ``("precision", 0.9)`` gives the most picks of which
        nine in ten are expected to be right, ``("recall", 0.9)`` the fewest that are expected to
        include nine in ten particles. ``puclassify.picking.THRESHOLD_RULES`` holds the rules.
    label_radius : float or None, default=None
        Map positions this close to a labelled centre, in stored pixels, are positive. None is an
        eighth of the diameter, at least one pixel of the binned grid.
    matching_radius : float or None, default=None
        Largest distance in stored pixels at which `score` counts a pick as right. None is half the
        diameter.
    memory_budget : float or "auto", default="auto"
        Bytes that the layers of the network may use in one forward pass: large micrographs are
        scored in overlapping tiles, with the same result. "auto" is a quarter of the free memory,
        at most 128 MiB, or on a GPU half of it, at most 4 GiB; more is no faster.
    compile : bool, default=False
        Whether to score with a network compiled by ``torch.compile``. Compiling takes up to a
        minute, needs a C++ compiler on a CPU, and pays off for thousands of micrographs with
        ``n_jobs=None``.
    symmetry : bool, default=False
        Whether to average scores over the eight flips and quarter turns of a micrograph. Scoring
        takes eight times as long. Set it before ``fit``, whose estimates then are of these scores.
    n_jobs : int or None, default=None
        Number of micrographs processed in parallel (a joblib setting). With None or 1 the next
        micrograph is read and preprocessed in a thread, for a GPU in two, while one is scored.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the present ``classifier_``, with a new
        optimizer. The estimates are still made by networks with fresh weights, since nobody knows
        which labels the present ones have learnt.
    verbose : int, default=0
        Above 0 every long step of fits and predictions shows its progress and the time left on
        standard error: a bar on a terminal or in a notebook, else lines now and then and for every
        epoch. 2 gives the lines of epochs beside the bar, too.
    random_state : int, RandomState instance or None, default=None
        Seed; the same seed gives the same picker on one machine at an equal number of threads.

    Attributes
    ----------
    classifier_ : estimator
        The trained classifier.
    preprocessing_ : transformer
        The preprocessing with the diameter filled in.
    prior_ : float
        P(y = 1) among unlabelled map positions, as used in the training.
    threshold_ : float
        The logit above which a maximum is a pick.
    threshold_report_ : dict or None
        The expected quality of the picks above it: ``precision``, ``recall``, ``f1``, ``n_picks``
        and ``n_particles`` (in a training micrograph of median area), and 90 % intervals such as
        ``precision_interval``, which hold for the mean of as many new micrographs of the session,
        too. ``max_picks`` of the suppression is ignored here. None without estimates.
    expected_particles_ : float or None
        Particles in a training micrograph of median area, estimated from the labels; None without
        estimates.
    calibration_ : tuple of (float, float)
        Slope and intercept of the calibration: the classifier's own logits are
        ``(logit - intercept) / slope``. ``(1.0, 0.0)`` without estimates.
    matching_radius_ : float
        In stored pixels.
    pixel_size_ : float or "header"
        As given. Where the headers of the training micrographs say a pixel size, it remembers that:
        micrographs whose headers say another one are rescaled in proportion, with a warning.
    history_ : list of dict
        Per epoch of training, as `PUImageClassifier.history_`; empty for other classifiers.
    n_labels_ : int
        Number of labelled particles in the training.
    n_micrographs_ : int
        Number of micrographs in the training, or looked at without labels.
    diameter_scale_ : float
        Factor of ``particle_diameter``, other than 1 only where a fit without labels saw that
        particles are smaller or larger.
    pretrained_report_ : dict or None
        For a start from pretrained weights: the file of the ``weights`` and its ``sha256``; the
        ``contrast``, "as is" or "inverted"; the ``scale`` of the diameter; ``n_particles`` in a
        micrograph of median area as the pretrained network counts them; which network was
        ``kept``, "fine-tuned" or "pretrained"; and the mean ranks of held-out labels,
        ``rank_pretrained`` and ``rank_fine_tuned`` (by networks trained on other labels; 1 is the
        best candidate of a micrograph), None where they were not compared.

    See Also
    --------
    PUImageClassifier : The classifier inside.
    NonMaximumSuppression : From score maps to picks.

    Notes
    -----
    Coordinates are x, y in pixels of the micrographs as stored, x to the right, y down, from the
    centre of the first pixel. Scores are logits: ``1 / (1 + exp(-score))`` is the probability that
    a maximum of that score is a particle.

    The quality of the picks is estimated from the labels alone, by cross-fitting: the micrographs
    are split into halves, and the labels of each half are scored by a classifier that was trained,
    for a third of the epochs, on the other half. The ranks of these labels among all candidates,
    and for a network the scores that the final classifier gives them, imply the number of particles
    and the probability of each candidate (``puclassify/picking/estimates``). This needs 10 labels
    that are a random choice of the particles; with fewer, ``fit`` warns, the prior is that of
    particles which cover a fifth of a micrograph, and the threshold is a logit of 0. No estimates
    are made if ``threshold`` is a number and ``prior`` or ``expected_particles`` is given; the fit
    then takes half as long.

    A classifier with pretrained weights (``classifier__init``) trains with 10 labels for a tenth of
    ``max_epochs`` at a fifth of ``lr``, with 30 or more for all at the whole rate. The
    network as it was counts the particles first, which gives the prior where there are fewer than
    30 labels. It is kept where it ranks held-out labels higher than the networks that were trained
    on other labels do, and with fewer than 10 labels, with a warning. Where it ranks labels higher
    with inverted contrast, the contrast is inverted.

    An epoch of the classifier is 40 batches of 8 tiles; its ``batch_size`` is the number of
    unlabelled map positions graded in each.

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

    _steps_per_epoch = STEPS_PER_EPOCH  # of a network on tiles

    def __init__(
        self,
        particle_diameter: float,
        *,
        pixel_size: float | str = 1.0,
        classifier: Any = None,
        preprocessing: Any = None,
        nms: NonMaximumSuppression | None = None,
        prior: float | str = "auto",
        expected_particles: float | None = None,
        threshold: Threshold = "auto",
        label_radius: float | None = None,
        matching_radius: float | None = None,
        memory_budget: float | str = "auto",
        compile: bool = False,
        symmetry: bool = False,
        n_jobs: int | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
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
        self.symmetry = symmetry
        self.n_jobs = n_jobs
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    def set_params(self, **params: Any) -> ParticlePicker:
        """Set parameters; a nested name of a default component stores that component first.

        Parameters
        ----------
        **params : dict
            Parameter names mapped to their new values.

        Returns
        -------
        ParticlePicker
            The estimator itself.
        """
        super().set_params(**params)
        nms = self.nms
        if isinstance(nms, NonMaximumSuppression) and isinstance(nms.radius, HalfDiameter):
            nms.radius = HalfDiameter.of(self.particle_diameter, self.pixel_size)
        return self

    def set_output(self, *, transform: str | None = None) -> ParticlePicker:
        """Choose what `predict` and `iter_predict` return for each micrograph.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            "default" for arrays of picks, else DataFrames with the columns x, y and score; None
            changes nothing. The maps of `transform` stay as they are, so that a suppression can
            follow in a pipeline, and scikit-learn's global option ``transform_output`` changes
            nothing.

        Returns
        -------
        ParticlePicker
            The estimator itself.
        """
        set_container(self, transform)
        return self

    def _start(self) -> nn.Module | None:
        """Return the network whose weights a fit continues from; None for fresh weights."""
        goes_on = self.warm_start and hasattr(self, "classifier_")
        return getattr(self.classifier_, "module_", None) if goes_on else None

    def _default_component(self, name: str) -> Any:
        if getattr(self, name) is not None:
            return None
        return default_component(name, self.particle_diameter, self.pixel_size)

    def _component(self, name: str) -> Any:
        given = getattr(self, name)
        return self._default_component(name) if given is None else clone(given)

    @all_or_nothing
    @with_callbacks
    def fit(self, X: Sequence[Micrograph], y: Sequence[ArrayLike] | None = None) -> ParticlePicker:
        """Train on labelled particles, or take the measure of micrographs without labels.

        Parameters
        ----------
        X : sequence of n path, 2-D array or GridImage
            The micrographs; their sizes may differ.
        y : sequence of n arrays of shape (k_i, 2), CoordinateTable, DataFrame or None, default=None
            Labelled centres of each as x, y in stored pixels; those of all in a table or data
            frame are matched by name, as in `puclassify.io.match_coordinates`. Micrographs
            without labels are left out, with a warning, unless labels are so few that some have
            none by chance. None, for pretrained weights only, trains nothing: the sign of the
            contrast, the scale, the threshold and the number of particles are chosen by what the
            pretrained network sees in 24 of the micrographs.

        Returns
        -------
        ParticlePicker
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no label and no pretrained weight, labels lie outside their micrograph, all
            micrographs are constant, or a parameter is invalid; the message names it.

        Warns
        -----
        UserWarning
            If there are too few labels for estimates, ``expected_particles`` contradicts them, or
            the target of a threshold rule is out of reach; and if pretrained weights see bright
            particles, particles of another size, next to nothing, or more than after training on
            the labels.
        """
        check_picker_parameters(self)
        if y is None:
            return self._fit_without_labels(X)
        preprocessing = complete_preprocessing(
            self._component("preprocessing"), self.particle_diameter, self.pixel_size, self.n_jobs
        )
        rng = check_random_state(self.random_state)
        with with_verbose_steps(self.verbose):
            images, labels = without_constant(*_preprocessed(X, y, preprocessing))
        geometry = PickingGeometry.common_to(
            images, self.particle_diameter, self.pixel_size, self.label_radius
        )
        check_lengths(self, images, geometry)
        warn_if_coarse(X, geometry.diameter)
        warn_of_copies(images)
        pixel_size = relative_pixel_size(self.pixel_size, images)
        follow_headers(preprocessing, self.pixel_size, pixel_size)
        suspicion = unused_headers(self.pixel_size, images)
        labels = each_once(labels, geometry.diameter, suspicion)
        images, labels = labelled_micrographs(images, labels)
        classifier = self._component("classifier")
        is_network = isinstance(classifier, PUImageClassifier)
        n_labels = sum(map(len, labels))
        scorer: Any = (
            NetworkScorer(
                classifier,
                geometry,
                self._steps_per_epoch,
                start=self._start(),
                n_labels=n_labels,
            )
            if is_network
            else WindowScorer(classifier, geometry)
        )
        matching_radius = float(self.matching_radius or geometry.diameter / 2)
        look, was_inverted = None, is_inverted(preprocessing)
        if scorer.weights is not None:
            find = self._candidate_finder(scorer.pretrained())
            images, look = labelled_start(
                scorer, find, images, labels, matching_radius, preprocessing
            )
        context = self._init_callback_context(max_subtasks=scorer.n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        task = EstimationTask(
            images,
            labels,
            geometry,
            stride=scorer.stride,
            matching_radius=matching_radius,
            prior=self.prior,
            expected_particles=self.expected_particles,
            threshold=check_threshold(self.threshold),
            suspicion=suspicion,
            first_look=look,
        )
        before = cross_fit(task, scorer, self._candidate_finder, rng, verbose=self.verbose)
        prior = scorer.training_prior(before.prior)
        raw = FittedAttributes.of(preprocessing, scorer, task, prior, pixel_size)
        report = FitReport(
            self, context, X, y, lambda so_far: vars(raw.with_scorer(scorer.with_training(so_far)))
        )
        of_start: dict[str, Any] = {}
        if look is not None:
            invert = is_inverted(preprocessing) != was_inverted
            of_start["pretrained_report"] = pretrained_report(scorer, look, before, invert=invert)
        if before.keeps_pretrained:
            scorer = scorer.pretrained(prior)
        else:
            scorer.fit(images, labels, prior, rng, report, verbose=self.verbose)
        if look is not None and before.keeps_pretrained and before.held_out is None:
            quality = look.quality()
            of_start["lowest_threshold"] = LOWEST_LOGIT
        else:
            quality = estimate_pick_quality(
                task,
                before.held_out,
                self._candidate_finder(scorer),
                # One that did not see the labels scores them as it does when they are held out.
                may_memorize=scorer.may_memorize or before.keeps_pretrained,
                verbose=self.verbose,
            )
        self._set_fitted(
            FittedAttributes.of(preprocessing, scorer, task, prior, pixel_size, quality, **of_start)
        )
        if is_network:
            warn_if_diverged(self.history_, self.classifier_.lr)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def _fit_without_labels(self, X: Sequence[Micrograph]) -> ParticlePicker:
        """Choose contrast, scale and threshold by what the pretrained network sees."""
        classifier = self._component("classifier")
        require_pretrained(classifier)
        context = self._init_callback_context(max_subtasks=0)
        context.call_on_fit_task_begin(estimator=self, X=X, y=None)
        micrographs = evenly_spaced(check_micrographs(X), MOST_MICROGRAPHS)
        given = self._component("preprocessing")

        def preprocess(scale: float) -> tuple[Any, list[GridImage]]:
            preprocessing = complete_preprocessing(
                clone(given), self.particle_diameter * scale, self.pixel_size, self.n_jobs
            )
            return preprocessing, _images(micrographs, preprocessing)

        def geometry_of(images: list[GridImage], scale: float) -> PickingGeometry:
            diameter = self.particle_diameter * scale
            return PickingGeometry.common_to(images, diameter, self.pixel_size, self.label_radius)

        def scorer_for(images: list[GridImage], scale: float) -> NetworkScorer:
            geometry = geometry_of(images, scale)
            check_lengths(self, images, geometry)
            scorer = NetworkScorer(classifier, geometry, self._steps_per_epoch)
            return scorer if scorer.weights is None else scorer.pretrained()

        def finder(scorer: NetworkScorer, scale: float) -> FindCandidates:
            return self._pipeline_of(scorer, scale).find_candidates

        start = Unlabelled(preprocess, finder, scorer_for, can_be_scaled(given))
        was_inverted = is_inverted(given)
        scale, preprocessing, images, scorer, look = start.start()
        warn_if_coarse(micrographs, scorer.geometry.diameter)
        pixel_size = relative_pixel_size(self.pixel_size, images)
        follow_headers(preprocessing, self.pixel_size, pixel_size)
        diameter = geometry_of(images, 1.0).diameter
        task = EstimationTask(
            images,
            [np.empty((0, 2)) for _ in images],
            scorer.geometry,
            stride=scorer.stride,
            matching_radius=float(self.matching_radius or diameter / 2),
            prior=self.prior,
            expected_particles=self.expected_particles,
            threshold=check_threshold(self.threshold),
            first_look=look,
        )
        prior = task.first_prior()
        scorer = scorer.pretrained(prior)
        quality = look.quality()
        fitted = FittedAttributes.of(
            preprocessing,
            scorer,
            task,
            prior,
            pixel_size,
            quality,
            lowest_threshold=LOWEST_LOGIT,
            diameter_scale=scale,
            pretrained_report=pretrained_report(
                scorer, look, None, invert=is_inverted(preprocessing) != was_inverted, scale=scale
            ),
        )
        self._set_fitted(fitted)
        warn_if_nearly_empty(quality, self.threshold_)
        context.call_on_fit_task_end(estimator=self, X=X, y=None, reconstruction_attributes={})
        return self

    @classmethod
    def from_pretrained(
        cls,
        particle_diameter: float,
        *,
        pixel_size: float | str = 1.0,
        weights: str | os.PathLike = "pretrained",
        **params: Any,
    ) -> ParticlePicker:
        """Return a picker that picks at once, without a label and without `fit`.

        Parameters
        ----------
        particle_diameter : float
            As in the constructor.
        pixel_size : float or "header", default=1.0
            As in the constructor.
        weights : "pretrained" or path, default="pretrained"
            The weights of the package, or a file of `save_pretrained`.
        **params : dict
            Further parameters of the constructor.

        Returns
        -------
        ParticlePicker
            A fitted one, for particles darker than the ice and of the given diameter. What only
            micrographs tell is unknown: ``prior_`` is NaN, ``threshold_report_`` and
            ``expected_particles_`` are None, and the ``threshold_`` of a rule is the logit that is
            best where the best F1 is .7.

        Raises
        ------
        ValueError
            If a parameter is invalid, or the file cannot be used.

        Notes
        -----
        ``from_pretrained(...).fit(X)`` also looks at the micrographs: it finds bright particles,
        corrects the diameter where particles look clearly smaller or larger, chooses the threshold
        of the largest expected F1, counts the particles, and warns where there are next to none.
        With labels, ``fit(X, y)`` trains on, from the weights.

        Logits are those of a line that was fitted to simulated micrographs: they are less certain
        than logits that were estimated from labels.

        Examples
        --------
        >>> from puclassify import ParticlePicker
        >>> picker = ParticlePicker.from_pretrained(180, pixel_size=1.77)     # doctest: +SKIP
        >>> picks = picker.fit(micrographs).predict(micrographs)              # doctest: +SKIP
        """
        for name, settings in settings_of(weights).items():
            if params.get(name) is None and (settings or name == "classifier"):
                component = default_component(name, particle_diameter, pixel_size)
                params[name] = component.set_params(**settings)
        params["classifier"] = clone(params["classifier"]).set_params(init=weights)
        picker = cls(particle_diameter, pixel_size=pixel_size, **params)
        check_picker_parameters(picker)
        picker._set_fitted(picker._fitted_to_nothing())
        return picker

    def _fitted_to_nothing(self) -> FittedAttributes:
        """Return the attributes of the pretrained network before any micrograph."""
        preprocessing = complete_preprocessing(
            self._component("preprocessing"), self.particle_diameter, self.pixel_size, self.n_jobs
        )
        is_known = not isinstance(self.pixel_size, str)
        diameter = self.particle_diameter / (float(self.pixel_size) if is_known else 1.0)
        geometry = PickingGeometry(diameter, self.label_radius)
        scorer = NetworkScorer(self._component("classifier"), geometry, self._steps_per_epoch)
        line = line_of(weights_of(scorer))
        scorer = scorer.pretrained()
        threshold = check_threshold(self.threshold)
        return FittedAttributes.without_micrographs(
            preprocessing,
            scorer,
            line,
            threshold if isinstance(threshold, float) else UNSEEN_THRESHOLD,
            float(self.matching_radius or diameter / 2),
            self.pixel_size,
            pretrained_report(scorer, None, None, invert=is_inverted(preprocessing)),
        )

    def _set_fitted(self, fitted: FittedAttributes) -> None:
        """Set all that is fitted, in steps that cannot fail: a fit sets everything or nothing."""
        self.preprocessing_ = fitted.preprocessing_
        self.classifier_ = fitted.classifier_
        self.history_ = fitted.history_
        self.prior_ = fitted.prior_
        self.threshold_ = fitted.threshold_
        self.threshold_report_ = fitted.threshold_report_
        self.expected_particles_ = fitted.expected_particles_
        self.calibration_ = fitted.calibration_
        self.matching_radius_ = fitted.matching_radius_
        self.pixel_size_ = fitted.pixel_size_
        self.n_labels_ = fitted.n_labels_
        self.n_micrographs_ = fitted.n_micrographs_
        self.diameter_scale_ = fitted.diameter_scale_
        self.pretrained_report_ = fitted.pretrained_report_
        self._scorer = fitted._scorer
        self._quality = fitted._quality

    def _get_fitted(self) -> FittedAttributes:
        """Return all that is fitted."""
        check_is_fitted(self)
        names = [one.name for one in fields(FittedAttributes)]
        return FittedAttributes(**{name: getattr(self, name) for name in names})

    def transform(self, X: Iterable[Micrograph]) -> np.ndarray:
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

    def predict_proba(self, X: Iterable[Micrograph]) -> np.ndarray:
        """Estimate the probability of a particle at every position, if it were a maximum.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The n micrographs.

        Returns
        -------
        ndarray of n GridImage, dtype object
            Maps of the probability that a maximum of this score is a particle: the logistic
            function of the maps of `transform`.
        """
        maps = self.transform(X)
        for index, scores in enumerate(maps):
            maps[index] = scores.with_values(expit(scores.values))
        return maps

    def predict(
        self,
        X: Iterable[Micrograph],
        threshold: Threshold | None = None,
        output: str | os.PathLike | None = None,
        return_quality: bool = False,
        on_error: str = "raise",
        resume: bool = False,
    ) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
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
            with ``{name}`` in it, as in `puclassify.io.write_coordinates`. The files name the
            micrographs by their paths as given. The list ``autopick.star`` of a folder keeps the
            micrographs of earlier runs.
        return_quality : bool, default=False
            Whether to return the expected quality of the picks, too.
        on_error : {"raise", "warn", "skip"}, default="raise"
            What to do about a micrograph that cannot be read or picked: end with its error, go on
            with a warning, or go on. ``output`` then gets a table ``skipped.tsv`` of these, with
            their errors, and `iter_predict` has it as ``skipped``. A disk that is full, and names
            that cannot be written, are always an error.
        resume : bool, default=False
            Whether to go on with a run that was broken off: micrographs that it has written to
            ``output`` are read from there, unless they have changed since. The files are in the
            end those of a single run.

        Returns
        -------
        picks : ndarray of n arrays of shape (k_i, 3), dtype object
            Picks as x, y, score by descending score, in stored pixels; None for a micrograph that
            was skipped. DataFrames after ``set_output(transform="pandas")``.
        quality : dict of ndarray of shape (n,)
            Only with ``return_quality``. For each micrograph ``n_picks``, the expected
            ``precision``, ``recall`` and ``f1`` of the picks, and the expected number of particles
            ``n_particles``, from the probabilities of its candidates; NaN for what was skipped.

        Raises
        ------
        ValueError
            If the threshold is a rule, or ``return_quality`` is true, and the fit made no
            estimates; if two micrographs would be written to one file, or a name cannot be stored;
            if ``resume`` is true and another picker, or one with other parameters, wrote to
            ``output``, or ``return_quality`` is true.

        Warns
        -----
        UserWarning
            If such a picker wrote to ``output``, a micrograph is skipped, or picks are unlike those
            of the training.
        """
        logit = self._logit(threshold)
        if not return_quality:
            return collected(self.iter_predict(X, logit, output, on_error, resume))
        if resume:
            raise ValueError(
                "resume=True cannot be used with return_quality=True: the files of picks do not "
                "hold the candidates that the quality is estimated from"
            )
        judge = partial(
            MicrographPipeline.pick_and_judge,
            threshold=logit,
            detected_fraction=self._fitted_quality("return_quality=True").detected_fraction,
        )
        stream = self._stream(X, judge, logit, output, on_error, picks_of=itemgetter(0))
        results = collected(self._watched(stream, logit, itemgetter(0)))
        picks = collected(self._in_container(None if one is None else one[0] for one in results))
        quality = [UNKNOWN_QUALITY if one is None else one[1] for one in results]
        return picks, {name: np.array([one[name] for one in quality]) for name in UNKNOWN_QUALITY}

    def iter_predict(
        self,
        X: Iterable[Micrograph],
        threshold: Threshold | None = None,
        output: str | os.PathLike | None = None,
        on_error: str = "raise",
        resume: bool = False,
    ) -> PickStream:
        """Pick particles in one micrograph after another, as a generator.

        Parameters
        ----------
        X : iterable of path, 2-D array or GridImage
            The micrographs; a generator is consumed a little ahead of the picks.
        threshold : float, str, (str, float) or None, default=None
            As in `predict`.
        output : str, path-like or None, default=None
            As in `predict`.
        on_error : {"raise", "warn", "skip"}, default="raise"
            As in `predict`.
        resume : bool, default=False
            As in `predict`.

        Returns
        -------
        generator of ndarray of shape (k, 3)
            The picks of one micrograph after another, as in `predict`. Its attribute
            ``skipped`` is a list of `puclassify.io.SkippedMicrograph` that grows with these.

        See Also
        --------
        puclassify.io.watch : The micrographs of a folder as they are written.

        Notes
        -----
        The next micrographs are read and preprocessed while one is scored, and memory does not grow
        with their number. A run that is interrupted keeps the files that it has written, and their
        list.
        """
        logit = self._logit(threshold)
        pick = partial(MicrographPipeline.pick, threshold=logit)
        stream = self._stream(X, pick, logit, output, on_error, resume)
        return self._watched(stream, logit).through(self._in_container)

    def expected_quality(self, thresholds: ArrayLike | None = None) -> dict[str, Any]:
        """Return the expected quality of the picks of the training micrographs.

        Parameters
        ----------
        thresholds : array-like of shape (m,) or None, default=None
            Logits above which a candidate is a pick. None stands for all that make a difference,
            from one that only the best candidate is above down to one that all are above.

        Returns
        -------
        dict
            Arrays of shape (m,): ``threshold``, ``precision`` (NaN without picks), ``recall``,
            ``f1`` and ``n_picks``; of shape (m, 2), the ends of 90 % intervals:
            ``precision_interval``, ``recall_interval`` and ``f1_interval``; ``n_particles``, a
            number, and ``n_particles_interval``, a pair. Numbers of picks and particles are those
            in a training micrograph of median area; ``nms__max_picks`` is ignored.

        Raises
        ------
        ValueError
            If a threshold is NaN, they have another shape, or the fit made no estimates.

        See Also
        --------
        puclassify.plotting.PickQualityDisplay : Draws it.
        """
        quality = self._fitted_quality("expected_quality")
        thresholds = None if thresholds is None else check_thresholds(thresholds)
        return quality.expected_quality(thresholds)

    def score(self, X: Sequence[Micrograph], y: Sequence[ArrayLike]) -> float:
        """Return the average precision of the candidates against known particles.

        Parameters
        ----------
        X : sequence of n path, 2-D array or GridImage
            The micrographs.
        y : sequence of n arrays of shape (k_i, 2), CoordinateTable or DataFrame
            All their particles, as in `fit`.

        Returns
        -------
        float
            Average precision over all candidates, at any threshold, within ``matching_radius_``.

        Raises
        ------
        ValueError
            If particles lie outside their micrograph.

        Warns
        -----
        UserWarning
            If ``y`` holds much fewer particles than the fit expects, or if candidates lie on more
            particles where these are flipped, turned, or put on other micrographs.
        """
        if is_table(y):
            X = check_micrographs(X)
            y = in_order(y, X)
        stream = self._stream(X, MicrographPipeline.pick_and_measure, picks_of=itemgetter(0))
        results = list(self._watched(stream, -np.inf, itemgetter(0)))
        picks, sizes = [one for one, _ in results], [size for _, size in results]
        particles = check_coordinates(y, len(picks))
        check_particles_of_score(particles, sizes, self.threshold_report_)
        warn_if_read_otherwise(particles, picks, sizes, self.matching_radius_)
        return pick_average_precision_score(particles, picks, self.matching_radius_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.input_tags.two_d_array = False  # but a sequence of micrographs
        return tags

    def _stream(
        self,
        X: Iterable[Micrograph],
        finish: Callable,
        logit: float = -np.inf,
        output: str | os.PathLike | None = None,
        on_error: str = "raise",
        resume: bool = False,
        picks_of: Callable | None = None,
    ) -> PickStream:
        """Apply a method of the `MicrographPipeline` to every micrograph, lazily."""
        pipeline = self._pipeline()
        return stream_micrographs(
            X,
            pipeline,
            finish,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            output=output,
            picks_of=picks_of,
            on_error=on_error,
            resume=resume,
            run=None if output is None else describe_run(pipeline, logit),
        )

    def _in_container(self, picks: Iterable) -> Generator:
        """Yield picks as `set_output` says."""
        container = container_of(self, also_global=False)
        for one in picks:
            yield None if one is None else picks_in(container, one)

    def _watched(self, results: PickStream, logit: float, picks_of=lambda one: one) -> PickStream:
        """Pass results on; warn at the end where picks are unlike those of the training.

        A scorer that knows the training micrographs by heart scores all others lower.
        """
        quality = None if self._scorer.may_memorize else self._quality
        above = max(logit, self.threshold_)
        return results.through(lambda stream: watched(stream, quality, above, picks_of))

    def _pipeline(self) -> MicrographPipeline:
        """Return what turns a micrograph into picks, as fitted."""
        check_is_fitted(self)
        check_memory_budget(self.memory_budget)
        return replace(
            self._pipeline_of(self._scorer, self.diameter_scale_),
            preprocessing=self.preprocessing_,
            # One that was set after the fit counts.
            pixel_size=self.pixel_size_ if self.pixel_size == self.pixel_size_ else self.pixel_size,
            calibration=self.calibration_,
            compile=self.compile,
        )

    def _pipeline_of(self, scorer: Any, scale: float = 1.0) -> MicrographPipeline:
        """Return the same for preprocessed micrographs and a scorer, with its own logits.

        A radius that was never set follows the scale of the diameter.
        """
        return MicrographPipeline(
            None,
            scorer,
            self._component("nms").get_params(deep=False),
            self.particle_diameter * scale,
            self.pixel_size,
            memory_budget=self.memory_budget,
            symmetry=self.symmetry,
        )

    def _candidate_finder(self, scorer: Any) -> Callable[[GridImage], np.ndarray]:
        """Return the function from a preprocessed micrograph to its candidates."""
        return self._pipeline_of(scorer).find_candidates

    def _logit(self, threshold: Threshold | None) -> float:
        """Return the logit of a threshold as given to a prediction."""
        check_is_fitted(self)
        if threshold is None:
            return self.threshold_
        checked = check_threshold(threshold, also=", or None for that of the fit")
        if isinstance(checked, float):
            if self._quality is not None:
                self._quality.warn_if_above_all(checked)
            return checked
        return self._fitted_quality(f"threshold={threshold!r}").choose_threshold(checked)

    def _fitted_quality(self, needed_for: str) -> PickQuality:
        check_is_fitted(self)
        if self._quality is None:
            raise ValueError(
                f"{needed_for} needs estimates, but this fit made none: fit with threshold='auto' "
                f"and at least {FEWEST_LABELS} labelled particles, or, for pretrained weights, "
                "fit(X) without labels"
            )
        return self._quality


def _images(micrographs: Sequence[Micrograph], preprocessing: Any) -> list[GridImage]:
    """Fit the preprocessing; return the images that it makes, without constant ones."""
    refuse_score_maps(micrographs)
    with on_this_machine():
        images = check_images(fit_preprocessing(preprocessing, micrographs), preprocessing)
    return without_constant(images, [np.empty((0, 2)) for _ in images])[0]


def _preprocessed(
    X: Sequence[Micrograph], y: Sequence[ArrayLike], preprocessing: Any
) -> tuple[list[GridImage], list[np.ndarray]]:
    """Fit the preprocessing; return the images it makes of micrographs, and the labels on them."""
    micrographs = check_micrographs(X)
    refuse_score_maps(micrographs)
    labels = check_coordinates(in_order(y, micrographs), len(micrographs))
    with on_this_machine():  # where the images are needed next
        images = check_images(fit_preprocessing(preprocessing, micrographs), preprocessing)
    return images, check_labels(labels, images, micrographs)
