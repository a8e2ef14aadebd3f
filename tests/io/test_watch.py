import bz2
import logging
import os
import threading
import time

import mrcfile
import numpy as np
import pytest

from puclassify.io import read_micrograph, watch

PIXELS = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)


def mrc_bytes(folder, pixels=PIXELS):
    path = folder.parent / "template.mrc"
    mrcfile.write(path, pixels, overwrite=True)
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    return folder


def names(paths):
    return [os.path.basename(path) for path in paths]


class Writer(threading.Thread):
    """Writes files piece by piece, as a microscope does; several at a time."""

    def __init__(self, folder, contents, pieces=6, pause=0.004):
        super().__init__()
        self.folder, self.contents, self.pieces, self.pause = folder, contents, pieces, pause
        self.finished = {}

    def run(self):
        items = list(self.contents.items())
        for first in range(0, len(items), 2):
            for piece in range(self.pieces):
                for name, content in items[first : first + 2]:
                    edges = [len(content) * n // self.pieces for n in (piece, piece + 1)]
                    with open(self.folder / name, "ab") as file:
                        file.write(content[slice(*edges)])
                    self.finished[name] = time.monotonic()
                    time.sleep(self.pause)


def test_ten_files_that_are_written_slowly_come_when_they_are_complete(folder):
    content = mrc_bytes(folder)
    writer = Writer(folder, {f"mic_{index}.mrc": content for index in range(10)})
    writer.start()
    came = {}
    for path in watch(folder, interval=0.005, idle=1.0):
        np.testing.assert_array_equal(read_micrograph(path).values, PIXELS)  # every pixel is there
        came[os.path.basename(path)] = time.monotonic()
        if len(came) == 10:
            break
    writer.join()
    assert set(came) == set(writer.finished)
    # They come one by one and not at the end.
    assert came["mic_0.mrc"] < writer.finished["mic_9.mrc"]


class TestComplete:
    def found(self, folder, pattern="*.mrc"):
        return names(watch(folder, pattern, interval=0.002, idle=0.03))

    @pytest.mark.parametrize("missing", [1, 100, 8000, 8024, 9000])
    def test_mrc_is_as_long_as_its_header_says(self, folder, missing):
        content = mrc_bytes(folder)
        (folder / "a.mrc").write_bytes(content)
        (folder / "b.mrc").write_bytes(content[:-missing])
        with pytest.warns(UserWarning, match=r"1 files never became complete.*b\.mrc \(it has"):
            assert self.found(folder) == ["a.mrc"]

    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float32])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_modes_and_byte_orders(self, folder, dtype, order):
        pixels = PIXELS.astype(np.dtype(dtype).newbyteorder(order))
        content = mrc_bytes(folder, pixels)
        (folder / "a.mrc").write_bytes(content)
        (folder / "b.mrc").write_bytes(content[:-1])
        with pytest.warns(UserWarning, match=f"it has {len(content) - 1} of {len(content)} bytes"):
            assert self.found(folder) == ["a.mrc"]

    def test_extended_headers_count(self, folder):
        path = folder / "a.mrc"
        with mrcfile.new(path) as mrc:
            mrc.set_data(PIXELS)
            mrc.set_extended_header(np.zeros(512, np.uint8))
        content = path.read_bytes()
        (folder / "b.mrc").write_bytes(content[:-500])
        with pytest.warns(UserWarning, match=f"it has {len(content) - 500} of {len(content)}"):
            assert self.found(folder) == ["a.mrc"]

    def test_header_of_zeros_is_not_complete(self, folder):
        (folder / "a.mrc").write_bytes(bytes(1024))
        (folder / "b.mrc").write_bytes(b"")
        with pytest.warns(UserWarning, match=r"2 files .*no sizes of an image.*less than a header"):
            assert self.found(folder) == []

    def test_other_formats_must_be_readable(self, folder):
        image = pytest.importorskip("PIL.Image")
        image.fromarray(PIXELS.astype(np.uint8)).save(folder / "a.png")
        (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:-100])
        packed = bz2.compress(mrc_bytes(folder))
        (folder / "c.mrc.bz2").write_bytes(packed)
        (folder / "d.mrc.bz2").write_bytes(packed[:-50])
        with pytest.warns(UserWarning, match=r"2 files .*b\.png.*d\.mrc\.bz2"):
            assert self.found(folder, "*") == ["a.png", "c.mrc.bz2"]

    def test_space_that_is_reserved_is_not_enough(self, folder):
        """A program may make the file as long as it will be, and fill it afterwards."""
        content = mrc_bytes(folder)
        files = watch(folder, interval=0.002, idle=0.2)
        with open(folder / "a.mrc", "wb") as file:
            file.write(content[:1024])
            file.truncate(len(content))
            done = threading.Event()

            def fill():
                for start in range(1024, len(content), 256):
                    os.pwrite(file.fileno(), content[start : start + 256], start)
                    time.sleep(0.0005)
                done.set()

            thread = threading.Thread(target=fill)
            thread.start()
            files._interval = 0.05  # longer than any pause of the writer
            path = next(files)
            assert done.is_set()
            thread.join()
        np.testing.assert_array_equal(read_micrograph(path).values, PIXELS)

    def test_file_that_is_renamed_or_removed_meanwhile(self, folder):
        content = mrc_bytes(folder)
        (folder / "a.mrc.part").write_bytes(content)
        (folder / "gone.mrc").write_bytes(content[:2000])
        files = watch(folder, interval=0.002, idle=0.05)
        files._look()
        assert list(files.incomplete) == [str(folder / "gone.mrc")]
        os.remove(folder / "gone.mrc")
        os.rename(folder / "a.mrc.part", folder / "a.mrc")
        assert names(files) == ["a.mrc"]


