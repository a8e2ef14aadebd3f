"""Stacks of particles, by an independent definition and by other programs' readers."""

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
from joblib import parallel_config

from puclassify import GridImage
from puclassify.io import CoordinateTable, read_coordinates, write_coordinates
from puclassify.particles import ExtractedParticles, extract_particles

SHAPE = (90, 120)
XY = np.array([[50.0, 40.0, 2.5], [60.4, 30.75, -1.0], [30.5, 50.5, 0.25]])
PLAIN = {"pixel_size": 1.5, "normalize": False}


@pytest.fixture(scope="module")
def pixels():
    """Return a micrograph of noise on a gradient, in the type that most are stored in."""
    noise = np.random.default_rng(0).normal(10, 2, SHAPE)
    return (noise + np.linspace(0, 5, SHAPE[1])).astype(np.float32)


@pytest.fixture
def project(tmp_path, monkeypatch, pixels):
    """Return three micrographs and their picks, in the project folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Movies").mkdir()
    (tmp_path / "Particles").mkdir()
    paths = [f"Movies/mic{number}.mrc" for number in (1, 2, 3)]
    for number, path in enumerate(paths):
        mrcfile.write(path, np.roll(pixels, number, axis=1), voxel_size=1.5)
    return paths, {path: XY + [number, 0, 0] for number, path in enumerate(paths)}


def stack(path="Particles/micrograph_0000.mrcs"):
    """Read a stack as another program does."""
    with mrcfile.open(path) as file:
        assert file.header.ispg == 0  # images, not a volume
        return file.data.reshape(-1, *file.data.shape[-2:]).copy()


def extract(pixels, picks, box_size=16, output="Particles", **parameters):
    return extract_particles([pixels], [picks], box_size, output, **{**PLAIN, **parameters})


def window(pixels, x, y, box_size=16):
    """Cut a box out by the definition: its pixel box_size // 2 is (x, y)."""
    half = box_size // 2
    return pixels[y - half : y + half, x - half : x + half]


def radii(box_size):
    return np.hypot(*(np.indices((box_size, box_size)) - box_size // 2))


class TestPixels:
    def test_windows(self, project, pixels):
        extract(pixels, XY)
        expected = [window(pixels, *xy) for xy in ((50, 40), (60, 31), (31, 51))]
        np.testing.assert_array_equal(stack(), expected)
        assert stack().dtype == np.float32

    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float64])
    def test_any_type_of_pixels(self, project, dtype):
        values = np.random.default_rng(1).integers(0, 100, SHAPE).astype(dtype)
        extract(values, XY)
        np.testing.assert_array_equal(stack()[0], window(values, 50, 40))

    def test_inverted(self, project, pixels):
        extract(pixels, XY, invert_contrast=True)
        np.testing.assert_array_equal(stack()[0], -window(pixels, 50, 40))

    def test_many_particles(self, project, pixels):
        xy = np.random.default_rng(2).integers((8, 8), (112, 82), (200, 2))
        extract(pixels, xy)
        np.testing.assert_array_equal(stack(), [window(pixels, *one) for one in xy])

    def test_half_precision(self, project, pixels):
        extract(pixels, XY, dtype="float16")
        with mrcfile.open("Particles/micrograph_0000.mrcs") as file:
            assert file.header.mode == 12
            np.testing.assert_array_equal(file.data[0], window(pixels, 50, 40).astype(np.float16))

    def test_half_precision_does_not_overflow(self, project, pixels):
        with pytest.raises(ValueError, match=r"beyond the range of float16.*dtype='float32'"):
            extract(pixels * 1e5, XY, dtype="float16")
        assert os.listdir("Particles") == []

    def test_header(self, project, pixels):
        extract(pixels, XY)
        assert mrcfile.validate("Particles/micrograph_0000.mrcs")
        with mrcfile.open("Particles/micrograph_0000.mrcs") as file:
            voxel = file.voxel_size
            assert (float(voxel.x), float(voxel.y), float(voxel.z)) == (1.5, 1.5, 1.5)
            assert file.header.dmean == pytest.approx(file.data.mean())
            assert file.header.rms == pytest.approx(file.data.std(), rel=1e-5)


