import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import log_loss, zero_one_loss

from puclassify.losses.functional import non_negative_pu_loss, unbiased_pu_loss
from puclassify.metrics import pu_accuracy_score, pu_risk_score


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=["case_control", "single_training_set"])
def exact(request, rng):
    """PU data whose labelled positives are all positives, so that estimates are exact."""
    truth = rng.random(500) < 0.3
    logits = rng.normal(3.0 * truth - 1.5, 2.0)
    settings = {"prior": truth.mean(), "scenario": request.param}
    if request.param == "case_control":
        y = np.append(np.ones(truth.sum(), int), np.zeros(500, int))
        return truth, logits, (y, np.append(logits[truth], logits)), settings
    return truth, logits, (truth.astype(int), logits), settings


class TestValue:
    def test_with_all_positives_labelled_it_is_the_supervised_one(self, exact):
        truth, logits, data, settings = exact
        found = pu_risk_score(*data, **settings)
        assert found == pytest.approx(log_loss(truth, expit(logits)))
        found = pu_risk_score(*data, **settings, loss="zero_one")
        assert found == pytest.approx(zero_one_loss(truth, logits > 0))
        found = pu_risk_score(*data, **settings, loss="sigmoid")
        assert found == pytest.approx(np.mean(np.where(truth, expit(-logits), expit(logits))))

    def test_zero_one_is_the_accuracy(self, exact):
        _, _, (y, logits), settings = exact
        logits = logits.round()  # some are 0 and negative, as in predict
        risk, std = pu_risk_score(y, logits, **settings, loss="zero_one", return_std=True)
        accuracy, same = pu_accuracy_score(y, logits > 0, **settings, return_std=True)
        assert risk == pytest.approx(1 - accuracy)
        assert std == pytest.approx(same)

    @pytest.mark.parametrize("loss", ["logistic", "sigmoid"])
    @pytest.mark.parametrize("shift", [0.0, 4.0])
    def test_it_is_the_value_of_the_objective(self, rng, loss, shift):
        y = np.repeat([1, 0], [40, 100])
        logits = rng.normal(shift * y - 1)
        s, t = torch.tensor(logits), torch.tensor(y)
        found = pu_risk_score(y, logits, prior=0.6, loss=loss)
        expected = unbiased_pu_loss(s, t, prior=0.6, surrogate=loss).item()
        assert found == pytest.approx(expected)
        found = pu_risk_score(y, logits, prior=0.6, loss=loss, non_negative=True)
        expected = non_negative_pu_loss(s, t, prior=0.6, surrogate=loss).item()
        assert found == pytest.approx(expected)

    def test_a_cut_risk_does_not_respond_to_the_mixture(self, rng):
        y = np.repeat([1, 0], [40, 100])
        logits = np.where(y == 1, 3.0, -3.0) + rng.normal(size=140)
        settings = {"prior": 0.6, "non_negative": True, "return_std": True}
        risk, std = pu_risk_score(y, logits, **settings)
        loss = np.log1p(np.exp(-logits[y == 1]))
        assert risk == pytest.approx(0.6 * loss.mean())
        assert std == pytest.approx(0.6 * loss.std(ddof=1) / np.sqrt(40))


class TestErrors:
    def test_loss(self):
        with pytest.raises(ValueError, match="'logistic' or 'sigmoid', got 'hinge'"):
            pu_risk_score([1, 0], [1.0, 0.0], prior=0.5, loss="hinge")

    def test_infinite(self):
        with pytest.raises(ValueError, match="y_score must be finite"):
            pu_risk_score([1, 0], [np.inf, 0.0], prior=0.5)


class TestProbabilities:
    def test_they_get_a_warning(self, rng):
        y, logits = np.repeat([1, 0], [20, 60]), rng.normal(size=80)
        with pytest.warns(UserWarning, match=r"look like probabilities.* decision_function\(X\)"):
            pu_risk_score(y, expit(logits), prior=0.3)

    @pytest.mark.parametrize(
        "change",
        [
            lambda p: p - 0.5,
            lambda p: 1.01 * p / p.max(),
            lambda p: 2 * p.round(),
            lambda p: np.repeat(0.0, len(p)),
        ],
        ids=["logits", "one above", "two values", "constant"],
    )
    def test_others_do_not(self, rng, change):
        y, p = np.repeat([1, 0], [20, 60]), expit(rng.normal(size=80))
        pu_risk_score(y, change(p), prior=0.3)

    def test_nor_do_few(self, rng):
        pu_risk_score(np.repeat([1, 0], [9, 10]), expit(rng.normal(size=19)), prior=0.3)
