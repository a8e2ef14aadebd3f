"""What a picker estimates of its picks, on micrographs of which every particle is known."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from puclassify import GridImage, NonMaximumSuppression, ParticlePicker
from puclassify.datasets import label_particles, make_micrographs
from puclassify.io import read_coordinates
from puclassify.metrics import match_picks, pick_precision_recall_fscore
from puclassify.picking.scoring import _network_scorer

from .conftest import small_classifier, small_picker

N_TRAIN = 6


@pytest.fixture(scope="module")
def easy():
    return make_micrographs(
        9, shape=(256, 256), particles_per_micrograph=12, snr=1.0, contamination=0.0, random_state=7
    )


@pytest.fixture(scope="module")
def labels(easy):
    return label_particles(easy.coordinates[:N_TRAIN], 40, random_state=0)


@pytest.fixture(scope="module")
def fit(easy, labels):
    """Return a function that fits a picker from nothing but the labels."""

    def fit(y=labels, **params):
        settings = {
            "classifier": small_classifier(max_epochs=6, lr=3e-3),
            "threshold": "auto",
            "expected_particles": None,
        }
        picker = small_picker(easy, steps_per_epoch=12, **{**settings, **params})
        return picker.fit(easy.micrographs[:N_TRAIN], y)

    return fit


@pytest.fixture(scope="module")
def fitted_once(fit):
    """A picker that all tests share: change nothing in it, or use `picker`."""
    return fit(classifier=small_classifier(max_epochs=12, lr=3e-3))


@pytest.fixture
def picker(fitted_once):
    """A picker of the test's own."""
    return copy.deepcopy(fitted_once)


@pytest.fixture(scope="module")
def fit_soon(fit):
    """Return a function that fits a picker in a short training, for estimates of any quality."""
    return partial(fit, classifier=small_classifier(max_epochs=2))


@pytest.fixture(scope="module")
def fitted_soon(fit_soon):
    """A picker that all tests share: change nothing in it."""
    return fit_soon()


@pytest.fixture(scope="module")
def given_the_number(fit):
    """A picker that estimates nothing."""
    return fit(threshold=0.5, expected_particles=12)


class TestEstimates:
    def test_the_number_of_particles(self, picker, given_the_number, easy):
        truth = np.mean([len(xy) for xy in easy.coordinates[:N_TRAIN]])
        report = picker.threshold_report_
        assert abs(picker.expected_particles_ / truth - 1) < 0.25
        low, high = report["n_particles_interval"]
        assert low / 1.1 < truth < high * 1.1
        assert report["n_particles"] == picker.expected_particles_
        assert truth == given_the_number.expected_particles
        assert abs(picker.prior_ / given_the_number.prior_ - 1) < 0.25

    def test_the_quality_of_unseen_picks(self, picker, easy):
        unseen, truth = easy.micrographs[N_TRAIN:], easy.coordinates[N_TRAIN:]
        picks, quality = picker.predict(unseen, return_quality=True)
        radius = picker.matching_radius_
        precision, recall, f1 = pick_precision_recall_fscore(truth, picks, radius, threshold=-99)
        n_picks = quality["n_picks"]
        assert abs(np.average(quality["precision"], weights=n_picks) - precision) < 0.15
        assert abs(np.average(quality["recall"], weights=quality["n_particles"]) - recall) < 0.15
        assert f1 > 0.8
        np.testing.assert_array_equal(n_picks, [len(xy) for xy in picks])

    def test_quality_is_that_of_the_scores(self, picker, easy):
        unseen = easy.micrographs[N_TRAIN:]
        picks, quality = picker.predict(unseen, threshold=0.3, return_quality=True)
        for xy, precision in zip(picks, quality["precision"]):
            assert (xy[:, 2] > 0.3).all()
            assert precision == pytest.approx(expit(xy[:, 2]).mean())
        plain = picker.predict(unseen, threshold=0.3)
        for one, other in zip(picks, plain):
            np.testing.assert_array_equal(one, other)

    def test_quality_of_fewer_picks_than_could_be(self, fitted_soon, fit_soon, easy):
        radius, unseen = easy.particle_diameter / 2, easy.micrographs[N_TRAIN:]
        fewer = fit_soon(nms=NonMaximumSuppression(radius, max_picks=5))
        few, all_of_them = (
            picker.predict(unseen, return_quality=True) for picker in (fewer, fitted_soon)
        )
        assert [len(xy) for xy in few[0]] == [5] * len(unseen)
        np.testing.assert_array_equal(few[1]["n_particles"], all_of_them[1]["n_particles"])
        for row, (some, every) in enumerate(zip(few[0], all_of_them[0])):
            np.testing.assert_array_equal(some, every[:5])
            right = expit(some[:, 2]).sum()
            assert few[1]["precision"][row] == pytest.approx(right / 5)
            assert few[1]["recall"][row] == pytest.approx(right / few[1]["n_particles"][row])

    def test_written_picks_are_those_returned(self, picker, easy, tmp_path):
        names = ["first", "second"]
        unseen = [
            GridImage(np.asarray(pixels), name=name)
            for name, pixels in zip(names, easy.micrographs[N_TRAIN:])
        ]
        picks, _ = picker.predict(unseen, output=tmp_path, return_quality=True)
        assert not np.array_equal(*picks)
        for name, xy in zip(names, picks):
            written = read_coordinates(tmp_path / f"{name}_autopick.star")
            assert list(written) == [name]
            np.testing.assert_allclose(written[name], xy)


