import pytest
from sklearn.base import BaseEstimator, clone

from puclassify import NonMaximumSuppression, ParticlePicker, PUImageClassifier, RegionExtractor
from puclassify.base import PUBaseEstimator
from puclassify.losses import GEBinomialLoss
from puclassify.preprocessing import NormalizeMicrograph


class Engine(BaseEstimator):
    def __init__(self, power=1, fuel="petrol"):
        self.power = power
        self.fuel = fuel


class Boat(PUBaseEstimator):
    def __init__(self, engine=None, name="Ann"):
        self.engine = engine
        self.name = name

    def _default_component(self, name):
        return Engine() if name == "engine" and self.engine is None else None


class Fleet(PUBaseEstimator):
    def __init__(self, flagship=None):
        self.flagship = flagship

    def _default_component(self, name):
        return Boat() if name == "flagship" and self.flagship is None else None


class Buoy(PUBaseEstimator):
    def __init__(self, depth=10, chain=None):
        self.depth = depth
        self.chain = chain

    def _default_component(self, name):
        if name == "chain" and self.chain is None:
            return Engine(power=2 * self.depth, fuel="none")
        return None


class TestDocumentationLink:
    @pytest.mark.parametrize(
        ("estimator", "page"),
        [
            (PUImageClassifier(), "puclassify.PUImageClassifier"),
            (ParticlePicker(100), "puclassify.ParticlePicker"),
            (NonMaximumSuppression(3), "puclassify.NonMaximumSuppression"),
            (RegionExtractor(3), "puclassify.RegionExtractor"),
            (GEBinomialLoss(), "puclassify.losses.GEBinomialLoss"),
            (NormalizeMicrograph(), "puclassify.preprocessing.NormalizeMicrograph"),
        ],
        ids=lambda part: part if isinstance(part, str) else "",
    )
    def test_it_is_the_page_of_the_name_that_users_import(self, estimator, page):
        link = f"https://puclassify.readthedocs.io/en/latest/generated/{page}.html"
        assert estimator._get_doc_link() == link
        assert link in estimator._repr_html_()

    def test_classes_of_others_have_none(self):
        class Own(PUBaseEstimator):
            pass

        assert Own()._get_doc_link() == ""


class TestDefaultComponents:
    def test_nested_names_of_a_default_are_listed(self):
        assert Boat().get_params() == {
            "engine": None,
            "name": "Ann",
            "engine__power": 1,
            "engine__fuel": "petrol",
        }
        assert Boat().get_params(deep=False) == {"engine": None, "name": "Ann"}

    def test_so_are_those_of_a_component_that_is_there(self):
        engine = Engine(power=7)
        params = Boat(engine).get_params()
        assert params["engine"] is engine
        assert params["engine__power"] == 7

    def test_setting_one_stores_a_fresh_default(self):
        boat, other = Boat(), Boat()
        assert boat.set_params(engine__power=5) is boat
        assert (boat.engine.power, boat.engine.fuel) == (5, "petrol")
        assert other.engine is None
        assert clone(boat).engine is not boat.engine
        assert clone(boat).engine.power == 5

    def test_setting_one_of_a_component_that_is_there_keeps_it(self):
        engine = Engine(fuel="steam")
        boat = Boat(engine).set_params(engine__power=5)
        assert boat.engine is engine
        assert (engine.power, engine.fuel) == (5, "steam")

    def test_a_component_set_along_with_its_parameters_comes_first(self):
        boat = Boat().set_params(engine__power=5, engine=Engine(fuel="steam"), name="Bea")
        assert (boat.engine.power, boat.engine.fuel, boat.name) == (5, "steam", "Bea")
        boat.set_params(engine__power=6, engine=None)
        assert (boat.engine.power, boat.engine.fuel) == (6, "petrol")

    def test_defaults_within_defaults(self):
        fleet = Fleet()
        assert fleet.get_params()["flagship__engine__power"] == 1
        fleet.set_params(flagship__engine__power=9, flagship__name="Cleo")
        assert (fleet.flagship.engine.power, fleet.flagship.name) == (9, "Cleo")

    def test_round_trip_of_all_parameters(self):
        fleet = Fleet().set_params(flagship__engine__power=9)
        other = Fleet().set_params(**fleet.get_params())
        assert other.get_params()["flagship__engine__power"] == 9

    def test_names_that_do_not_exist(self):
        with pytest.raises(ValueError, match="Invalid parameter 'colour' for estimator Boat"):
            Boat().set_params(colour=1)
        with pytest.raises(ValueError, match="Invalid parameter 'mast' for estimator Boat"):
            Boat().set_params(mast__height=1)
        with pytest.raises(ValueError, match="Invalid parameter 'torque' for estimator Engine"):
            Boat().set_params(engine__torque=1)

    def test_a_value_without_parameters(self):
        with pytest.raises(ValueError, match=r"\['engine__power'\] cannot be set: engine='oars'"):
            Boat("oars").set_params(engine__power=1)
        with pytest.raises(ValueError, match=r"\['name__length'\] cannot be set: name='Ann'"):
            Boat().set_params(name__length=1)

    def test_a_stored_component_is_complete_and_made_from_what_is_set_along_with_it(self):
        buoy = Buoy().set_params(chain__fuel="rust", depth=7)
        assert buoy.chain.get_params() == {"power": 14, "fuel": "rust"}

    @pytest.mark.parametrize(
        "estimator", [NormalizeMicrograph(clip=3.0), GEBinomialLoss(slack=2.0)], ids=repr
    )
    def test_estimators_without_default_components_are_as_in_scikit_learn(self, estimator):
        own = BaseEstimator.get_params(estimator)
        assert estimator.get_params() == own
        assert clone(estimator).set_params(**own).get_params() == own
        name = next(iter(own))
        with pytest.raises(ValueError, match=rf"\['{name}__b'\] cannot be set: {name}=.* has no"):
            estimator.set_params(**{f"{name}__b": 1})

    def test_nothing_set_nothing_changed(self):
        boat = Boat()
        assert boat.set_params() is boat
        assert boat.engine is None
