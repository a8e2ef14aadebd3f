import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from puclassify.io import SkippedMicrograph, read_coordinates, write_coordinates
from puclassify.io._pick_writer import PickWriter

PICKS = np.array([[10.0, 20.5, 1.25], [3.0, 4.0, -0.5]])


def test_same_files_as_write_coordinates(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "all").mkdir()
    writer = PickWriter(tmp_path / "one" / "{name}.tsv")
    for name, picks in {"a.mrc": PICKS, "b.mrc": PICKS[:0]}.items():
        writer.write(name, picks)
    writer.finish()
    write_coordinates({"a.mrc": PICKS, "b.mrc": PICKS[:0]}, tmp_path / "all" / "{name}.tsv")
    for name in ("a.tsv", "b.tsv"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "all" / name).read_text()
    assert sorted(os.listdir(tmp_path / "one")) == [".picked.jsonl", "a.tsv", "b.tsv"]


def test_list_of_a_folder_names_what_is_there_at_any_time(tmp_path):
    pytest.importorskip("starfile")
    writer = PickWriter(tmp_path)
    for count, name in enumerate(["b.mrc", "a.mrc", "c.mrc"], start=1):
        writer.write(name, PICKS)
        assert list(listed(tmp_path)) == ["b.mrc", "a.mrc", "c.mrc"][:count]
    writer.finish()
    assert visible(tmp_path) == [
        *("a_autopick.star", "autopick.star", "b_autopick.star", "c_autopick.star")
    ]
    np.testing.assert_allclose(read_coordinates(tmp_path / "a_autopick.star")["a.mrc"], PICKS)
    assert listed(tmp_path)["a.mrc"] == str(tmp_path / "a_autopick.star")


def listed(folder):
    """Read the list with the parser that is not this package's."""
    starfile = pytest.importorskip("starfile")
    block = starfile.read(folder / "autopick.star")
    columns = block if isinstance(block, dict) else {c: list(block[c]) for c in block}
    names, files = columns["rlnMicrographName"], columns["rlnMicrographCoordinates"]
    if isinstance(names, str):
        return {names: files}
    return dict(zip(names, files, strict=True))


def visible(folder):
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def bytes_of(folder):
    return {name: (folder / name).read_bytes() for name in os.listdir(folder)}


def run_of(folder, names, *, run=None, resume=False, finish=True, n=None):
    """Write the picks of some micrographs, as a picking run does; return what it picked."""
    writer = PickWriter(folder, run or {"threshold": "0.0"}, resume)
    writer.register(names)
    picked = []
    for index, name in enumerate(names[:n]):
        if writer.is_done(name, [1, 2]):
            writer.read(name)
        else:
            writer.write(name, PICKS[: index % 3], [1, 2])
            picked.append(name)
    if finish:
        writer.finish()
    return picked


@pytest.fixture
def starfile():
    return pytest.importorskip("starfile")