class TestCalibration:
    def test_everything_agrees_and_goes_back(self, picker, easy):
        slope, intercept = picker.calibration_
        assert slope > 0
        (image,) = picker.preprocessing_.transform(easy.micrographs[-1:])
        raw = picker._scorer.score_map(image).values.numpy()
        (scores,) = picker.transform(easy.micrographs[-1:])
        (probability,) = picker.predict_proba(easy.micrographs[-1:])
        np.testing.assert_allclose((scores.values - intercept) / slope, raw, atol=1e-4)
        np.testing.assert_allclose(probability.values, expit(scores.values))
        (picks,) = picker.predict(easy.micrographs[-1:], threshold=-np.inf)
        at = np.isin(picks[:, 2].astype(np.float32), scores.values)
        assert at.all()

    def test_a_number_estimates_nothing(self, given_the_number):
        assert given_the_number.calibration_ == (1.0, 0.0)
        assert given_the_number.threshold_ == 0.5
        assert given_the_number.threshold_report_ is given_the_number.expected_particles_ is None


class TestThresholds:
    def test_rules_of_fit_and_predict_are_the_same(self, fitted_soon, fit_soon, easy):
        rule = ("precision", 0.95)
        strict = fit_soon(threshold=rule)
        for one, other in zip(
            strict.predict(easy.micrographs), fitted_soon.predict(easy.micrographs, threshold=rule)
        ):
            np.testing.assert_array_equal(one, other)
        assert strict.threshold_report_["precision"] >= 0.95
        assert strict.threshold_ > fitted_soon._logit(("recall", 0.95))

    def test_above_all_scores(self, picker, easy):
        with pytest.warns(UserWarning, match="threshold=90 is above all scores .* It is a logit"):
            picks = picker.predict(easy.micrographs[:2], threshold=90)
        assert [len(xy) for xy in picks] == [0, 0]

    def test_survives_pickling(self, fitted_once):
        again = pickle.loads(pickle.dumps(fitted_once))
        assert again.threshold_report_ == fitted_once.threshold_report_
        assert again._logit(("recall", 0.8)) == fitted_once._logit(("recall", 0.8))

    def test_same_seed_same_estimates(self, fitted_soon, fit_soon):
        assert fit_soon().threshold_report_ == fitted_soon.threshold_report_


class TestExpectedQuality:
    def test_is_that_of_the_report(self, picker):
        report = picker.threshold_report_
        expected = picker.expected_quality([99.0, picker.threshold_])
        assert expected["n_picks"][0] == 0
        assert np.isnan(expected["precision"][0])
        assert np.isnan(expected["precision_interval"][0]).all()
        for name, value in expected.items():
            one = value if name.startswith("n_particles") else value[1]
            np.testing.assert_array_equal(one, report[name], err_msg=name)

    def test_all_thresholds(self, picker, easy):
        expected = picker.expected_quality()
        candidates = picker.predict(easy.micrographs[:N_TRAIN], threshold=-np.inf)
        n_candidates = sum(map(len, candidates))
        np.testing.assert_allclose(
            expected["n_picks"] * N_TRAIN, np.arange(1, n_candidates + 1), rtol=0, atol=1e-9
        )
        right = expected["n_picks"] * expected["precision"]
        np.testing.assert_allclose(expected["recall"], right / expected["n_particles"])
        assert expected["f1"].max() == pytest.approx(picker.threshold_report_["f1"])
        at_best = expected["threshold"][np.argmax(expected["f1"])]
        assert at_best == pytest.approx(picker.threshold_)
        for threshold in expected["threshold"][[5, 50]]:
            (row,) = np.flatnonzero(expected["threshold"] == threshold)
            picks = picker.predict(easy.micrographs[:N_TRAIN], threshold=threshold)
            assert sum(map(len, picks)) == row + 1

    def test_refuses(self, picker, given_the_number):
        for thresholds in (0.0, [[0.0]], [np.nan]):
            with pytest.raises(ValueError, match="thresholds must be a sequence of logits"):
                picker.expected_quality(thresholds)
        with pytest.raises(ValueError, match="expected_quality needs estimates, but this fit made"):
            given_the_number.expected_quality()


