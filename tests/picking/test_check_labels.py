import warnings

import numpy as np
import pytest

from puclassify.picking._check_labels import check_particles_of_score

REPORT = {"n_particles_interval": (40.0, 60.0)}


@pytest.fixture
def candidates():
    rng = np.random.default_rng(0)
    return [np.column_stack([rng.uniform(0, 511, (900, 2)), rng.normal(size=900)]) for _ in "ab"]


def particles(n, largest=511.0):
    return [np.random.default_rng(i).uniform(0, largest, (n, 2)) for i in range(2)]


class TestParticlesOfScore:
    @pytest.mark.parametrize("report", [None, REPORT])
    @pytest.mark.parametrize("n", [0, 40, 200])
    def test_all_of_them(self, candidates, report, n):
        with warnings.catch_warnings(action="error"):
            check_particles_of_score(particles(n or 21), candidates, report)

    def test_a_few_beyond_the_last_candidate(self, candidates):
        xy = particles(50)
        xy[0][0] = 620.0
        check_particles_of_score(xy, candidates, REPORT)

    @pytest.mark.parametrize("times", [2, 4])
    def test_another_binning(self, candidates, times):
        with pytest.raises(ValueError, match=r"particles in y lie outside their .*binning"):
            check_particles_of_score(particles(50, 511.0 * times), candidates, REPORT)

    def test_labels_of_some(self, candidates):
        with pytest.warns(UserWarning, match="y holds 20 particles in 2 .* expects 80 or more"):
            check_particles_of_score(particles(10), candidates, REPORT)

    def test_without_candidates(self):
        check_particles_of_score(particles(50), [np.empty((0, 3))] * 2, REPORT)