class TestNormalization:
    def test_background_has_mean_0_and_deviation_1(self, project, pixels):
        extract(pixels, XY, 32, normalize=True, ramp=False)
        background = stack()[:, radii(32) > 12]
        np.testing.assert_allclose(background.mean(axis=1, dtype=float), 0, atol=1e-6)
        np.testing.assert_allclose(background.std(axis=1, dtype=float), 1, atol=1e-6)
        box = window(pixels, 50, 40, 32).astype(float)
        ring = box[radii(32) > 12]
        np.testing.assert_allclose(stack()[0], (box - ring.mean()) / ring.std(), atol=1e-5)

    def test_radius(self, project, pixels):
        extract(pixels, XY, 32, normalize=True, ramp=False, background_radius=9.5)
        box = window(pixels, 50, 40, 32).astype(float)
        ring = box[radii(32) > 9.5]
        np.testing.assert_allclose(stack()[0], (box - ring.mean()) / ring.std(), atol=1e-5)

    def test_ramp_is_the_best_plane(self, project, pixels):
        extract(pixels, XY, 32, normalize=True, ramp=True)
        box, outside = window(pixels, 50, 40, 32).astype(float), radii(32) > 12
        y, x = np.indices((32, 32))
        design = np.stack([x, y, np.ones_like(x)], axis=-1).astype(float)
        plane = design @ np.linalg.lstsq(design[outside], box[outside], rcond=None)[0]
        expected = (box - plane) / (box - plane)[outside].std()
        np.testing.assert_allclose(stack()[0], expected, atol=1e-5)
        # The gradient of the micrograph is gone.
        assert np.ptp(stack()[0].mean(axis=0)) < np.ptp(box.mean(axis=0))

    def test_downsampled_background(self, project, pixels):
        extract(pixels, XY, 32, normalize=True, downsample_to=16)
        background = stack()[:, radii(16) > 6]
        np.testing.assert_allclose(background.mean(axis=1, dtype=float), 0, atol=1e-6)
        np.testing.assert_allclose(background.std(axis=1, dtype=float), 1, atol=1e-6)

    @pytest.mark.parametrize("ramp", [True, False])
    def test_nothing_to_normalise_by(self, project, ramp):
        with pytest.raises(ValueError, match=r"around \(50, 40\).*without any noise.*normalize"):
            extract(np.full(SHAPE, 3.7, np.float32), XY, normalize=True, ramp=ramp)


