"""The runner of the reference picker, with a program that stands in for Topaz."""

import json
import resource
import sys
from itertools import pairwise
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from common.picking_sets import PickingSet
from common.reference_picker import TopazRunner, as_mrc, cost_of_one_more, cpu_seconds

PROGRAM = """#!{python}
import json, pathlib, shutil, sys
command, *rest = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + chr(10))
after = lambda option: pathlib.Path(rest[rest.index(option) + 1])
files = [pathlib.Path(one) for one in rest if one.endswith(".mrc")]
if command in ("normalize", "preprocess"):
    for file in files:
        shutil.copy(file, after("-o"))
elif command == "train":
    shutil.copy(after("--train-targets"), {labels!r})
    for epoch in (1, 2):
        pathlib.Path(f"{{after('--save-prefix')}}_epoch{{epoch}}.sav").write_text("model")
elif command == "extract":
    lines = ["image_name\\tx_coord\\ty_coord\\tscore"]
    lines += [f"{{file.stem}}\\t{{i}}\\t7\\t{{-i}}" for file in files for i in (1, 2)]
    after("-o").write_text(chr(10).join([*lines, ""]))
else:
    sys.exit("unknown command")
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "topaz"
    log, labels = str(tmp_path / "calls"), str(tmp_path / "labels.txt")
    path.write_text(PROGRAM.format(python=sys.executable, log=log, labels=labels))
    path.chmod(0o755)
    return path


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "micrographs"
    folder.mkdir()
    paths = [str(folder / f"mic{number}.mrc") for number in range(4)]
    for path in paths:
        mrcfile.write(path, np.zeros((8, 8), np.float32))
    truth = [np.zeros((n, 2)) for n in (2, 3, 1, 1)]
    return PickingSet("made up", paths[:2], truth[:2], paths[2:], truth[2:], 27.0, radius=13.5)


def calls(program):
    return [json.loads(line) for line in (program.parent / "calls").read_text().splitlines()]


def options_of(call):
    return {name: value for name, value in pairwise(call) if name.startswith("-")}


class TestTopazRunner:
    def test_trains_on_the_labels_and_picks_the_test_set(self, program, data):
        labels = [np.array([[3.0, 4.0]]), np.array([[5.0, 6.0], [1.0, 2.0]])]
        runner = TopazRunner(str(program), steps=12, more=["--no-pretrained"], device=-1)
        picks, fit_seconds, pick_seconds = runner(data, labels, seed=0)
        assert [call[0] for call in calls(program)] == [
            "normalize",
            "train",
            "normalize",
            "extract",
        ]
        _, train, _, extract = calls(program)
        options = options_of(train)
        assert options["--num-particles"] == "2"  # the mean of 2 and 3, rounded to even
        assert options["--radius"] == "3"  # an eighth of 27
        assert options["--epoch-size"] == "12"
        assert "--no-pretrained" in train
        written = (program.parent / "labels.txt").read_text().split()
        assert written[3:] == ["mic0", "3.0", "4.0", "mic1", "5.0", "6.0", "mic1", "1.0", "2.0"]
        assert options_of(extract)["-m"].endswith("_epoch2.sav")
        assert [Path(path).name for path in extract[-2:]] == ["mic2.mrc", "mic3.mrc"]
        for xys in picks:
            np.testing.assert_array_equal(xys, [[1, 7, -1], [2, 7, -2]])
        assert fit_seconds > 0
        assert pick_seconds > 0

    def test_costs_are_of_normalising_and_picking(self, program, data):
        assert TopazRunner(str(program)).pick_cost(data.train, radius=15.0) > 0
        normalize, extract = calls(program)
        assert [normalize[0], extract[0]] == ["normalize", "extract"]
        assert options_of(extract)["-r"] == "15"
        assert options_of(extract)["-m"] == "resnet8_u32"

    def test_time_with_binning_includes_the_downsampling(self, program, data):
        assert TopazRunner(str(program), device=0).pick_time(data.train, 15.0, binning=4) > 0
        preprocess, extract = calls(program)
        assert preprocess[:3] == ["preprocess", "-s", "4"]
        assert options_of(preprocess)["--device"] == options_of(extract)["--device"] == "0"

    def test_ends_with_the_message_of_a_program_that_fails(self, program):
        with pytest.raises(SystemExit, match=r"topaz segment failed:\nunknown command"):
            TopazRunner(str(program))._run("segment")


class TestCostOfOneMore:
    def test_leaves_out_the_start(self):
        assert cost_of_one_more(lambda paths: 20 + 3 * len(paths), ["a", "b", "c"]) == 3

    def test_the_first_file_is_not_among_those_counted(self):
        costs = {"first": 5.0, "b": 1.0, "c": 2.0}
        cost = cost_of_one_more(lambda paths: sum(map(costs.get, paths)), list(costs))
        assert cost == pytest.approx((1.0 + 2.0) / 2)


class TestAsMrc:
    def test_mrc_files_are_given_as_they_are(self, data, tmp_path):
        assert as_mrc(data.train, tmp_path / "never made") == data.train
        assert not (tmp_path / "never made").exists()

    def test_other_images_keep_name_and_pixels(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
        image.fromarray(pixels).save(tmp_path / "mic.png")
        (path,) = as_mrc([str(tmp_path / "mic.png")], tmp_path / "mrc")
        assert path == str(tmp_path / "mrc" / "mic.mrc")
        np.testing.assert_array_equal(mrcfile.read(path), pixels.astype(np.float32))


def test_cpu_seconds_grow_with_work_and_are_apart_for_children():
    own, children = (cpu_seconds(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    while cpu_seconds(resource.RUSAGE_SELF) == own:
        sum(range(10**5))
    assert cpu_seconds(resource.RUSAGE_CHILDREN) == children
