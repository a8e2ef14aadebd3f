import sys

import pytest

from puclassify import plotting

Y, P = [1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1]
EXPECTED = {"n_picks": [], "n_particles": 1.0, "n_particles_interval": (1.0, 1.0)}
DRAWING = {
    "PUPrecisionRecallDisplay": lambda cls: cls.from_predictions(Y, P, prior=0.5),
    "PickPrecisionRecallDisplay": lambda cls: cls.from_predictions([[]], [[]], 1.0),
    "PickQualityDisplay": lambda cls: cls(EXPECTED).plot(),
    "PicksDisplay": lambda cls: cls.from_predictions([[0.0, 1.0], [1.0, 0.0]], [], radius=1.0),
    "PriorDisplay": lambda cls: cls.from_scores(P, Y, estimators=[]),
    "ReliabilityDisplay": lambda cls: cls.from_predictions(Y, P, prior=0.5),
    "ScoreHistogramDisplay": lambda cls: cls.from_predictions(Y, P),
    "TrainingHistoryDisplay": lambda cls: cls.from_history([{"train_loss": 1.0}]),
}


@pytest.mark.filterwarnings("ignore:y_true holds no true centre")
@pytest.mark.parametrize("name", plotting.__all__)
def test_the_error_names_the_extra(name, monkeypatch):
    for module in [key for key in sys.modules if key.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "puclassify\[plot\]"'):
        DRAWING[name](getattr(plotting, name))