@pytest.mark.usefixtures("starfile")
class TestListOfAFolder:
    def test_later_runs_add_to_it(self, tmp_path):
        run_of(tmp_path, ["a.mrc", "b.mrc"])
        run_of(tmp_path, ["c.mrc", "a.mrc"])
        assert list(listed(tmp_path)) == ["b.mrc", "c.mrc", "a.mrc"]

    def test_write_coordinates_adds_to_it(self, tmp_path):
        write_coordinates({"a.mrc": PICKS}, tmp_path)
        write_coordinates({"b.mrc": PICKS}, tmp_path)
        assert list(listed(tmp_path)) == ["a.mrc", "b.mrc"]

    def test_broken_run_leaves_it(self, tmp_path):
        run_of(tmp_path, ["a.mrc", "b.mrc", "c.mrc"], finish=False, n=2)
        assert list(listed(tmp_path)) == ["a.mrc", "b.mrc"]

    def test_files_that_were_removed_leave_it(self, tmp_path):
        run_of(tmp_path, ["a.mrc", "b.mrc"])
        (tmp_path / "a_autopick.star").unlink()
        run_of(tmp_path, ["c.mrc"])
        assert list(listed(tmp_path)) == ["b.mrc", "c.mrc"]

    def test_cut_off_at_any_byte_it_is_mended(self, tmp_path):
        names = ["a.mrc", "b b.mrc", "c.mrc"]
        run_of(tmp_path, names)
        whole = (tmp_path / "autopick.star").read_bytes()
        for length in range(len(whole)):
            (tmp_path / "autopick.star").write_bytes(whole[:length])
            PickWriter(tmp_path, {"threshold": "0.0"}).finish()
            assert set(listed(tmp_path)) == set(names), whole[:length]

    def test_one_of_relion_is_kept(self, tmp_path):
        (tmp_path / "x_autopick.star").write_text("data_\n")
        (tmp_path / "autopick.star").write_text(
            "\n# version 30001\n\ndata_coordinate_files\n\nloop_ \n_rlnMicrographName #1 \n"
            "_rlnMicrographCoordinates #2 \nMotionCorr/job002/x.mrc AutoPick/job9/x_autopick.star "
            "\n \n"
        )
        run_of(tmp_path, ["a.mrc"])
        assert listed(tmp_path) == {
            "MotionCorr/job002/x.mrc": "AutoPick/job9/x_autopick.star",
            "a.mrc": str(tmp_path / "a_autopick.star"),
        }

    @pytest.mark.parametrize("content", [b"my notes\n", b"\xff\xfe\n", b"data_\nloop_\n_a\n1\n"])
    def test_anything_else_is_not_overwritten(self, tmp_path, content):
        (tmp_path / "autopick.star").write_bytes(content)
        with pytest.raises(ValueError, match="is not a list of pick files"):
            run_of(tmp_path, ["a.mrc"])
        assert (tmp_path / "autopick.star").read_bytes() == content

    def test_another_path_to_the_folder_gives_no_second_row(self, tmp_path, monkeypatch):
        run_of(tmp_path, ["a.mrc", "b.mrc"])
        monkeypatch.chdir(tmp_path)
        run_of(".", ["a.mrc"])
        assert listed(tmp_path)["a.mrc"] == "./a_autopick.star"
        assert list(listed(tmp_path)) == ["b.mrc", "a.mrc"]

    def test_two_runs_at_once(self, tmp_path):
        first, second = PickWriter(tmp_path), PickWriter(tmp_path)
        for index in range(4):
            first.write(f"a{index}.mrc", PICKS)
            second.write(f"b{index}.mrc", PICKS)
        first.finish()
        second.finish()
        assert sorted(listed(tmp_path)) == [
            f"{run}{index}.mrc" for run in "ab" for index in range(4)
        ]
        writer = PickWriter(tmp_path, resume=True)
        assert all(writer.is_done(name, []) for name in listed(tmp_path))


