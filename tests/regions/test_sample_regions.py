import numpy as np
import pytest
from scipy.stats import chi2

from puclassify import GridImage, sample_regions
from puclassify.regions import positions_near


def within(image, xy, radius):
    """Brute force: every grid point within the radius, and the nearest one, of each position."""
    height, width = image.shape
    points = [(i, j) for i in range(height) for j in range(width)]
    places = image.to_micrograph([(j, i) for i, j in points])
    chosen = set()
    for position in xy:
        distance = np.hypot(*(places - position).T)
        chosen |= {points[k] for k in np.flatnonzero(distance <= radius)}
        scaled = np.hypot(*((places - position) / image.step_xy).T)
        chosen.add(points[int(np.argmin(scaled))])
    return sorted(chosen)


class TestPositive:
    @pytest.mark.parametrize("radius", [0.0, 0.4, 1.0, 2.5, 7.0])
    @pytest.mark.parametrize(
        ("step", "offset"), [(1.0, 0.0), (2.0, 0.5), ((1.5, 3.0), (-2.0, 4.0))]
    )
    def test_every_position_within_the_radius(self, radius, step, offset):
        rng = np.random.default_rng(0)
        image = GridImage(np.zeros((14, 17)), step=step, offset=offset)
        left, right, bottom, top = image.extent
        inside = rng.uniform([left, top], [right, bottom], size=(6, 2))
        edges = [[left, top], [right, bottom], [right, top]]
        for xy in (inside, np.array(edges) + 1e-6 * np.array([[1, 1], [-1, -1], [-1, 1]])):
            near = positions_near(image, xy, radius)
            assert [tuple(point) for point in near.tolist()] == within(image, xy, radius)

    def test_no_labels_give_no_positions(self):
        assert positions_near(GridImage(np.zeros((4, 5))), np.empty((0, 2)), 3.0).shape == (0, 2)

    def test_overlapping_labels_are_counted_once(self):
        labels = [np.array([[10.0, 10.0], [11.0, 10.0], [10.0, 10.0]])]
        regions, y = sample_regions([np.zeros((20, 20))], labels, n_unlabeled=0, radius=1.0)
        assert (y == 1).all()
        assert sorted(map(tuple, regions.xy.tolist())) == sorted(
            [(9, 10), (10, 10), (11, 10), (12, 10), (10, 9), (11, 9), (10, 11), (11, 11)]
        )


class TestUnlabelled:
    def test_uniform_over_all_positions_including_particles(self):
        labels = [np.array([[2.0, 3.0]])]
        regions, y = sample_regions(
            [np.zeros((8, 5))], labels, n_unlabeled=20_000, radius=2.0, random_state=0
        )
        xy = regions.xy[y == 0].astype(int)
        counts = np.bincount(xy[:, 1] * 5 + xy[:, 0], minlength=40)
        assert len(counts) == 40
        statistic = np.sum((counts - 500) ** 2 / 500)
        assert chi2.ppf(0.001, 39) < statistic < chi2.ppf(0.999, 39)

    def test_the_number_of_regions_is_per_micrograph(self):
        micrographs = [np.zeros((30, 20)), np.zeros((8, 9)), np.zeros((10, 60))]
        labels = [np.array([[5.0, 5.0]]), [], np.array([[50.0, 3.0], [10.0, 8.0]])]
        regions, y = sample_regions(micrographs, labels, n_unlabeled=50, random_state=0)
        np.testing.assert_array_equal(np.bincount(regions.groups[y == 0]), [50, 50, 50])
        np.testing.assert_array_equal(np.bincount(regions.groups[y == 1], minlength=3), [1, 0, 2])
        for index, image in enumerate(micrographs):
            xy = regions.xy[(y == 0) & (regions.groups == index)]
            assert (xy.min(axis=0) >= 0).all()
            assert (xy.max(axis=0) <= np.array(image.shape[::-1]) - 1).all()
        assert (np.diff(regions.groups) >= 0).all()

    def test_they_lie_on_the_grid(self):
        image = GridImage(np.zeros((10, 12)), step=3.0, offset=1.0)
        regions, _ = sample_regions([image], [[]], n_unlabeled=100, random_state=0)
        np.testing.assert_array_equal(np.mod(regions.xy - 1.0, 3.0), 0)
        assert regions.xy[:, 0].max() == 34.0
        assert regions.xy[:, 1].max() == 28.0


