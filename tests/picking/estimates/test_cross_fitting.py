import numpy as np
import pytest

from puclassify.picking.estimates._chance import LabelMover
from puclassify.picking.estimates._cross_fitting import HeldOutScores, _scores, held_out_scores


class Recorder:
    """Trains nothing: candidates lie on all particles; the training data are recorded."""

    def __init__(self, candidates):
        self.candidates, self.trained = candidates, []

    def __call__(self, parts):
        for images, labels in parts:
            self.trained.append((list(images), [xy.tolist() for xy in labels]))
        return [lambda image: self.candidates[image] for _ in parts]


class Nearby(LabelMover):
    """Moves every label between the candidates of the world, but the first, which is left out."""

    def __call__(self, image, labels, others):
        places = np.repeat(labels[:, None] + 25.0, 150, axis=1)
        places[:1] = np.nan
        return places


nearby = Nearby(10.0, 5.0, np.random.RandomState(0))


@pytest.fixture
def world():
    """Six micrographs (numbers) of 20 candidates each; the labels are some of them."""
    rng = np.random.default_rng(0)
    candidates = []
    for _ in range(6):
        xy = np.stack(np.meshgrid(np.arange(5) * 50.0, np.arange(4) * 50.0), -1).reshape(-1, 2)
        score = np.sort(rng.normal(size=20))[::-1]
        candidates.append(np.column_stack([xy, score]))
    labels = [candidates[i][:n, :2] + 2.0 for i, n in enumerate([6, 0, 3, 1, 4, 2])]
    return candidates, labels


class TestHeldOut:
    def test_no_label_is_scored_by_a_scorer_trained_on_it(self, world):
        candidates, labels = world
        train = Recorder(candidates)
        scores = held_out_scores(train, range(6), labels, 5.0, np.random.RandomState(0), nearby)
        (one, _), (other, _) = train.trained
        assert sorted(one + other) == list(range(6))
        by_half = [sum(len(labels[i]) for i in half) for half in (one, other)]
        assert abs(by_half[0] - by_half[1]) <= 4
        expected = np.concatenate([c[: len(xy), 2] for c, xy in zip(candidates, labels)])
        np.testing.assert_array_equal(np.sort(scores.label_scores), np.sort(expected))
        assert len(scores.candidate_scores) == 120
        assert (np.diff(scores.candidate_scores) >= 0).all()
        assert (scores.n_scorings, scores.n_trained_on) == (1, 0)
        assert len(scores.chance.at_labels) == len(expected) - 5  # micrographs with labels
        assert scores.chance.labels_mean_something

    def test_labels_of_one_micrograph_are_split(self, world):
        candidates, labels = world
        labels = [labels[0] if i == 0 else labels[1] for i in range(6)]
        train = Recorder(candidates)
        scores = held_out_scores(train, range(6), labels, 5.0, np.random.RandomState(0), nearby)
        halves = [np.array(trained[1][0]) for trained in train.trained]
        assert [len(half) for half in halves] == [3, 3]
        assert {tuple(xy) for half in halves for xy in half} == {tuple(xy) for xy in labels[0]}
        np.testing.assert_array_equal(np.sort(scores.label_scores), np.sort(candidates[0][:6, 2]))
        # Every micrograph twice, without the candidates on labels that were trained on.
        assert len(scores.candidate_scores) == 2 * 120 - 6
        assert (scores.n_scorings, scores.n_trained_on) == (2, 6)
        assert scores.in_micrographs(2 * 50 - 6) == 50

    @pytest.mark.parametrize(
        ("n_labels", "are_split"), [([12, 1], True), ([6, 2], False), ([9, 2], True)]
    )
    def test_most_labels_on_one_micrograph(self, world, n_labels, are_split):
        candidates, _ = world
        labels = [c[:n, :2] for c, n in zip(candidates, n_labels)]
        train = Recorder(candidates)
        scores = held_out_scores(train, range(2), labels, 5.0, np.random.RandomState(0), nearby)
        assert scores.n_scorings == 1 + are_split
        trained_on = [sum(map(len, xy)) for _, xy in train.trained]
        assert sum(trained_on) == sum(n_labels) == len(scores.label_scores)
        assert min(trained_on) >= sum(n_labels) // 4

    def test_a_label_without_a_candidate(self):
        candidates = np.array([[0.0, 0.0, 3.0], [50.0, 0.0, 1.0]])
        labels = np.array([[1.0, 0.0], [0.0, 90.0]])
        label_scores, candidate_scores = _scores(candidates, labels, 5.0)
        np.testing.assert_array_equal(label_scores, [3.0, -np.inf])
        np.testing.assert_array_equal(candidate_scores, candidates)
        held_out, others = _scores(candidates, labels, 5.0, np.array([False, True]))
        np.testing.assert_array_equal(held_out, [-np.inf])
        np.testing.assert_array_equal(others, candidates[1:])


class TestRanks:
    def test_are_kept_among_other_candidates(self):
        ranked = np.arange(100.0)
        scores = HeldOutScores(np.array([9.5, 89.5, 500.0, -np.inf]), ranked, None)
        carried = scores.at_same_ranks(np.exp(ranked / 10))
        np.testing.assert_allclose(carried, [np.exp(1.0), np.exp(9.0), np.exp(9.9), -np.inf])
        twice = scores.at_same_ranks(np.repeat(ranked, 2))
        np.testing.assert_allclose(twice, [10, 90, 99, -np.inf])
