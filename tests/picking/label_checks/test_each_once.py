import numpy as np
import pytest

from puclassify.picking.label_checks import each_once


@pytest.fixture
def labels():
    grid = np.stack(np.meshgrid(np.arange(0, 300, 12.0), np.arange(0, 300, 12.0)), -1)
    return [grid.reshape(-1, 2)[:50], grid.reshape(-1, 2)[50:90]]


def test_labels_as_near_as_particles_stay(labels, recwarn):
    kept = each_once(labels, 24.0)
    for before, after in zip(labels, kept, strict=True):
        np.testing.assert_array_equal(after, before)
    assert not recwarn


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_labels_of_the_same_particle_count_once(labels, times, jitter):
    rng = np.random.default_rng(0)
    copies = [[xy + rng.uniform(-jitter, jitter, xy.shape) for xy in labels] for _ in range(times)]
    joined = [np.concatenate(parts) for parts in zip(*copies)]
    with pytest.warns(UserWarning, match=rf"{90 * (times - 1)} of {90 * times} labels.*left out"):
        kept = each_once(joined, 24.0)
    for first, after in zip(copies[0], kept, strict=True):
        np.testing.assert_array_equal(after, first)


def test_a_chain_keeps_every_second(labels):
    chain = np.column_stack([np.arange(0, 60, 6.0), np.zeros(10)])
    with pytest.warns(UserWarning, match="5 of 10 labels"):
        (kept,) = each_once([chain], 24.0)
    np.testing.assert_array_equal(kept, chain[::2])


def test_without_labels():
    (kept,) = each_once([np.empty((0, 2))], 24.0)
    assert kept.shape == (0, 2)
