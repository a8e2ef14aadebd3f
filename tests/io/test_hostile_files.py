"""Files made to harm: refused with a reason, at once, in little memory and without consequences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from puclassify.io import (
    COORDINATE_FORMATS,
    micrograph_files,
    read_coordinates,
    write_coordinates,
)

ROOT = Path(__file__).resolve().parents[2]
GIGABYTE = 1 << 30
# What a reader may use beyond what Python and the libraries have: a fraction of the file.
MEMORY = 200 << 20

ENDINGS = [known.extensions[0] for known in COORDINATE_FORMATS.values()]
LINES = 110_000 * b"lorem ipsum\n"
STARTS = [
    (b"", ENDINGS),
    (b"x" * 1_200_000, ENDINGS),
    (LINES, ENDINGS),
    (b"1 2 3 lorem\n" + LINES, [".box", ".coord", ".pt"]),
    (b"image_name,x,y\n" + b"m,1,lorem\n" * 120_000, [".csv", ".tsv", ".txt"]),
    (b"index,axis-0,axis-1\n" + LINES, [".csv", "_napari.csv"]),
    (b" ,X,Y\n" + LINES, [".csv", "_imagej.csv"]),
    (b"filename,region_shape_attributes\n" + LINES, [".csv", "_via.csv"]),
    (b"data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n" + LINES, [".star", ".x"]),
    (b"data_cryolo\nloop_\n_CoordinateX\n_CoordinateY\n_Width\n" + LINES, [".cbox"]),
    (b'{"boxes": [' + b"[1, 2], " * 150_000, [".json", "_info.json"]),
]

READ = """
import json, resource, sys
import numpy as np
from puclassify.io import micrograph_files, read_coordinates
memory = int(sys.argv[1])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
found = {}
for path in sys.argv[2:]:
    read = micrograph_files if path.startswith("@") or "mics" in path else read_coordinates
    try:
        read([path])
        found[path] = "it was read"
    except (ValueError, OSError) as error:
        found[path] = f"{type(error).__name__}: {error!s:.2000}"
    except BaseException as error:
        found[path] = f"not refused but {type(error).__name__}"