class TestDownsampling:
    def test_waves_stay_what_they_are(self, project):
        y, x = np.indices(SHAPE)
        wave = 5 + np.cos(2 * np.pi * (3 * x + 2 * y) / 32)
        extract(wave, [[50.0, 40.0]], 32, downsample_to=16)
        np.testing.assert_allclose(stack()[0], window(wave, 50, 40, 32)[::2, ::2], atol=1e-5)

    def test_centre_stays_at_the_centre(self, project):
        y, x = np.indices(SHAPE)
        spot = np.exp(-((x - 50) ** 2 + (y - 40) ** 2) / 32)
        extract(spot, [[50.0, 40.0]], 48, downsample_to=20)
        particle = stack()[0]
        assert np.unravel_index(particle.argmax(), particle.shape) == (10, 10)
        np.testing.assert_allclose(particle[10, 11], particle[10, 9], rtol=1e-4)
        assert particle[10, 10] == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize("size", [14, 16, 18])
    def test_crop_is_the_transform_without_short_waves(self, project, pixels, size):
        extract(pixels, XY, 32, downsample_to=size)
        wanted = np.fft.fft2(window(pixels, 50, 40, 32).astype(float))
        found = np.fft.fft2(stack()[0].astype(float))
        whole = np.arange(1 - size // 2, size // 2)  # without the shortest wave of the new grid
        expected = wanted[np.ix_(whole, whole)] * (size / 32) ** 2
        np.testing.assert_allclose(found[np.ix_(whole, whole)], expected, atol=1e-3)

    def test_pixel_size_follows(self, project, pixels):
        starfile = pytest.importorskip("starfile")
        found = extract(pixels, XY, 32, downsample_to=16)
        assert starfile.read(found.star)["optics"]["rlnImagePixelSize"].tolist() == [3.0]
        with mrcfile.open("Particles/micrograph_0000.mrcs") as file:
            assert float(file.voxel_size.x) == 3.0


class TestEdges:
    EDGE = np.array([[50.0, 40.0], [7.0, 40.0], [8.0, 8.0], [112.0, 40.0], [113.0, 40.0]])

    def test_skipped_and_counted(self, project, pixels):
        found = extract(pixels, self.EDGE)
        assert (found.n_particles, found.n_at_edges) == (3, 2)
        expected = [window(pixels, *xy) for xy in ((50, 40), (8, 8), (112, 40))]
        np.testing.assert_array_equal(stack(), expected)

    def test_padded_with_the_nearest_pixels(self, project, pixels):
        xy = [[2.0, 3.0], [118.0, 88.0], [119.0, 0.0]]
        found = extract(pixels, xy, edges="pad")
        assert (found.n_particles, found.n_at_edges) == (3, 0)
        padded = np.pad(pixels, 16, mode="edge")
        expected = [window(padded, int(x) + 16, int(y) + 16) for x, y in xy]
        np.testing.assert_array_equal(stack(), expected)

    def test_wholly_outside(self, project, pixels):
        with pytest.warns(UserWarning, match="1 picks lie outside .*step="):
            found = extract(pixels, [[50.0, 40.0], [500.0, 40.0]], edges="pad")
        assert (found.n_particles, found.n_at_edges) == (1, 1)

    def test_refused(self, project, pixels):
        with pytest.raises(ValueError, match=r"around \(7, 40\) .* 90 x 120 .* 1 others"):
            extract(pixels, self.EDGE, edges="error")
        assert os.listdir("Particles") == []

    def test_box_larger_than_the_micrograph(self, project, pixels):
        found = extract(pixels, XY, 92)
        assert (found.n_particles, found.n_at_edges) == (0, 3)
        assert not os.path.exists("Particles/micrograph_0000.mrcs")


class TestStar:
    def test_as_relion_lays_it_out(self, project):
        starfile = pytest.importorskip("starfile")
        paths, picks = project
        found = extract_particles(
            paths,
            picks,
            32,
            "Particles",
            downsample_to=16,
            voltage=300,
            spherical_aberration=2.7,
            amplitude_contrast=0.1,
        )
        blocks = starfile.read(found.star, always_dict=True)
        assert list(blocks) == ["optics", "particles"]
        assert blocks["optics"].iloc[0].to_dict() == {
            "rlnOpticsGroup": 1,
            "rlnOpticsGroupName": "opticsGroup1",
            "rlnMicrographPixelSize": 1.5,
            "rlnMicrographOriginalPixelSize": 1.5,
            "rlnImagePixelSize": 3.0,
            "rlnImageSize": 16,
            "rlnImageDimensionality": 2,
            "rlnVoltage": 300.0,
            "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.1,
        }
        particles = blocks["particles"]
        assert len(particles) == found.n_particles == 9
        assert particles["rlnImageName"].tolist()[:4] == [
            "000001@Particles/mic1.mrcs",
            "000002@Particles/mic1.mrcs",
            "000003@Particles/mic1.mrcs",
            "000001@Particles/mic2.mrcs",
        ]
        assert particles["rlnMicrographName"].tolist() == [path for path in paths for _ in XY]
        assert particles["rlnAutopickFigureOfMerit"].tolist() == [2.5, -1.0, 0.25] * 3
        assert set(particles["rlnOpticsGroup"]) == {1}

    def test_each_row_is_its_particle(self, project):
        starfile = pytest.importorskip("starfile")
        paths, picks = project
        found = extract_particles(paths, picks, 16, "Particles", normalize=False)
        for row in starfile.read(found.star)["particles"].itertuples():
            number, _, path = row.rlnImageName.partition("@")
            micrograph = mrcfile.read(row.rlnMicrographName)
            expected = window(micrograph, int(row.rlnCoordinateX), int(row.rlnCoordinateY))
            np.testing.assert_array_equal(stack(path)[int(number) - 1], expected)

    def test_fractions_are_kept_as_origins(self, project):
        starfile = pytest.importorskip("starfile")
        paths, picks = project
        star = extract_particles(paths, picks, 16, "Particles", downsample_to=8).star
        particles = starfile.read(star)["particles"]
        assert particles["rlnCoordinateX"].tolist()[:3] == [50, 60, 31]
        assert particles["rlnOriginXAngst"].tolist()[:3] == pytest.approx([0, -0.6, 0.75])
        assert particles["rlnOriginYAngst"].tolist()[:3] == pytest.approx([0, 0.375, 0.75])
        for path, xy in read_coordinates(star, origins="apply").items():
            np.testing.assert_allclose(xy, picks[path], atol=1e-5)

    def test_without_scores_and_microscope(self, project):
        starfile = pytest.importorskip("starfile")
        paths, picks = project
        found = extract_particles(paths, [picks[path][:, :2] for path in paths], 16, "Particles")
        blocks = starfile.read(found.star)
        assert "rlnAutopickFigureOfMerit" not in blocks["particles"]
        assert "rlnVoltage" not in blocks["optics"]

    def test_names_with_spaces(self, project, pixels):
        starfile = pytest.importorskip("starfile")
        os.mkdir("my particles")
        mrcfile.write("Movies/a b.mrc", pixels, voxel_size=1.5)
        found = extract_particles(["Movies/a b.mrc"], [XY], 16, "my particles")
        row = starfile.read(found.star)["particles"].iloc[0]
        assert row["rlnImageName"] == "000001@my particles/a b.mrcs"
        assert row["rlnMicrographName"] == "Movies/a b.mrc"

    def test_each_micrograph_has_its_own(self, project):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        (found,) = read_coordinates("Particles/mic2_extract.star", origins="apply").items()
        assert found[0] == "Movies/mic2.mrc"
        np.testing.assert_allclose(found[1], picks["Movies/mic2.mrc"], atol=1e-5)


class TestOptics:
    """What RELION knows of micrographs and particles is in the STAR file of the stacks."""

    OPTICS = pd.DataFrame(
        {
            "rlnOpticsGroup": [1, 2],
            "rlnOpticsGroupName": ["first day", "second"],
            "rlnVoltage": [300.0, 200.0],
            "rlnSphericalAberration": [2.7, 0.01],
            "rlnAmplitudeContrast": [0.1, 0.07],
            "rlnMtfFileName": ["mtf_300.star", "mtf_200.star"],
            "rlnMicrographPixelSize": [1.5, 1.5],
            "rlnMicrographOriginalPixelSize": [0.75, 1.5],
        }
    )

    @pytest.fixture
    def micrographs(self, project):
        names = ["MotionCorr/job002/mic1.mrc", "Movies/mic2.mrc", "Movies/mic3.mrc"]
        frame = pd.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": [1, 2, 1]})
        starfile.write({"optics": self.OPTICS, "micrographs": frame}, "micrographs_ctf.star")
        return "micrographs_ctf.star"

    def particles(self, paths, **columns):
        frame = pd.DataFrame(
            {
                "rlnCoordinateX": [50.0, 60.0, 30.0, 45.0],
                "rlnCoordinateY": [40.0, 30.0, 50.0, 45.0],
                "rlnMicrographName": [paths[0], paths[1], paths[2], paths[1]],
                "rlnImageName": [f"{n:06d}@Extract/job9/x.mrcs" for n in range(1, 5)],
                "rlnDefocusU": [12000.5, 9000.0, 11000.0, 9000.0],
                "rlnAngleRot": [1.0, 2.0, 3.0, 4.0],
                **columns,
            }
        )
        optics = self.OPTICS.assign(rlnImageSize=64, rlnImagePixelSize=6.0)
        return {"optics": optics, "particles": frame}

    def test_of_particles(self, project):
        paths, _ = project
        blocks = self.particles(paths, rlnOpticsGroup=[1, 2, 1, 2])
        starfile.write(blocks, "refined.star")
        for number, picks in enumerate(("refined.star", starfile.read("refined.star"))):
            os.mkdir(f"again{number}")
            found = extract_particles(paths, picks, 16, f"again{number}", downsample_to=8)
            assert found.n_particles == 4
            written = starfile.read(found.star)
            expected = self.OPTICS.assign(
                rlnImageSize=8, rlnImagePixelSize=3.0, rlnImageDimensionality=2
            )
            pd.testing.assert_frame_equal(
                written["optics"], expected, check_like=True, check_dtype=False
            )
            rows = written["particles"]
            assert rows["rlnOpticsGroup"].tolist() == [1, 2, 2, 1]
            assert rows["rlnDefocusU"].tolist() == [12000.5, 9000.0, 9000.0, 11000.0]
            assert rows["rlnAngleRot"].tolist() == [1.0, 2.0, 4.0, 3.0]
            assert rows["rlnImageName"].tolist()[2] == f"000002@again{number}/mic2.mrcs"

    def test_of_micrographs(self, project, micrographs):
        paths, picks = project
        found = extract_particles(paths, picks, 16, "Particles", optics=micrographs)
        written = starfile.read(found.star)
        assert written["optics"]["rlnVoltage"].tolist() == [300.0, 200.0]
        assert written["optics"]["rlnMicrographOriginalPixelSize"].tolist() == [0.75, 1.5]
        assert written["particles"]["rlnOpticsGroup"].tolist() == [1] * 3 + [2] * 3 + [1] * 3
        one = starfile.read("Particles/mic2_extract.star")
        assert one["optics"]["rlnOpticsGroupName"].tolist() == ["second"]

    def test_only_groups_that_are_used(self, project, micrographs):
        paths, picks = project
        found = extract_particles(
            paths[:2], [[], picks[paths[1]]], 16, "Particles", optics=micrographs
        )
        assert starfile.read(found.star)["optics"]["rlnOpticsGroupName"].tolist() == ["second"]

    def test_parameters_replace_them(self, project, micrographs):
        paths, picks = project
        found = extract_particles(paths, picks, 16, "Particles", optics=micrographs, voltage=120.0)
        optics = starfile.read(found.star)["optics"]
        assert optics["rlnVoltage"].tolist() == [120.0, 120.0]
        assert optics["rlnAmplitudeContrast"].tolist() == [0.1, 0.07]

    def test_pixel_size_before_that_of_headers(self, project, micrographs, pixels):
        paths, picks = project
        mrcfile.write(paths[0], pixels, voxel_size=1.0, overwrite=True)  # a placeholder
        mrcfile.write(paths[1], pixels, voxel_size=2.5, overwrite=True)
        with pytest.warns(UserWarning, match=r"headers of 1 micrographs .* 2.5 Å instead of 1.5 Å"):
            found = extract_particles(paths, picks, 16, "Particles", optics=micrographs)
        sizes = starfile.read(found.star)["optics"]["rlnMicrographPixelSize"]
        assert sizes.tolist() == [1.5, 1.5]
        with mrcfile.open("Particles/mic1.mrcs", header_only=True) as file:
            assert file.voxel_size.x == pytest.approx(1.5)

    def test_groups_of_several_pixel_sizes(self, project, pixels):
        """Without optics that is refused; here each group has its own."""
        paths, picks = project
        optics = self.OPTICS.assign(rlnMicrographPixelSize=[1.5, 2.5])
        frame = pd.DataFrame({"rlnMicrographName": paths, "rlnOpticsGroup": [1, 2, 1]})
        starfile.write({"optics": optics, "micrographs": frame}, "m.star")
        mrcfile.write(paths[1], pixels, voxel_size=2.5, overwrite=True)
        found = extract_particles(paths, picks, 16, "Particles", optics="m.star")
        assert starfile.read(found.star)["optics"]["rlnImagePixelSize"].tolist() == [1.5, 2.5]

    def test_relion_30(self, project):
        """Before optics groups the microscope was in every row."""
        paths, _ = project
        columns = {"rlnVoltage": 300.0, "rlnSphericalAberration": 2.7, "rlnMagnification": 1e4}
        frame = self.particles(paths, rlnAmplitudeContrast=0.1, **columns)["particles"]
        starfile.write(frame, "old.star")
        found = extract_particles(paths, "old.star", 16, "Particles")
        written = starfile.read(found.star)
        assert written["optics"]["rlnVoltage"].tolist() == [300.0]
        assert written["optics"]["rlnAmplitudeContrast"].tolist() == [0.1]
        assert not {*columns, "rlnAmplitudeContrast"} & set(written["particles"].columns)
        assert written["particles"]["rlnDefocusU"].tolist()[0] == 12000.5

    def test_resumed_and_by_jobs(self, project, micrographs):
        paths, picks = project
        first = extract_particles(paths, picks, 16, "Particles", optics=micrographs)
        once = contents("Particles")
        options = {"optics": micrographs, "resume": True}
        assert extract_particles(paths, picks, 16, "Particles", **options) == first
        os.remove("Particles/mic2.mrcs")
        with parallel_config("threading"), pytest.warns(UserWarning, match="extracted anew"):
            extract_particles(paths, picks, 16, "Particles", n_jobs=2, **options)
        assert contents("Particles") == once

    def test_micrograph_without_a_group(self, project, micrographs, pixels):
        with pytest.raises(
            ValueError, match=r"micrographs_ctf\.star has no optics group.*none of the 3 names"
        ):
            extract(pixels, XY, optics=micrographs)


class TestJobs:
    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_files_are_the_same(self, project, backend):
        paths, picks = project
        first = extract_particles(paths, picks, 16, "Particles")
        one_by_one = contents("Particles")
        for path in Path("Particles").iterdir():
            path.unlink()
        with parallel_config(backend):
            assert extract_particles(paths, picks, 16, "Particles", n_jobs=2) == first
        assert contents("Particles") == one_by_one

    def test_broken_files_are_skipped_in_order(self, project):
        paths, picks = project
        Path(paths[1]).write_bytes(b"no image")
        with parallel_config("threading"):
            found = extract_particles(paths, picks, 16, "Particles", on_error="skip", n_jobs=2)
            assert [one.micrograph for one in found.skipped] == [paths[1]]
            assert found.n_particles == 6
            with pytest.raises(ValueError, match="mic2"):
                extract_particles(paths, picks, 16, "Particles", n_jobs=2)
            again = extract_particles(
                paths, picks, 16, "Particles", on_error="skip", n_jobs=2, resume=True
            )
        assert again == found

    def test_checked(self, project):
        with pytest.raises(ValueError, match="n_jobs"):
            extract_particles(*project, 16, "Particles", n_jobs=0)


class TestPicks:
    def forms(self, paths, picks):
        table = CoordinateTable.from_arrays(picks)
        write_coordinates(picks, "picks.star")
        yield from ([picks[path] for path in paths], table, table.to_frame(), "picks.star")

    def test_every_form_is_the_same(self, project):
        pytest.importorskip("pandas")
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        for number, form in enumerate(self.forms(paths, picks)):
            folder = f"other{number}"
            os.mkdir(folder)
            extract_particles(paths, form, 16, folder)
            for path in os.listdir("Particles"):
                if path.endswith(".mrcs"):
                    assert contents(folder)[path] == contents("Particles")[path]
            assert contents(folder)["particles.star"] == contents("Particles")[
                "particles.star"
            ].replace(b"@Particles/", f"@{folder}/".encode())

    def test_order_of_names_does_not_matter(self, project):
        paths, picks = project
        found = extract_particles(paths, dict(reversed(picks.items())), 16, "Particles")
        assert list(read_coordinates(found.star, origins="apply")) == paths

    def test_none_and_nothing(self, project):
        paths, _ = project
        found = extract_particles(paths, [None, XY, []], 16, "Particles")
        assert found == ExtractedParticles("Particles/particles.star", 3)
        assert sorted(n for n in os.listdir("Particles") if n.endswith(".mrcs")) == ["mic2.mrcs"]

    @pytest.mark.parametrize(
        ("picks", "error", "message"),
        [
            ([XY], ValueError, "picks holds arrays for 1 micrographs, but there are 3"),
            (XY, TypeError, r"pass \[picks\]"),
            ({"other": XY}, ValueError, "none of the 1 names"),
            ([XY, XY[:, :2], []], ValueError, "score on all micrographs or on none"),
            ([[[np.nan, 1.0]], [], []], ValueError, r"picks\[0\]"),
            ("nowhere.star", FileNotFoundError, "nowhere.star"),
        ],
    )
    def test_refused(self, project, picks, error, message):
        with pytest.raises(error, match=message):
            extract_particles(project[0], picks, 16, "Particles")
        assert os.listdir("Particles") == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"box_size": 15}, "box_size must be an even"),
        ({"box_size": 16.0}, "box_size must be an even"),
        ({"downsample_to": 7}, "downsample_to must be an even"),
        ({"downsample_to": 32}, r"at most box_size \(16\)"),
        ({"background_radius": 8}, r"below half of box_size \(8\)"),
        ({"edges": "crop"}, "edges"),
        ({"dtype": "int16"}, "dtype"),
        ({"on_error": "ignore"}, "on_error"),
        ({"pixel_size": 0}, "pixel_size"),
        ({"voltage": -300}, "voltage must be a positive number of kV"),
        ({"amplitude_contrast": 10}, "amplitude_contrast must be a fraction"),
        ({"optics_group_name": 'a"b'}, "STAR"),
        ({"ramp": 1}, "ramp"),
    ],
)
def test_parameters_are_refused_first(project, pixels, parameters, message):
    with pytest.raises(ValueError, match=message):
        extract(pixels, XY, **parameters)
    assert os.listdir("Particles") == []


