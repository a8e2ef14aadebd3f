"""Ask pip-audit whether the oldest releases that pyproject.toml admits have known advisories.

``make lint`` runs this. Without a connection to an advisory database it says so and succeeds; what
was known when the bounds were set is checked by ``tests/test_advisories.py`` anyway.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

# The first release above all advisories, where the bound is due to one.
FIXED_IN = {
    "distributed": ("2026.1.0", "CVE-2026-23528"),
    "joblib": ("1.5.0", "CVE-2024-34997"),
    "pillow": ("12.3.0", "CVE-2026-55798, CVE-2026-59197 to CVE-2026-59200"),
    "pytest": ("9.0.3", "CVE-2025-71176"),
    "torch": ("2.10.0", "CVE-2026-24747, CVE-2025-32434"),
    "tqdm": ("4.66.3", "CVE-2024-34062"),
}


def main() -> int:
    """Print what is known of the oldest releases; return 1 if there are advisories."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("\n".join(oldest_pins()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--timeout=10"]
        command += ["--progress-spinner=off", "--format=json", "--requirement", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, lines = verdict(done.stdout, done.stderr)
    print("\n".join(lines))
    return code


def oldest_pins() -> list[str]:
    """Return the oldest releases that are admitted, as requirements."""
    from oldest import oldest, requirements  # beside this script

    return sorted(oldest(requirements()))


def verdict(output: str, errors: str) -> tuple[int, list[str]]:
    """Return the exit status and what to print of the report of pip-audit, JSON or nothing."""
    try:
        found = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        reason = errors.strip().splitlines()[-1:] or ["it printed nothing"]
        return 0, [f"advisories: not checked, pip-audit reached no database ({reason[0]:.200})"]
    audited = [one for one in found if "skip_reason" not in one]
    if not audited:
        return 0, ["advisories: not checked, the index in use has none for pip-audit"]
    lines = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions'])}"
        for one in audited
        for flaw in one["vulns"]
    ]
    summary = f"advisories: {len(lines)} of the {len(audited)} oldest releases that were checked"
    return int(bool(lines)), [*lines, summary]


if __name__ == "__main__":
    sys.exit(main())
