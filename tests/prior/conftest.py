import numpy as np
import pytest


@pytest.fixture
def draw_gaussians():
    """Labelled positives in front of unlabelled examples, two Gaussians in five dimensions."""

    def draw(prior, seed, *, distance=3.0, n_positive=1000, n_unlabelled=5000):
        rng = np.random.default_rng(seed)
        truth = np.append(np.ones(n_positive, bool), rng.random(n_unlabelled) < prior)
        X = rng.normal(size=(len(truth), 5)) + distance / np.sqrt(5) * truth[:, None]
        return X, np.repeat([1, 0], [n_positive, n_unlabelled])

    return draw


@pytest.fixture(params=["case_control", "single_training_set"])
def biased_scores(request):
    """Scores whose labelled positives are mostly clear ones; labels and propensities with them."""
    scenario = request.param

    def draw(seed, prior=0.4, n_labelled=1000, n=6000, distance=3.5):
        rng = np.random.default_rng(seed)
        truth = rng.random(n) < prior
        scores = rng.normal(distance * truth)
        if scenario == "case_control":
            candidates = rng.normal(distance, size=20 * n_labelled)
            kept = candidates[rng.random(len(candidates)) < propensity(candidates)][:n_labelled]
            scores, y = np.append(kept, scores), np.repeat([1, 0], [len(kept), n])
        else:
            y = (truth & (rng.random(n) < propensity(scores))).astype(int)
        return scores, y, propensity(scores)

    def propensity(scores):
        return 0.05 + 0.6 / (1 + np.exp(-2 * (scores - distance)))

    distance = 3.5
    return scenario, draw
