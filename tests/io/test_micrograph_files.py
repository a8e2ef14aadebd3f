import os

import pytest

from puclassify.io import micrograph_files


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Empty files: only their names count."""
    for name in ("a/m1.mrc", "a/m2.mrc", "a/b/m3.mrc", "a/notes.txt", "a/b/m4.tif"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/m2.mrc", "a/m1.mrc"], ["a/m2.mrc", "a/m1.mrc"]),
        (["a/**/*.mrc"], ["a/b/m3.mrc", "a/m1.mrc", "a/m2.mrc"]),
        (["a"], ["a/m1.mrc", "a/m2.mrc"]),
        (["a/b", "a/m1.mrc"], ["a/b/m3.mrc", "a/b/m4.tif", "a/m1.mrc"]),
    ],
)
def test_paths_patterns_and_folders(paths, expected, project):
    assert micrograph_files(paths) == expected


def test_lists(project):
    (project / "inner.txt").write_text("a/m2.mrc\n")
    (project / "list.txt").write_text("# mine\na/b/*.mrc\n\n@inner.txt\r\n", newline="")
    assert micrograph_files(["@list.txt"]) == ["a/b/m3.mrc", "a/m2.mrc"]


def test_star_lists_from_within_and_without_the_project(project, monkeypatch):
    job = project / "CtfFind" / "job003"
    job.mkdir(parents=True)
    names = ["a/m1.mrc", str(project / "a/b/m3.mrc"), "a/m1.mrc"]
    text = "data_micrographs\n\nloop_\n_rlnMicrographName #1\n_rlnOpticsGroup #2\n"
    (job / "mics.star").write_text(text + "".join(f"{name} 1\n" for name in names))
    monkeypatch.chdir(project.parent)
    found = micrograph_files([str(job / "mics.star")])
    assert [os.path.relpath(one, project) for one in found] == ["a/m1.mrc", "a/b/m3.mrc"]


def test_what_is_given_twice_is_used_once(project):
    with pytest.warns(UserWarning, match="1 micrographs are given more than once"):
        assert micrograph_files(["a/m1.mrc", "a"]) == ["a/m1.mrc", "a/m2.mrc"]


@pytest.mark.parametrize(
    ("path", "text", "error", "message"),
    [
        ("none.mrc", None, FileNotFoundError, "no micrograph file none.mrc"),
        ("*.png", None, FileNotFoundError, "no file fits the pattern '\\*.png'"),
        ("CtfFind", None, FileNotFoundError, "no micrograph file CtfFind"),
        ("@none.txt", None, FileNotFoundError, "no list of micrographs none.txt"),
        ("@l.txt", "@l.txt\n", ValueError, "contains itself"),
        ("@l.txt", "# nothing\n", ValueError, "names no micrograph"),
        ("@l.txt", "m9.mrc\n", FileNotFoundError, "m9.mrc, named in the list l.txt"),
        ("l.star", "data_\nloop_\n_rlnX #1\n1\n", ValueError, "no column|has a column _rlnMic"),
        ("l.star", "nonsense", ValueError, "l.star cannot be read|lists no micrographs"),
        (
            "l.star",
            "data_\nloop_\n_rlnMicrographName #1\nm9.mrc\n",
            FileNotFoundError,
            "1 of the 1 micrographs that l.star lists are missing, such as 'm9.mrc'",
        ),
    ],
)
def test_refusals(path, text, error, message, project):
    if text is not None:
        (project / path.lstrip("@")).write_text(text)
    with pytest.raises(error, match=message):
        micrograph_files([path])
