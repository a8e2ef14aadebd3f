import tomllib

import mrcfile
import numpy as np
import pytest

from puclassify.io import read_coordinates, write_coordinates
from puclassify.particles import extract_particles

from .conftest import PIXEL_SIZE, run

BOX = 32


def extraction(session, output, *options):
    micrographs = session.folder / "*.mrc"
    return run(
        "extract", session.truth, micrographs, "--box-size", BOX, "--output", output, *options
    )


def files_of(folder):
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.suffix != ".toml"}


def stacks(folder):
    return {path.name: mrcfile.read(path) for path in folder.glob("*.mrcs")}


def test_particles_are_those_of_the_library(session, tmp_path):
    output = tmp_path / "new" / "Particles"
    options = ("--downsample-to", 16, "--invert-contrast", "--edges", "pad", "--voltage", 300)
    result = extraction(session, output, *options, "--json")
    assert result.code == 0, result.err
    expected = tmp_path / "expected"
    expected.mkdir()
    found = extract_particles(
        session.micrographs,
        session.truth,
        BOX,
        expected,
        downsample_to=16,
        invert_contrast=True,
        edges="pad",
        voltage=300,
    )
    assert result.json["star"] == str(output / "particles.star")
    assert result.json["n_particles"] == found.n_particles == 72
    assert result.json["n_micrographs"] == 6
    ours, theirs = stacks(output), stacks(expected)
    assert sorted(ours) == sorted(theirs) != []
    for name, particles in theirs.items():
        np.testing.assert_array_equal(ours[name], particles)
        assert particles.shape[1:] == (16, 16)
    assert "extracting: 6 of 6 micrographs in " in result.err
    table = tomllib.loads((output / "extract.toml").read_text())["extract"]
    assert (table["box_size"], table["voltage"], table["normalize"]) == (BOX, 300.0, True)
    again = run("extract", "--config", output / "extract.toml", "--output", tmp_path / "again")
    assert again.code == 0, again.err
    np.testing.assert_array_equal(stacks(tmp_path / "again")["mic0.mrcs"], ours["mic0.mrcs"])


def test_a_particle_is_the_box_around_its_pick(session, tmp_path):
    """The values, without any normalisation, are those of the micrograph itself."""
    options = ("--no-normalize", "--edges", "pad", "--json")
    result = extraction(session, tmp_path, *options)
    assert result.code == 0, result.err
    pixels = mrcfile.read(session.micrographs[0])
    inside = [
        (index, *np.rint(xy).astype(int))
        for index, xy in enumerate(session.coordinates[0])
        if (np.abs(xy - 127.5) < 127 - BOX).all()
    ]
    assert inside
    particles = stacks(tmp_path)["mic0.mrcs"]
    for index, x, y in inside:
        box = pixels[y - BOX // 2 : y + BOX // 2, x - BOX // 2 : x + BOX // 2]
        np.testing.assert_allclose(particles[index], box, rtol=1e-6)


def test_resume_leaves_what_is_done(session, tmp_path):
    assert extraction(session, tmp_path).code == 0
    before = files_of(tmp_path)
    kept, missing = tmp_path / "mic0.mrcs", tmp_path / "mic1.mrcs"
    changed = kept.stat().st_mtime_ns
    missing.unlink()
    result = extraction(session, tmp_path, "--resume")
    assert result.code == 0, result.err
    assert kept.stat().st_mtime_ns == changed
    assert files_of(tmp_path) == before
    other = extraction(session, tmp_path, "--resume", "--invert-contrast")
    assert other.code == 1
    assert "other parameters" in other.err


def test_only_picks_above_a_threshold(session, tmp_path):
    picks = tmp_path / "picks.csv"
    scored = [np.column_stack([xy, np.arange(len(xy))]) for xy in session.coordinates]
    write_coordinates(scored, picks, names=session.micrographs)
    args = ("extract", picks, *session.micrographs, "--box-size", BOX, "--edges", "pad", "--json")
    result = run(*args, "--threshold", 7.5, "--output", tmp_path / "some")
    assert result.json["n_particles"] == 6 * 4  # 8, 9, 10, 11
    without = run(*args[:1], session.truth, *args[2:], "--threshold", 0, "--output", tmp_path)
    assert (without.code, "--threshold needs scores" in without.err) == (1, True)


def test_skipped_micrographs_have_their_exit_code(session, tmp_path):
    broken = tmp_path / "mic9.mrc"
    broken.write_bytes(b"no micrograph")
    args = ("extract", session.truth, session.micrographs[0], broken, "--box-size", BOX)
    stopped = run(*args, "--output", tmp_path / "a")
    assert stopped.code == 1
    assert "mic9.mrc" in stopped.err
    assert "Traceback" not in stopped.err
    went_on = run(*args, "--output", tmp_path / "b", "--on-error", "skip", "--json")
    assert went_on.code == 3
    assert (went_on.json["n_micrographs"], went_on.json["n_skipped"]) == (1, 1)
    star = read_coordinates(tmp_path / "b/particles.star", origins="apply")
    assert sum(map(len, star.values())) == went_on.json["n_particles"] > 0


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--box-size", 31], 1, "--box-size must be an even whole number"),
        (["--box-size", "big"], 2, "'big' is not a valid integer"),
        (["--downsample-to", 64], 1, "at most box_size (32)"),
        (["--pixel-size", 0], 2, "not a positive number"),
        (["--edges", "cut"], 2, "'skip', 'pad', 'error'"),
    ],
)
def test_wrong_options(options, code, message, session, tmp_path):
    result = extraction(session, tmp_path / "out", *options)
    assert result.code == code
    assert message in " ".join(result.err.split())
    assert not list(tmp_path.rglob("*.mrcs"))


def test_the_pixel_size_of_the_header_is_used(session, tmp_path):
    extraction(session, tmp_path)
    with mrcfile.open(tmp_path / "mic0.mrcs") as stack:
        assert stack.voxel_size.x == pytest.approx(PIXEL_SIZE)
