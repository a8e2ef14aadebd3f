import warnings

import numpy as np
import pytest

from puclassify.picking.estimates._between_micrographs import MicrographQuality
from puclassify.picking.estimates._particle_probability import ParticleProbability
from puclassify.picking.estimates._pick_quality import PickQuality
from puclassify.picking.estimates._unlike_training import watched


def candidates(rng, n_particles=60, of_particles=3.0, n_others=600):
    """Logits of a micrograph's candidates, as picks of x, y, score."""
    scores = np.concatenate(
        [rng.normal(of_particles, 1.0, n_particles), rng.normal(-5.0, 1.0, n_others)]
    )
    return np.column_stack([rng.uniform(0, 500, (len(scores), 2)), scores])


@pytest.fixture(scope="module")
def quality():
    rng = np.random.default_rng(0)
    logits = [candidates(rng)[:, 2] for _ in range(5)]
    groups = np.repeat(np.arange(5), [len(one) for one in logits])
    logits = np.concatenate(logits)
    order = np.argsort(logits)
    labels = rng.normal(3.0, 1.0, 80)
    probability = ParticleProbability.fit(labels, logits, guess=300.0)
    micrographs = MicrographQuality(logits[order], groups[order], np.ones(5))
    return PickQuality(probability, (probability,), micrographs)


def watch(quality, micrographs, threshold=0.0):
    return list(watched(micrographs, quality, threshold))


class TestWatched:
    def test_like_those_trained_on(self, quality):
        rng = np.random.default_rng(1)
        micrographs = [candidates(rng) for _ in range(20)]
        found = watch(quality, micrographs)
        assert all(one is other for one, other in zip(found, micrographs))

    def test_fewer_of_the_same(self, quality):
        rng = np.random.default_rng(2)
        watch(quality, [candidates(rng, n) for n in (60, 5, 30, 0, 90)])

    def test_lower_scores(self, quality):
        rng = np.random.default_rng(3)
        micrographs = [candidates(rng), candidates(rng, of_particles=0.0), candidates(rng)]
        with pytest.warns(UserWarning, match=r"unlike those trained on \(of 3, .*\): 1\. Of their"):
            watch(quality, micrographs)

    def test_some_picks_in_each_of_many(self, quality):
        rng = np.random.default_rng(4)
        micrographs = [candidates(rng, 8, 0.0) for _ in range(12)]
        with pytest.warns(UserWarning, match="Are contrast, pixel size"):
            watch(quality, micrographs)

    def test_next_to_none(self, quality):
        rng = np.random.default_rng(5)
        micrographs = [candidates(rng, 2) for _ in range(3)]
        with pytest.warns(UserWarning, match="[456] picks in 3 micrographs, where those trained"):
            watch(quality, micrographs)

    def test_one_empty_micrograph_may_be(self, quality):
        watch(quality, [candidates(np.random.default_rng(6), 0)])

    def test_candidates_below_the_threshold_do_not_count(self, quality):
        rng = np.random.default_rng(7)
        watch(quality, [candidates(rng, n_others=5000)])

    @pytest.mark.parametrize("stop", [False, True])
    def test_says_so_at_the_end(self, quality, stop):
        rng = np.random.default_rng(8)
        stream = watched([candidates(rng, of_particles=0.0)] * 2, quality, 0.0)
        next(stream)
        if stop:
            stream.close()
            return
        next(stream)
        with pytest.warns(UserWarning, match="unlike"):
            next(stream, None)

    def test_nothing_is_known_without_estimates(self):
        with warnings.catch_warnings(action="error"):
            watch(None, [candidates(np.random.default_rng(9), of_particles=-1.0)])
