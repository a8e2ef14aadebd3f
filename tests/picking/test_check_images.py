import pytest
from sklearn.base import clone


class TestScoreMaps:
    def test_in_the_place_of_micrographs(self, fitted, simulated):
        micrographs, labels = simulated.micrographs, simulated.coordinates
        for method in (fitted.transform, fitted.predict_proba):
            maps = method(micrographs[-1:])
            for use in (fitted.predict, fitted.transform, lambda X: list(fitted.iter_predict(X))):
                with pytest.raises(TypeError, match=r"X holds a map of scores of 'mic_005\.mrc'"):
                    use(maps)
            with pytest.raises(TypeError, match="in the place of a micrograph"):
                fitted.score(maps, labels[-1:])
            with pytest.raises(TypeError, match="in the place of a micrograph"):
                clone(fitted).fit([*micrographs[:3], *maps], labels[:4])

    def test_micrographs_on_a_grid(self, fitted, simulated):
        (image,) = fitted.preprocessing_.transform(simulated.micrographs[-1:])
        fitted.predict([image])
