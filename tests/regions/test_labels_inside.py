import numpy as np
import pytest

from puclassify import GridImage, sample_regions
from puclassify.preprocessing import FourierDownsample
from puclassify.regions import labels_inside


class TestInside:
    @pytest.mark.parametrize("factor", [1.0, 3.0, 8.0])
    def test_labels_on_any_stored_pixel_are_inside(self, factor):
        (image,) = FourierDownsample(factor).fit_transform([np.zeros((512, 480))])
        corners = np.array([[0, 0], [479, 0], [0, 511], [479, 511], [479.4, 511.4]], float)
        kept, n_outside = labels_inside([image], [corners])
        assert n_outside == 0
        assert np.array_equal(kept[0], corners)

    @pytest.mark.parametrize("outside", [(485.0, 100.0), (100.0, 516.5), (-7.0, 100.0)])
    def test_labels_beyond_the_stored_pixels_are_outside(self, outside):
        (image,) = FourierDownsample(8.0).fit_transform([np.zeros((512, 480))])
        with pytest.raises(ValueError, match="1 of 1 labels"):
            labels_inside([image], [np.array([outside])])

    def test_regions_at_the_far_edge_of_a_binned_micrograph(self):
        images = FourierDownsample(8.0).fit_transform([np.zeros((512, 512))])
        regions, y = sample_regions(images, [np.array([[509.0, 100.0]])], n_unlabeled=2)
        assert y.tolist() == [1, 0, 0]
        assert regions.xy[0].tolist() == [504.0, 96.0]


class TestGuess:
    def test_starts_from_the_step_that_the_image_came_with(self):
        image = GridImage(np.zeros((64, 64)), step=5.3, name="a.mrc")
        labels = [np.array([[1300.0, 20.0]])]
        with pytest.raises(ValueError, match=r"step=4\), .* GridImage\(values, step=4\)"):
            labels_inside([image], labels, steps=[(1.0, 1.0)])
        with pytest.raises(ValueError, match=r"GridImage\(values, step=\(8, 16\)\)"):
            labels_inside([image], labels, steps=[(2.0, 4.0)])
