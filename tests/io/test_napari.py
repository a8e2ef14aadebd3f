"""Layers of points: tuples in the layout that napari documents, and its own class if installed."""

import numpy as np
import pandas as pd
import pytest

from puclassify import GridImage
from puclassify.io import CoordinateTable, from_napari, match_coordinates, to_napari

PICKS = {
    "a.mrc": np.array([[10.0, 20.0, 1.5], [3.25, 4.0, -1.0]]),
    "b.mrc": np.empty((0, 3)),
    "c.mrc": np.array([[7.0, 8.0, 0.25]]),
}
# A score for every point; rows of a stack are number of the image, y and x.
STACK = [[0, 20.0, 10.0], [0, 4.0, 3.25], [2, 8.0, 7.0]]


class Layer:
    """What a layer of napari offers to plugins."""

    def __init__(self, data, kind="points", **options):
        self.state = (data, options, kind)

    def as_layer_data_tuple(self):
        return self.state


def assert_same(table, expected=PICKS):
    found = table.by_micrograph()
    filled = {name: rows.tolist() for name, rows in expected.items() if len(rows)}
    assert {name: rows.tolist() for name, rows in found.items()} == filled


class TestToNapari:
    def test_one_micrograph_is_row_and_column(self):
        data, options, kind = to_napari(PICKS["a.mrc"], particle_diameter=30)
        assert data.tolist() == [[20.0, 10.0], [4.0, 3.25]]
        assert kind == "points"
        assert options["size"] == 30.0
        assert options["features"] == {"score": [1.5, -1.0]}

    @pytest.mark.parametrize(
        "picks",
        [
            PICKS,
            list(PICKS.values()),
            [rows if len(rows) else None for rows in PICKS.values()],
            [pd.DataFrame(rows, columns=["x", "y", "score"]) for rows in PICKS.values()],
            CoordinateTable.from_arrays(PICKS),
            CoordinateTable.from_arrays(dict(reversed(PICKS.items()))).to_frame(),
            {f"Movies/{name}": rows for name, rows in reversed(PICKS.items())},
        ],
        ids=["mapping", "arrays", "None", "frames", "table", "frame", "other names"],
    )
    def test_a_stack_has_its_number_in_front(self, picks):
        data, options, _ = to_napari(picks, list(PICKS))
        assert data.tolist() == STACK
        assert options["features"]["score"] == [1.5, -1.0, 0.25]
        assert options["features"]["image_name"] == ["a.mrc", "a.mrc", "c.mrc"]
        assert options["metadata"]["micrographs"] == list(PICKS)

    def test_order_of_a_mapping_is_that_of_the_stack(self):
        assert to_napari(PICKS)[0].tolist() == STACK

    def test_further_columns_and_options(self):
        table = CoordinateTable(["m"], np.array([[1.0, 2.0]]), {"label": ["top"]})
        _, options, _ = to_napari(table, name="mine", metadata={"by": "me"}, symbol="ring")
        assert options["features"]["label"] == ["top"]
        assert (options["name"], options["symbol"]) == ("mine", "ring")
        assert options["metadata"] == {"by": "me", "micrographs": ["m"]}

    def test_bad_input(self):
        with pytest.raises(ValueError, match="for 3 micrographs, micrographs 2"):
            to_napari(list(PICKS.values()), ["a.mrc", "b.mrc"])
        with pytest.raises(ValueError, match="micrographs must differ"):
            to_napari(list(PICKS.values()), ["a.mrc"] * 3)
        with pytest.raises(ValueError, match="particle_diameter must be a positive number"):
            to_napari(PICKS, particle_diameter=0)
        with pytest.raises(ValueError, match="none of the 3 names"):
            to_napari(PICKS, ["d.mrc"])


