"""Check the sdist and the wheel of ``make dist``, and try the wheel in a new environment.

The sdist has to hold what git tracks below `SDIST`, and no more; the wheel the package and its
licence. The environment has nothing but the wheel and what it requires, by constraints.txt; there
the command trains on simulated micrographs, picks and compares.
"""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What of the repository belongs into the sdist.
SDIST = (
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile"),
    *("README.md", "constraints.txt", "pyproject.toml", "setup.cfg"),
    *("conda/*", "docs/*", "examples/*", "puclassify/*", "tests/*"),
)
_MADE_BY_THE_BUILD = ("PKG-INFO", "puclassify.egg-info/*")
_METADATA = ("Name", "Version", "Summary", "Requires-Python", "License-Expression", "Keywords")
_METADATA += ("License-File", "Description-Content-Type", "Classifier", "Project-URL")

_SIMULATE = """
import mrcfile, numpy as np
from puclassify.datasets import make_micrographs
from puclassify.io import write_coordinates
data = make_micrographs(4, shape=(256, 256), particles_per_micrograph=12, snr=1.0, random_state=3)
names = [f"mic{i}.mrc" for i in range(4)]
for name, image in zip(names, data.micrographs):
    mrcfile.write(name, np.asarray(image, np.float32), voxel_size=2.0)
write_coordinates(data.coordinates, "truth.star", names=names)
print(2.0 * data.particle_diameter / data.pixel_size)
"""


def main(folder: str = "dist") -> None:
    """Check what is in a folder; print a line for each check."""
    (sdist,) = Path(folder).glob("*.tar.gz")
    (wheel,) = Path(folder).glob("*.whl")
    names = sdist_names(sdist)
    wrong = wrong_in_sdist(names, tracked())
    assert not wrong, "\n".join(wrong)
    print(f"{sdist.name}: {len(names)} files, {sdist.stat().st_size / 1e6:.1f} MB")
    names = wheel_names(wheel)
    wrong = wrong_in_wheel(names, tracked()) + wrong_in_metadata(wheel)
    assert not wrong, "\n".join(wrong)
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as work:
        try_wheel(wheel.resolve(), Path(work))
    print("the wheel trains, picks and evaluates in a new environment")


def tracked() -> set[str]:
    """Return the files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return set(filter(None, listed.stdout.decode().split("\0")))


def sdist_names(path: Path) -> set[str]:
    """Return the names of the files in an sdist, without its folder."""
    with tarfile.open(path) as archive:
        return {one.name.partition("/")[2] for one in archive.getmembers() if not one.isdir()}


def wheel_names(path: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def wrong_in_sdist(names: set[str], known: set[str]) -> list[str]:
    """Say what is missing in an sdist, and what is too much."""
    wanted = {name for name in known if any(fnmatch(name, pattern) for pattern in SDIST)}
    wanted = {name for name in wanted if not Path(name).name.startswith(".")}
    made = {name for name in names if any(fnmatch(name, one) for one in _MADE_BY_THE_BUILD)}
    return _differences("sdist", wanted, names - made)


def wrong_in_wheel(names: set[str], known: set[str]) -> list[str]:
    """Say what is missing in a wheel, and what is too much."""
    wanted = {name for name in known if fnmatch(name, "puclassify/*")}
    licences = {name for name in names if fnmatch(name, "*.dist-info/licenses/LICENSE")}
    files = {name for name in names if ".dist-info/" not in name}
    wrong = _differences("wheel", wanted, files)
    return wrong if licences else [*wrong, "wheel: no licence"]


def _differences(kind: str, wanted: set[str], names: set[str]) -> list[str]:
    lacking = [f"{kind}: {name} is missing" for name in sorted(wanted - names)]
    return lacking + [f"{kind}: {name} does not belong there" for name in sorted(names - wanted)]


def wrong_in_metadata(path: Path) -> list[str]:
    """Say which fields the metadata of a wheel lack."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    lacking = [f"wheel: its metadata have no {field}" for field in _METADATA if not metadata[field]]
    return lacking if metadata.get_payload() else [*lacking, "wheel: it has no description"]


def try_wheel(wheel: Path, work: Path) -> None:
    """Install a wheel into an environment of its own and use it."""
    venv.create(work / "venv", with_pip=True)
    bin_folder = work / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ROOT / "constraints.txt"

    def run(*command: str) -> str:
        first, *rest = command
        full = [str(bin_folder / first), *rest]
        print("$", *(one.strip().partition("\n")[0] for one in command), flush=True)
        done = subprocess.run(full, cwd=work, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    run("python", "-m", "pip", "install", "--quiet", "--constraint", str(constraints), str(wheel))
    run("python", "-m", "pip", "check")
    version = wheel.name.split("-")[1]
    assert run("puclassify", "--version") == f"puclassify, version {version}\n"
    home = run("python", "-c", "import puclassify; print(puclassify.__file__)").strip()
    assert Path(home).is_relative_to(work), f"{home} is not the wheel's"
    diameter = run("python", "-c", _SIMULATE).strip()
    train = ["train", "mic*.mrc", "--coordinates", "truth.star", "--diameter", diameter]
    train += ["--network", "conv31", "--epochs", "1", "--threshold", "0"]
    run("puclassify", *train, "--expected-particles", "12", "--output", "model.safetensors")
    run("puclassify", "pick", "model.safetensors", "mic*.mrc", "--output", "picks")
    print(run("puclassify", "evaluate", "picks", "--truth", "truth.star", "--radius", "10"), end="")
    assert len(list((work / "picks").glob("*.star"))) >= 4


if __name__ == "__main__":
    main(*sys.argv[1:])
