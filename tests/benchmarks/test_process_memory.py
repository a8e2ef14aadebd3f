import resource
import sys

import numpy as np
import pytest

from common.process_memory import megabytes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_peak_is_that_of_getrusage():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    assert megabytes("VmHWM") == pytest.approx(peak, rel=0.05)


def test_memory_in_use_grows_by_what_is_allocated():
    before = megabytes("VmRSS")
    block = np.ones(64 * 2**20 // 8)
    assert megabytes("VmRSS") - before == pytest.approx(block.nbytes / 2**20, abs=8)
    assert megabytes("VmHWM") >= megabytes("VmRSS")