class TestSeed:
    def test_it_decides(self):
        draws = [
            sample_regions([np.zeros((50, 50))], [[[3, 3]]], n_unlabeled=20, random_state=seed)[0]
            for seed in (0, 0, 1, np.random.RandomState(0))
        ]
        np.testing.assert_array_equal(draws[0].xy, draws[1].xy)
        np.testing.assert_array_equal(draws[0].xy, draws[3].xy)
        assert not np.array_equal(draws[0].xy, draws[2].xy)

    def test_the_global_state_is_left_alone(self):
        np.random.seed(0)  # noqa: NPY002
        before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
        sample_regions([np.zeros((50, 50))], [[[3, 3]]], random_state=0)
        after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
        np.testing.assert_equal(after, before)


class TestErrors:
    @pytest.mark.parametrize("n_unlabeled", [-1, 2.5, "many", None, True])
    def test_n_unlabeled(self, n_unlabeled):
        with pytest.raises(ValueError, match="n_unlabeled must be a whole number >= 0, got"):
            sample_regions([np.zeros((9, 9))], [[]], n_unlabeled=n_unlabeled)

    @pytest.mark.parametrize("radius", [-1, np.nan, np.inf, "wide", None])
    def test_radius(self, radius):
        with pytest.raises(ValueError, match="radius must be a number of stored pixels >= 0, got"):
            sample_regions([np.zeros((9, 9))], [[]], radius=radius)

    def test_lengths(self):
        with pytest.raises(ValueError, match="coordinates of 2 micrographs but there are 1"):
            sample_regions([np.zeros((9, 9))], [[], []])

    def test_a_single_micrograph(self):
        with pytest.raises(TypeError, match="put it in a list"):
            sample_regions(np.zeros((9, 9)), [[]])

    def test_labels_of_the_unbinned_micrograph(self):
        image = GridImage(np.zeros((64, 80)), name="mic1.mrc")
        labels = [np.array([[309.0, 200.0], [20.0, 31.0]])]
        message = (
            r"1 of 2 labels in coordinates .* 'mic1.mrc' reach x = 309, y = 200 .* 80 wide and 64 "
            r"high; .* binned 4 times less\? .*GridImage\(values, step=4\)"
        )
        with pytest.raises(ValueError, match=message):
            sample_regions([image], labels)
        binned = GridImage(np.zeros((64, 80)), step=4)  # what the message advises
        regions, _ = sample_regions([binned], labels, n_unlabeled=0)
        np.testing.assert_array_equal(regions.xy, [[20, 32], [308, 200]])

    def test_negative_coordinates(self):
        with pytest.raises(
            ValueError,
            match=r"outside .*; x must run to the right .* from the centre of the first pixel",
        ):
            sample_regions([np.zeros((64, 80))], [np.array([[-5.0, 3.0]])])

    def test_a_slip_of_the_mouse_is_left_out_with_a_warning(self):
        labels = np.column_stack([np.linspace(0, 79, 60), np.linspace(0, 63, 60)])
        labels[-1] = [84.0, 10.0]
        with pytest.warns(UserWarning, match="1 labels in coordinates lie outside"):
            regions, _ = sample_regions([np.zeros((64, 80))], [labels], n_unlabeled=0)
        assert len(regions) == 59


class TestRadii:
    """One radius for all micrographs, or one for each."""

    centre = np.array([[10.0, 12.0]])

    def n_labelled(self, radius):
        images = [np.zeros((30, 30))] * 2
        regions, y = sample_regions(
            images, [self.centre, self.centre], n_unlabeled=1, radius=radius, random_state=0
        )
        return np.bincount(regions.groups[y == 1]).tolist()

    def test_one_for_each_micrograph(self):
        assert self.n_labelled([1.0, 2.0]) == [5, 13]

    def test_one_for_all(self):
        assert self.n_labelled(1.0) == self.n_labelled([1.0, 1.0]) == [5, 5]

    def test_refuses_another_number_of_them(self):
        with pytest.raises(ValueError, match="radius holds 3 numbers for 2 micrographs"):
            self.n_labelled([1.0, 2.0, 3.0])

    def test_refuses_a_negative_one(self):
        with pytest.raises(ValueError, match="radius must be a number of stored pixels >= 0, got"):
            self.n_labelled([1.0, -2.0])
