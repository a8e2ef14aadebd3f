import sys

import pytest

from puclassify.plotting import (
    PickQualityDisplay,
    PicksDisplay,
    PriorDisplay,
    PUPrecisionRecallDisplay,
    ReliabilityDisplay,
    ScoreHistogramDisplay,
    TrainingHistoryDisplay,
)

Y, P = [1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1]
EXPECTED = {"n_picks": [], "n_particles": 1.0, "n_particles_interval": (1.0, 1.0)}
DRAWING = {
    "picks": lambda: PicksDisplay.from_predictions([[0.0, 1.0], [1.0, 0.0]], [], radius=1.0),
    "quality": lambda: PickQualityDisplay(EXPECTED).plot(),
    "training": lambda: TrainingHistoryDisplay.from_history([{"train_loss": 1.0}]),
    "histogram": lambda: ScoreHistogramDisplay.from_predictions(Y, P),
    "prior": lambda: PriorDisplay.from_scores(P, Y, estimators=[]),
    "curve": lambda: PUPrecisionRecallDisplay.from_predictions(Y, P, prior=0.5),
    "reliability": lambda: ReliabilityDisplay.from_predictions(Y, P, prior=0.5),
}


@pytest.mark.parametrize("name", DRAWING)
def test_the_error_names_the_extra(name, monkeypatch):
    for module in [key for key in sys.modules if key.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "puclassify\[plot\]"'):
        DRAWING[name]()
