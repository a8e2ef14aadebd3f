import json
from pathlib import Path
from typing import NamedTuple

import mrcfile
import numpy as np
import pytest
from click.testing import CliRunner

from puclassify import ParticlePicker
from puclassify.cli import main
from puclassify.datasets import make_micrographs
from puclassify.io import write_coordinates

PIXEL_SIZE = 2.0


class Session(NamedTuple):
    """Micrographs and all their particles in files."""

    folder: Path
    micrographs: list[str]
    coordinates: list[np.ndarray]
    truth: str
    diameter: float  # in ångström


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def run(*args):
    """Run the command in this process."""
    result = CliRunner().invoke(main, [str(one) for one in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    data = make_micrographs(
        6, shape=(256, 256), particles_per_micrograph=12, snr=1.0, contamination=0.0, random_state=3
    )
    folder = tmp_path_factory.mktemp("session")
    paths = []
    for index, image in enumerate(data.micrographs):
        path = folder / f"mic{index}.mrc"
        mrcfile.write(path, np.asarray(image, np.float32), voxel_size=PIXEL_SIZE)
        paths.append(str(path))
    truth = str(folder / "truth.star")
    write_coordinates(data.coordinates, truth, names=paths)
    diameter = data.particle_diameter / data.pixel_size * PIXEL_SIZE
    return Session(folder, paths, data.coordinates, truth, diameter)


@pytest.fixture(scope="session")
def trained(session, tmp_path_factory):
    """A model that the command has trained on four micrographs in seconds, and its result."""
    output = tmp_path_factory.mktemp("trained") / "model.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParticlePicker, "_steps_per_epoch", 12)
        result = run(*training(session), "--output", output, "--json")
    return str(output), result


def training(session):
    return [
        *("train", *session.micrographs[:4], "--coordinates", session.truth),
        *("--diameter", session.diameter, "--pixel-size", PIXEL_SIZE, "--network", "conv31"),
        *("--epochs", 1, "--threshold", 0, "--expected-particles", 12),
    ]