class TestEnd:
    @pytest.fixture
    def files(self, folder):
        for name in "ab":
            (folder / f"{name}.mrc").write_bytes(mrc_bytes(folder))
        return folder

    def test_idle(self, files):
        began = time.monotonic()
        assert names(watch(files, interval=0.002, idle=0.05)) == ["a.mrc", "b.mrc"]
        assert time.monotonic() - began >= 0.05

    def test_slow_consumer_is_not_idleness(self, files):
        watched = watch(files, interval=0.002, idle=0.02)
        next(watched)
        (files / "c.mrc").write_bytes((files / "a.mrc").read_bytes())
        time.sleep(0.05)
        assert names(watched) == ["b.mrc", "c.mrc"]

    def test_timeout(self, files):
        assert names(watch(files, interval=0.002, timeout=0.2)) == ["a.mrc", "b.mrc"]

    @pytest.mark.parametrize("way", ["method", "event", "callable"])
    def test_stop(self, files, way):
        event, found = threading.Event(), []
        stop = {"method": None, "event": event, "callable": event.is_set}[way]
        watched = watch(files, interval=0.002, stop=stop)
        for path in watched:
            found.append(path)
            if len(found) == 2:
                watched.stop() if way == "method" else event.set()
        assert names(found) == ["a.mrc", "b.mrc"]

    def test_stop_wakes_one_that_waits(self, folder):
        watched = watch(folder, interval=600.0)
        timer = threading.Timer(0.02, watched.stop)
        timer.start()
        assert list(watched) == []
        timer.join()


def test_each_file_comes_once_and_subfolders_are_included(folder):
    (folder / "grid [1]").mkdir()
    for name in ("b.mrc", "grid [1]/a.mrc", "notes.txt"):
        (folder / name).write_bytes(mrc_bytes(folder))
    found = list(watch(folder, "**/*.mrc", interval=0.002, idle=0.05))
    assert found == [str(folder / name) for name in ("b.mrc", "grid [1]/a.mrc")]
    assert names(watch(folder / "grid [1]", interval=0.002, idle=0.02)) == ["a.mrc"]


def test_status_goes_to_the_callback_and_the_log(folder, caplog):
    content, lines = mrc_bytes(folder), []
    (folder / "a.mrc").write_bytes(content)
    (folder / "b.mrc").write_bytes(content[:5000])
    with caplog.at_level(logging.INFO, logger="puclassify.watch"):
        files = watch(folder, interval=0.002, idle=0.05, status=lines.append)
        next(files)
        (folder / "b.mrc").write_bytes(content)
        assert names(files) == ["b.mrc"]
    assert lines[:2] == ["0 files complete, 2 not yet", "1 files complete, 1 not yet"]
    assert lines[-1] == "2 files complete, 0 not yet"
    assert [record.getMessage() for record in caplog.records] == lines


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"folder": "nowhere"}, FileNotFoundError, "there is no folder nowhere to watch"),
        ({"folder": 3}, TypeError, "folder must be a str or path-like"),
        ({"pattern": 3}, TypeError, "pattern must be a str or path-like"),
        ({"idle": 0}, ValueError, "idle must be a positive number of seconds or None, got 0"),
        ({"timeout": "1"}, ValueError, "timeout must be a positive number"),
        ({"interval": None}, ValueError, "interval must be a positive number of seconds, got None"),
    ],
)
def test_bad_input(folder, params, error, message):
    with pytest.raises(error, match=message):
        watch(**{"folder": folder, **params})
