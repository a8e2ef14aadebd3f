"""The benchmarks on whole images, on the one data set that is always there."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "examples" / "benchmarks"


@pytest.fixture
def image_sets(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import image_sets

    yield image_sets
    for name in ("image_sets", "pu_images"):
        sys.modules.pop(name, None)


class TestImageSet:
    def test_labelled_positives_are_drawn_from_the_positives_and_stay_unlabelled(self, image_sets):
        images = image_sets.digits()
        X, y = images.draw(100, seed=0)
        assert X.shape == (100 + 1198, 8, 8)
        np.testing.assert_array_equal(y, np.repeat([1, 0], [100, 1198]))
        np.testing.assert_array_equal(X[100:], images.train)
        positives = {image.tobytes() for image in images.train[images.train_truth]}
        labelled = {image.tobytes() for image in X[:100]}
        assert len(labelled) == 100
        assert labelled <= positives
        assert len(images.test) == 599
        assert images.prior == pytest.approx(images.test_truth.mean(), abs=0.01)

    def test_seeds_draw_anew(self, image_sets):
        images = image_sets.digits()
        first, again, other = (images.draw(100, seed)[0][:100] for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


class TestDigits:
    def test_prints_a_table_that_says_what_the_papers_say(self, monkeypatch, capsys, image_sets):
        options = ["--networks", "cnn", "--criteria", "nnpu", "pn", "--seeds", "2"]
        monkeypatch.setattr(sys, "argv", ["digits.py", *options, "--epochs", "12"])
        runpy.run_path(str(BENCHMARKS / "digits.py"), run_name="__main__")
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert [row[:2] for row in cells[2:]] == [["cnn", "nnpu"], ["cnn", "pn"]]
        assert {len(row) for row in cells} == {8}
        nnpu, pn = (float(row[2].split()[0]) for row in cells[2:])
        assert nnpu > 80
        assert nnpu > pn + 5
        assert float(cells[2][3].split()[0]) > 75


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
class TestWithoutData:
    def test_says_what_to_set(self, name, monkeypatch, tmp_path, image_sets):
        monkeypatch.delenv("PUCLASSIFY_DATA", raising=False)
        with pytest.raises(SystemExit, match=f"set PUCLASSIFY_DATA to .* {name}.npz"):
            getattr(image_sets, name)()
        monkeypatch.setenv("PUCLASSIFY_DATA", str(tmp_path))
        with pytest.raises(SystemExit, match=f"holds no {name}.npz"):
            getattr(image_sets, name)()
