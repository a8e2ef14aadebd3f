from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from puclassify.grid import GridImage
from puclassify.picking.streaming import _one_micrograph
from puclassify.picking.streaming._read_ahead import stream
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph


@pytest.fixture
def pipeline(fitted):
    return fitted._pipeline()


def test_own_preprocessing_runs_where_the_network_does(fitted, pipeline, simulated):
    image = pipeline.read(simulated.micrographs[4], 0)
    assert isinstance(image.values, torch.Tensor)
    assert image.values.device == pipeline.scorer.device
    (expected,) = fitted.preprocessing_.transform(simulated.micrographs[4:5])
    np.testing.assert_allclose(image.values.cpu(), expected.values, rtol=0, atol=1e-5)
    assert (image.step, image.offset, image.name) == (expected.step, expected.offset, expected.name)


def test_any_other_preprocessing_gets_what_the_caller_gave(make_picker, simulated):
    seen = []

    def remember(micrographs):
        seen.extend(micrographs)
        return micrographs

    preprocessing = make_pipeline(
        FunctionTransformer(remember), FourierDownsample(), NormalizeMicrograph(clip=4.0)
    )
    picker = make_picker(preprocessing=preprocessing)
    picker.fit(simulated.micrographs[:4], simulated.coordinates[:4])
    seen.clear()
    image = picker._pipeline().read(simulated.micrographs[4], 0)
    assert isinstance(image.values, np.ndarray)
    assert seen == [simulated.micrographs[4]]


def test_any_other_preprocessing_has_done_when_the_next_micrograph_is_taken(
    pipeline, simulated, monkeypatch
):
    """A generator may then put the next one into the same memory, on whatever device it is."""
    monkeypatch.setattr(type(pipeline.scorer), "device", torch.device("cuda"))
    assert len(pipeline.steps()) == 2
    streams = []
    monkeypatch.setattr(
        _one_micrograph, "own_stream", lambda device: nullcontext(streams.append(device))
    )
    other = replace(pipeline, preprocessing=make_pipeline(FunctionTransformer(copy_of)))
    memory, taken = np.tile(np.arange(4, dtype=np.float32), (3, 1)), []

    def frames():
        for number in range(5):
            memory[0, 0] = number
            yield memory

    for image in stream(other.steps(), lambda image: image, frames(), None):
        taken.append(image.values[0, 0])
    assert taken == [0, 1, 2, 3, 4]
    assert streams == 5 * [None]  # none of a GPU


def copy_of(micrographs):
    return [GridImage(np.array(pixels)) for pixels in micrographs]


def test_arrays_are_named_by_their_place(pipeline, simulated):
    image = pipeline.read(np.asarray(simulated.micrographs[4]), 7)
    assert image.name == "micrograph_0007"


def test_map_is_in_main_memory_and_picks_are_its_maxima(fitted, pipeline, simulated):
    image = pipeline.read(simulated.micrographs[4], 0)
    scores = pipeline.score_map(image)
    assert isinstance(scores.values, np.ndarray)
    picks = pipeline.pick(image, threshold=-np.inf)
    assert picks[0, 2] == scores.values.max()
    np.testing.assert_array_equal(picks, fitted.predict(simulated.micrographs[4:5], -np.inf)[0])


def test_device_without_memory_leaves_the_preprocessing_to_the_cpu(fitted, simulated, monkeypatch):
    pipeline, preprocess = fitted._pipeline(), _one_micrograph.preprocess_on
    image = _one_micrograph.as_grid_image(simulated.micrographs[4])
    devices = []

    def fails_on_a_gpu(preprocessing, image, device):
        devices.append(device.type)
        if device.type == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return preprocess(preprocessing, image, device)

    monkeypatch.setattr(_one_micrograph, "preprocess_on", fails_on_a_gpu)
    monkeypatch.setattr(_one_micrograph, "release_memory", lambda device: None)
    with pytest.warns(UserWarning, match="cuda ran out of memory for 'a.mrc'"):
        done = pipeline._preprocess_on(image, torch.device("cuda"), "a.mrc")
    assert devices == ["cuda", "cpu"]
    expected = pipeline.read(simulated.micrographs[4], 0)
    np.testing.assert_array_equal(done.values, expected.values)


def test_a_score_equal_to_the_threshold_is_not_picked(fitted, pipeline, simulated):
    """As documented, picks are above the threshold, whichever way leads to them."""
    image = pipeline.read(simulated.micrographs[4], 0)
    every_one = pipeline.pick(image, -np.inf)
    for k in (0, 3, len(every_one) - 1):
        score = every_one[k, 2]
        above = every_one[every_one[:, 2] > score]
        assert len(above) < len(every_one)
        np.testing.assert_array_equal(pipeline.pick(image, score), above)
        judged, expected = pipeline.pick_and_judge(image, score, 1.0)
        np.testing.assert_array_equal(judged, above)
        assert expected["n_picks"] == len(above)
        (predicted,) = fitted.predict(simulated.micrographs[4:5], score)
        np.testing.assert_array_equal(predicted, above)
        just_below = np.nextafter(np.float32(score), np.float32(-np.inf))
        assert pipeline.pick(image, just_below)[-1, 2] == score
