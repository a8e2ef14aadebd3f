"""A cluster of Dask gives what one process gives; here it is two workers on this machine."""

import multiprocessing
import multiprocessing.forkserver
import os
import pickle
import signal
from pathlib import Path

import joblib
import mrcfile
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from puclassify import ParticlePicker, PUImageClassifier
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph

from .conftest import small_picker

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    """Two workers, forked off one process that has imported what they need."""
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    if method == "forkserver":
        multiprocessing.set_forkserver_preload(["distributed", "puclassify", "torch._dynamo"])
        multiprocessing.forkserver.ensure_running()
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": method}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",  # any free port
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def on_cluster(client):
    client.wait_for_workers(2)  # with a single one joblib would work in this process
    with joblib.parallel_config(backend="dask"):
        yield client


@pytest.fixture
def tasks(on_cluster):
    """Return a function that gives the keys of the tasks that the workers got in this test."""
    log = on_cluster.cluster.scheduler.transition_log
    before = len(log)

    def keys():
        return {key for key, _, finish, *_ in list(log)[before:] if finish == "processing"}

    return keys


@pytest.fixture(scope="module")
def paths(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("micrographs")
    found = [folder / f"mic{index}.mrc" for index in range(len(simulated.micrographs))]
    for path, pixels in zip(found, simulated.micrographs, strict=True):
        mrcfile.write(path, np.asarray(pixels, dtype=np.float32))
    return found


def with_short_epochs(picker):
    """Return a picker like this one that also has short epochs in the workers."""

    class ShortEpochs(ParticlePicker):  # nested, so that it travels by value
        _steps_per_epoch = 4

    return ShortEpochs(**picker.get_params(deep=False))


@pytest.fixture(scope="module")
def picker(simulated, paths):
    """A picker that all tests share: change nothing in it."""
    return small_picker(simulated).fit(paths[:2], simulated.coordinates[:2])


@pytest.fixture(scope="module")
def local_picks(picker, paths):
    return picker.predict(paths, threshold=-np.inf)


@pytest.fixture
def fatal(tmp_path):
    """A first step of preprocessing that kills its worker over mic2.mrc, once."""
    marker = tmp_path / "died"

    # Nested, so that it travels by value: the workers cannot import this module.
    def die_once(micrographs):
        in_worker = multiprocessing.parent_process() is not None
        if in_worker and any(Path(path).name == "mic2.mrc" for path in micrographs):
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return micrographs
            os.kill(os.getpid(), signal.SIGKILL)
        return micrographs

    steps = [
        ("die", FunctionTransformer(die_once)),
        ("downsample", FourierDownsample()),
        ("normalize", NormalizeMicrograph(clip=4.0)),
    ]
    return Pipeline(steps), marker


def assert_same_picks(found, expected):
    assert len(found) == len(expected)
    for xy, reference in zip(found, expected, strict=True):
        assert len(reference) > 5
        np.testing.assert_array_equal(xy, reference)


def assert_same_scores(estimator, X, y, grid, cv):
    """Search once in this process and once wherever joblib sends it."""
    settings = {"cv": cv, "refit": False, "error_score": "raise"}
    search = GridSearchCV(estimator, grid, **settings).fit(X, y)
    with joblib.parallel_config(backend="sequential"):
        local = GridSearchCV(clone(estimator), grid, **settings).fit(X, y)
    for key in (f"split{fold}_test_score" for fold in range(cv.get_n_splits())):
        assert np.isfinite(local.cv_results_[key]).all()
        assert np.ptp(local.cv_results_[key]) > 0
        np.testing.assert_allclose(search.cv_results_[key], local.cv_results_[key], atol=1e-5)


class TestPicker:
    def test_predicts_the_same_bits(self, on_cluster, picker, paths, local_picks):
        assert_same_picks(picker.predict(paths, threshold=-np.inf), local_picks)

    def test_transforms_to_the_same_bits(self, on_cluster, picker, paths):
        maps = picker.transform(paths[:3])
        with joblib.parallel_config(backend="sequential"):
            local = picker.transform(paths[:3])
        for scores, reference in zip(maps, local, strict=True):
            np.testing.assert_array_equal(scores.values, reference.values)
            assert (scores.step, scores.offset, scores.name) == (
                reference.step,
                reference.offset,
                reference.name,
            )

    def test_sends_the_picker_and_a_path(self, on_cluster, picker, paths, monkeypatch):
        sent = []
        submit = distributed.Client.submit

        def measured(self, function, *args, tasks, **options):
            sent.extend(len(pickle.dumps(task)) for task in tasks)
            return submit(self, function, *args, tasks=tasks, **options)

        monkeypatch.setattr(distributed.Client, "submit", measured)
        picker.predict(paths)
        assert len(sent) == len(paths)
        assert max(sent) < len(pickle.dumps(picker)) + 4096 < paths[0].stat().st_size

    def test_a_worker_reads_bins_and_scores_on_its_own(self, tasks, picker, paths):
        """Nested calls of joblib would send the pixels from worker to worker."""
        picker.predict(paths)
        assert tasks()
        assert all("batch_of__in_turn" in key for key in tasks())

    def test_trains_where_fit_was_called(self, tasks, picker, simulated, paths):
        clone(picker).fit(paths[:2], simulated.coordinates[:2])
        assert not tasks()

    def test_is_searched_with_the_same_scores(self, on_cluster, simulated, paths):
        picker = with_short_epochs(small_picker(simulated))
        grid = {"classifier__lr": [0.01, 0.003]}
        assert_same_scores(picker, paths[:4], simulated.coordinates[:4], grid, KFold(2))


def test_classifier_is_searched_with_the_same_scores(on_cluster):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(96, 8, 8)).astype(np.float32)
    images[::2] += 0.3
    y = np.tile([1, 0, 0, 0], 24)
    classifier = PUImageClassifier("mlp", prior=0.3, max_epochs=2, random_state=0)
    assert_same_scores(classifier, images, y, {"lr": [0.0001, 0.1]}, KFold(2))


class TestDeathOfAWorker:
    def test_costs_predict_a_retry(self, on_cluster, simulated, paths, local_picks, fatal):
        preprocessing, marker = fatal
        picker = small_picker(simulated, preprocessing=preprocessing)
        picker.fit(paths[:2], simulated.coordinates[:2])
        assert_same_picks(picker.predict(paths, threshold=-np.inf), local_picks)
        assert marker.exists()

    def test_costs_a_search_a_retry(self, on_cluster, simulated, paths, fatal):
        preprocessing, marker = fatal
        picker = with_short_epochs(small_picker(simulated, preprocessing=preprocessing))
        grid = {"classifier__lr": [0.01, 0.003]}
        assert_same_scores(picker, paths[:4], simulated.coordinates[:4], grid, KFold(2))
        assert marker.exists()