print(json.dumps(found))
"""


def refusals(paths):
    """Return what a process with little memory says of each file."""
    command = [sys.executable, "-W", "ignore", "-c", READ, str(MEMORY), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def gigabyte(path, start=b""):
    """Make a file of a gigabyte that takes hardly any room on the disk."""
    with open(path, "ab") as file:
        file.write(start)
        file.truncate(GIGABYTE)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the memory are those of Linux")
class TestGigabytes:
    """A gigabyte of garbage under the name of each format, also behind a good start."""

    def refused(self, paths):
        found = refusals(paths)
        assert len(found) == len(paths)
        for path, message in found.items():
            assert message.startswith("ValueError: "), (path, message)
            assert path.lstrip("@") in message

    def test_garbage(self, tmp_path):
        self.refused(
            [
                gigabyte(tmp_path / f"{number}{ending}", start)
                for number, (start, endings) in enumerate(STARTS)
                for ending in endings
            ]
        )

    def test_behind_a_good_start(self, tmp_path):
        picks = {"m": np.random.default_rng(0).uniform(0, 4000, (24_000, 3))}
        of_readers = (".star", ".tsv", ".box", ".cbox", "_napari.csv", "_info.json", ".cs")
        paths = [tmp_path / f"m{ending}" for ending in of_readers]
        for path in paths:
            write_coordinates(picks, path, box_size=64, shapes=(4096, 4096))
            assert path.stat().st_size > 1 << 20
            gigabyte(path)
        self.refused(paths)

    def test_lists_of_micrographs(self, tmp_path):
        many = b"Movies/a_micrograph_with_a_long_name.mrc\n" * 30_000
        paths = [
            "@" + str(gigabyte(tmp_path / f"list{i}.txt", start))
            for i, start in enumerate((b"", b"a.mrc\n" * 200_000, b"x" * 1_200_000))
        ]
        paths += [
            gigabyte(tmp_path / f"mics{i}.star", start)
            for i, start in enumerate(
                (b"", b"lorem ipsum\n", b"data_\nloop_\n_rlnMicrographName\n" + many)
            )
        ]
        self.refused(paths)


class TestBrackets:
    @pytest.mark.parametrize("ending", [".json", "_info.json", "_labelme.json"])
    @pytest.mark.parametrize("text", ["[" * 10**6, '{"boxes": ' + "[" * 10**6, '{"a":' * 10**5])
    def test_nested_json(self, tmp_path, ending, text):
        (tmp_path / f"m{ending}").write_text(text)
        with pytest.raises(ValueError, match=r"nested too deeply|no JSON|header"):
            read_coordinates(tmp_path / f"m{ending}")

    def test_in_an_existing_file_of_eman2(self, tmp_path):
        path = tmp_path / "m_info.json"
        path.write_text('{"boxes": ' + "[" * 10**5)
        with pytest.raises(ValueError, match=r"cannot write .*m_info\.json over the existing file"):
            write_coordinates({"m": [[1, 2]]}, path)
        assert path.read_text().startswith('{"boxes": [[[')

    def test_numbers_that_are_too_long(self, tmp_path):
        path = tmp_path / "m_info.json"
        path.write_text('{"boxes": [[' + "1" * 10**6 + ", 2]]}")
        with pytest.raises(ValueError, match=r"m_info\.json cannot be read"):
            read_coordinates(path, "eman2")


class TestQuotes:
    """Whether a quote is closed must not be asked again for every quote of a long line."""

    @pytest.mark.parametrize("quote", "'\"")
    @pytest.mark.parametrize("word", ["{}a ", "{}a{}b "])
    def test_many_on_a_line(self, tmp_path, quote, word):
        text = "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n"
        (tmp_path / "a.star").write_text(text + word.format(quote, quote) * 100_000 + "\n")
        with pytest.raises(ValueError, match=r"a\.star cannot be read as coordinates"):
            read_coordinates(tmp_path / "a.star")


class TestListsOfMicrographs:
    @pytest.fixture
    def mics(self, tmp_path):
        for name in ("a.mrc", "b.mrc"):
            (tmp_path / name).write_bytes(b"")
        return tmp_path

    def test_lists_of_lists_name_no_more_than_there_is(self, mics):
        """Forty lists that each name the next one twice would name 10**12 files."""
        for i in range(18):
            (mics / f"{i}.txt").write_text(f"@{mics}/{i + 1}.txt\n" * 2)
        (mics / "18.txt").write_text(f"{mics}/a.mrc\n{mics}/b.mrc\n")
        assert micrograph_files([f"@{mics}/0.txt"]) == [f"{mics}/a.mrc", f"{mics}/b.mrc"]

    def test_endless_chains(self, mics):
        for i in range(1500):
            (mics / f"{i}.txt").write_text(f"@{mics}/{i + 1}.txt\n")
        with pytest.raises(ValueError, match=r"20\.txt is in a list in a list, 20 deep"):
            micrograph_files([f"@{mics}/0.txt"])

    def test_control_characters(self, mics):
        (mics / "list.txt").write_bytes(b"a\0.mrc\n")
        with pytest.raises(ValueError, match=r"list\.txt is no list .*control character"):
            micrograph_files([f"@{mics}/list.txt"])


NAMES = ["../../evil", "/evil", "..\\..\\evil", "a/../../../evil", "C:\\evil"]
SOURCES = ["star", "tsv", "csv", "cryosparc", "imagej", "napari", "via", "coco", "labelme"]


class TestNamesThatLeadElsewhere:
    """Of micrographs in files of coordinates, which become names of files that are written."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("source", SOURCES)
    def test_nothing_is_written_outside(self, tmp_path, source, name):
        (tmp_path / "in").mkdir()
        (tmp_path / "a" / "b").mkdir(parents=True)
        path = tmp_path / "in" / f"x{COORDINATE_FORMATS[source].extensions[0]}"
        write_coordinates({name: [[10.0, 20.0]]}, path, format=source, shapes=(64, 64), box_size=8)
        read = read_coordinates(path)
        assert list(read) == [name]
        before = files_in(tmp_path)
        for target in ("a/b/{name}.box", "a/b/{name}_info.json", "a/b/"):
            write_coordinates(read, tmp_path / target, box_size=8)
        new = files_in(tmp_path) - before
        assert len(new) == 4
        assert {file.parent for file in new} == {tmp_path / "a" / "b"}
        assert not os.path.exists("/evil.box")

    @pytest.mark.parametrize("name", ["..", "a/..", ".", "a/", "../.."])
    def test_what_is_no_name_is_refused(self, tmp_path, name):
        with pytest.raises(ValueError, match="cannot be a part of a file name"):
            write_coordinates({name: [[1, 2]]}, tmp_path / "{name}.coord")
        assert files_in(tmp_path) == set()


def files_in(folder):
    return {Path(top, file) for top, _, files in os.walk(folder) for file in files}


def test_every_format_that_keeps_names_is_tried():
    keeping = [
        format
        for format, known in COORDINATE_FORMATS.items()
        if {"name", "all columns"} & set(known.keeps)
    ]
    assert sorted(keeping) == sorted(SOURCES)
