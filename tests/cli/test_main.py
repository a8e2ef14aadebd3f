import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import puclassify
from puclassify.cli import main
from puclassify.cli._config import config_text, read_config

from .conftest import run

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["train", "pick", "evaluate", "convert", "extract", "view", "info"]


def process(*args, **env):
    """Run the command as a user does."""
    code = [sys.executable, "-m", "puclassify", *map(str, args)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(code, capture_output=True, text=True, env=env)


def test_help_imports_no_pytorch():
    code = "import sys; from puclassify.cli import main\n"
    code += "try: main(['pick', '--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_with_an_example(command):
    result = run(command, "--help")
    assert result.code == 0
    example = result.out.partition("\nExample:\n")[2]
    assert example.startswith(f"  puclassify {command} ")
    assert all(param.help for param in click_options(command))


def click_options(command):
    params = main.get_command(click.Context(main), command).params
    return [param for param in params if isinstance(param, click.Option)]


def test_the_help_lists_all_commands_and_exit_codes():
    text = run("--help").out
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert all(f" {code} " in text.replace(",", " ") for code in (0, 1, 2, 3, 130))


def test_version():
    assert run("--version").out == f"puclassify, version {puclassify.__version__}\n"


def test_processes(session, tmp_path):
    good = process("info", session.truth, "--json")
    assert (good.returncode, good.stderr) == (0, "")
    wrong = process("info", tmp_path / "none.star")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "Traceback" not in wrong.stderr


def test_debug_lets_the_error_through(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.star"):
        run("info", tmp_path / "none.star", "--debug")


def test_wrong_usage():
    assert run("pick").code == 2
    assert run("paint").code == 2


def test_completion():
    env = {"_PUCLASSIFY_COMPLETE": "bash_complete", "COMP_WORDS": "puclassify p", "COMP_CWORD": "1"}
    assert CliRunner().invoke(main, env=env, prog_name="puclassify").stdout == "plain,pick\n"


def test_interrupted_commands_say_so(monkeypatch, session):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("puclassify.io.read_coordinate_table", interrupt)
    result = run("info", session.truth)
    assert (result.code, result.err) == (130, "interrupted\n")


class TestConfig:
    def test_every_value_survives(self, tmp_path):
        values = {
            "text": 'quote " backslash \\ line\nÅ \x7f',
            "paths": ["a", "b c"],
            "pair": (1.5, 2.0),
            "flag": True,
            "whole": 3,
            "number": float("-inf"),
            "absent": None,
        }
        path = tmp_path / "run.toml"
        path.write_text(config_text("pick", values, "a\nb.toml"), encoding="utf-8")
        assert tomllib.loads(path.read_text("utf-8"))["pick"]["text"] == values["text"]
        found = read_config(str(path), "pick")
        del values["absent"]
        assert found == {**values, "pair": [1.5, 2.0]}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[pick", "is not TOML"),
            ("[train]\n", "has no table [pick]; it has [train]"),
            ("[pick]\nthresold = 1\n", "did you mean 'threshold'?"),
            ("[pick]\nthreshold = 'precision=x'\n", "'x' in 'precision=x' is not a number"),
            ("[pick]\nwatch = 'perhaps'\n", "perhaps"),
        ],
    )
    def test_wrong_files(self, text, message, tmp_path):
        path = tmp_path / "run.toml"
        path.write_text(text)
        result = run("pick", "--config", path, "model", "mic.mrc", "--output", tmp_path / "out")
        assert result.code == 2
        assert message in " ".join(result.err.split())
        assert not (tmp_path / "out").exists()


class TestWords:
    """Messages of the library are in the words of the command line."""

    @pytest.mark.parametrize(
        ("command", "message", "expected"),
        [
            ("convert", "pass box_size= their side", "pass --to-box-size their side"),
            ("convert", "micrographs= or shapes= (1, 2)", "--micrographs or --shapes (1, 2)"),
            ("extract", "box_size=4 and step=", "--box-size 4 and --step"),
            ("train", "particle_diameter=5000 is", "--diameter 5000 is"),
            ("train", "use device='auto', or", "use --device auto, or"),
            ("pick", "threshold=('precision', 0.9)", "--threshold ('precision', 0.9)"),
            (
                "pick",
                "no_option=3 stays, as mic_step=2.mrc",
                "no_option=3 stays, as mic_step=2.mrc",
            ),
            ("pick", "error: n_jobs must be", "error: --n-jobs must be"),
        ],
    )
    def test_arguments_become_options(self, command, message, expected):
        assert main.get_command(click.Context(main), command).in_options(message) == expected

    def test_a_command_that_is_misspelt(self):
        assert "Did you mean 'pick'?" in run("pic").err
        assert "There are train, pick" in run("xyz").err


class TestCompletion:
    def complete(self, *words):
        env = {"_PUCLASSIFY_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words)}
        env["COMP_CWORD"] = str(len(words) - 1)
        return CliRunner().invoke(main, env=env, prog_name="puclassify").stdout.splitlines()

    def test_files_are_left_to_the_shell(self):
        for words in (
            ["pick", "m"],
            ["train", "mics/"],
            ["convert", "a.star", "--micrographs", "m"],
        ):
            assert self.complete("puclassify", *words) == [f"file,{words[-1]}"]

    def test_options_and_their_values(self):
        assert "plain,--diameter" in self.complete("puclassify", "train", "--di")
        assert self.complete("puclassify", "pick", "--on-error", "w") == ["plain,warn"]
        assert self.complete("puclassify", "convert", "--to", "ema") == ["plain,eman2"]

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_the_lines_of_the_help_are_scripts(self, shell):
        env = {"_PUCLASSIFY_COMPLETE": f"{shell}_source"}
        text = CliRunner().invoke(main, env=env, prog_name="puclassify").stdout
        assert f"_PUCLASSIFY_COMPLETE={shell}_complete" in text
