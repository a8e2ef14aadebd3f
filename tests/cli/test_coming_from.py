"""The pages "Coming from Topaz" and "Coming from crYOLO": their lines, options and parameters."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from pathlib import Path

import click
import numpy as np
import pytest

from puclassify import ParticlePicker, load_model
from puclassify.cli import main
from puclassify.io import read_coordinate_table, read_coordinates, write_coordinates

from .conftest import PIXEL_SIZE, run

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: ROOT / f"docs/user_guide/from_{name}.rst" for name in ("topaz", "cryolo")}
DETECTOR = ROOT / "tests/models/data/topaz_conv31_plain_module.sav"
COMMANDS = ["train", "pick", "evaluate", "convert", "info"]
# What is trained in seconds; the pages have the diameter of another particle.
QUICK = ["--epochs", "1", "--expected-particles", "12"]


def blocks(page, language):
    """Return the blocks of a page in a language, without their indent."""
    pattern = rf"( *)\.\. code-block:: {language}\n\n((?:\1   .*\n|\n)+)"
    return [textwrap.dedent(found[1]) for found in re.findall(pattern, PAGES[page].read_text())]


def lines(page):
    """Return the arguments of every line that starts with puclassify."""
    text = "".join(blocks(page, "sh")).replace("\\\n", " ")
    split = [shlex.split(line) for line in text.splitlines() if line]
    assert {words[0] for words in split} == {"puclassify"}
    return [words[1:] for words in split]


ALL = [(page, words) for page in PAGES for words in lines(page)]


@pytest.mark.parametrize(("page", "words"), ALL, ids=[" ".join(words)[:60] for _, words in ALL])
def test_lines_are_accepted(page, words):
    command = main.get_command(click.Context(main), words[0])
    with command.make_context(words[0], list(words[1:])) as context:
        assert context.args == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page):
    """Options in the right columns, and parameters of the picker and its parts."""
    text = re.sub(r"\.\. code-block:: console\n\n(?:   .*\n|\n)+", "", PAGES[page].read_text())
    options = {
        name
        for command in COMMANDS
        for option in main.get_command(click.Context(main), command).params
        for name in option.opts
    }
    right = " ".join(re.findall(r"^     - ((?:.*\n)(?:       .*\n)*)", text, re.M))
    named = set(re.findall(r"(?<![\w-])(--[a-z][\w-]+)", right))
    assert len(named) > 9
    assert named <= options
    parameters = ParticlePicker(100).set_params(nms__radius=5.0, classifier__lr=0.1)
    known = parameters.get_params(deep=True)
    for name in re.findall(r"\b(?:nms|classifier)__\w+", text):
        assert name in known
    for name in re.findall(r"ParticlePicker\((\w+)=", text):
        assert name in known


# As `topaz train --help` and `topaz extract --help` of topaz-em 0.3.20 list them.
TOPAZ_TRAIN = """--train-images --train-targets --test-images --test-targets --format --image-ext -k
    --fold --cross-validation-seed -n --pi -r --method --slack --autoencoder --l2 --learning-rate
    --natural --minibatch-size --minibatch-balance --epoch-size --num-epochs --pretrained -m --units
    --dropout --bn --pooling --unit-scaling --ngf -s -p --save-prefix -o -d --num-workers -j"""
TOPAZ_EXTRACT = """-m -r -t -s -x --num-workers -j -p --batch-size --assignment-radius --min-radius
    --max-radius --step-radius --targets --only-validate -d -o --per-micrograph --suffix --format
    --dims"""


@pytest.mark.parametrize(("name", "options"), [("train", TOPAZ_TRAIN), ("extract", TOPAZ_EXTRACT)])
def test_every_option_of_topaz_has_a_row(name, options):
    section = PAGES["topaz"].read_text().split(f"\nParameters of {name}\n")[1]
    section = re.split(r"\n(?:Parameters of extract|Coordinates there)", section)[0]
    left = " ".join(re.findall(r"^   \* - (.*(?:\n       .*)*)", section, re.M))
    missing = [one for one in options.split() if not re.search(rf"``{one}[ `]", left)]
    assert missing == []


def quick(words, diameter):
    """Return a line with a training of seconds, on another particle."""
    words = [f"{diameter}" if word == "180" else word for word in words]
    if words[0] == "train":
        words += QUICK if "--warm-start" in words else [*QUICK, "--network", "conv31"]
    return words


def run_all(page, folder, diameter, before=None):
    """Run the lines of a page in a folder, in its order; ``before`` is called with each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParticlePicker, "_steps_per_epoch", 12)
        patch.chdir(folder)
        for words in lines(page):
            if before is not None:
                before(words)
            result = run(*quick(words, diameter))
            assert result.code == 0, (words, result.err)
    return folder


def linked(folder, session):
    folder.mkdir()
    for path in session.micrographs:
        (folder / Path(path).name).symlink_to(path)