class TestWarnings:
    def test_contradicted_number(self, fit_soon):
        with pytest.warns(UserWarning, match="expected_particles=60 contradicts the labels"):
            picker = fit_soon(expected_particles=60)
        assert picker.expected_particles_ < 20

    @pytest.mark.parametrize("way", ["fit", "predict", "judge", "iter_predict"])
    def test_out_of_reach_points_at_the_caller(self, picker, fit_soon, easy, way):
        rule, unseen = ("recall", 0.9999), easy.micrographs[N_TRAIN:]
        ways = {
            "fit": lambda: fit_soon(threshold=rule),
            "predict": lambda: picker.predict(unseen, threshold=rule),
            "judge": lambda: picker.predict(unseen, threshold=rule, return_quality=True),
            "iter_predict": lambda: picker.iter_predict(unseen, threshold=rule),
        }
        with pytest.warns(UserWarning, match="out of reach") as caught:
            ways[way]()
        assert [warning.filename for warning in caught] == [__file__]

    def test_too_few_labels(self, easy, labels):
        few = [xy[:1] if i < 3 else xy[:0] for i, xy in enumerate(labels)]
        picker = small_picker(easy, steps_per_epoch=12, threshold="auto")
        with pytest.warns(UserWarning, match="y holds only 3 labelled particles"):
            picker.fit(easy.micrographs[:N_TRAIN], few)
        assert picker.threshold_ == 0
        assert picker.calibration_ == (1.0, 0.0)
        for how in ({"threshold": ("recall", 0.5)}, {"return_quality": True}):
            with pytest.raises(ValueError, match="needs estimates, but this fit made none"):
                picker.predict(easy.micrographs[-1:], **how)

    @pytest.mark.parametrize("when", ["held out", "in the end"])
    def test_nearly_all_labels_of_one_score(self, fit_soon, when, monkeypatch):
        # As of a tree, which is sure of everything.
        def finder(picker, scorer, finder=ParticlePicker._candidate_finder):
            def find_candidates(image):
                picks = finder(picker, scorer)(image)
                if when == "held out" or scorer.classifier.max_epochs == 2:
                    picks[:, 2] = np.where(picks[:, 2] > np.median(picks[:, 2]), 30.0, -30.0)
                return picks

            return find_candidates

        monkeypatch.setattr(ParticlePicker, "_candidate_finder", finder)
        with pytest.warns(UserWarning, match="one score") as caught:
            picker = fit_soon()
        assert caught[0].filename == __file__
        assert picker.threshold_report_ is None
        assert picker.threshold_ == 0

    def test_labels_that_teach_nothing(self, easy):
        rng = np.random.default_rng(0)
        grid = np.stack(np.meshgrid(np.arange(30, 240, 48), np.arange(30, 240, 48)), -1)
        anywhere = [
            rng.permutation(grid.reshape(-1, 2))[:8] + rng.uniform(-14, 14, (8, 2))
            for _ in range(N_TRAIN)
        ]
        picker = small_picker(easy, steps_per_epoch=12, threshold="auto")
        with pytest.warns(UserWarning, match="score the other half no higher than places beside"):
            picker.fit(easy.micrographs[:N_TRAIN], anywhere)
        assert picker.threshold_report_ is None
        assert picker.expected_particles_ is None

    @pytest.mark.parametrize("spoilt", ["upside down", "exchanged", "of other micrographs"])
    def test_labels_that_lie_elsewhere(self, easy, spoilt):
        labels = {
            "upside down": [[0, 255] + xy * [1, -1] for xy in easy.coordinates[:N_TRAIN]],
            "exchanged": [xy[:, ::-1] for xy in easy.coordinates[:N_TRAIN]],
            "of other micrographs": [*easy.coordinates[1:N_TRAIN], easy.coordinates[0]],
        }[spoilt]
        expected = {
            "upside down": "the labels are y counted from below",
            "exchanged": "the labels are x and y exchanged",
            "of other micrographs": "of other micrographs, or at random",
        }[spoilt]
        picker = small_picker(easy, steps_per_epoch=12, threshold="auto")
        with pytest.warns(UserWarning, match=expected):
            picker.fit(easy.micrographs[:N_TRAIN], labels)
        assert picker.threshold_report_ is None

    def test_corners_of_boxes(self, easy):
        corners = [np.maximum(xy - 9.0, 0.0) for xy in easy.coordinates[:N_TRAIN]]
        picker = small_picker(easy, steps_per_epoch=12, threshold="auto")
        with pytest.warns(UserWarning, match="beside what they label.*corners of boxes"):
            picker.fit(easy.micrographs[:N_TRAIN], corners)
        assert picker.threshold_report_ is None

    def test_labels_around_their_particles(self, easy, fit, labels):
        angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (N_TRAIN, 60))
        beside = [
            xy + easy.particle_diameter * 0.5 * np.column_stack([np.cos(a), np.sin(a)])[: len(xy)]
            for xy, a in zip(labels, angles)
        ]
        beside = [np.clip(xy, 0, 255) for xy in beside]
        with pytest.warns(UserWarning, match="lie around it.*centres of the particles"):
            picker = fit(beside)
        assert picker.threshold_report_ is None

    @pytest.mark.filterwarnings("ignore:.* labels in y lie within")
    def test_half_of_the_labels_at_random(self, easy, fit):
        rng = np.random.default_rng(1)
        half = [
            np.where(rng.random((len(xy), 1)) < 0.5, rng.uniform(8, 247, xy.shape), xy)
            for xy in label_particles(easy.coordinates[:N_TRAIN], 60, random_state=1)
        ]
        with pytest.warns(UserWarning, match="% of the labels score like places without a"):
            picker = fit(half, classifier=small_classifier(max_epochs=8, lr=3e-3))
        low, high = picker.threshold_report_["n_particles_interval"]
        assert low < 12 < high
        assert picker.expected_particles_ < 18  # and not 30 or more, of which 30 labels tell

    def test_a_file_read_twice_changes_nothing(self, easy, fit):
        once = fit(easy.coordinates[:N_TRAIN])
        with pytest.warns(UserWarning, match="were left out, so that each particle counts once"):
            twice = fit([np.concatenate([xy, xy]) for xy in easy.coordinates[:N_TRAIN]])
        assert twice.n_labels_ == once.n_labels_
        assert twice.threshold_report_ == once.threshold_report_