class TestMicrographs:
    def test_no_folder(self, project, pixels):
        with pytest.raises(FileNotFoundError, match="there is no folder nowhere"):
            extract(pixels, XY, output="nowhere")

    def test_no_pixel_size(self, project, pixels):
        with pytest.raises(ValueError, match="pixel_size='header' needs a pixel size"):
            extract(pixels, XY, pixel_size="header")

    def test_several_pixel_sizes(self, project, pixels):
        paths, picks = project
        mrcfile.write(paths[1], pixels, voxel_size=1.2, overwrite=True)
        with pytest.raises(ValueError, match=r"mic2.mrc' has a pixel size of 1.2 Å.*mic1.mrc' 1.5"):
            extract_particles(paths, picks, 16, "Particles")
        assert not os.path.exists("Particles/particles.star")

    def test_resampled(self, project, pixels):
        with pytest.raises(ValueError, match="was resampled"):
            extract(GridImage(pixels, step=2.0, name="a"), XY)

    def test_holes(self, project, pixels):
        holed = pixels.copy()
        holed[40, 50] = np.nan
        with pytest.raises(ValueError, match=r"around \(50, 40\).*NaN"):
            extract(holed, XY)

    def test_same_name_in_two_folders(self, project, pixels):
        os.mkdir("More")
        mrcfile.write("More/mic1.mrc", pixels, voxel_size=1.5)
        with pytest.raises(ValueError, match="would both be written"):
            extract_particles(["Movies/mic1.mrc", "More/mic1.mrc"], [XY, XY], 16, "Particles")
        extract_particles(["Movies/mic1.mrc"], [XY], 16, "Particles")
        before = contents("Particles")
        with pytest.raises(ValueError, match=r"holds the particles of 'Movies/mic1.mrc'"):
            extract_particles(["More/mic1.mrc"], [XY], 16, "Particles")
        assert contents("Particles") == before

    def test_same_micrograph_twice(self, project):
        with pytest.raises(ValueError, match=r"'Movies/mic1.mrc' is given more than once"):
            extract_particles(["Movies/mic1.mrc"] * 2, [XY, XY], 16, "Particles")


