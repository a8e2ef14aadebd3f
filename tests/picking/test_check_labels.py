import warnings

import numpy as np
import pytest

from puclassify.picking._check_labels import check_particles_of_score

REPORT = {"n_particles_interval": (40.0, 60.0)}


SIZES = [np.array([512.0, 512.0])] * 2


def particles(n, largest=511.0):
    return [np.random.default_rng(i).uniform(0, largest, (n, 2)) for i in range(2)]


class TestParticlesOfScore:
    @pytest.mark.parametrize("report", [None, REPORT])
    @pytest.mark.parametrize("n", [0, 40, 200])
    def test_all_of_them(self, report, n):
        with warnings.catch_warnings(action="error"):
            check_particles_of_score(particles(n or 21), SIZES, report)

    def test_a_few_beyond_the_last_candidate(self):
        xy = particles(50)
        xy[0][0] = 620.0
        check_particles_of_score(xy, SIZES, REPORT)

    @pytest.mark.parametrize("times", [2, 4])
    def test_another_binning(self, times):
        with pytest.raises(ValueError, match=r"particles in y lie outside their .*binning"):
            check_particles_of_score(particles(50, 511.0 * times), SIZES, REPORT)

    def test_labels_of_some(self):
        with pytest.warns(UserWarning, match="y holds 20 particles in 2 .* expects 80 or more"):
            check_particles_of_score(particles(10), SIZES, REPORT)
