import contextlib
import errno
import os

import pytest

from puclassify.io import _replace_files
from puclassify.io._replace_files import append_text, replace_files


@contextlib.contextmanager
def files_of_at_most(n_bytes):
    """Let the system refuse larger files, as one whose disk is full does: after a part of them."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestNoRoom:
    def test_names_the_file_and_leaves_the_old_ones(self, tmp_path):
        first, second = tmp_path / "a.txt", tmp_path / "b.txt"
        first.write_text("old")
        with files_of_at_most(1000), pytest.raises(OSError, match=r"cannot write .*b\.txt") as info:
            replace_files({str(first): "new", str(second): 2000 * "x"})
        assert info.value.errno == errno.EFBIG
        assert info.value.filename == str(second)
        assert os.listdir(tmp_path) == ["a.txt"]
        assert first.read_text() == "old"

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_is_noticed_late(self, tmp_path, monkeypatch, call):
        def fail(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        (tmp_path / "a.txt").write_text("old")
        monkeypatch.setattr(_replace_files.os, call, fail)
        with pytest.raises(OSError, match=r"cannot write .*a\.txt: No space left on device"):
            replace_files({str(tmp_path / "a.txt"): "new"})
        assert os.listdir(tmp_path) == ["a.txt"]
        assert (tmp_path / "a.txt").read_text() == "old"

    def test_for_a_line_that_is_appended_leaves_the_lines_before(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("first\n")
        with files_of_at_most(100), pytest.raises(OSError, match=r"cannot write .*a\.txt"):
            append_text(str(path), 200 * "x" + "\n")
        assert path.read_text() == "first\n"
        append_text(str(path), "second\n")
        assert path.read_text() == "first\nsecond\n"


def test_contents_are_on_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    calls, names = [], {}

    def noted(function):
        def call(first, *others):
            calls.append((function.__name__, names.get(first, first)))
            return function(first, *others)

        return call

    def opened(path, *others):
        descriptor = real_open(path, *others)
        names[descriptor] = "folder" if os.path.isdir(path) else "draft"
        return descriptor

    real_open = os.open
    monkeypatch.setattr(_replace_files.os, "open", opened)
    monkeypatch.setattr(_replace_files.os, "fsync", noted(os.fsync))
    monkeypatch.setattr(_replace_files.os, "replace", noted(os.replace))
    replace_files({str(tmp_path / name): name for name in "ab"})
    assert [call for call, _ in calls] == ["fsync", "fsync", "replace", "replace", "fsync"]
    assert [name for call, name in calls if call == "fsync"] == ["draft", "draft", "folder"]


def test_drafts_of_living_processes_are_left_alone(tmp_path, monkeypatch):
    own = tmp_path / _replace_files._draft_name()
    other_machine = tmp_path / own.name.replace(_replace_files._machine(), 12 * "0")
    parent = tmp_path / own.name.replace(str(os.getpid()), str(os.getppid()))
    ended = tmp_path / own.name.replace(str(os.getpid()), str(pid_of_an_ended_process()))
    for file in (own, other_machine, parent, ended, tmp_path / ".other.part"):
        file.write_text("draft")
    _replace_files.remove_abandoned_drafts(str(tmp_path))
    left = {own.name, other_machine.name, parent.name, ".other.part"}
    assert set(os.listdir(tmp_path)) == left


def pid_of_an_ended_process():
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return pid