class TestErrors:
    @pytest.fixture
    def broken(self, project):
        """Break the second of three micrographs."""
        paths, _ = project
        with open(paths[1], "r+b") as file:
            file.truncate(5000)
        return project

    def test_raise(self, broken):
        with pytest.raises(ValueError, match=r"mic2.mrc is truncated"):
            extract_particles(*broken, 16, "Particles")
        names = sorted(name for name in os.listdir("Particles") if not name.startswith("."))
        assert names == ["mic1.mrcs", "mic1_extract.star"]

    def test_warn(self, broken):
        with pytest.warns(UserWarning, match="'Movies/mic2.mrc' was skipped: ValueError"):
            extract_particles(*broken, 16, "Particles", on_error="warn")

    def test_skip(self, broken):
        paths, picks = broken
        found = extract_particles(paths, picks, 16, "Particles", on_error="skip")
        assert [one.micrograph for one in found.skipped] == ["Movies/mic2.mrc"]
        assert (found.n_particles, found.n_at_edges) == (6, 0)
        assert list(read_coordinates(found.star, origins="apply")) == [paths[0], paths[2]]
        with open("Particles/skipped.tsv") as file:
            assert file.read().splitlines()[1].startswith("Movies/mic2.mrc\tValueError\t")

    def test_put_right_later(self, broken, pixels):
        paths, picks = broken
        extract_particles(paths, picks, 16, "Particles", on_error="skip")
        mrcfile.write(paths[1], np.roll(pixels, 1, axis=1), voxel_size=1.5, overwrite=True)
        found = extract_particles(paths, picks, 16, "Particles", on_error="skip", resume=True)
        assert found == ExtractedParticles("Particles/particles.star", 9)
        assert not os.path.exists("Particles/skipped.tsv")

    def test_all_skipped(self, broken):
        paths, _ = broken
        with pytest.warns(UserWarning, match="no micrograph could be extracted"):
            found = extract_particles(paths[1:2], [XY], 16, "Particles", on_error="skip")
        assert found.star is None
        assert not os.path.exists("Particles/particles.star")

    def test_full_disk_always_ends_the_run(self, project, monkeypatch):
        def full(texts):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("puclassify.particles._stack_folder.replace_files", full)
        with pytest.raises(OSError, match="No space left"):
            extract_particles(*project, 16, "Particles", on_error="skip")


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def untouched(folder):
    """Return when each stack was written."""
    return {n: os.stat(f"{folder}/{n}").st_mtime_ns for n in os.listdir(folder) if "mic" in n}


