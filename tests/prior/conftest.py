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
