import numpy as np
import pytest

from puclassify.metrics import (
    PickMatches,
    match_picks,
    pick_average_precision_score,
    pick_precision_recall_curve,
    pick_precision_recall_fscore,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def greedy_by_hand(truth, picks, radius):
    """The definition, for distinct scores: best pick first, each takes the nearest free truth."""
    taken = set()
    index, distance = np.full(len(picks), -1), np.full(len(picks), np.inf)
    for i in sorted(range(len(picks)), key=lambda i: -picks[i, 2]):
        apart = [
            (np.hypot(*(picks[i, :2] - xy)), j) for j, xy in enumerate(truth) if j not in taken
        ]
        near = [pair for pair in apart if pair[0] <= radius]
        if near:
            distance[i], index[i] = min(near)
            taken.add(int(index[i]))
    return index, distance


class TestAgainstTheDefinition:
    @pytest.mark.parametrize("radius", [0.0, 3.0, 10.0, 25.0, 1000.0])
    def test_random_micrographs(self, rng, radius):
        truths = [rng.uniform(0, 100, (k, 2)) for k in (0, 1, 30, 30, 12)]
        picks = [
            np.column_stack([rng.uniform(0, 100, (m, 2)), rng.permutation(m)])
            for m in (5, 0, 40, 10, 60)
        ]
        for truth, pick, match in zip(truths, picks, match_picks(truths, picks, radius)):
            index, distance = greedy_by_hand(truth, pick, radius)
            np.testing.assert_array_equal(match.truth_index, index)
            np.testing.assert_allclose(match.distance, distance)

    def test_on_a_lattice_where_distances_equal_the_radius(self, rng):
        lattice = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
        picks = np.column_stack([rng.permutation(lattice)[:20], np.zeros(20)])
        for radius in (1.0, np.sqrt(2), np.sqrt(5), np.sqrt(13), 5.0):
            picks[:, :2] = lattice[:1] + [2.0, 3.0]
            (match,) = match_picks([lattice], [picks[:1]], radius)
            assert match.truth_index[0] >= 0
            far = lattice[np.isclose(np.hypot(*(lattice - [2.0, 3.0]).T), radius)]
            (match,) = match_picks([far], [np.repeat(picks[:1], len(far), axis=0)], radius)
            assert (match.truth_index >= 0).all()
            (match,) = match_picks([far], [picks[:1]], radius * 0.999)
            assert match.truth_index.tolist() == [-1]


class TestByHand:
    def test_best_pick_goes_first_and_a_second_gets_nothing(self):
        truth = [[10.0, 10.0]]
        picks = [[10.0, 10.0, 1.0], [13.0, 10.0, 2.0]]
        (match,) = match_picks([truth], [picks], 5.0)
        assert match.truth_index.tolist() == [-1, 0]
        assert match.distance.tolist() == [np.inf, 3.0]

    def test_a_pick_whose_nearest_is_taken_gets_the_next(self):
        truth = [[0.0, 0.0], [6.0, 0.0]]
        picks = [[1.0, 0.0, 2.0], [2.0, 0.0, 1.0]]
        (match,) = match_picks([truth], [picks], 5.0)
        assert match.truth_index.tolist() == [0, 1]
        assert match.distance.tolist() == [1.0, 4.0]

    def test_greedy_is_not_the_largest_matching(self):
        truth = [[0.0, 0.0], [8.0, 0.0]]
        picks = [[3.0, 0.0, 2.0], [-3.0, 0.0, 1.0]]
        (match,) = match_picks([truth], [picks], 5.0)
        assert match.truth_index.tolist() == [0, -1]

    def test_micrographs_are_kept_apart(self):
        truth = [[[5.0, 5.0]], []]
        picks = [np.empty((0, 3)), [[5.0, 5.0, 1.0]]]
        matches = match_picks(truth, picks, 5.0)
        assert [match.truth_index.tolist() for match in matches] == [[], [-1]]

    def test_result_type(self):
        matches = match_picks([[], []], [[], []], 5.0)
        assert matches.dtype == object
        assert matches.shape == (2,)
        assert all(isinstance(match, PickMatches) for match in matches)
        assert matches[0].truth_index.dtype.kind == "i"


class TestTies:
    def test_closest_pair_first_among_equal_scores(self):
        truth = [[0.0, 0.0]]
        picks = [[3.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 4.0, 2.0]]
        (match,) = match_picks([truth], [picks[:2]], 5.0)
        assert match.truth_index.tolist() == [-1, 0]
        (match,) = match_picks([truth], [picks], 5.0)
        assert match.truth_index.tolist() == [-1, -1, 0]

    def test_equal_distances_go_to_the_smaller_y_then_x(self):
        truth = [[5.0, 9.0], [9.0, 5.0], [1.0, 5.0]]
        (match,) = match_picks([truth], [[[5.0, 5.0, 1.0]]], 5.0)
        assert match.truth_index.tolist() == [2]
        picks = [[5.0, 9.0], [9.0, 5.0], [1.0, 5.0], [5.0, 1.0]]
        (match,) = match_picks([[[5.0, 5.0]]], [picks], 5.0)
        assert match.truth_index.tolist() == [-1, -1, -1, 0]

    @pytest.mark.parametrize("scored", [True, False])
    def test_order_of_rows_is_irrelevant(self, rng, scored):
        truth = rng.integers(0, 12, (25, 2)).astype(float)
        truth = np.unique(truth, axis=0)
        picks = rng.integers(0, 12, (40, 2)).astype(float)
        picks = np.unique(picks, axis=0)
        if scored:
            picks = np.column_stack([picks, rng.integers(0, 3, len(picks))])

        def matched_pairs(truth, picks):
            (match,) = match_picks([truth], [picks], 3.0)
            return {(*pick, *truth[j]) for pick, j in zip(picks, match.truth_index) if j >= 0}

        expected = matched_pairs(truth, picks)
        assert len(expected) > 10
        for _ in range(5):
            shuffled = matched_pairs(rng.permutation(truth), rng.permutation(picks))
            assert shuffled == expected


class TestExchanged:
    TRUE = ([[1.0, 2.0], [30.0, 4.0]], [])
    PICKED = ([[1.0, 2.0, 0.5]], [[8.0, 9.0, 0.1]])

    @pytest.mark.parametrize(
        "metric",
        [
            match_picks,
            pick_average_precision_score,
            pick_precision_recall_curve,
            pick_precision_recall_fscore,
        ],
    )
    def test_scores_in_the_truth_only(self, metric):
        with pytest.raises(ValueError, match=r"y_true comes first: are they exchanged\? .*:, :2"):
            metric(self.PICKED, self.TRUE, 5.0)

    def test_what_may_be_right(self):
        match_picks(self.PICKED, self.PICKED, 5.0)
        match_picks(self.TRUE, self.TRUE, 5.0)
        match_picks([[[1.0, 2.0, 0.5]], [[8.0, 9.0]]], self.TRUE, 5.0)
        match_picks(self.PICKED, [[], []], 5.0)
        match_picks([[], []], self.TRUE, 5.0)


class TestListedTwice:
    @pytest.mark.parametrize(
        "metric",
        [
            match_picks,
            pick_average_precision_score,
            pick_precision_recall_curve,
            pick_precision_recall_fscore,
        ],
    )
    def test_one_warning(self, metric):
        truth = [[[5.0, 5.0]], [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]]
        message = "y_true lists 1 centres again .* the first ones in micrograph 1"
        with pytest.warns(UserWarning, match=message) as caught:
            metric(truth, [[[5.0, 5.0, 1.0]], [[1.0, 2.0, 1.0]]], 1.0)
        assert len(caught) == 1

    def test_picks_may_be(self):
        match_picks([[[1.0, 2.0]]], [[[1.0, 2.0], [1.0, 2.0]]], 1.0)


class TestInputs:
    def test_tables(self):
        pd = pytest.importorskip("pandas")
        truth = pd.DataFrame({"y": [1.0, 5.0], "x": [2.0, 9.0], "defocus": [1e4, 1e4]})
        picks = pd.DataFrame({"score": [0.1, 0.2], "x": [9.0, 2.0], "y": [5.0, 1.0]})
        (match,) = match_picks([truth], [picks], 0.5)
        assert match.truth_index.tolist() == [1, 0]
        (match,) = match_picks([truth], [picks[["y", "x"]]], 0.5)
        assert match.truth_index.tolist() == [1, 0]
        with pytest.raises(
            ValueError, match=r"y_pred\[0\] is a data frame without columns x and y"
        ):
            match_picks([truth], [picks[["score"]]], 0.5)

    def test_the_score_of_a_table_decides_the_order(self):
        """One particle between two picks: the one with the higher score gets it, not the nearer."""
        pd = pytest.importorskip("pandas")
        truth = pd.DataFrame({"x": [5.0], "y": [5.0]})
        picks = pd.DataFrame({"z": [7, 7], "score": [0.9, 0.1], "y": [5.0, 5.0], "x": [8.0, 6.0]})
        (match,) = match_picks([truth], [picks], 4.0)
        assert match.truth_index.tolist() == [0, -1]
        (match,) = match_picks([truth], [picks[["x", "y"]]], 4.0)
        assert match.truth_index.tolist() == [-1, 0]

    def test_object_arrays_and_stacks(self, rng):
        stack = rng.uniform(size=(2, 4, 2))
        ragged = np.empty(2, dtype=object)
        ragged[:] = [xy.tolist() for xy in stack]
        for match in match_picks(ragged, stack, 0.0):
            assert match.truth_index.tolist() == [0, 1, 2, 3]

    def test_score_of_the_truth_is_ignored(self):
        (match,) = match_picks([[[1.0, 2.0, 0.7]]], [[[1.0, 2.0, 3.0]]], 0.0)
        assert match.truth_index.tolist() == [0]

    @pytest.mark.parametrize(
        ("y_true", "y_pred", "radius", "error", "message"),
        [
            ([[]], [[], []], 1.0, ValueError, "y_true holds 1 micrographs but y_pred holds 2"),
            (
                np.zeros((3, 2)),
                [[]] * 3,
                1.0,
                ValueError,
                r"y_true\[0\] has shape \(2,\).*sequence",
            ),
            ([[]], [np.zeros((2, 4))], 1.0, ValueError, r"y_pred\[0\] has shape \(2, 4\)"),
            ([[[0, np.nan]]], [[]], 1.0, ValueError, r"y_true\[0\] holds .* in row 0"),
            ([[]], [[[0, 0, 1], [0, 0, np.nan]]], 1.0, ValueError, r"y_pred\[0\] .* in row 1"),
            ([[]], [[]], -1.0, ValueError, "radius must be a finite number .* got -1.0"),
            ([[]], [[]], np.nan, ValueError, "radius must be a finite number"),
            ([[]], [[]], None, ValueError, "radius must be a finite number of stored .* got None"),
            ({"mic1": []}, [[]], 1.0, TypeError, "y_true is a mapping"),
        ],
    )
    def test_errors(self, y_true, y_pred, radius, error, message):
        with pytest.raises(error, match=message):
            match_picks(y_true, y_pred, radius)
