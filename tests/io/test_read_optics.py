"""Optics groups of RELION's files, kept from what is read to what is written."""

import numpy as np
import pandas as pd
import pytest
import starfile

from puclassify.io import (
    CoordinateTable,
    read_coordinate_table,
    read_coordinates,
    write_coordinates,
)

OPTICS = pd.DataFrame(
    {
        "rlnOpticsGroup": [1, 2],
        "rlnOpticsGroupName": ["first day", "second"],
        "rlnVoltage": [300.0, 200.0],
        "rlnSphericalAberration": [2.7, 0.01],
        "rlnAmplitudeContrast": [0.1, 0.07],
        "rlnMicrographPixelSize": [0.885, 1.5],
    }
)
PARTICLES = pd.DataFrame(
    {
        "rlnCoordinateX": [10.5, 3.0, 7.25],
        "rlnCoordinateY": [20.0, 4.0, 8.0],
        "rlnMicrographName": ["Movies/a.mrc", "Movies/b.mrc", "Movies/a.mrc"],
        "rlnDefocusU": [12000.5, 9000.0, 11000.0],
        "rlnOpticsGroup": [1, 2, 1],
    }
)
MICROGRAPHS = pd.DataFrame(
    {"rlnMicrographName": ["Movies/a.mrc", "Movies/b.mrc"], "rlnOpticsGroup": [1, 2]}
)


@pytest.fixture
def particles(tmp_path):
    starfile.write({"optics": OPTICS, "particles": PARTICLES}, tmp_path / "particles.star")
    return tmp_path / "particles.star"


@pytest.fixture
def micrographs(tmp_path):
    starfile.write({"optics": OPTICS, "micrographs": MICROGRAPHS}, tmp_path / "micrographs.star")
    return tmp_path / "micrographs.star"


def assert_same_blocks(path, optics=OPTICS, particles=PARTICLES):
    """Compare what the other program's reader finds."""
    blocks = starfile.read(path)
    assert list(blocks) == ["optics", "particles"]
    pd.testing.assert_frame_equal(blocks["optics"], optics, check_like=True, check_dtype=False)
    pd.testing.assert_frame_equal(blocks["particles"], particles, check_like=True)


class TestRoundTrip:
    def test_of_a_file(self, particles, tmp_path):
        write_coordinates(read_coordinate_table(particles), tmp_path / "again.star")
        assert_same_blocks(tmp_path / "again.star")
        again = read_coordinate_table(tmp_path / "again.star")
        assert again.optics == read_coordinate_table(particles).optics

    def test_of_frames_of_starfile(self, particles, tmp_path):
        write_coordinates(starfile.read(particles), tmp_path / "again.star")
        assert_same_blocks(tmp_path / "again.star")

    def test_a_single_group_without_a_loop(self, tmp_path):
        (tmp_path / "a.star").write_text(
            "data_optics\n\n_rlnOpticsGroup 1\n_rlnVoltage 300.0\n\ndata_particles\n\nloop_\n"
            "_rlnCoordinateX\n_rlnCoordinateY\n_rlnMicrographName\n1 2 m.mrc\n3 4 m.mrc\n"
        )
        table = read_coordinate_table(tmp_path / "a.star")
        assert table.optics == [{"rlnOpticsGroup": "1", "rlnVoltage": "300.0"}]
        assert table.columns["rlnOpticsGroup"] == ["1", "1"]
        frames = starfile.read(tmp_path / "a.star")
        assert isinstance(frames["optics"], dict)
        assert CoordinateTable.from_frame(frames).optics == table.optics

    def test_files_of_one_micrograph_have_none(self, particles, tmp_path):
        """RELION reads the coordinates of such a file from its first block."""
        write_coordinates(read_coordinate_table(particles), tmp_path / "{name}_autopick.star")
        frame = starfile.read(tmp_path / "a_autopick.star")
        assert "rlnOpticsGroup" not in frame.columns
        assert frame["rlnCoordinateX"].tolist() == [10.5, 7.25]

    def test_pixel_size_follows_the_frame(self, particles, tmp_path):
        """Coordinates of unbinned micrographs, for those that are binned by two."""
        table = read_coordinate_table(particles, step=2)
        assert [one["rlnMicrographPixelSize"] for one in table.optics] == ["1.77", "3.0"]
        write_coordinates(table, tmp_path / "again.star", step=2)
        assert_same_blocks(tmp_path / "again.star")

    def test_numbers_that_no_group_has(self, particles):
        text = particles.read_text().replace("11000.000000\t1", "11000.000000\t7")
        particles.write_text(text)
        assert read_coordinate_table(particles).optics == ()


