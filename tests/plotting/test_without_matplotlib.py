import sys

import pytest

from puclassify.plotting import PicksDisplay, TrainingHistoryDisplay


def test_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib.ticker", None)
    message = r'pip install "puclassify\[plot\]"'
    with pytest.raises(ImportError, match=message):
        PicksDisplay.from_predictions([[0.0, 1.0], [1.0, 0.0]], [], radius=1.0)
    with pytest.raises(ImportError, match=message):
        TrainingHistoryDisplay.from_history([{"train_loss": 1.0}])