@pytest.mark.usefixtures("starfile")
class TestResume:
    @pytest.mark.parametrize("output", ["", "{name}.csv", "{name}.star"])
    @pytest.mark.parametrize("n", range(5))
    def test_picks_what_is_missing_and_ends_with_the_same_bytes(self, tmp_path, output, n):
        names = [f"{letter}.mrc" for letter in "dacb"]
        whole, parts = tmp_path / "whole", tmp_path / "parts"
        whole.mkdir()
        parts.mkdir()
        run_of(whole / output, names)
        run_of(parts / output, names, finish=False, n=n)
        assert run_of(parts / output, names, resume=True) == names[n:]
        if output:
            assert bytes_of(parts) == bytes_of(whole)
        else:  # whose list holds the path of the folder
            assert {
                name: content.replace(bytes(parts), bytes(whole))
                for name, content in bytes_of(parts).items()
            } == bytes_of(whole)

    def test_returns_what_was_written(self, tmp_path):
        run_of(tmp_path, ["a.mrc", "b.mrc", "c.mrc"])
        writer = PickWriter(tmp_path, {"threshold": "0.0"}, resume=True)
        for name, expected in {"a.mrc": PICKS[:0], "b.mrc": PICKS[:1], "c.mrc": PICKS}.items():
            assert writer.is_done(name, [1, 2])
            np.testing.assert_array_equal(writer.read(name), expected)
            assert writer.read(name).shape == expected.shape

    def test_what_has_changed_is_not_done(self, tmp_path):
        run_of(tmp_path, ["a.mrc", "b.mrc", "c.mrc"])
        (tmp_path / "c_autopick.star").unlink()
        (tmp_path / "b_autopick.star").write_text("data_\n")
        writer = PickWriter(tmp_path, {"threshold": "0.0"}, resume=True)
        assert writer.is_done("a.mrc", [1, 2])
        assert not writer.is_done("a.mrc", [1, 3])  # another file under its name
        assert not writer.is_done("x/a.mrc", [1, 2])
        assert not writer.is_done("c.mrc", [1, 2])
        with pytest.warns(UserWarning, match=r"b_autopick.star is not what the earlier run wrote"):
            assert not writer.is_done("b.mrc", [1, 2])

    def test_of_a_folder_of_no_run_picks_everything(self, tmp_path):
        write_coordinates({"a.mrc": PICKS}, tmp_path)
        assert run_of(tmp_path, ["a.mrc"], resume=True) == ["a.mrc"]

    @pytest.mark.parametrize("cut", [1, 2, 20, 80, 150])
    def test_record_that_was_cut_off_is_mended(self, tmp_path, cut):
        names = ["a.mrc", "b.mrc", "c.mrc"]
        run_of(tmp_path, names)
        record = tmp_path / ".picked.jsonl"
        before = record.read_bytes()
        record.write_bytes(before[:-cut])
        # Without its line end the last line is whole.
        n_whole = (before[:-cut] + b"\n" * (cut == 1)).count(b"\n") - 1
        assert run_of(tmp_path, names, resume=True) == names[n_whole:]
        assert record.read_bytes() == before

    def test_leaves_no_drafts_of_a_killed_process(self, tmp_path):
        script = (
            "import os, signal; from puclassify.io import _replace_files as files\n"
            "files.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"files.replace_files({{{str(tmp_path / 'a.csv')!r}: 'text'}})"
        )
        killed = subprocess.run([sys.executable, "-c", script], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert [name[-5:] for name in os.listdir(tmp_path)] == [".part"]
        run_of(tmp_path / "{name}.csv", ["a.mrc"], resume=True)
        assert sorted(os.listdir(tmp_path)) == [".picked.jsonl", "a.csv"]


class TestAnotherPicker:
    def test_is_told(self, tmp_path):
        run_of(tmp_path / "{name}.csv", ["a.mrc"], run={"threshold": "0.0", "nms": "x"})
        with pytest.warns(UserWarning, match="which differ in: threshold"):
            run_of(tmp_path / "{name}.csv", ["b.mrc"], run={"threshold": "1.0", "nms": "x"})

    def test_cannot_resume(self, tmp_path):
        run_of(tmp_path / "{name}.csv", ["a.mrc"], run={"threshold": "0.0", "nms": "x"})
        before = bytes_of(tmp_path)
        with pytest.raises(ValueError, match=r"resume=True: .* differ in: nms, threshold"):
            run_of(tmp_path / "{name}.csv", ["b.mrc"], run={"threshold": "1.0"}, resume=True)
        assert bytes_of(tmp_path) == before

    @pytest.mark.filterwarnings("ignore:output. .* holds picks of an earlier run")
    def test_what_it_replaced_is_no_longer_done(self, tmp_path):
        names, output = ["a.mrc", "b.mrc"], tmp_path / "{name}.csv"
        run_of(output, names)
        run_of(output, names, run={"threshold": "1.0"}, n=1, finish=False)
        with pytest.raises(ValueError, match="differ in: threshold"):  # b.mrc is the other's
            run_of(output, names, run={"threshold": "1.0"}, resume=True)
        run_of(output, names, run={"threshold": "1.0"})
        assert run_of(output, names, run={"threshold": "1.0"}, resume=True) == []


class TestNames:
    @pytest.mark.parametrize(
        ("output", "names", "message"),
        [
            ("", ["one/a.mrc", "b.mrc", "two/a.mrc"], "'one/a.mrc' and of 'two/a.mrc'"),
            ("", ["a.mrc", "a.tif"], "'a.mrc' and of 'a.tif' would both be written"),
            ("{name}.csv", ["a.mrc", "b.mrc", "a.mrc"], "'a.mrc' is given more than once"),
            ("", ["a.mrc", 'b".mrc'], r"""'b".mrc', which a STAR file cannot store"""),
            ("{name}.star", ["a.mrc", "b#1.mrc"], "'b#1.mrc', which a STAR file cannot store"),
            ("", ["a.mrc", " .mrc "], "which a STAR file cannot store"),
            ("{name}.csv", ["a.mrc", "b\n.mrc"], "cannot be a part of a file name"),
            ("{name}.csv", ["a.mrc", "b\udcff.mrc"], "a character that UTF-8 cannot store"),
            ("{name}.csv", ["a.mrc", 300 * "b" + ".mrc"], "is too long; rename 'bbb"),
        ],
    )
    def test_are_refused_before_anything_is_picked(self, tmp_path, output, names, message):
        pytest.importorskip("starfile")
        writer = PickWriter(tmp_path / output)
        with pytest.raises(ValueError, match=message):
            writer.register(names)
        assert os.listdir(tmp_path) == []

    def test_picks_of_another_micrograph_are_not_replaced(self, tmp_path):
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        names = [str(tmp_path / folder / "a.mrc") for folder in ("one", "two")]
        for name in names:
            with open(name, "w"):
                pass
        run_of(tmp_path / "{name}.csv", names[:1])
        with pytest.raises(ValueError, match="holds the picks of"):
            run_of(tmp_path / "{name}.csv", names[1:])
        os.remove(names[1])
        os.symlink(names[0], names[1])  # the same one by another name
        run_of(tmp_path / "{name}.csv", names[1:])


class TestSkipped:
    def test_table(self, tmp_path):
        writer = PickWriter(tmp_path / "{name}.csv")
        writer.register(["a.mrc", "b.mrc", "c.mrc"])
        for name in ("a.mrc", "c.mrc"):
            writer.skip(SkippedMicrograph(name, "ValueError", f"{name} is\tno\nmicrograph"))
        writer.write("b.mrc", PICKS)
        writer.finish()
        with open(tmp_path / "skipped.tsv", newline="") as file:
            assert list(csv.reader(file, delimiter="\t")) == [
                ["micrograph", "error", "message"],
                ["a.mrc", "ValueError", "a.mrc is\tno\nmicrograph"],
                ["c.mrc", "ValueError", "c.mrc is\tno\nmicrograph"],
            ]

    def test_later_runs_add_to_it_and_remove_what_is_mended(self, tmp_path):
        def table():
            with open(tmp_path / "skipped.tsv", newline="") as file:
                return [row[0] for row in csv.reader(file, delimiter="\t")][1:]

        def a_run(good, bad):
            writer = PickWriter(tmp_path / "{name}.csv")
            writer.register([*good, *bad])
            for name in bad:
                writer.skip(SkippedMicrograph(name, "ValueError", "broken"))
            for name in good:
                writer.write(name, PICKS)
            writer.finish()

        a_run([], ["a.mrc", "b.mrc"])
        a_run([], ["c.mrc"])
        assert table() == ["a.mrc", "b.mrc", "c.mrc"]
        a_run(["a.mrc"], ["b.mrc"])
        assert table() == ["c.mrc", "b.mrc"]
        a_run(["b.mrc", "c.mrc"], [])
        assert not (tmp_path / "skipped.tsv").exists()


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ("picks.star", ValueError, "output must be a folder or a path with {name} in it"),
        ("{name}.pdf", ValueError, "does not imply a format; known are"),
        ("nowhere/{name}.csv", FileNotFoundError, "output: there is no folder"),
    ],
)
def test_refuses_what_it_could_not_write_to(tmp_path, output, error, message):
    with pytest.raises(error, match=message):
        PickWriter(tmp_path / output)


def test_refuses_to_write_over_its_own_file(tmp_path):
    writer = PickWriter(tmp_path / "{name}.csv")
    writer.write("one/a.mrc", PICKS)
    with pytest.raises(ValueError, match=r"'one/a.mrc' and of 'two/a.mrc'"):
        writer.write("two/a.mrc", PICKS[:1])
    assert len(read_coordinates(tmp_path / "a.csv")["one/a.mrc"]) == 2


@pytest.mark.parametrize(
    ("ending", "needed"), [("box", "box_size="), ("cbox", "box_size="), ("cs", "micrographs=")]
)
def test_refuses_formats_that_need_more_than_picks(tmp_path, ending, needed):
    with pytest.raises(ValueError, match=rf"output: files \.{ending} hold more .*{needed}"):
        PickWriter(tmp_path / f"{{name}}.{ending}")