class TestSeveralFiles:
    def test_equal_groups_are_one_and_others_are_renumbered(self, particles, tmp_path):
        optics = OPTICS.iloc[:1].assign(rlnVoltage=120.0, rlnOpticsGroupName="third")
        both = pd.concat([optics, OPTICS.iloc[1:]], ignore_index=True)
        rows = PARTICLES.assign(rlnMicrographName=["Movies/c.mrc", "Movies/d.mrc", "Movies/c.mrc"])
        starfile.write({"optics": both, "particles": rows}, tmp_path / "other.star")
        table = read_coordinate_table([particles, tmp_path / "other.star"])
        assert [g["rlnOpticsGroupName"] for g in table.optics] == ["first day", "second", "third"]
        assert [g["rlnOpticsGroup"] for g in table.optics] == ["1", "2", "3"]
        assert table.columns["rlnOpticsGroup"] == ["1", "2", "1", "3", "2", "3"]

    def test_file_without_groups(self, particles, tmp_path):
        write_coordinates({"Movies/c.mrc": [[1.0, 2.0]]}, tmp_path / "c.csv")
        with pytest.warns(UserWarning, match="1 of 2 tables of coordinates have no optics groups"):
            table = read_coordinate_table([particles, tmp_path / "c.csv"])
        assert table.optics == ()
        assert len(table.names) == 4


class TestGiven:
    @pytest.mark.parametrize("source", ["micrographs", "particles", "table"])
    def test_picks_get_the_groups_of_their_micrographs(
        self, micrographs, particles, tmp_path, source
    ):
        optics = {"micrographs": micrographs, "particles": particles}.get(source)
        optics = read_coordinate_table(particles) if optics is None else optics
        picks = {"/data/Movies/b.mrc": [[3.0, 4.0, 0.5]], "a.mrc": [[1.0, 2.0, 2.5]]}
        write_coordinates(picks, tmp_path / "picks.star", optics=optics)
        blocks = starfile.read(tmp_path / "picks.star")
        pd.testing.assert_frame_equal(blocks["optics"], OPTICS, check_like=True, check_dtype=False)
        assert blocks["particles"]["rlnOpticsGroup"].tolist() == [2, 1]
        np.testing.assert_array_equal(
            read_coordinates(tmp_path / "picks.star")["a.mrc"], picks["a.mrc"]
        )

    def test_micrograph_without_a_group(self, micrographs, tmp_path):
        with pytest.raises(ValueError, match=r"has no optics group for 1 of 2 .* such as 'c.mrc'"):
            write_coordinates(
                {"a.mrc": [[1, 2]], "c.mrc": [[1, 2]]}, tmp_path / "p.star", optics=micrographs
            )
        assert not (tmp_path / "p.star").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("data_micrographs\n\nloop_\n_rlnMicrographName\na.mrc\n", "has no block data_optics"),
            ("data_optics\n\nloop_\n_rlnOpticsGroup\n1\n", "has a column _rlnMicrographName"),
        ],
    )
    def test_file_without_them(self, tmp_path, text, message):
        (tmp_path / "m.star").write_text(text)
        with pytest.raises(ValueError, match=rf"m\.star cannot be used: .*{message}"):
            write_coordinates({"a.mrc": [[1, 2]]}, tmp_path / "p.star", optics=tmp_path / "m.star")

    def test_no_file(self, tmp_path):
        with pytest.raises(TypeError, match="optics must be the path of a STAR file"):
            write_coordinates({"a.mrc": [[1, 2]]}, tmp_path / "p.star", optics=300)
        table = CoordinateTable.from_arrays({"a.mrc": np.zeros((1, 2))})
        with pytest.raises(ValueError, match="table without optics groups"):
            write_coordinates({"a.mrc": [[1, 2]]}, tmp_path / "p.star", optics=table)