class TestWays:
    def test_labels_on_one_micrograph(self, fit, easy):
        with pytest.warns(UserWarning, match="5 of 6 micrographs have no label"):
            picker = fit(
                [xy if i == 0 else xy[:0] for i, xy in enumerate(easy.coordinates[:N_TRAIN])]
            )
        truth = len(easy.coordinates[0])
        assert 0.6 < picker.expected_particles_ / truth < 1.6

    def test_other_classifiers(self, fit, easy):
        picker = fit(
            easy.coordinates[:N_TRAIN],
            classifier=LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500),
        )
        assert picker.threshold_report_["n_particles"] > 0
        picks = picker.predict(easy.micrographs[N_TRAIN:])
        matches = match_picks(easy.coordinates[N_TRAIN:], picks, picker.matching_radius_)
        hits = np.concatenate([match.truth_index >= 0 for match in matches])
        assert hits.mean() > 0.5

    def test_fit_keeps_to_the_memory_budget(self, fit_soon, monkeypatch):
        budgets = []

        def noted(network, budget, dtype, tile_length=_network_scorer.tile_length):
            budgets.append(budget)
            return tile_length(network, budget, dtype)

        monkeypatch.setattr(_network_scorer, "tile_length", noted)
        fit_soon(memory_budget=1e6)
        assert len(budgets) >= 3  # two halves and the final training
        assert set(budgets) == {1e6}


class TestUnusualTrainings:
    def test_diverged(self, fit):
        classifier = small_classifier(max_epochs=2, optimizer="sgd", lr=1e30)
        with pytest.warns(ConvergenceWarning), pytest.warns(UserWarning, match="could not be"):
            picker = fit(classifier=classifier, expected_particles=12)
        assert picker.threshold_report_ is None

    def test_every_particle_labelled(self, fit, easy):
        picker = fit(easy.coordinates[:N_TRAIN])
        truth = np.mean([len(xy) for xy in easy.coordinates[:N_TRAIN]])
        assert abs(picker.expected_particles_ / truth - 1) < 0.35
