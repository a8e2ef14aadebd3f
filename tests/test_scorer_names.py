import subprocess
import sys

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import _scorer, get_scorer, get_scorer_names
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.discovery import all_estimators, all_functions

from puclassify._scorer_names import SCORER_NAMES, _constraints_of, register_scorers
from puclassify.model_selection import make_pu_scorer

MOVED = "scikit-learn has moved its {}: adapt puclassify/_scorer_names.py"


def always_half(estimator, X, y):
    return 0.5


@pytest.fixture
def scorers(monkeypatch):
    """Leave scikit-learn's names as they were."""
    monkeypatch.setattr(_scorer, "_SCORERS", dict(_scorer._SCORERS))


class TestInsidesOfScikitLearn:
    """What `register_scorers` relies on and no public interface promises."""

    def test_dictionary_of_scorers(self):
        scorers = getattr(_scorer, "_SCORERS", None)
        assert isinstance(scorers, dict), MOVED.format("dictionary of scorers")
        assert sorted(scorers) == get_scorer_names(), MOVED.format("dictionary of scorers")

    @pytest.mark.parametrize("user", [GridSearchCV, cross_val_score], ids=["class", "function"])
    def test_copies_of_the_names(self, user):
        assert list(_constraints_of(user)), MOVED.format("constraints of scoring")

    def test_every_copy_has_the_names(self):
        users = dict(all_estimators() + all_functions())
        lists = {name: list(_constraints_of(user)) for name, user in users.items()}
        lists = {name: found for name, found in lists.items() if found}
        assert len(lists) > 10
        lacking = [n for n, (found, *_) in lists.items() if "neg_pu_risk" not in found.options]
        assert not lacking, MOVED.format("constraints of scoring")


@pytest.mark.usefixtures("scorers")
def test_a_name_is_known_to_searches_that_were_imported_before():
    assert register_scorers(lambda name: always_half, ("pu_always_half",))
    assert get_scorer("pu_always_half") is always_half
    X, y = [[0.0], [1.0]] * 5, [0, 1] * 5
    found = cross_val_score(LogisticRegression(), X, y, scoring="pu_always_half")
    assert found.tolist() == [0.5] * 5


def test_another_scikit_learn_only_lacks_the_names(monkeypatch):
    monkeypatch.delattr(_scorer, "_SCORERS")
    assert not register_scorers(lambda name: always_half, ("pu_always_half",))


@pytest.mark.parametrize("name", SCORER_NAMES)
def test_every_name_stands_for_its_scorer(name):
    scorer = get_scorer(name)
    assert repr(scorer) == repr(make_pu_scorer(name))
    assert scorer is not get_scorer(name)


def test_every_metric_has_a_name():
    from puclassify.model_selection._pu_scorer import _METRICS, _scorer_name

    assert sorted(SCORER_NAMES) == sorted([*map(_scorer_name, _METRICS), "pu_risk"])


@pytest.mark.parametrize(
    "imports",
    [
        "from sklearn.feature_selection import RFECV; import puclassify",
        "import puclassify; from sklearn.feature_selection import RFECV",
        "import sklearn.metrics; import puclassify; from sklearn.feature_selection import RFECV",
        "import puclassify; import puclassify.metrics; from sklearn.feature_selection import RFECV",
    ],
    ids=["scikit-learn first", "puclassify first", "between", "after its metrics"],
)
def test_the_order_of_imports_does_not_matter(imports):
    code = f"""
import sys
{imports}
assert "sklearn.inspection" not in sys.modules
from sklearn.inspection import permutation_importance
from sklearn.svm import LinearSVC
X, y = [[0.0, 1.0], [1.0, 1.0]] * 50, [0, 1] * 50
selected = RFECV(LinearSVC(), scoring="pu_recall", cv=3).fit(X, y)
assert selected.n_features_ == 1
importance = permutation_importance(selected, X, y, scoring="pu_recall", random_state=0)
assert importance.importances_mean[0] > importance.importances_mean[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
