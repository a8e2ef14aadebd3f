"""The benchmarks on whole images, on built-in or made-up data."""

import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from common import image_sets
from common.image_classifiers import large_set_settings, small_set_settings
from common.other_methods import METHODS, Sample
from other_libraries import arrange

BENCHMARKS = Path(__file__).resolve().parents[2] / "examples" / "benchmarks"


class TestImageSet:
    def test_labelled_positives_are_drawn_from_the_positives_and_stay_unlabelled(self):
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

    def test_another_seed_draws_other_positives(self):
        images = image_sets.digits()
        first, again, other = (images.draw(100, seed)[0][:100] for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


class TestOwnMethods:
    @pytest.mark.parametrize(
        ("n", "settings"), [(300, small_set_settings()), (10_001, large_set_settings(5e-3))]
    )
    def test_are_set_as_in_the_benchmarks_of_digits_and_mnist(self, n, settings):
        y = np.repeat([1, 0], [100, n - 100])
        sample = Sample(np.zeros((n, 4), np.float32), y, prior=0.3, seed=7)
        classifier = METHODS["puclassify"]["nnpu"].build(sample)
        expected = settings["mlp"] | {
            "prior": 0.3,
            "random_state": 7,
            "criterion__surrogate": "sigmoid",
        }
        if n > 10_000:
            expected["max_epochs"] = 10
        params = classifier.get_params()
        assert {name: params[name] for name in expected} == expected


class TestDigits:
    def test_prints_a_table_that_says_what_the_papers_say(self, monkeypatch, capsys):
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


def write_cifar10(folder, layout, batches):
    """Write six batches of (images of shape (n, 3, 32, 32), classes), the last one for tests."""
    if layout == "batches":
        folder = folder / "cifar-10-batches-py"
        folder.mkdir()
        for number, (x, y) in enumerate(batches, 1):
            name = "test_batch" if number == 6 else f"data_batch_{number}"
            content = {b"data": x.reshape(len(x), -1), b"labels": y.tolist(), b"batch_label": b""}
            (folder / name).write_bytes(pickle.dumps(content))
        return
    train = [np.concatenate(parts) for parts in zip(*batches[:5])]
    x, y = zip(train, batches[5])
    if layout == "channels last":
        x = [images.transpose(0, 2, 3, 1) for images in x]
    y = [classes[:, None] for classes in y]
    np.savez(folder / "cifar10.npz", x_train=x[0], y_train=y[0], x_test=x[1], y_test=y[1])


class TestCifar10:
    @pytest.mark.parametrize("layout", ["channels last", "channels first", "batches"])
    def test_reads_every_layout(self, layout, monkeypatch, tmp_path):
        rng = np.random.default_rng(0)
        batches = [
            (rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n))
            for n in (7, 7, 7, 7, 7, 11)
        ]
        write_cifar10(tmp_path, layout, batches)
        monkeypatch.setenv("PUCLASSIFY_DATA", str(tmp_path))
        images = image_sets.cifar10()
        train = np.concatenate([x for x, _ in batches[:5]])
        np.testing.assert_allclose(images.train, train / 255, rtol=1e-6)
        np.testing.assert_allclose(images.test, batches[5][0] / 255, rtol=1e-6)
        assert images.train.dtype == np.float32
        classes = np.concatenate([y for _, y in batches[:5]])
        np.testing.assert_array_equal(images.train_truth, np.isin(classes, [0, 1, 8, 9]))
        np.testing.assert_array_equal(images.test_truth, np.isin(batches[5][1], [0, 1, 8, 9]))

    def test_error_names_the_missing_batch(self, monkeypatch, tmp_path):
        (tmp_path / "cifar-10-batches-py").mkdir()
        monkeypatch.setenv("PUCLASSIFY_DATA", str(tmp_path))
        with pytest.raises(SystemExit, match="holds no data_batch_1"):
            image_sets.cifar10()

    def test_network_is_that_of_the_paper(self):
        script = runpy.run_path(str(BENCHMARKS / "cifar10.py"))
        network = script["ConvolutionalNetwork"]()
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 1)
        weights = [p for p in network.parameters() if p.ndim > 1]
        assert [len(weight) for weight in weights] == [96] * 3 + [192] * 5 + [10, 1000, 1000, 1]

    def test_stops_where_there_is_no_gpu(self, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["cifar10.py"])
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(SystemExit, match="--device cpu"):
            runpy.run_path(str(BENCHMARKS / "cifar10.py"), run_name="__main__")


class TestOtherLibraries:
    def arrange(self, *, one_set, n_unlabelled=None):
        images = image_sets.digits()
        return images, arrange(images, 100, n_unlabelled, 0, one_set=one_set)

    def test_case_control_sample_is_that_of_the_other_benchmarks(self):
        images, sample = self.arrange(one_set=False)
        X, y = images.draw(100, seed=0)
        np.testing.assert_array_equal(sample.X, X.reshape(len(X), -1))
        np.testing.assert_array_equal(sample.y, y)
        assert sample.prior == pytest.approx(images.prior)

    def test_one_training_set_holds_every_image_once(self):
        images, sample = self.arrange(one_set=True)
        assert sample.n_labelled == 100
        rows = np.sort([image.tobytes() for image in sample.X])
        np.testing.assert_array_equal(rows, np.sort([image.tobytes() for image in images.train]))
        case_control = images.draw(100, seed=0)[0][:100]
        np.testing.assert_array_equal(sample.X[:100], case_control.reshape(100, -1))
        assert sample.prior == pytest.approx(images.prior)

    def test_draws_some_of_the_unlabelled(self):
        images, sample = self.arrange(one_set=False, n_unlabelled=300)
        assert len(sample.y) == 400
        assert sample.prior == pytest.approx(images.prior, abs=0.1)
        again = self.arrange(one_set=False, n_unlabelled=300)[1]
        np.testing.assert_array_equal(sample.X, again.X)
        _, once = self.arrange(one_set=True, n_unlabelled=300)
        assert once.n_labelled == 100
        assert 300 < len(once.y) < 400
        assert once.prior > sample.prior

    def test_an_error_of_a_method_is_printed_in_its_row(self, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "pulearn", None)  # as if it were not installed
        options = ["--libraries", "pulearn", "--methods", "bagging", "--seeds", "1"]
        monkeypatch.setattr(sys, "argv", ["other_libraries.py", *options])
        runpy.run_path(str(BENCHMARKS / "other_libraries.py"), run_name="__main__")
        last = capsys.readouterr().out.splitlines()[-1]
        cells = [cell.strip() for cell in last.strip("|").split("|")]
        assert cells[:3] == ["digits", "pulearn", "bagging"]
        assert "pulearn" in cells[3]
        assert cells[3].startswith(("ModuleNotFoundError", "ImportError"))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
class TestWithoutData:
    def test_error_names_the_variable_and_the_file(self, name, monkeypatch, tmp_path):
        monkeypatch.delenv("PUCLASSIFY_DATA", raising=False)
        with pytest.raises(SystemExit, match=f"set PUCLASSIFY_DATA to .* {name}.npz"):
            getattr(image_sets, name)()
        monkeypatch.setenv("PUCLASSIFY_DATA", str(tmp_path))
        with pytest.raises(SystemExit, match=f"holds no {name}.npz"):
            getattr(image_sets, name)()
