"""Make the scripts of ``examples`` importable, as Python does for a script that it runs."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path += [str(EXAMPLES / "benchmarks"), str(EXAMPLES / "picking")]
