import warnings

import numpy as np
import pytest
import torch

from puclassify import GridImage
from puclassify.picking._check_micrographs import warn_of_copies, without_constant


def images(n=4, shape=(80, 90)):
    rng = np.random.default_rng(0)
    return [
        GridImage(rng.normal(size=shape).astype(np.float32), name=f"mic{i}.mrc") for i in range(n)
    ]


class TestCopies:
    def test_others(self):
        others = images()
        others[1] = GridImage(np.array(others[0].values))
        others[1].values[3, 3] += 1  # in one pixel, of those that are not looked at first
        with warnings.catch_warnings(action="error"):
            warn_of_copies(others)

    @pytest.mark.parametrize("kind", [np.array, torch.from_numpy])
    def test_copies(self, kind):
        given = [GridImage(kind(image.values)) for image in images()]
        given.append(GridImage(kind(np.array(images()[2].values))))
        with pytest.warns(UserWarning, match="micrographs 2 and 4 .* are the same image"):
            warn_of_copies(given)


class TestConstant:
    labels = tuple(np.full((n, 2), 5.0) for n in (1, 2, 3, 4))

    def test_none(self):
        given = images()
        kept, labels = without_constant(given, self.labels)
        assert kept == given
        assert labels == list(self.labels)

    def test_some_are_left_out(self):
        given = images()
        given[1] = GridImage(np.zeros((80, 90)), name="dead.mrc")
        with pytest.warns(UserWarning, match=r"1 of 4 .* with their 2 labels: 1 \('dead.mrc'\)"):
            kept, labels = without_constant(given, self.labels)
        assert [image.name for image in kept] == ["mic0.mrc", "mic2.mrc", "mic3.mrc"]
        assert [len(xy) for xy in labels] == [1, 3, 4]

    def test_one_pixel_is_enough(self):
        given = images(1)
        given[0] = GridImage(np.zeros((80, 90)))
        given[0].values[3, 3] = 1.0
        assert len(without_constant(given, self.labels[:1])[0]) == 1

    def test_all_are_refused(self):
        given = [GridImage(np.ones((8, 8)), name=f"{i}.mrc") for i in range(7)]
        with pytest.raises(
            ValueError, match=r"all micrographs in X hold .*0 \('0.mrc'\).*, \.\.\."
        ):
            without_constant(given, [np.zeros((1, 2))] * 7)