RUN = """
import os, signal, sys
import puclassify.particles._stack_folder as module
from puclassify.io import read_coordinates
from puclassify.particles import extract_particles

write, left = module.replace_files, int(sys.argv[1])

def killed(texts):
    global left
    left -= 1
    if left == 0:
        pieces = texts[next(iter(texts))]
        def cut_off():
            yield next(iter([pieces.encode()] if isinstance(pieces, str) else pieces))
            os.kill(os.getpid(), signal.SIGKILL)
        texts = {next(iter(texts)): cut_off()}
    write(texts)

module.replace_files = killed
paths = ["Movies/mic1.mrc", "Movies/mic2.mrc", "Movies/mic3.mrc"]
extract_particles(paths, "picks.star", 16, "Particles", resume=True)
"""


class TestResume:
    @pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
    @pytest.mark.parametrize("at", [1, 3, 4])
    def test_killed_while_it_writes(self, project, at):
        paths, picks = project
        write_coordinates(picks, "picks.star")
        killed = subprocess.run([sys.executable, "-c", RUN, str(at)], env=environment())
        assert killed.returncode == -signal.SIGKILL
        stacks = sorted(name for name in os.listdir("Particles") if name.endswith(".mrcs"))
        assert stacks == [f"mic{number}.mrcs" for number in range(1, min(at, 4))]
        assert not os.path.exists("Particles/particles.star")
        before = untouched("Particles")
        found = extract_particles(paths, "picks.star", 16, "Particles", resume=True)
        assert found == ExtractedParticles("Particles/particles.star", 9)
        assert untouched("Particles").items() >= before.items()
        resumed = contents("Particles")
        for name in os.listdir("Particles"):
            os.remove(f"Particles/{name}")
        extract_particles(paths, "picks.star", 16, "Particles")
        assert contents("Particles") == resumed

    def test_nothing_is_done_again(self, project, monkeypatch):
        paths, picks = project
        first = extract_particles(paths, picks, 16, "Particles")
        before = contents("Particles"), untouched("Particles")
        monkeypatch.setattr(
            "puclassify.particles._extract_particles.as_grid_image", lambda *_: pytest.fail("read")
        )
        assert extract_particles(paths, picks, 16, "Particles", resume=True) == first
        assert (contents("Particles"), untouched("Particles")) == before

    def test_counts_of_what_is_done(self, project):
        paths, picks = project
        picks = {path: np.concatenate([xy, [[1.0, 1.0, 0.0]]]) for path, xy in picks.items()}
        first = extract_particles(paths, picks, 16, "Particles")
        assert (first.n_particles, first.n_at_edges) == (9, 3)
        assert extract_particles(paths, picks, 16, "Particles", resume=True) == first

    def test_what_changed_is_done_again(self, project, pixels):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        before = untouched("Particles")
        picks[paths[0]] = XY[:1]
        mrcfile.write(paths[1], pixels + 1, voxel_size=1.5, overwrite=True)
        found = extract_particles(paths, picks, 16, "Particles", resume=True, normalize=True)
        assert found.n_particles == 7
        after = untouched("Particles")
        assert {n for n in after if after[n] != before[n]} == {
            *("mic1.mrcs", "mic1_extract.star", "mic2.mrcs", "mic2_extract.star")
        }

    def test_stack_that_was_changed(self, project):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        right = contents("Particles")
        with open("Particles/mic2.mrcs", "r+b") as file:
            file.truncate(2000)
        with pytest.warns(UserWarning, match="mic2.mrcs is not what the earlier run wrote"):
            extract_particles(paths, picks, 16, "Particles", resume=True)
        assert contents("Particles") == right

    def test_micrograph_that_lost_its_particles(self, project):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        picks[paths[0]] = np.empty((0, 3))
        extract_particles(paths, picks, 16, "Particles", resume=True)
        assert not os.path.exists("Particles/mic1.mrcs")
        assert list(read_coordinates("Particles/particles.star", origins="apply")) == paths[1:]

    def test_other_parameters(self, project):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        with pytest.raises(ValueError, match=r"resume=True: Particles holds .* differ in: cutting"):
            extract_particles(paths, picks, 16, "Particles", resume=True, invert_contrast=True)
        with pytest.warns(UserWarning, match="earlier run with other parameters"):
            extract_particles(paths[:1], picks, 16, "Particles", invert_contrast=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert list(read_coordinates("Particles/particles.star")) == paths[:1]

    def test_star_of_all_is_never_stale(self, project, monkeypatch):
        paths, picks = project
        extract_particles(paths, picks, 16, "Particles")
        os.truncate(paths[1], 3000)
        with pytest.raises(ValueError, match="truncated"):
            extract_particles(paths, picks, 16, "Particles")
        assert not os.path.exists("Particles/particles.star")


def environment():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return {**os.environ, "PYTHONPATH": root}
