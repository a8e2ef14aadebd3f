import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from puclassify.plotting import TrainingHistoryDisplay

HISTORY = [
    {"epoch": 1, "train_loss": 0.9, "valid_loss": 1.0, "dur": 0.1, "batches": [{}], "best": True},
    {"epoch": 2, "train_loss": 0.5, "dur": 0.1, "batches": [{}], "best": True},
    {"epoch": 3, "train_loss": np.float32(0.25), "valid_loss": 0.7, "dur": 0.1, "best": False},
]


class Trained(BaseEstimator):
    def fit(self, X, y=None):
        self.history_ = HISTORY
        return self


def data(display):
    return {key: np.array(line.get_data()).tolist() for key, line in display.lines_.items()}


class TestFromHistory:
    def test_losses_at_the_epochs_that_have_them(self):
        display = TrainingHistoryDisplay.from_history(HISTORY)
        assert data(display) == {
            "train_loss": [[1, 2, 3], [0.9, 0.5, 0.25]],
            "valid_loss": [[1, 3], [1.0, 0.7]],
        }
        assert display.ax_.get_ylabel() == "loss"
        labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert labels == ["train loss", "valid loss"]

    def test_chosen_keys(self):
        display = TrainingHistoryDisplay.from_history(HISTORY, keys=["dur"], color="green")
        assert data(display) == {"dur": [[1, 2, 3], [0.1, 0.1, 0.1]]}
        assert display.ax_.get_ylabel() == "value"
        assert display.lines_["dur"].get_color() == "green"

    def test_a_single_key(self):
        display = TrainingHistoryDisplay.from_history(HISTORY, keys="valid_loss")
        assert data(display) == {"valid_loss": [[1, 3], [1.0, 0.7]]}
        with pytest.raises(ValueError, match="under 'auc'"):
            TrainingHistoryDisplay.from_history(HISTORY, keys="auc")

    def test_epochs_are_counted_where_they_are_not_given(self):
        display = TrainingHistoryDisplay.from_history([{"loss": 2.0}, {"loss": 1.0}])
        assert data(display) == {"loss": [[1, 2], [2.0, 1.0]]}

    @pytest.mark.parametrize(
        ("history", "keys", "message"),
        [
            ([], None, "history of 0 epochs has no numbers under a key that ends in loss"),
            (HISTORY, ["auc"], r"under 'auc'; it has \['train_loss', 'valid_loss', 'dur'\]"),
            (HISTORY, ["best"], "under 'best'"),
        ],
    )
    def test_errors(self, history, keys, message):
        with pytest.raises(ValueError, match=message):
            TrainingHistoryDisplay.from_history(history, keys=keys)


class TestFromEstimator:
    def test_estimator_and_pipeline(self):
        expected = data(TrainingHistoryDisplay.from_history(HISTORY))
        estimator = Trained().fit(None)
        assert data(TrainingHistoryDisplay.from_estimator(estimator)) == expected
        pipeline = make_pipeline("passthrough", estimator)
        assert data(TrainingHistoryDisplay.from_estimator(pipeline)) == expected

    def test_not_fitted(self):
        with pytest.raises(ValueError, match="Trained has no history_; fit it first"):
            TrainingHistoryDisplay.from_estimator(Trained())

    def test_given_axes(self):
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
        display = TrainingHistoryDisplay.from_estimator(Trained().fit(None), ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
