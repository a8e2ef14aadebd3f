"""The region-level estimator."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from puclassify._devices import resolve_device, resolve_precision
from puclassify._example_weights import ExampleWeights
from puclassify._labels import check_pu_labels, decoded, warn_if_exchanged, warn_of_other_order
from puclassify._warnings import warn
from puclassify.base import PUBaseEstimator, all_or_nothing
from puclassify.classifier._batches import PUBatches
from puclassify.classifier._calibration import UNCALIBRATED
from puclassify.classifier._check_criterion import check_accepts_weights
from puclassify.classifier._forward import (
    blank_sample,
    embed,
    first_logits,
    in_float64,
    run_in_batches,
)
from puclassify.classifier._held_out_examples import HeldOutExamples
from puclassify.classifier._interruption import completed_training
from puclassify.classifier._nothing_learnt import refuse_identical, warn_if_worthless
from puclassify.classifier._parameters import check_classifier_parameters
from puclassify.classifier._pixel_scale import PixelScale, warn_if_rescaled
from puclassify.classifier._prior_estimation import FIRST_GUESS
from puclassify.classifier._progress import FitReport
from puclassify.classifier._samples import PixelSource, check_samples
from puclassify.classifier._surrogate import as_set_for_images
from puclassify.classifier._tasks import SingleImages
from puclassify.classifier._trainer import Trained, Trainer, warn_if_diverged
from puclassify.losses import LOSSES, PULoss, make_loss
from puclassify.prior import prior_of_unlabelled
from puclassify.regions import RegionTable

__all__ = ["PUImageClassifier", "adopt_training", "scoring_dtype"]

Samples = ArrayLike | RegionTable


class PUImageClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    PUBaseEstimator,
):
    """A neural network trained on labelled positive and unlabelled images.

    Parameters
    ----------
    module : str, class or callable, default="auto"
        The network. ``"auto"`` is a multilayer perceptron for ``(n, features)`` and a compact
        convolutional network with global pooling for images of any size. By name: ``"mlp"``,
        ``"cnn"``, ``"resnet8"``, ``"resnet9"``, ``"resnet16"``, ``"conv31"``, ``"conv63"``,
        ``"conv127"``. A class or factory is called with ``**module_params`` and maps
        ``(n, c, h, w)`` to logits ``(n, 1, h', w')`` or, one for each sample, ``(n,)`` or
        ``(n, 1)``, without a sigmoid at the end; an instance is refused, since it would carry
        trained weights from one cross-validation fold into the next.
    criterion : str or loss object, default="nnpu"
        The objective: ``"pn"``, ``"upu"``, ``"nnpu"``, ``"abspu"``, ``"ge_kl"``,
        ``"ge_binomial"``, ``"vpu"``, ``"dist_pu"``, ``"cvir"``, or an object from
        `puclassify.losses`. Its own prior, if set, wins over ``prior``. For images at a given prior
        of .25 or more the name ``"nnpu"`` stands for the sigmoid surrogate, as in the paper; name
        the other with ``NonNegativePULoss(surrogate="logistic")``.
    prior : float, "bbe" or "dedpul", default=0.5
        The class prior: P(y = 1) among the unlabelled examples for
        ``scenario="case_control"``, over all examples for ``scenario="single_training_set"``.
        "bbe" and "dedpul" alternate training with estimates of the prior from the scores of
        held-out examples, by `puclassify.prior.BBEPrior` and `puclassify.prior.DEDPULPrior`.
    scenario : {"case_control", "single_training_set"}, default="case_control"
        "case_control": the labelled positives were drawn separately from the unlabelled sample.
        "single_training_set": some positives of one sample were labelled; the unlabelled sample of
        the objective is then everything, labelled examples included (except for ``"pn"``, which
        treats it as the negatives).
    module_params : dict or None, default=None
        Keyword arguments of the network, for instance ``{"units": 16, "dropout": 0.1}``.
    init : {"random", "auto", "pretrained"} or path, default="random"
        The weights that a training starts from. "pretrained" are those of the package, for
        ``module="resnet9"`` with default ``module_params`` on images of one channel, which know
        particles in micrographs; a path is a file of `save_pretrained`; "auto" is "pretrained"
        where the package has weights that fit the network, and "random" elsewhere. Pretrained
        weights are for micrographs normalised by ``NormalizeMicrograph(clip=4.0)`` at a scale at
        which a particle spans about 30 pixels, darker than the ice; they are trained at a fifth of
        ``lr``.
    reconstruction_weight : float or "batch/10", default=0.0
        Weight of the mean squared reconstruction error of a decoder trained on the embedding
        (classifier + autoencoder hybrid); ``"batch/10"`` is a tenth of the minibatch size, the
        setting of [1]_. 0 trains no decoder.
    optimizer : {"adamw", "adam", "sgd"} or torch optimizer class, default="adamw"
        The optimizer.
    optimizer_params : dict or None, default=None
        Its further keyword arguments, for instance ``{"weight_decay": 0.01}``.
    lr : float, default=1e-3
        Peak learning rate of a one-cycle schedule from random weights; a skorch ``LRScheduler``
        among ``callbacks`` replaces the schedule.
    max_epochs : int, default=20
        Passes over the unlabelled examples.
    batch_size : int, default=256
        Largest number of examples per step, positives included. Small data sets get smaller
        batches, of at least 16 examples (or the fewest that hold a positive under
        ``positive_fraction``), so that an epoch has about ten steps.
    positive_fraction : float or None, default=None
        Share of labelled positives in every batch. None is their share of the data, but at least
        a tenth and at most a half.
    early_stopping : bool, default=False
        Whether to stop when the loss of held-out examples has not improved for 5 epochs, and keep
        the weights of the best epoch.
    validation_fraction : float, default=0.1
        Share of labelled and of unlabelled examples held out, the same ones for
        ``early_stopping``, ``calibration`` and the estimates of the prior.
    calibration : {"auto", "platt"} or None, default="auto"
        Whether the logits are calibrated by `puclassify.calibration.PUPlattScaling`, fitted to the
        held-out examples after training. "platt" always calibrates; "auto" does if at least 50
        labelled positives would be held out (500 labelled, by default): with fewer the
        probabilities are no better than the network's own. None keeps the network's logits.
    callbacks : list of skorch callbacks or None, default=None
        Added to the training loop without a copy: a callback keeps what it recorded. On
        accelerators the ``train_loss`` of a batch is a tensor of shape ``()`` until the epoch
        ends, so that nothing waits for it. What they record is kept in ``history_``, and patterns
        such as those of ``Freezer`` are for the names of parameters in ``module_``. Those that
        watch ``valid_loss``, as ``EarlyStopping`` and ``Checkpoint`` do by default, need
        ``early_stopping=True``; those that score predictions of skorch are refused. Callbacks of
        scikit-learn are set with `set_callbacks`; each epoch is one of their tasks.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Arithmetic of the forward pass. "auto" is bfloat16 autocast on CUDA, and on a CPU that
        multiplies bfloat16 (AVX-512 BF16, AMX) in training only, where it up to halves the time;
        float32 elsewhere, for feature rows, for modules that do not run in bfloat16, and for
        images whose pixels lie more than 16 times their spread from zero, which it cannot resolve.
    device : str or torch.device, default="auto"
        Where to train and predict; "auto" takes CUDA where there is one.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous fit, with a new optimizer and,
        for the hybrid, a new decoder.
    pos_label : bool, number, str or None, default=None
        The label that means "labelled positive"; the other one means "unlabelled". None accepts
        labels that say so themselves, and refuses others: 1 beside 0 or -1, True beside False, and
        a word such as "positive", "pos", "p", "labelled", "particle" beside one such as
        "unlabelled", "u", "unknown", "negative", "neg", "n", "background", "noise", "other", in
        any case and either spelling.
    verbose : int, default=0
        Above 0 the training shows its progress, the losses and the time left on standard error: a
        bar on a terminal or in a notebook, else a line every epoch. 2 gives the lines beside the
        bar, too.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, batches and dropout. The same seed gives the same bits on one machine and
        device at an equal number of threads; the global random state is left alone.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The two labels; ``classes_[1]`` is "labelled positive", whatever their order.
    prior_ : float
        The prior used in training: P(y = 1) in the unlabelled sample of the objective, which for
        ``scenario="single_training_set"`` is everything (except for ``"pn"``). The median of the
        estimates, if it was estimated.
    unlabelled_prior_ : float
        P(y = 1) among the examples without a label: ``prior_`` itself for
        ``scenario="case_control"``, less for ``"single_training_set"``.
    calibration_ : tuple of (float, float)
        Slope and intercept of the calibration: the network's own logits are
        ``(decision_function(X) - intercept) / slope``. ``(1.0, 0.0)`` without a calibration.
    module_ : torch.nn.Module
        The trained network.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_loss``, ``dur`` in seconds, ``valid_loss`` with
        ``early_stopping``, ``prior`` where it was estimated, and what ``callbacks`` recorded.
    n_iter_ : int
        Epochs trained.
    image_shape_ : tuple
        Shape of one sample: ``(c, h, w)`` or ``(features,)``.
    n_features_in_ : int
        Number of features, for ``(n, features)`` input only.

    See Also
    --------
    ParticlePicker : Finds particles in whole micrographs with such a classifier.
    RegionExtractor : Cuts image regions out of micrographs.

    Notes
    -----
    Scores are logits: ``predict`` returns "positive" where they are above 0, where the probability
    is above one half. The calibration changes the logits, so that all methods agree, but not their
    order, the embeddings or ``module_``. If held-out labelled positives score no higher on average
    than unlabelled examples, `fit` warns and does not calibrate.

    scikit-learn's own scorers of ranking and probabilities, "roc_auc" and "neg_log_loss", take the
    later of two words in the alphabet, or the larger of two numbers, for the positive one. Where
    ``pos_label`` or the words say otherwise, as "positive" beside "unlabelled", they score the
    wrong way round, and `fit` warns. `score`, the scorers and metrics of this package, and those
    of scikit-learn that are given the same ``pos_label``, go by the meaning. Tools that number the
    labels before they fit, such as `sklearn.model_selection.cross_val_predict` for probabilities,
    number them in that order, too: give these 1 and 0.

    Values must be scaled in prediction as in `fit`. All methods warn where those of ten or more
    samples have a standard deviation more than ten times larger or smaller, or lie more than ten
    standard deviations away, as where images were divided by 255 in one of the two only.

    With an estimated prior the network first learns labelled against unlabelled, for three tenths
    of the epochs. Then, and after every later epoch, the prior is estimated, and the next epoch
    minimises the objective at the median of the estimates so far (TED^n [2]_ uses the latest one).
    `fit` raises if the last estimate fails.

    References
    ----------
    .. [1] T. Bepler et al., "Positive-unlabeled convolutional neural networks for particle picking
       in cryo-electron micrographs", Nature Methods 16, 2019; arXiv:1803.08207.
    .. [2] S. Garg, Y. Wu, A. Smola, S. Balakrishnan and Z. C. Lipton, "Mixture Proportion
       Estimation and PU Learning: A Modern Approach", NeurIPS 2021; arXiv:2111.00980.

    Examples
    --------
    >>> import numpy as np
    >>> from puclassify import PUImageClassifier
    >>> def make_images(n, rng):                         # the first half hold a bright square
    ...     images = rng.normal(size=(n, 12, 12)).astype("float32")
    ...     images[: n // 2, 4:8, 4:8] += 3.0
    ...     return images
    >>> rng = np.random.default_rng(0)
    >>> labels = np.zeros(240, dtype=int)
    >>> labels[:60] = 1                                  # half of the positives are labelled
    >>> classifier = PUImageClassifier(prior=1 / 3, module_params={"units": 8}, random_state=0)
    >>> classifier = classifier.fit(make_images(240, rng), labels)
    >>> found = classifier.predict(make_images(200, rng))
    >>> bool(found[:100].mean() > 0.9), bool(found[100:].mean() < 0.1)
    (True, True)
    """

    _needs_float32 = False  # in a classifier that has not been fitted
    _pixel_scale: PixelScale | None = None  # nor in one of an earlier release, or of tiles

    def __init__(
        self,
        module: str | Callable[..., nn.Module] = "auto",
        *,
        criterion: Any = "nnpu",
        prior: float | str = 0.5,
        scenario: str = "case_control",
        module_params: Mapping[str, Any] | None = None,
        init: str | os.PathLike = "random",
        reconstruction_weight: float | str = 0.0,
        optimizer: str | type[torch.optim.Optimizer] = "adamw",
        optimizer_params: Mapping[str, Any] | None = None,
        lr: float = 1e-3,
        max_epochs: int = 20,
        batch_size: int = 256,
        positive_fraction: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        calibration: str | None = "auto",
        callbacks: list | None = None,
        precision: str = "auto",
        device: str | torch.device = "auto",
        warm_start: bool = False,
        pos_label: Any = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.module = module
        self.criterion = criterion
        self.prior = prior
        self.scenario = scenario
        self.module_params = module_params
        self.init = init
        self.reconstruction_weight = reconstruction_weight
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.positive_fraction = positive_fraction
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.calibration = calibration
        self.callbacks = callbacks
        self.precision = precision
        self.device = device
        self.warm_start = warm_start
        self.pos_label = pos_label
        self.verbose = verbose
        self.random_state = random_state

    def _default_component(self, name):
        if name == "criterion" and isinstance(self.criterion, str):
            return LOSSES[self.criterion]() if self.criterion in LOSSES else None
        if name == "criterion" and isinstance(self.criterion, type):
            return self.criterion() if issubclass(self.criterion, PULoss) else None
        return None

    @all_or_nothing
    @with_callbacks
    def fit(
        self,
        X: Samples,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        propensities: ArrayLike | None = None,
    ) -> Self:
        r"""Train on labelled and unlabelled examples.

        Parameters
        ----------
        X : array of shape (n, features), (n, h, w) or (n, c, h, w), or RegionTable of n regions
            The samples; memory-mapped arrays of any real dtype are read batch by batch.
        y : array-like of shape (n,)
            Two labels: 1 for labelled positive and 0 or -1 for unlabelled, True and False, words
            that say which is which, or any two of which ``pos_label`` names the positive one.
        groups : array-like of shape (n,) or None, default=None
            Examples of one group, such as views of one object, are held out together where
            something is estimated from held-out examples. None stands for the micrographs of a
            `RegionTable`; copies of an image are always together.
        sample_weight : array-like of shape (n,) or None, default=None
            How much each example counts, at least 0, relative to the others in the same mean: over
            the labelled positives, or over the unlabelled sample. 0 leaves an example out, and
            equal weights change nothing.
        propensities : array-like of shape (n,) or None, default=None
            Probability, above 0 and up to 1, with which each labelled positive was labelled, up to
            a common factor; among the labelled positives it then counts in inverse proportion.
            Those of unlabelled examples are ignored. None means that all are equal.

        Returns
        -------
        PUImageClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used; the message names it.

        Warns
        -----
        UserWarning
            If more examples are labelled than not; if the positive label sorts before the other
            one (see the Notes of the class); if examples are held out and some images of one label
            are copies of one another, pixel for pixel; or if a prior contradicts the held-out
            examples.
        ConvergenceWarning
            If the training diverged, or the network gives all samples the same logit.

        Notes
        -----
        A fit that fails or is interrupted leaves the estimator as it was. A KeyboardInterrupt has
        an attribute ``partial_estimator``, a copy of the estimator fitted to the epochs that were
        complete, if there are any.

        With the propensities :math:`e_i` a mean over the labelled positives becomes one with the
        weights :math:`1 / e_i`, whatever the objective. In the single-training-set scenario the
        unbiased risk is then that of Bekker, Robberechts and Davis [1]_,

        .. math:: \frac{1}{n} \Bigl[\sum_{i \in P} \Bigl(\frac{1}{e_i} \ell(s_i, +1)
                  + \Bigl(1 - \frac{1}{e_i}\Bigr) \ell(s_i, -1)\Bigr)
                  + \sum_{i \in U} \ell(s_i, -1)\Bigr],

        with the prior in place of its estimate :math:`\frac{1}{n} \sum_P 1 / e_i`, so that a common
        factor does not matter. In the case-control scenario, propensities are those with which the
        positives of the unlabelled sample would have been labelled.

        Every mean of the objective is weighted, in each batch by itself, in the held-out loss of
        ``early_stopping`` and in the calibration; an estimated prior is that of examples drawn in
        proportion to ``sample_weight``. Terms of mixed inputs and of the reconstruction are not
        weighted, and batches are made without regard to weights, except that examples of weight 0
        are neither trained on nor held out. In batches with few labelled positives the weights of
        these do less than they should, and nothing where there is one: raise ``batch_size`` or
        ``positive_fraction``.

        References
        ----------
        .. [1] J. Bekker, P. Robberechts and J. Davis, "Beyond the Selected Completely at Random
           Assumption for Learning from Positive and Unlabeled Data", ECML PKDD 2019;
           arXiv:1809.03207.
        """
        check_classifier_parameters(self)
        context = self._init_callback_context(max_subtasks=self.max_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        trainer = Trainer.of(self)
        estimates_prior = isinstance(self.prior, str) and trainer.criterion_prior is None
        first_prior = FIRST_GUESS if isinstance(self.prior, str) else self.prior
        goes_on = self.warm_start and hasattr(self, "module_")
        module = copy.deepcopy(self.module_) if goes_on else None
        source = self._samples_to_fit(X, trainer, first_prior, module)
        criterion = as_set_for_images(self.criterion, self.prior, source.sample_shape)
        trainer = replace(trainer, criterion=criterion)
        classes, positive = check_pu_labels(y, len(source), self, pos_label=self.pos_label)
        warn_if_exchanged(classes, positive)
        warn_of_other_order(X, y)
        _warn_if_out_of_order(classes)
        weights = ExampleWeights.check(sample_weight, propensities, positive)
        present = np.flatnonzero(weights.present)
        refuse_identical(source, present)
        if not estimates_prior:  # refuse an impossible one before the training
            self._prior_of_unlabelled(trainer.training_prior(first_prior), positive, weights)
        loss = make_loss(criterion, first_prior)
        if weights.matter:
            check_accepts_weights(loss)
        unlabelled_is_everything = self.scenario == "single_training_set" and getattr(
            loss, "unlabelled_is_everything", True
        )
        rng = check_random_state(self.random_state)
        held_out = HeldOutExamples(
            self,
            source,
            positive,
            rng,
            groups=groups,
            weights=weights,
            estimates_prior=estimates_prior,
            unlabelled_is_everything=unlabelled_is_everything,
        )
        batches = PUBatches(
            source,
            held_out.trained,
            positive[held_out.trained],
            batch_size=self.batch_size,
            positive_fraction=self.positive_fraction,
            union=unlabelled_is_everything,
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            weights=weights if weights.matter else None,
        )
        trained = None
        try:
            trained = trainer.train(
                batches,
                SingleImages(),
                source.sample_shape,
                first_prior,
                trainer.draw_seeds(rng),
                module=module,
                report=FitReport(
                    self, context, X, y, lambda so_far: self._fitted_to(classes, so_far)
                ),
                stopping=held_out.stopping,
                estimation=held_out.estimation,
            )
            calibration = held_out.calibration(trained)
        except KeyboardInterrupt as interrupt:
            trained = trained or completed_training(interrupt)
            self._offer_partial(interrupt, trained, classes, positive, weights)
            raise
        unlabelled_prior = self._prior_of_unlabelled(trained.prior, positive, weights)
        if not warn_if_diverged(trained.history, self.lr):
            device = resolve_device(self.device)
            warn_if_worthless(trained.module, source, present, device, self.lr)
        scale = PixelScale.of(source, present)
        self._adopt(classes, trained, unlabelled_prior, calibration, scale)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def _prior_of_unlabelled(self, prior, positive, weights: ExampleWeights) -> float:
        present = weights.present
        return prior_of_unlabelled(prior, self.scenario, positive[present], weights.given[present])

    def _samples_to_fit(self, X, trainer, prior, module) -> PixelSource:
        """Check the samples of a fit that trains a new network, or goes on with ``module``."""

        def field():
            # Regions are references to single-channel micrographs; "mlp" and "cnn" have no field.
            if module is None and trainer.network_name((1, 0, 0)) in ("mlp", "cnn"):
                return None
            network = trainer.build((1, 0, 0), prior) if module is None else module
            return getattr(network, "receptive_field", None)

        return check_samples(self, X, reset=True, field=field, fitted=module)

    def _fitted_to(self, classes, trained) -> dict:
        """Return the attributes of a copy that can predict before the training has ended."""
        copied = copy.copy(self)
        copied._adopt(classes, trained, trained.prior, UNCALIBRATED)
        return dict(vars(copied))

    def _offer_partial(
        self, interrupt: KeyboardInterrupt, trained: Trained | None, classes, positive, weights
    ) -> None:
        """Attach to an interrupt a classifier fitted to the epochs that were complete, if any."""
        n_epochs = 0 if trained is None else len(trained.history)
        note = f"The training was interrupted after {n_epochs} of {self.max_epochs} epochs"
        if trained is None:
            interrupt.add_note(f"{note}, and nothing of it is kept.")
            return
        partial = copy.copy(self)
        for name in ("_callback_fit_ctx", "_skl_callbacks_to_teardown"):  # of the broken-off fit
            partial.__dict__.pop(name, None)
        unlabelled_prior = trained.prior
        with contextlib.suppress(ValueError):  # a first guess may be impossible
            unlabelled_prior = self._prior_of_unlabelled(trained.prior, positive, weights)
        partial._adopt(classes, trained, unlabelled_prior, UNCALIBRATED)
        interrupt.partial_estimator = partial  # type: ignore[attr-defined]
        interrupt.add_note(
            f"{note}. The partial_estimator of this exception is fitted to these, uncalibrated: "
            "`except KeyboardInterrupt as interrupt: classifier = interrupt.partial_estimator`, "
            "or sys.last_value.partial_estimator at a prompt."
        )

    def _adopt(
        self,
        classes,
        trained: Trained,
        unlabelled_prior: float,
        calibration,
        scale: PixelScale | None = None,
    ) -> None:
        """Set everything that is fitted, at once: a fit that fails leaves the classifier alone."""
        self.classes_ = classes
        self.module_ = trained.module
        self.image_shape_ = trained.image_shape
        self.prior_ = trained.prior
        self.unlabelled_prior_ = unlabelled_prior
        self.calibration_ = calibration
        self.history_ = list(trained.history)
        self.n_iter_ = len(self.history_)
        self._needs_float32 = trained.needs_float32
        self._pixel_scale = scale

    def decision_function(self, X: Samples) -> np.ndarray:
        """Score samples.

        Parameters
        ----------
        X : array or RegionTable of n samples
            Samples like those of `fit`. An image larger than the network's receptive field gives
            the logit of its centre.

        Returns
        -------
        ndarray of shape (n,)
            Logits, calibrated where ``calibration_`` says so; above 0 means positive.
        """
        logits = self._forward(X, first_logits)
        slope, intercept = self.calibration_
        return logits if self.calibration_ == UNCALIBRATED else slope * logits + intercept

    def predict_proba(self, X: Samples) -> np.ndarray:
        """Estimate class probabilities, the logistic function of the logits.

        Parameters
        ----------
        X : array or RegionTable of n samples
            Samples like those of `fit`.

        Returns
        -------
        ndarray of shape (n, 2)
            Probability of unlabelled-and-negative and of positive.
        """
        logits = self.decision_function(X)
        positive = expit(logits)
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Samples) -> np.ndarray:
        """Classify samples.

        Parameters
        ----------
        X : array or RegionTable of n samples
            Samples like those of `fit`.

        Returns
        -------
        ndarray of shape (n,)
            ``classes_[1]`` where the logit is above 0, ``classes_[0]`` elsewhere.
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def transform(self, X: Samples) -> np.ndarray:
        """Embed samples: the activations in front of the last layer.

        Parameters
        ----------
        X : array or RegionTable of n samples
            Samples like those of `fit`.

        Returns
        -------
        ndarray of shape (n, d)
            The embeddings, float64 for samples of float64 and float32 for others.
        """
        embedded = self._forward(X, lambda module, x: embed(module, x).flatten(1))
        double = getattr(X, "dtype", None) == np.float64
        return embedded.astype(np.float64 if double else np.float32, copy=False)

    def score(self, X: Samples, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Measure how well labelled examples are ranked above unlabelled ones.

        Parameters
        ----------
        X : array or RegionTable of n samples
            Samples like those of `fit`.
        y : array-like of shape (n,)
            Labels as in `fit`.
        sample_weight : array-like of shape (n,) or None, default=None
            Relative weight of each sample, at least 0.

        Returns
        -------
        float
            Area under the ROC curve of labelled against unlabelled. Accuracy on PU labels would
            favour calling everything unlabelled.

        Raises
        ------
        ValueError
            If ``y`` holds other labels than those of `fit`.
        """
        logits = self.decision_function(X)
        y = np.asarray(decoded(y))
        if not np.isin(y, self.classes_).all():
            raise ValueError(
                f"y holds the labels {np.unique(y).tolist()[:5]} but was {self.classes_.tolist()} "
                "in fit; score with the same two"
            )
        positive = y == self.classes_[1]
        if sample_weight is not None:
            sample_weight = ExampleWeights.check(sample_weight, None, positive).given
        return float(roc_auc_score(positive, logits, sample_weight=sample_weight))

    def _forward(self, X, run) -> np.ndarray:
        """Apply ``run(module, x)`` to samples."""
        check_is_fitted(self, "module_")
        module = self.module_
        source = check_samples(
            self,
            X,
            reset=False,
            field=lambda: getattr(module, "receptive_field", None),
            fitted=module,
        )
        warn_if_rescaled(source, self._pixel_scale)
        device = resolve_device(self.device)
        module, dtype = module.to(device), torch.float32
        if len(source.sample_shape) == 1 and device.type == "cpu":
            # Feature rows cost little, and in float64 a row's score does not depend on how many
            # rows are scored beside it.
            module, dtype = in_float64(module), torch.float64
        return run_in_batches(
            run,
            module,
            source,
            device=device,
            autocast_dtype=scoring_dtype(self, device),
            dtype=dtype,
        ).numpy()

    @property
    def _n_features_out(self) -> int:
        module = self.module_.eval()
        blank = blank_sample(self.image_shape_, module, next(module.parameters()).device)
        with torch.no_grad():
            return embed(module, blank).flatten(1).shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.three_d_array = True
        # The checks' data are fully labelled: read as PU labels their "unlabelled" half holds no
        # positives, while the default prior says that half of it is. Accuracy there measures that
        # contradiction; how well the classes are separated is tested on its own.
        tags.classifier_tags.poor_score = True
        return tags

    def __getstate__(self):
        state = super().__getstate__().copy()
        if "module_" in state and any(p.is_cuda for p in state["module_"].parameters()):
            state["module_"] = copy.deepcopy(state["module_"]).cpu()
        return state


def _warn_if_out_of_order(classes: np.ndarray) -> None:
    unlabelled, labelled = classes.tolist()
    if labelled < unlabelled:
        warn(
            f"{labelled!r} means labelled positive and classes_ is {[unlabelled, labelled]}, but "
            "scikit-learn's scorers 'roc_auc' and 'neg_log_loss' take the label that sorts last, "
            f"{unlabelled!r}, for the positive one and score the wrong way round: use 'pu_roc_auc' "
            f"or score(), or fit to y == {labelled!r}"
        )


def adopt_training(classifier: PUImageClassifier, trained: Trained) -> PUImageClassifier:
    """Make a classifier, whose classes become 0 and 1, the fitted one of a training elsewhere."""
    classifier._adopt(np.array([0, 1]), trained, trained.prior, UNCALIBRATED)
    return classifier


def scoring_dtype(classifier: PUImageClassifier, device: torch.device) -> torch.dtype | None:
    """Return the dtype of `autocast` in which a fitted classifier scores on a device."""
    return resolve_precision(classifier.precision, device, coarse=classifier._needs_float32)
