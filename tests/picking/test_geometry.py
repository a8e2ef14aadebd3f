import pickle

import numpy as np
import pytest
from sklearn.base import clone

from puclassify import GridImage, NonMaximumSuppression
from puclassify.picking._geometry import HalfDiameter, PickingGeometry, areas_in_medians


def image(*shape, step=1.0):
    return GridImage(np.broadcast_to(np.float32(0), shape), step=step)


def counted(shape, centres, radius, stride):
    """Fraction of the positions 0, stride, 2 stride, ... within the radius of a centre."""
    y, x = np.mgrid[: shape[0] : stride, : shape[1] : stride]
    distance = np.min([np.hypot(y - cy, x - cx) for cx, cy in centres], axis=0)
    return np.mean(distance <= radius)


class TestPrior:
    def test_is_the_fraction_of_positions_near_a_particle(self):
        rng = np.random.default_rng(0)
        centres = rng.uniform(20, 980, (60, 2))
        prior = PickingGeometry(80.0).prior([image(1000, 1000)], 4, 60)
        assert prior == pytest.approx(counted((1000, 1000), centres, 10.0, 4), rel=0.05)

    def test_small_micrographs_count_by_their_area(self):
        """A number of particles belongs to a micrograph of typical size, not to a crop."""
        whole = [image(512, 512)] * 3
        geometry = PickingGeometry(40.0)
        alone = geometry.prior(whole, 4, 40)
        assert geometry.prior([*whole, image(48, 48)], 4, 40) == pytest.approx(alone, rel=1e-6)
        assert geometry.prior([*whole, image(512, 1024)], 4, 40) == pytest.approx(alone, rel=1e-6)

    def test_does_not_depend_on_the_binning(self):
        geometry = PickingGeometry(160.0)
        fine = geometry.prior([image(1024, 1024)], 4, 20)
        binned = geometry.prior([image(256, 256, step=4.0)], 1, 20)
        assert binned == pytest.approx(fine, rel=1e-6)

    def test_every_particle_has_at_least_one_position(self):
        prior = PickingGeometry(8.0, label_radius=0.1).prior([image(400, 400)], 4, 50)
        assert prior == pytest.approx(50 / 100**2)

    def test_more_positives_than_half_are_refused(self):
        with pytest.raises(ValueError, match=r"expected_particles=600 cannot fit: .* cover 0\.72"):
            PickingGeometry(40.0).prior([image(256, 256)], 4, 600)
        with pytest.raises(ValueError, match="particles that cover a fifth"):
            PickingGeometry(40.0, label_radius=40.0).prior([image(256, 256)], 4, None)


class TestLabelRadius:
    def test_is_an_eighth_of_the_diameter_but_no_less_than_a_step(self):
        images = [image(64, 64, step=step) for step in (1.0, 4.0, (2.0, 6.0))]
        assert PickingGeometry(16.0).label_radii_on(images) == [2.0, 4.0, 4.0]
        assert PickingGeometry(80.0).label_radii_on(images) == [10.0, 10.0, 10.0]

    def test_can_be_given(self):
        images = [image(64, 64, step=step) for step in (1.0, 4.0)]
        assert PickingGeometry(16.0, label_radius=3).label_radii_on(images) == [3.0, 3.0]


def test_total_area_counts_stored_pixels():
    images = [image(100, 100), image(50, 50, step=2.0), image(100, 200)]
    assert areas_in_medians(images).sum() == 4.0


class TestHalfDiameter:
    def test_is_a_number_of_stored_pixels(self):
        assert HalfDiameter.of(60.0, 1.5) == 20.0
        assert repr(HalfDiameter.of(60.0, 1.5)) == "20.0"

    @pytest.mark.parametrize("lengths", [(60.0, "header"), ("60", 1.0), (-1.0, 1.0), (60.0, None)])
    def test_is_unknown_without_two_lengths(self, lengths):
        radius = HalfDiameter.of(*lengths)
        assert np.isnan(radius)
        with pytest.raises(ValueError, match=r"radius must be .* got <half the diameter>"):
            NonMaximumSuppression(radius).fit([])

    def test_survives_copies(self):
        suppression = NonMaximumSuppression(HalfDiameter.of(60.0, 1.5))
        for copy in (clone(suppression), pickle.loads(pickle.dumps(suppression))):
            assert isinstance(copy.radius, HalfDiameter)
            assert copy.radius == 20.0
