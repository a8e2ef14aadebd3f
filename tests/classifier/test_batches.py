import numpy as np
import pytest

from puclassify._example_weights import ExampleWeights
from puclassify.classifier._batches import PUBatches
from puclassify.classifier._samples import PixelSource


def make_batches(n_labelled, n_unlabelled, *, seed=0, **changes):
    n = n_labelled + n_unlabelled
    positive = np.arange(n) < n_labelled
    options = {"batch_size": 32, "positive_fraction": None, "union": False} | changes
    source = PixelSource(np.arange(n, dtype=float)[:, None])  # a sample's feature is its number
    return PUBatches(source, np.arange(n), positive, rng=np.random.default_rng(seed), **options)


def epoch(batches):
    """Return lists of (positive rows, unlabelled rows) of one epoch."""
    parts = []
    for x, target in batches:
        numbers = x[:, 0].numpy().astype(int)
        parts.append((numbers[target.numpy() == 1], numbers[target.numpy() == 0]))
    return parts


class TestEpoch:
    @pytest.mark.parametrize("sizes", [(1, 1), (1, 500), (7, 333), (400, 20), (64, 64)])
    @pytest.mark.parametrize("batch_size", [2, 32, 256])
    def test_every_unlabelled_example_comes_exactly_once(self, sizes, batch_size):
        batches = make_batches(*sizes, batch_size=batch_size)
        seen = np.concatenate([unlabelled for _, unlabelled in epoch(batches)])
        np.testing.assert_array_equal(np.sort(seen), np.arange(sizes[0], sum(sizes)))

    @pytest.mark.parametrize("sizes", [(1, 1), (1, 500), (7, 333), (400, 20), (64, 64)])
    def test_every_batch_holds_positives_and_unlabelled(self, sizes):
        batches = make_batches(*sizes)
        parts = epoch(batches)
        assert len(parts) == len(batches)
        for positives, unlabelled in parts:
            assert len(positives) == batches.n_labelled >= 1
            assert len(unlabelled) >= 1
            assert positives.max() < sizes[0] <= unlabelled.min()

    def test_positives_are_cycled_evenly_across_epochs(self):
        batches = make_batches(7, 333)
        counts = np.zeros(7, dtype=int)
        for _ in range(5):
            for positives, _ in epoch(batches):
                counts += np.bincount(positives, minlength=7)
                assert np.ptp(counts) <= 1

    def test_many_positives_are_all_seen_over_some_epochs(self):
        batches = make_batches(400, 20)
        per_epoch = len(batches) * batches.n_labelled
        n_epochs = -(-400 // per_epoch)
        assert n_epochs > 1
        seen = [p for _ in range(n_epochs) for positives, _ in epoch(batches) for p in positives]
        assert set(seen) == set(range(400))

    def test_epochs_differ_but_seeds_repeat(self):
        first, same, other = (make_batches(20, 200, seed=seed) for seed in (0, 0, 1))
        orders = [
            [np.concatenate(part) for part in epoch(batches)]
            for batches in (first, same, other, first)
        ]
        flat = [np.concatenate(order) for order in orders]
        np.testing.assert_array_equal(flat[0], flat[1])
        assert not np.array_equal(flat[0], flat[2])
        assert not np.array_equal(flat[0], flat[3])


class TestQuota:
    @pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.75])
    @pytest.mark.parametrize("n_unlabelled", [640, 257, 1000])
    def test_positive_fraction_is_honoured(self, fraction, n_unlabelled):
        parts = epoch(make_batches(50, n_unlabelled, batch_size=64, positive_fraction=fraction))
        for positives, unlabelled in parts:
            n = len(positives) + len(unlabelled)
            assert n <= 64 + 1
            assert abs(len(positives) - fraction * n) <= 1

    def test_also_where_batches_come_out_smaller_than_asked_for(self):
        parts = epoch(make_batches(700, 33, batch_size=64, positive_fraction=0.5))
        assert sorted(len(unlabelled) for _, unlabelled in parts) == [16, 17]
        assert all(len(positives) == 16 for positives, _ in parts)

    @pytest.mark.parametrize(
        ("sizes", "expected"), [((10, 990), 0.1), ((300, 700), 0.3), ((900, 100), 0.5)]
    )
    def test_left_to_the_data_it_is_their_share_within_bounds(self, sizes, expected):
        parts = epoch(make_batches(*sizes, batch_size=100))
        n_labelled = sum(len(positives) for positives, _ in parts)
        n_all = sum(len(positives) + len(unlabelled) for positives, unlabelled in parts)
        assert n_labelled / n_all == pytest.approx(expected, abs=0.02)

    def test_a_rare_positive_still_has_its_share(self):
        parts = epoch(make_batches(5, 995, batch_size=256, positive_fraction=0.005))
        assert all(len(unlabelled) >= 190 for _, unlabelled in parts)


class TestSingleTrainingSet:
    def test_the_unlabelled_sample_is_everything(self):
        parts = epoch(make_batches(30, 170, union=True))
        seen = np.concatenate([unlabelled for _, unlabelled in parts])
        np.testing.assert_array_equal(np.sort(seen), np.arange(200))
        assert all(positives.max() < 30 for positives, _ in parts)


class TestBatchSize:
    @pytest.mark.parametrize("batch_size", [2, 3, 5, 6, 7, 17, 64])
    @pytest.mark.parametrize("fraction", [None, 0.05, 0.1, 0.3, 0.4, 0.5, 0.9])
    @pytest.mark.parametrize("sizes", [(3, 7), (20, 40), (50, 950)])
    def test_batches_are_never_larger_than_asked_for(self, sizes, batch_size, fraction):
        batches = make_batches(*sizes, batch_size=batch_size, positive_fraction=fraction)
        lengths = [len(targets) for _, targets in batches]
        assert max(lengths) <= batch_size
        assert min(lengths) >= 2

    def test_large_data_get_the_batch_size_asked_for(self):
        batches = make_batches(500, 4500, batch_size=256)
        assert len(batches) == 20  # 4500 / (0.9 * 256) = 19.5

    def test_small_data_are_cut_into_about_ten_steps(self):
        assert len(make_batches(30, 270, batch_size=256)) == 10
        assert len(make_batches(150, 150, batch_size=256)) == 10

    def test_but_not_into_batches_below_sixteen(self):
        assert len(make_batches(20, 20, batch_size=256)) == 3  # 20 / 8 = 2.5

    def test_a_smaller_batch_size_is_kept(self):
        sizes = [len(p) + len(u) for p, u in epoch(make_batches(50, 50, batch_size=4))]
        assert sizes == [4] * 25


class TestWeights:
    """Batches are those without; the weights of their examples come with the targets."""

    @pytest.mark.parametrize("union", [False, True])
    def test_are_those_of_the_examples_in_their_role(self, union):
        rng, positive = np.random.default_rng(0), np.arange(120) < 20
        given, e = rng.uniform(0.1, 1, (2, 120))
        weights = ExampleWeights.check(given, e, positive)
        plain = make_batches(20, 100, union=union)
        for (x, labels), (same, targets) in zip(
            plain, make_batches(20, 100, union=union, weights=weights), strict=True
        ):
            assert (same == x).all()
            assert (targets["target"] == labels).all()
            rows = x[:, 0].numpy().astype(int)
            found, labelled = targets["weights"].numpy(), labels.numpy() == 1
            for role, expected in ((labelled, given / e), (~labelled, given)):
                expected = expected[rows[role]] / expected[rows[role]][0]
                np.testing.assert_allclose(found[role] / found[role][0], expected, rtol=1e-6)
