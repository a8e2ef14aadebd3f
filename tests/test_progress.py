import io
import sys
import threading

import numpy as np
import pytest

from puclassify import ParticlePicker, PUImageClassifier, _progress
from puclassify._progress import Progress, progress_line, with_progress, write_line
from puclassify.datasets import make_micrographs


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch):
    """Lines are not due because the machine is busy."""
    monkeypatch.setattr(_progress, "_now", lambda: 0.0)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A function that makes standard error a terminal; pytest sets it anew before each test."""

    def make():
        stream = Terminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return make


def assert_plain(text):
    assert "\r" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("done", "total", "seconds", "expected"),
    [
        (5, 20, 30.0, "5 of 20 micrographs in 0:30, 1:30 left"),
        (20, 20, 3725.0, "20 of 20 micrographs in 1:02:05"),
        (0, 20, 60.0, "0 of 20 micrographs in 1:00"),
        (1, 1, 0.0, "1 of 1 micrograph in 0:00"),
        (7, None, 61.0, "7 micrographs in 1:01"),
    ],
)
def test_lines(done, total, seconds, expected):
    assert progress_line(done, total, "micrograph", seconds) == expected


class TestLogFile:
    def test_the_last_line(self, capfd):
        assert list(with_progress("abc", 3, "batch", "training")) == ["a", "b", "c"]
        assert capfd.readouterr() == ("", "training: 3 of 3 batches in 0:00\n")

    def test_a_line_now_and_then_with_the_time_left(self, capfd, monkeypatch):
        clock = iter([0.0, 0.0] + [10.0 * n for n in range(1, 100)])
        monkeypatch.setattr(_progress, "_now", lambda: next(clock))
        progress = Progress(100, "fold")
        for _ in range(8):
            progress.advance()
        lines = capfd.readouterr().err.splitlines()
        assert len(lines) == 2
        done, seconds, left = lines[0].split(" in ")[0], *lines[0].split(" in ")[1].split(", ")
        n = int(done.split()[0])
        minutes, rest = map(int, seconds.split(":"))
        to_go = [int(part) for part in left.removesuffix(" left").split(":")]
        assert to_go[0] * 60 + to_go[1] == pytest.approx(
            (minutes * 60 + rest) / n * (100 - n), abs=1
        )

    def test_nothing_is_lost_between_threads(self, capfd):
        with Progress(4000, "batch") as progress:
            threads = [
                threading.Thread(target=lambda: [progress.advance() for _ in range(1000)])
                for _ in range(4)
            ]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
        assert "4000 of 4000 batches" in capfd.readouterr().err

    def test_what_fails_does_not_claim_an_end(self, capfd):
        def broken():
            yield 1
            raise OSError("full disk")

        with pytest.raises(OSError, match="full disk"):
            list(with_progress(broken(), 3, "micrograph"))
        assert capfd.readouterr().err == ""

    def test_a_step_that_ends_early(self, capfd):
        with Progress(10, "batch", "training") as progress:
            progress.advance(4)
        assert capfd.readouterr().err == "training: 4 of 4 batches in 0:00\n"


class TestTerminal:
    @pytest.mark.parametrize(("total", "shown"), [(2, "2/2"), (None, "2micrograph")])
    def test_a_bar(self, total, shown, terminal):
        terminal = terminal()
        assert list(with_progress("ab", total, "micrograph", "picking")) == ["a", "b"]
        text = terminal.getvalue()
        assert "picking: " in text
        assert shown in text
        assert "\r" in text

    def test_lines_stand_above_the_bar(self, terminal):
        terminal = terminal()
        with Progress(2, "micrograph") as progress:
            progress.advance()
            write_line("warning: hot pixels")
            progress.advance()
        assert "warning: hot pixels" in terminal.getvalue().replace("\r", "\n").splitlines()

    def test_dumb_terminals_get_lines(self, terminal, monkeypatch):
        terminal = terminal()
        monkeypatch.setenv("TERM", "dumb")
        list(with_progress("ab", 2, "micrograph"))
        assert terminal.getvalue() == "2 of 2 micrographs in 0:00\n"

    @pytest.mark.parametrize(("verbose", "is_line"), [(1, False), (2, True)])
    def test_milestones_are_behind_the_bar_or_lines_too(self, verbose, is_line, terminal):
        terminal = terminal()
        with Progress(2, "batch", "training", verbose=verbose) as progress:
            progress.advance()
            progress.milestone("epoch 1 of 2")
            progress.advance()
        text = terminal.getvalue()
        assert ", epoch 1 of 2]" in text
        assert ("in 0:00, 0:00 left; epoch 1 of 2" in text) == is_line


@pytest.mark.parametrize("is_terminal", [False, True])
def test_silent(is_terminal, capfd, terminal):
    stream = terminal() if is_terminal else None
    assert list(with_progress("ab", 2, "micrograph", verbose=0)) == ["a", "b"]
    with Progress(2, "batch", verbose=0) as progress:
        progress.advance()
        progress.milestone("epoch 1")
    assert capfd.readouterr() == ("", "")
    assert stream is None or stream.getvalue() == ""


@pytest.fixture(scope="module")
def data():
    return make_micrographs(
        4, shape=(192, 192), particles_per_micrograph=8, snr=1.0, random_state=0
    )


class TestFits:
    def fitted(self, data, monkeypatch, **options):
        monkeypatch.setattr(ParticlePicker, "_steps_per_epoch", 3)
        classifier = PUImageClassifier("conv31", criterion="ge_binomial", max_epochs=2)
        picker = ParticlePicker(
            data.particle_diameter, classifier=classifier, random_state=0, **options
        )
        return picker.fit(data.micrographs, data.coordinates)

    @pytest.mark.filterwarnings("ignore:the number of particles and the threshold")
    def test_every_long_step_of_a_picker(self, data, monkeypatch, capfd):
        self.fitted(data, monkeypatch, verbose=1)
        out, text = capfd.readouterr()
        assert out == ""
        assert_plain(text)
        lines = text.splitlines()
        starts = [line.split(" in ")[0] for line in lines]
        for expected in (
            "FourierDownsample: 4 of 4 micrographs",
            "NormalizeMicrograph: 4 of 4 micrographs",
            "cross-fitting 2 folds: 6 of 6 batches",
            "scoring held-out labels: 4 of 4 micrographs",
        ):
            assert expected in starts
        epochs = [line for line in lines if line.startswith("training: ")]
        assert [line.split(" batches")[0] for line in epochs] == [
            "training: 3 of 6",
            "training: 6 of 6",
        ]
        assert " left; epoch 1 of 2, train_loss " in epochs[0]
        assert "; epoch 2 of 2, train_loss " in epochs[1]

    @pytest.mark.filterwarnings("ignore:the number of particles and the threshold")
    def test_bars_on_a_terminal(self, data, monkeypatch, terminal):
        terminal = terminal()
        picker = self.fitted(data, monkeypatch, verbose=1)
        picker.predict(data.micrographs)
        text = terminal.getvalue()
        for what in ("FourierDownsample", "cross-fitting 2 folds", "training", "picking"):
            assert f"{what}: 100%" in text
        assert "epoch 2 of 2, train_loss" in text

    @pytest.mark.filterwarnings("ignore:the number of particles and the threshold")
    def test_silence_is_the_default(self, data, monkeypatch, capfd):
        picker = self.fitted(data, monkeypatch)
        picker.predict(data.micrographs)
        assert capfd.readouterr() == ("", "")

    def test_folds_of_other_classifiers(self, data, capfd):
        from sklearn.naive_bayes import GaussianNB

        picker = ParticlePicker(
            data.particle_diameter, classifier=GaussianNB(), verbose=1, random_state=0
        )
        picker.fit(data.micrographs, data.coordinates)
        text = capfd.readouterr().err
        assert_plain(text)
        assert "cross-fitting: 2 of 2 folds in " in text

    def test_early_stopping(self, capfd):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(120, 5)), np.arange(120) % 2
        classifier = PUImageClassifier(
            criterion="pn", lr=0.03, max_epochs=60, early_stopping=True, verbose=1, random_state=0
        ).fit(X, y)
        out, text = capfd.readouterr()
        assert out == ""
        lines = text.splitlines()
        assert len(lines) == len(classifier.history_) < 60
        assert f"epoch {len(lines)} of 60" in lines[-1]
        assert f"valid_loss {classifier.history_[-1]['valid_loss']:.4f}" in lines[-1]