class TestFromNapari:
    @pytest.mark.parametrize("make", [lambda *parts: parts, lambda d, o, k: Layer(d, k, **o)])
    def test_points_of_a_stack(self, make):
        options = {"features": pd.DataFrame({"score": [1.5, -1.0, 0.25], "kind": ["u", "v", "w"]})}
        table = from_napari(make(np.array(STACK), options, "points"), list(PICKS))
        assert_same(table)
        assert table.columns == {"kind": ["u", "v", "w"]}
        assert list(table.micrographs) == list(PICKS)

    @pytest.mark.parametrize("key", ["features", "properties"])
    def test_older_layers_have_properties(self, key):
        layer = (np.array(STACK), {key: {"score": np.array([1.5, -1.0, 0.25])}}, "points")
        assert_same(from_napari(layer, list(PICKS)))

    def test_there_and_back(self):
        assert_same(from_napari(to_napari(PICKS)))
        assert_same(from_napari(to_napari(PICKS, list(PICKS))))
        one = from_napari(to_napari(PICKS["a.mrc"], "a.mrc"))
        assert_same(one, {"a.mrc": PICKS["a.mrc"]})
        assert_same(from_napari(to_napari(PICKS["a.mrc"]), "a.mrc"), {"a.mrc": PICKS["a.mrc"]})

    def test_a_layer_for_each(self):
        layers = [to_napari(rows) for rows in PICKS.values()]
        assert_same(from_napari(layers, list(PICKS)))

    def test_place_in_the_stack_comes_before_a_copied_name(self):
        """A point that was added by hand: napari gives it features of others."""
        features = {"image_name": ["a.mrc", "a.mrc"]}
        table = from_napari(
            (np.array([[0, 1, 2], [1, 3, 4]]), {"features": features}, "points"), ["a", "b"]
        )
        assert table.names == ["a", "b"]

    def test_unnamed_stack_has_the_names_of_arrays(self):
        table = from_napari((np.array(STACK), {}, "points"))
        micrographs = [np.zeros((30, 30))] * 3
        assert [len(one) for one in match_coordinates(table, micrographs)] == [2, 0, 1]

    def test_micrographs_of_any_kind(self):
        image = GridImage(np.zeros((30, 30)), name="third")
        table = from_napari((np.array(STACK), {}, "points"), ["x/a.mrc", np.zeros((9, 9)), image])
        assert table.names == ["x/a.mrc", "x/a.mrc", "third"]

    def test_some_scores(self):
        layer = to_napari(PICKS)
        layer[1]["features"]["score"][1] = np.nan
        with pytest.warns(UserWarning, match="1 of 3 points have no score"):
            table = from_napari(layer)
        assert table.values.tolist() == [[10.0, 20.0], [3.25, 4.0], [7.0, 8.0]]

    def test_no_points(self):
        table = from_napari((np.empty((0, 2)), {}, "points"), "a.mrc")
        assert (table.names, table.values.shape, table.micrographs) == ([], (0, 2), ("a.mrc",))

    def test_another_scale_than_the_image(self):
        """Points in ångström over an image of 1.5 Å per pixel that begins at 3 Å."""
        image = (np.zeros((9, 9)), {"scale": (1.5, 1.5), "translate": [3.0, 3.0]}, "image")
        table = from_napari((np.array([[6.0, 9.0]]), {}, "points"), "m", image=image)
        assert table.values.tolist() == [[4.0, 2.0]]
        scaled = (np.array([[2.0, 4.0]]), {"scale": [1.5, 1.5], "translate": [3.0, 3.0]}, "points")
        assert from_napari(scaled, "m", image=image).values.tolist() == [[4.0, 2.0]]
        stack = (np.array([[1, 6.0, 9.0]]), {}, "points")
        assert from_napari(stack, ["l", "m"], image=image).by_micrograph()["m"].tolist() == [[4, 2]]

    @pytest.mark.parametrize(
        ("layer", "error", "message"),
        [
            ((np.zeros((2, 2)), {}, "shapes"), TypeError, "got a layer of shapes"),
            (Layer(np.zeros((9, 9)), "image"), TypeError, "got a layer of image"),
            (np.zeros((2, 2)), TypeError, "must be a Points layer .* got ndarray"),
            ((np.zeros((2, 2)),), TypeError, "got tuple"),
            ((np.zeros((2, 4)), {}, "points"), ValueError, r"shape \(2, 4\)"),
            ((np.array([[1.0, np.nan]]), {}, "points"), ValueError, "point 0 of the layer is"),
            ((np.array([[5, 1, 2]]), {}, "points"), ValueError, "no image of the stack.*image 5"),
            ((np.array([[-1, 1, 2]]), {}, "points"), ValueError, "1 points lie on no image"),
            ((np.zeros((2, 2)), {}, "points"), ValueError, "one image, but there are 2 microg"),
            (
                (np.zeros((2, 3)), {"features": {"score": [1.0]}}, "points"),
                ValueError,
                "features of other lengths than its 2 points",
            ),
        ],
    )
    def test_bad_layers(self, layer, error, message):
        with pytest.raises(error, match=message):
            from_napari(layer, ["a", "b"])

    def test_nothing_names_the_micrograph(self):
        with pytest.raises(ValueError, match=r"does not name the micrograph.*pass micrographs="):
            from_napari((np.zeros((2, 2)), {}, "points"))

    def test_number_of_layers(self):
        with pytest.raises(ValueError, match="holds 2 layers, micrographs 1 names"):
            from_napari([to_napari(PICKS["a.mrc"])] * 2, "a")

    def test_turned_layers(self):
        layer = (np.zeros((1, 2)), {"rotate": [[0, -1], [1, 0]]}, "points")
        image = (np.zeros((9, 9)), {"scale": [2, 2]}, "image")
        with pytest.raises(ValueError, match=r"layer has rotate=.*not taken into account"):
            from_napari(layer, "m", image=image)


@pytest.fixture
def layers():
    return pytest.importorskip("napari.layers")


class TestTheirClass:
    def test_stack_there_and_back(self, layers):
        data, options, _ = to_napari(PICKS, particle_diameter=30)
        points = layers.Points(data, **options)
        assert points.ndim == 3
        assert points.size.tolist() == [30.0] * 3
        assert list(points.features["score"]) == [1.5, -1.0, 0.25]
        assert_same(from_napari(points))
        assert_same(from_napari(points.as_layer_data_tuple()))

    def test_one_image(self, layers):
        data, options, _ = to_napari(PICKS["a.mrc"], "a.mrc")
        assert_same(from_napari(layers.Points(data, **options)), {"a.mrc": PICKS["a.mrc"]})

    def test_point_added_by_hand(self, layers):
        data, options, _ = to_napari(PICKS)
        points = layers.Points(data, **options)
        points.add([[1, 5.0, 6.0]])
        with pytest.warns(UserWarning, match="1 of 4 points have no score"):
            found = from_napari(points).by_micrograph()
        assert found["b.mrc"].tolist() == [[6.0, 5.0]]

    def test_drawn_on_an_image_of_another_scale(self, layers):
        image = layers.Image(np.zeros((20, 20)), scale=[1.5, 1.5], translate=[3, 3])
        points = layers.Points(np.array([[6.0, 9.0]]))
        found = from_napari(points, "m", image=image)
        expected = image.world_to_data(points.data_to_world([6.0, 9.0]))
        assert found.values[0].tolist() == list(expected)[::-1]

    def test_other_layers_are_refused(self, layers):
        with pytest.raises(TypeError, match="got a layer of image"):
            from_napari(layers.Image(np.zeros((9, 9))), "m")
