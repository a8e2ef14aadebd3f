import re

import numpy as np
import pytest
import torch

from puclassify import PUImageClassifier
from puclassify.losses import NonNegativePULoss

BAD = {
    "module": ["resnet", 3, None],
    "criterion": ["nnup", 3, None],
    "prior": [0, 1, 1.2, -0.1, np.nan, "auto", "BBE", None, True],
    "scenario": ["case-control", None, 1],
    "module_params": ["units=4", [4]],
    "reconstruction_weight": [-1, np.nan, np.inf, "batch", None, True],
    "optimizer": ["lbfgs", torch.nn.Linear, None],
    "optimizer_params": ["lr", {"momentun": 0.9}, {"lr": 0.01}],
    "lr": [0, -1e-3, np.nan, np.inf, "fast", None, True],
    "max_epochs": [0, -1, 2.5, "10", None, True],
    "batch_size": [0, 1, 2.5, None, True],
    "positive_fraction": [0, 1, -0.5, np.nan, "half", True],
    "early_stopping": ["yes", None, 5],
    "validation_fraction": [0, 1, 2, "tenth", None, True],
    "calibration": ["isotonic", True, 1, ["platt"]],
    "callbacks": [3, ["EarlyStopping"], [object()]],
    "init": ["zeros", 1, None, True],
    "precision": ["float16", 16, None, []],
    "device": ["gpu", 1.5, None, "cuda:-2"],
    "warm_start": ["yes", None],
    "pos_label": [2, "p", np.nan, ["p"], ("p",), object],
    "verbose": [-1, "loud", None, 0.5],
    "random_state": ["zero", -3, 0.5],
}
CASES = [(name, value) for name, values in BAD.items() for value in values]


def name_of(parameter):
    """The same in every process, as it has no address in it."""
    return re.sub(r" at 0x\w+", "", repr(parameter))[:60]


class TestBadValues:
    @pytest.mark.parametrize(("name", "value"), CASES, ids=name_of)
    def test_the_error_names_the_parameter(self, rows, name, value):
        classifier = PUImageClassifier(**{name: value})
        with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b"):
            classifier.fit(rows.X, rows.y)

    def test_every_parameter_is_tried(self):
        assert set(BAD) == set(PUImageClassifier().get_params(deep=False))

    def test_init_checks_nothing(self):
        for name, value in CASES:
            assert getattr(PUImageClassifier(**{name: value}), name) is value

    def test_two_learning_rates(self, rows):
        classifier = PUImageClassifier(lr=0.02, optimizer_params={"lr": 0.01}, max_epochs=1)
        message = r"optimizer_params holds lr=0\.01 beside lr=0\.02; .* pass lr=0\.01 to the class"
        with pytest.raises(ValueError, match=message):
            classifier.fit(rows.X, rows.y)
        classifier.set_params(lr=0.01).fit(rows.X, rows.y)

    def test_a_lone_callback_belongs_in_a_list(self, rows):
        import skorch.callbacks

        with pytest.raises(TypeError, match="put a single one in a list"):
            PUImageClassifier(callbacks=skorch.callbacks.EpochTimer()).fit(rows.X, rows.y)


class TestGoodValues:
    @pytest.mark.parametrize(
        "params",
        [
            {"prior": np.float32(0.3)},
            {"max_epochs": np.int64(1)},
            {"batch_size": np.int32(7)},
            {"positive_fraction": np.float64(0.25)},
            {"optimizer": "adam", "optimizer_params": {"betas": (0.8, 0.9)}},
            {"optimizer": "sgd", "optimizer_params": {"momentum": 0.9, "nesterov": True}},
            {"optimizer": torch.optim.RMSprop},
            {"device": torch.device("cpu")},
            {"verbose": False, "warm_start": np.True_},
            {"random_state": np.random.RandomState(0)},
            {"callbacks": ()},
        ],
        ids=name_of,
    )
    def test_they_train(self, rows, params):
        classifier = PUImageClassifier(**({"max_epochs": 1} | params)).fit(rows.X, rows.y)
        assert np.isfinite(classifier.decision_function(rows.X)).all()

    def test_optimizer_parameters_reach_the_optimizer(self, rows):
        weights = [
            PUImageClassifier(
                max_epochs=2, lr=0.01, random_state=0, optimizer_params={"weight_decay": decay}
            )
            .fit(rows.X, rows.y)
            .module_.features[2]
            .weight.norm()
            for decay in (0.0, 10.0)
        ]
        assert weights[1] < 0.9 * weights[0]


class TestPrior:
    def test_impossible_for_a_single_training_set(self, rows):
        classifier = PUImageClassifier(prior=0.3, scenario="single_training_set")
        message = r"prior=0\.3 is impossible .*: 20 of 60 examples \(0\.333\) are labelled"
        with pytest.raises(ValueError, match=message):
            classifier.fit(rows.X, rows.y)
        classifier.set_params(prior=0.34, max_epochs=1).fit(rows.X, rows.y)
        assert classifier.prior_ == 0.34
        classifier.set_params(prior=0.3, scenario="case_control").fit(rows.X, rows.y)

    def test_that_of_the_criterion_wins(self, rows):
        classifier = PUImageClassifier(
            prior=0.5, criterion=NonNegativePULoss(0.2), max_epochs=2, lr=1e-12, random_state=0
        ).fit(rows.X, rows.y)
        assert classifier.prior_ == 0.2
        assert classifier.module_.head.bias.item() == pytest.approx(np.log(0.25), rel=1e-4)
        same = PUImageClassifier(prior=0.2, max_epochs=2, lr=1e-12, random_state=0)
        np.testing.assert_array_equal(
            classifier.decision_function(rows.X),
            same.fit(rows.X, rows.y).decision_function(rows.X),
        )

    def test_and_has_to_be_possible_too(self, rows):
        classifier = PUImageClassifier(
            prior=0.9, criterion=NonNegativePULoss(0.2), scenario="single_training_set"
        )
        with pytest.raises(ValueError, match=r"prior=0\.2 is impossible"):
            classifier.fit(rows.X, rows.y)
        with pytest.raises(ValueError, match="criterion__prior must be"):
            classifier.set_params(criterion__prior=1.5).fit(rows.X, rows.y)

    @pytest.mark.parametrize(("criterion", "n_together"), [("nnpu", 60), ("pn", 40)])
    def test_the_loss_sees_labelled_examples_as_unlabelled_too(self, rows, criterion, n_together):
        """Unless it takes the unlabelled for the negatives."""
        options = {"criterion": criterion, "prior": 0.5, "max_epochs": 1, "random_state": 0}
        seen = {}
        for scenario in ("case_control", "single_training_set"):
            classifier = PUImageClassifier(scenario=scenario, **options)
            import skorch.callbacks

            class Count(skorch.callbacks.Callback):
                def on_batch_end(self, net, batch, **kwargs):
                    seen[scenario] = seen.get(scenario, 0) + int((batch[1] == 0).sum())  # noqa: B023

            classifier.set_params(callbacks=[Count()]).fit(rows.X, rows.y)
        assert seen == {"case_control": 40, "single_training_set": n_together}
