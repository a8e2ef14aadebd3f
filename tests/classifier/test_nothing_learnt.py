import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from puclassify import PUImageClassifier

MESSAGE = "X holds .* samples that are all the same"


class Dead(torch.nn.Module):
    """A network whose only unit is never active for samples that are not large."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.ReLU())
        self.head = torch.nn.Linear(1, 1)
        with torch.no_grad():
            self.features[0].bias.fill_(-1000.0)

    def forward(self, x):
        return self.head(self.features(x))[:, 0]


class TestIdenticalSamples:
    @pytest.mark.parametrize("value", [0, 3, 255])
    def test_constant_images(self, images, value):
        X = np.full(images.X.shape, value, dtype=np.uint8)
        with pytest.raises(ValueError, match=rf"{MESSAGE} \(all values are {value}\)"):
            PUImageClassifier(max_epochs=1).fit(X, images.y)

    def test_copies_of_one_row(self, rows):
        with pytest.raises(ValueError, match=rf"{MESSAGE} \(values from "):
            PUImageClassifier(max_epochs=1).fit(np.repeat(rows.X[:1], 60, axis=0), rows.y)

    def test_those_that_count(self, rows):
        X = np.repeat(rows.X[:1], 60, axis=0)
        X[[5, 50]] = 2.0
        weights = np.ones(60)
        classifier = PUImageClassifier(max_epochs=1, random_state=0).fit(X, rows.y, None, weights)
        weights[[5, 50]] = 0.0
        with pytest.raises(ValueError, match="X holds 58 samples that are all the same"):
            classifier.fit(X, rows.y, sample_weight=weights)

    def test_one_that_differs_at_the_end_is_enough(self, images):
        X = np.zeros_like(images.X)
        X[-1, 15, 15] = 1.0
        PUImageClassifier(max_epochs=1, random_state=0).fit(X, images.y, groups=np.arange(len(X)))


class Undefined(torch.nn.Module):
    """A network that is fine in training, and not a number for some samples outside of it."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 1)

    def forward(self, x):
        logits = self.head(x)[:, 0]
        return logits if self.training else torch.where(x[:, 0] > 0, logits, torch.nan)


class TestConstantLogits:
    def test_logits_that_are_missing(self, rows):
        classifier = PUImageClassifier(Undefined, max_epochs=1, random_state=0)
        with pytest.warns(ConvergenceWarning, match="a logit of NaN or infinity, although its los"):
            classifier.fit(rows.X, rows.y)

    def test_a_dead_network_gets_a_warning(self, rows):
        classifier = PUImageClassifier(Dead, max_epochs=1, random_state=0)
        with pytest.warns(ConvergenceWarning, match="gives all 60 samples the same logit.* lr=0.0"):
            classifier.fit(rows.X, rows.y)

    def test_a_few_copies_do_not(self, rows):
        X = np.repeat(rows.X[:1], 1000, axis=0)
        y = np.repeat([1, 0], [100, 900])
        X[[7, 501]] += 1.0  # among those that are looked at first are only copies
        PUImageClassifier(max_epochs=1, random_state=0).fit(X, y)