@pytest.fixture(scope="module")
def of_topaz(session, tmp_path_factory):
    folder = tmp_path_factory.mktemp("topaz")
    linked(folder / "mics", session)
    truth = {f"mic{i}": xy for i, xy in enumerate(session.coordinates)}
    for name, change in {
        "particles": lambda xy: xy,
        "truth": lambda xy: xy,
        "particles_s8": lambda xy: xy / 8,
        "flipped": lambda xy: [0, 255] + xy * [1, -1],
    }.items():
        table = {key: change(np.asarray(xy)) for key, xy in truth.items()}
        write_coordinates(table, folder / f"{name}.txt")
    shutil.copy(DETECTOR, folder / "model_epoch10.sav")
    (code,) = blocks("topaz", "python")
    old = "180, pixel_size=1.2, downsample=8"
    assert old in code
    code = code.replace(old, f"{session.diameter}, pixel_size={PIXEL_SIZE}, downsample=2")

    def save_detector(words):
        if "topaz.safetensors" in words and not (folder / "topaz.safetensors").exists():
            exec(compile(code, "from_topaz.rst", "exec"), {})

    return run_all("topaz", folder, session.diameter, save_detector)


class TestTopaz:
    def test_tables_are_named_as_the_program_finds_them(self, of_topaz):
        for name in ("again_s8", "surer"):
            names = set(read_coordinates(of_topaz / f"{name}.txt"))
            assert names <= {f"mic{i}" for i in range(6)}
            assert names

    def test_scales_there_and_back(self, of_topaz, session):
        back = read_coordinates(of_topaz / "again_s8.txt")
        full = read_coordinates(of_topaz / "full_size.star")
        for i, xy in enumerate(session.coordinates):
            np.testing.assert_allclose(full[f"mic{i}"], xy, atol=1e-9)
            np.testing.assert_allclose(back[f"mic{i}"], np.asarray(xy) / 8, atol=1e-9)

    def test_turned_upright(self, of_topaz, session):
        read = read_coordinates(of_topaz / "upright.txt")
        for i, xy in enumerate(session.coordinates):
            np.testing.assert_allclose(read[f"mic{i}"], xy, atol=1e-9)

    def test_thresholds(self, of_topaz):
        assert read_coordinate_table(of_topaz / "surer.txt").values[:, 2].min() > 2
        for pattern in ("picks/*_topaz.txt", "topaz_picks"):
            scores = read_coordinate_table(of_topaz / pattern).values[:, 2]
            assert scores.min() > -6
            assert (scores < 0).any()

    def test_training_went_on_from_the_detector(self, of_topaz):
        tuned = load_model(of_topaz / "tuned.safetensors")
        assert type(tuned.classifier_.module_).__name__ == "TopazDetector"
        assert tuned.n_labels_ == 72


@pytest.fixture(scope="module")
def of_cryolo(session, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cryolo")
    linked(folder / "train_image", session)
    linked(folder / "full_data", session)
    truth = {f"mic{i}": np.asarray(xy) for i, xy in enumerate(session.coordinates)}
    write_coordinates(truth, folder / "truth.star")
    confidence = np.linspace(0.1, 0.9, 12)
    scored = {name: np.column_stack([xy, confidence]) for name, xy in truth.items()}
    for path, table in {
        "train_annot/{name}.box": truth,
        "EMAN/{name}.box": truth,
        "CBOX/{name}.cbox": scored,
    }.items():
        (folder / path).parent.mkdir()
        write_coordinates(table, folder / path, box_size=40)
    return run_all("cryolo", folder, session.diameter)


class TestCryolo:
    def test_boxes_of_the_picks(self, of_cryolo):
        boxes = read_coordinate_table(of_cryolo / "boxfiles/*.cbox")
        picks = read_coordinate_table(of_cryolo / "picks")
        assert set(boxes.columns["width"]) == {160.0}
        np.testing.assert_allclose(np.sort(boxes.values, 0), np.sort(picks.values, 0), atol=1e-9)

    def test_confidences_and_lists(self, of_cryolo):
        read = read_coordinate_table(of_cryolo / "autopick/autopick.star")
        assert len(set(read.names)) == 6
        assert read.values[:, 2].min() > 0.3
        assert len(read.names) == 6 * 9  # of twelve, those above .3

    def test_centres(self, of_cryolo, session):
        for source in ("coords/*.coord", "centres.csv"):
            read = read_coordinates(of_cryolo / source)
            for i, xy in enumerate(session.coordinates):
                np.testing.assert_allclose(read[f"mic{i}"][:, :2], xy, atol=1e-9)

    def test_a_choice_among_all_detections(self, of_cryolo):
        everything = read_coordinate_table(of_cryolo / "all").values[:, 2]
        fewer = read_coordinate_table(of_cryolo / "fewer.star").values[:, 2]
        assert len(fewer) == (everything > 1.5).sum() < len(everything)
        assert (of_cryolo / "sure/autopick.star").exists()

    def test_trained_on_detections(self, of_cryolo):
        assert load_model(of_cryolo / "again.safetensors").n_labels_ == 72
