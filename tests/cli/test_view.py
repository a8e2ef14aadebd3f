import sys
import tomllib

import numpy as np
import pytest

from puclassify.io import write_coordinates

from .conftest import run

pytest.importorskip("matplotlib")


@pytest.fixture
def figures(monkeypatch):
    """The figures that the command draws."""
    from puclassify.cli import _view

    drawn = []
    save = _view._save

    def kept(figure, path):
        drawn.append(figure)
        save(figure, path)

    monkeypatch.setattr(_view, "_save", kept)
    return drawn


@pytest.fixture
def picks(session, tmp_path):
    """The truth with scores from 0 to 11 on every micrograph."""
    path = tmp_path / "picks.csv"
    scored = [np.column_stack([xy, np.arange(len(xy))]) for xy in session.coordinates]
    write_coordinates(scored, path, names=session.micrographs)
    return path


def circles_of(figure):
    from matplotlib.collections import EllipseCollection

    found = [one for one in figure.axes[0].collections if isinstance(one, EllipseCollection)]
    return {one.get_label(): one for one in found}


def test_picks_lie_where_they_are_with_the_colours_of_their_scores(
    session, picks, figures, tmp_path
):
    output = tmp_path / "new" / "mic0.png"
    args = ("view", session.micrographs[0], "--picks", picks, "--radius", 11, "--output", output)
    result = run(*args, "--json")
    assert result.code == 0, result.err
    assert result.json == {"files": [str(output)], "n_picks": 12}
    assert output.read_bytes().startswith(b"\x89PNG")
    circles = circles_of(figures[0])["picks"]
    order = np.argsort(-circles.get_array())
    np.testing.assert_allclose(
        np.asarray(circles.get_offsets())[order][::-1], session.coordinates[0], atol=0.01
    )
    np.testing.assert_array_equal(circles.get_widths(), 22)
    assert len({tuple(color) for color in circles.get_edgecolor()}) > 8
    texts = [text.get_text() for text in figures[0].axes[0].texts]
    assert texts == ["10 nm"]  # of 256 pixels of 2 ångström, a quarter at most
    table = tomllib.loads((tmp_path / "new" / "mic0.png.toml").read_text())["view"]
    assert table["radius"] == 11.0


def test_threshold_and_truth(session, picks, figures, tmp_path):
    args = ("view", session.micrographs[1], "--picks", picks, "--output", tmp_path / "v.pdf")
    result = run(*args, "--threshold", 7.5, "--truth", session.truth, "--radius", 3)
    assert result.code == 0, result.err
    counts = {kind: len(one.get_offsets()) for kind, one in circles_of(figures[0]).items()}
    assert counts == {"matched": 4, "unmatched": 0, "missed": 8}
    assert (tmp_path / "v.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("output", "ending"), [("views", ".png"), ("views/{name}_v.svg", "_v.svg")]
)
def test_a_file_for_each_of_several(output, ending, session, picks, tmp_path):
    some = session.micrographs[:2]
    result = run("view", *some, "--picks", picks, "--output", tmp_path / output, "--json")
    assert result.code == 0, result.err
    assert result.json["files"] == [str(tmp_path / f"views/mic{i}{ending}") for i in (0, 1)]
    assert all((tmp_path / f"views/mic{i}{ending}").stat().st_size > 1000 for i in (0, 1))
    assert (tmp_path / "views/view.toml").is_file()


def test_frames_and_labels_without_scores(session, figures, tmp_path):
    doubled = tmp_path / "doubled.csv"
    write_coordinates([2 * xy for xy in session.coordinates], doubled, names=session.micrographs)
    args = ("view", session.micrographs[0], "--picks", doubled, "--step", 2)
    assert run(*args, "--output", tmp_path / "a.png").code == 0
    circles = circles_of(figures[0])["picks"]
    np.testing.assert_allclose(np.asarray(circles.get_offsets()), session.coordinates[0], atol=0.01)
    assert circles.get_array() is None


def test_no_scale_bar_without_a_pixel_size(session, figures, tmp_path):
    import mrcfile

    path = tmp_path / "mic.mrc"
    mrcfile.write(path, np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32))
    assert run("view", path, "--output", tmp_path / "a.png").code == 0
    assert run("view", path, "--output", tmp_path / "b.png", "--pixel-size", 20).code == 0
    texts = [[text.get_text() for text in one.axes[0].texts] for one in figures]
    assert texts == [[], ["20 nm"]]


def test_large_micrographs_are_binned_for_the_eye_only(figures, tmp_path):
    import mrcfile

    path, picks = tmp_path / "mic.mrc", tmp_path / "picks.csv"
    pixels = np.random.default_rng(0).normal(size=(300, 2048)).astype(np.float32)
    mrcfile.write(path, pixels, voxel_size=1.5)
    write_coordinates([[[2000.0, 100.0]]], picks, names=[path])
    for options in ([], ["--unbinned"]):
        result = run("view", path, "--picks", picks, "--output", tmp_path / "v.png", *options)
        assert result.code == 0, result.err
    binned, whole = (one.axes[0] for one in figures)
    assert binned.images[0].get_array().shape == (150, 1024)
    assert whole.images[0].get_array().shape == (300, 2048)
    for axes in (binned, whole):
        assert axes.get_xlim() == pytest.approx((-0.5, 2047.5), abs=1)
        assert np.asarray(circles_of(axes.figure)["picks"].get_offsets()).tolist() == [[2000, 100]]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "--output"),
        (["--show", "--output", "a.png"], 2, "either --output"),
        (["--output", "a.docx"], 2, "must end in one of .png, .pdf"),
        (["--output", "a.png", "--truth", "t.star"], 2, "--truth needs --radius"),
        (["--output", "a.png", "--truth", "t.star", "--radius", 3], 2, "--picks"),
        (["--output", "a.png", "--picks", "none.star"], 1, "none.star"),
        (["--show"], 2, "no screen"),
    ],
)
def test_wrong_usage(options, code, message, session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("view", session.micrographs[0], *options)
    assert result.code == code
    assert message in " ".join(result.err.split())
    assert not list(tmp_path.iterdir())


def test_several_micrographs_need_several_files(session, tmp_path):
    result = run("view", *session.micrographs, "--output", tmp_path / "a.png")
    assert result.code == 2
    assert "{name}" in result.err


def test_without_matplotlib(session, tmp_path, monkeypatch):
    for module in [key for key in sys.modules if key.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("view", session.micrographs[0], "--output", tmp_path / "a.png")
    assert result.code == 1
    assert 'pip install "puclassify[plot]"' in result.err
