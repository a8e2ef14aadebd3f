"""The trainer that the classifier and the picker share, through its own face."""

import numpy as np
import pytest
import torch

from puclassify import PUImageClassifier
from puclassify.classifier import Tiles, Trained, Trainer, adopt_training, scoring_dtype
from puclassify.classifier._tasks import SingleImages
from puclassify.networks import Decoder


class BrightTiles:
    """Three batches of two noisy tiles; one position of the first tile is bright and labelled."""

    n_labelled = 1
    n_pixels = 2 * 35 * 39

    def __init__(self):
        rng = np.random.default_rng(0)
        self.x = torch.from_numpy(rng.normal(size=(2, 1, 35, 39)).astype(np.float32))
        self.x[0, 0, 12:20, 12:20] += 3

    def __len__(self):
        return 3

    def example(self):
        return self.x

    def __iter__(self):
        index = torch.tensor([0, 7, 9, 11])
        for _ in range(3):
            yield self.x, {"index": index, "target": torch.tensor([1.0, 0.0, 0.0, 0.0])}


def classifier(**parameters):
    settings = {"max_epochs": 2, "device": "cpu", "criterion": "ge_binomial"} | parameters
    return PUImageClassifier("conv31", module_params={"units": 4}, **settings)


def train(trainer, **parameters):
    seeds = trainer.draw_seeds(np.random.RandomState(0))
    return trainer.train(BrightTiles(), Tiles(), (1, 31, 31), 0.2, seeds, **parameters)


class TestTraining:
    def test_gives_back_a_network_and_its_history(self):
        trained = train(Trainer.of(classifier()))
        assert isinstance(trained, Trained)
        assert trained.prior == 0.2
        assert [epoch["epoch"] for epoch in trained.history] == [1, 2]
        assert trained.module(BrightTiles().x).shape == (2, 1, 2, 3)
        assert not trained.module.training

    def test_leaves_the_classifier_alone(self):
        untouched = classifier()
        before = vars(untouched).copy()
        train(Trainer.of(untouched))
        assert vars(untouched) == before

    def test_same_seed_same_weights(self):
        states = [train(Trainer.of(classifier())).module.state_dict() for _ in range(2)]
        assert all(torch.equal(*values) for values in zip(*(state.values() for state in states)))

    def test_goes_on_with_a_network(self):
        trainer = Trainer.of(classifier())
        first = train(trainer)
        weights = first.module.head.weight.clone()
        second = train(trainer, module=first.module)
        assert second.module is first.module
        assert not torch.equal(second.module.head.weight, weights)

    def test_the_prior_of_the_criterion_wins(self):
        trainer = Trainer.of(classifier().set_params(criterion__prior=0.4))
        assert trainer.training_prior(0.1) == 0.4
        assert train(trainer).prior == 0.4

    def test_adopted_by_a_classifier(self):
        trained = train(Trainer.of(classifier()))
        fitted = adopt_training(classifier(), trained)
        patches = BrightTiles().x[:, :, :31, :31]
        expected = trained.module(patches).detach().flatten()
        np.testing.assert_allclose(fitted.decision_function(patches.numpy()), expected, rtol=1e-5)
        assert fitted.classes_.tolist() == [0, 1]
        assert fitted.n_iter_ == 2
        assert scoring_dtype(fitted, torch.device("cpu")) is None


class TestTasks:
    def test_single_images_need_one_logit(self):
        module = torch.nn.Flatten()
        with pytest.raises(ValueError, match=r"shape \(2, 4\) for 2 samples of shape \(1, 2, 2\)"):
            SingleImages().check_logits(torch.zeros(2, 4), module, (1, 2, 2))
        Tiles().check_logits(torch.zeros(2, 4), module, (1, 2, 2))

    def test_single_images_are_cropped_and_tiles_are_not(self):
        module = Trainer.of(classifier()).build((1, 31, 31), 0.5)
        x = torch.arange(33 * 35.0).reshape(1, 1, 33, 35)
        assert torch.equal(SingleImages().crop(x, module), x[:, :, 1:32, 2:33])
        assert Tiles().crop(x, module) is x

    @pytest.mark.parametrize(
        ("task", "edge"), [(SingleImages(), 31), (Tiles(), 31)], ids=["images", "tiles"]
    )
    def test_decoders_reconstruct_as_many_pixels(self, task, edge):
        module = Trainer.of(classifier()).build((1, 31, 31), 0.5)
        embedding = module.features(torch.zeros(1, 1, 31, 31))
        decoder = task.decoder(embedding.shape[1], module, (1, 31, 31))
        assert isinstance(decoder, Decoder)
        assert decoder(embedding).shape == (1, 1, edge, edge)


class TestFailedFits:
    def failing(self, **parameters):
        """Make a classifier whose last epoch is broken off by an error."""
        import skorch.callbacks

        class Failing(skorch.callbacks.Callback):
            def on_epoch_end(self, net, **kwargs):
                raise RuntimeError("disk full")

        return PUImageClassifier(max_epochs=1, callbacks=[Failing()], **parameters)

    def test_leave_a_classifier_unfitted(self):
        X = np.random.default_rng(0).normal(size=(40, 8, 8))
        failing = self.failing()
        with pytest.raises(RuntimeError, match="disk full"):
            failing.fit(X, np.arange(40) % 4 == 0)
        assert not [name for name in vars(failing) if name.endswith("_")]

    def test_leave_an_earlier_fit_as_it_was(self):
        X = np.random.default_rng(0).normal(size=(40, 8, 8))
        fitted = PUImageClassifier(max_epochs=1, random_state=0).fit(X, np.arange(40) % 4 == 0)
        expected = fitted.decision_function(X)
        fitted.set_params(callbacks=self.failing().callbacks)
        with pytest.raises(RuntimeError, match="disk full"):
            fitted.fit(X[:, :6, :6], np.arange(40) % 3 == 0)
        np.testing.assert_array_equal(fitted.decision_function(X), expected)
