import itertools
import pickle
from dataclasses import replace

import mrcfile
import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from puclassify import (
    GridImage,
    NonMaximumSuppression,
    ParticlePicker,
    PUImageClassifier,
)
from puclassify.io import CoordinateTable, read_coordinates, write_coordinates
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore
from puclassify.model_selection import make_pick_scorer
from puclassify.picking.scoring import _window_scorer
from puclassify.preprocessing import FourierDownsample, NormalizeMicrograph


class CountingClassifier(LogisticRegression):
    """Remembers how many positives it was fitted on."""

    def fit(self, X, y):
        self.n_positive_ = int(np.sum(y))
        return super().fit(X, y)


def same_picks(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


class TestPicks:
    def test_finds_the_particles(self, make_picker, simulated):
        """A plain blob filter would do on these; a picker that learned nothing would not."""
        classifier = PUImageClassifier(
            "conv31",
            criterion="ge_binomial",
            module_params={"units": 8},
            max_epochs=12,
            batch_size=128,
            lr=0.01,
        )
        picker = make_picker(classifier)
        picker.fit(simulated.micrographs[:4], [xy[:8] for xy in simulated.coordinates[:4]])
        unseen, truth = simulated.micrographs[4:], simulated.coordinates[4:]
        assert picker.score(unseen, truth) > 0.8
        picks = picker.predict(unseen)
        f1 = pick_precision_recall_fscore(truth, picks, picker.matching_radius_)[2]
        assert f1 > 0.5

    def test_format(self, fitted, simulated):
        picks = fitted.predict(simulated.micrographs[4:], threshold=-np.inf)
        assert picks.dtype == object
        assert picks.shape == (2,)
        for xy in picks:
            assert xy.shape[1] == 3
            assert len(xy) > 5
            assert np.all(np.diff(xy[:, 2]) <= 0)
            assert np.all((xy[:, :2] > -0.5) & (xy[:, :2] < 255.5))

    def test_threshold_cuts_the_candidates(self, fitted, simulated):
        everything = fitted.predict(simulated.micrographs[4:], threshold=-np.inf)
        cut = float(np.median(np.concatenate(everything)[:, 2]))
        above = fitted.predict(simulated.micrographs[4:], threshold=cut)
        assert same_picks(above, [xy[xy[:, 2] > cut] for xy in everything])
        fitted.threshold_ = cut
        assert same_picks(above, fitted.predict(simulated.micrographs[4:]))

    def test_picks_are_the_maxima_of_the_score_map(self, fitted, simulated):
        maps = fitted.transform(simulated.micrographs[4:])
        radius = simulated.particle_diameter / simulated.pixel_size / 2
        picks = NonMaximumSuppression(radius, threshold=-np.inf).predict(maps)
        assert same_picks(picks, fitted.predict(simulated.micrographs[4:], threshold=-np.inf))

    def test_probabilities_are_the_logistic_function_of_the_logits(self, fitted, simulated):
        logits = fitted.transform(simulated.micrographs[4:5])[0]
        probabilities = fitted.predict_proba(simulated.micrographs[4:5])[0]
        expected = 1 / (1 + np.exp(-logits.values.astype(float)))
        np.testing.assert_allclose(probabilities.values, expected, atol=1e-6)
        assert probabilities.step == logits.step

    def test_iter_predict_takes_a_generator(self, fitted, simulated):
        streamed = fitted.iter_predict(item for item in simulated.micrographs[4:])
        assert same_picks(list(streamed), fitted.predict(simulated.micrographs[4:]))

    def test_streams_without_end(self, fitted, simulated):
        streamed = fitted.iter_predict(itertools.cycle(simulated.micrographs[4:]))
        picks = list(itertools.islice(streamed, 5))
        streamed.close()
        expected = fitted.predict(simulated.micrographs[4:])
        assert same_picks(picks, [expected[index % 2] for index in range(5)])

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_every_prediction_takes_a_generator(self, fitted, simulated, n_jobs):
        fitted.n_jobs = n_jobs
        unseen = simulated.micrographs[4:]
        assert same_picks(fitted.predict(iter(unseen)), fitted.predict(unseen))
        for method in (fitted.transform, fitted.predict_proba):
            maps = [[scores.values for scores in method(X)] for X in (iter(unseen), unseen)]
            assert same_picks(*maps)

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_writes_picks_as_it_goes(self, fitted, simulated, tmp_path, n_jobs):
        fitted.n_jobs = n_jobs
        paths = [str(tmp_path / f"{name}.mrc") for name in "ab"]
        for path, micrograph in zip(paths, simulated.micrographs[4:]):
            mrcfile.write(path, np.asarray(micrograph, dtype=np.float32))
        streamed = fitted.iter_predict(paths, -np.inf, output=tmp_path / "{name}.csv")
        first = next(streamed)
        np.testing.assert_allclose(read_coordinates(tmp_path / "a.csv")[paths[0]], first)
        assert not (tmp_path / "b.csv").exists()
        assert same_picks([first, *streamed], fitted.predict(paths, -np.inf))
        assert (tmp_path / "b.csv").exists()

    def test_a_broken_micrograph_leaves_the_picks_before_it(self, fitted, simulated, tmp_path):
        X = [*simulated.micrographs[4:], tmp_path / "missing.mrc"]
        with pytest.raises(FileNotFoundError, match=r"missing\.mrc"):
            fitted.predict(X, output=tmp_path / "{name}.csv")
        assert len(list(tmp_path.glob("*.csv"))) == 2

    def test_shows_progress(self, fitted, simulated, capfd):
        fitted.verbose = 1
        fitted.predict(simulated.micrographs[4:])
        assert "picking: 2 of 2 micrographs in " in capfd.readouterr().err

    @pytest.mark.parametrize("memory_budget", [1.0, 1e5])
    def test_any_memory_budget_gives_the_same_map(self, fitted, simulated, memory_budget):
        (whole,) = fitted.transform(simulated.micrographs[4:5])
        fitted.memory_budget = memory_budget
        (tiled,) = fitted.transform(simulated.micrographs[4:5])
        np.testing.assert_allclose(tiled.values, whole.values, rtol=0, atol=1e-5)

    def test_weights_changed_in_place_are_seen(self, fitted, simulated):
        before = fitted.transform(simulated.micrographs[4:5])[0].values
        with torch.no_grad():
            fitted.classifier_.module_.head.bias += 1.0
        after = fitted.transform(simulated.micrographs[4:5])[0].values
        np.testing.assert_allclose(after, before + 1.0, atol=1e-5)

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own
    def test_compiled_network_gives_the_same_map(self, fitted, simulated):
        (plain,) = fitted.transform(simulated.micrographs[4:5])
        fitted.compile = True
        (compiled,) = fitted.transform(simulated.micrographs[4:5])
        np.testing.assert_allclose(compiled.values, plain.values, rtol=0, atol=1e-4)

    def test_score_is_average_precision_of_all_candidates(self, fitted, simulated):
        unseen, truth = simulated.micrographs[4:], simulated.coordinates[4:]
        expected = pick_average_precision_score(
            truth,
            fitted.predict(unseen, threshold=-np.inf),
            simulated.particle_diameter / simulated.pixel_size / 2,
        )
        assert fitted.score(unseen, truth) == pytest.approx(expected)


@pytest.mark.parametrize("criterion", ["vpu", "dist_pu", "cvir"])
def test_other_criteria_train_on_tiles(make_picker, simulated, criterion):
    picker = make_picker().set_params(classifier__criterion=criterion)
    picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
    (scores,) = picker.transform(simulated.micrographs[4:5])
    assert scores.values.size > 0
    assert np.isfinite(scores.values).all()
    assert np.ptp(scores.values) > 0
    again = make_picker().set_params(classifier__criterion=criterion)
    again.fit(simulated.micrographs[:2], simulated.coordinates[:2])
    np.testing.assert_array_equal(
        again.transform(simulated.micrographs[4:5])[0].values, scores.values
    )


class TestCoordinates:
    def test_binned_input_gives_picks_in_stored_pixels(self, make_picker, simulated):
        """The same picture at four times the pixels, binned again by the picker itself."""
        fine = [
            GridImage(np.kron(np.asarray(image), np.ones((4, 4), np.float32)))
            for image in simulated.micrographs
        ]
        truth = [4 * xy + 1.5 for xy in simulated.coordinates]
        picker = make_picker().set_params(
            particle_diameter=4 * simulated.particle_diameter, classifier__max_epochs=6
        )
        picker.fit(fine[:4], truth[:4])
        assert picker.matching_radius_ == 2 * simulated.particle_diameter
        assert picker.score(fine[4:], truth[4:]) > 0.5

    def test_incoming_step_is_counted(self, make_picker, simulated):
        halved = FourierDownsample(2).transform(simulated.micrographs)
        inside = make_picker()
        inside.fit(halved[:4], simulated.coordinates[:4])
        step = inside.preprocessing_.transform(halved[:1])[0].step
        whole = inside.preprocessing_.transform(simulated.micrographs[:1])[0].step
        assert step == pytest.approx(max(2.0, np.max(whole)))

    def test_map_covers_the_micrograph(self, fitted):
        scores = fitted.transform([np.zeros((203, 158)) + np.eye(203, 158)])[0]
        left, right, bottom, top = scores.extent
        assert left <= 0 <= right
        assert right >= 157 - np.max(scores.step)
        assert bottom >= 202 - np.max(scores.step)
        assert top <= 0

    def test_strided_map_equals_the_patches(self, fitted, simulated):
        scores = fitted.transform(simulated.micrographs[4:5])[0]
        image = fitted.preprocessing_.transform(simulated.micrographs[4:5])[0]
        module = fitted.classifier_.module_
        half = module.receptive_field // 2
        for i, j in [(10, 12), (14, 9), (11, 15)]:
            row, column = module.stride * i, module.stride * j
            patch = image.values[row - half : row + half + 1, column - half : column + half + 1]
            with torch.no_grad():
                logit = float(module(torch.from_numpy(patch.copy())[None, None]))
            assert scores.values[i, j] == pytest.approx(logit, abs=1e-4)

    def test_sizes_mix_and_unlabelled_micrographs_count(self, make_picker, simulated):
        micrographs = [np.asarray(image) for image in simulated.micrographs[:3]]
        micrographs[1] = micrographs[1][:200, :170]
        inside = simulated.coordinates[1][np.all(simulated.coordinates[1] < (160, 190), axis=1)]
        labels = [simulated.coordinates[0], inside, np.empty((0, 2))]
        picker = make_picker().fit(micrographs, labels)
        assert picker.n_labels_ == 12 + len(inside)
        assert len(picker.predict(micrographs)) == 3


class TestBadInput:
    def test_labels_of_an_unbinned_micrograph(self, make_picker, simulated):
        labels = [4 * xy for xy in simulated.coordinates[:4]]
        with pytest.raises(ValueError, match=r"labels in y lie outside.*binned 4 times less"):
            make_picker().fit(simulated.micrographs[:4], labels)

    def test_a_few_labels_outside_are_left_out_with_a_warning(self, make_picker, simulated):
        labels = [xy.copy() for xy in simulated.coordinates[:4]]
        labels[0][0] = (300.0, 10.0)
        with pytest.warns(UserWarning, match="1 labels in y lie outside"):
            picker = make_picker().fit(simulated.micrographs[:4], labels)
        assert picker.n_labels_ == 47

    def test_no_label_at_all(self, make_picker, simulated):
        with pytest.raises(ValueError, match="no labelled particle"):
            make_picker().fit(simulated.micrographs[:2], [np.empty((0, 2))] * 2)

    def test_different_lengths(self, make_picker, simulated):
        with pytest.raises(ValueError, match="2"):
            make_picker().fit(simulated.micrographs[:2], simulated.coordinates[:3])

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("particle_diameter", -1),
            ("particle_diameter", "30"),
            ("pixel_size", 0),
            ("pixel_size", "file"),
            ("prior", 1.5),
            ("threshold", "best"),
            ("expected_particles", 0),
            ("label_radius", -2.0),
            ("matching_radius", 0),
            ("classifier__max_epochs", 0),
            ("classifier__early_stopping", True),
            ("random_state", np.random.default_rng(0)),
            ("random_state", -1),
            ("n_jobs", 0),
            ("n_jobs", "all"),
        ],
    )
    def test_parameters(self, make_picker, simulated, name, value):
        picker = make_picker().set_params(**{name: value})
        with pytest.raises(ValueError, match=name.rpartition("__")[2]):
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            (
                "classifier",
                "resnet8",
                r"got 'resnet8'; .* classifier=PUImageClassifier\('resnet8'\)",
            ),
            ("classifier", PUImageClassifier, r"classifier=PUImageClassifier\(\)"),
            ("preprocessing", "bin", r"preprocessing=make_pipeline\(FourierDownsample\(\), Norm"),
        ],
    )
    def test_what_is_no_estimator(self, make_picker, simulated, name, value, message):
        with pytest.raises(TypeError, match=rf"{name} must be an estimator or None, .*{message}"):
            make_picker().set_params(**{name: value}).fit(
                simulated.micrographs[:2], simulated.coordinates[:2]
            )

    @pytest.mark.parametrize("wrap", [lambda step: step, make_pipeline], ids=["alone", "pipeline"])
    def test_preprocessing_of_tables(self, make_picker, simulated, wrap):
        picker = make_picker(preprocessing=wrap(StandardScaler()))
        message = r"preprocessing=.*StandardScaler\(\) is made for tables of features: use Fourier"
        with pytest.raises(ValueError, match=r"(?s)" + message):
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])

    def test_header_without_a_pixel_size(self, make_picker, simulated):
        arrays = [np.asarray(image) for image in simulated.micrographs[:2]]
        with pytest.raises(ValueError, match=r"pixel_size='header'.*pass the pixel size"):
            make_picker(pixel_size="header").fit(arrays, simulated.coordinates[:2])

    def test_padded_network(self, make_picker, simulated):
        class Padded(nn.Module):
            receptive_field, stride = 3, 1

            def __init__(self):
                super().__init__()
                self.features = nn.Conv2d(1, 4, 3, padding=1)
                self.head = nn.Conv2d(4, 1, 1)

            def forward(self, x):
                return self.head(self.features(x))

        picker = make_picker(PUImageClassifier(Padded, max_epochs=1))
        with pytest.raises(ValueError, match="padding"):
            picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])

    def test_not_fitted(self, make_picker, simulated):
        with pytest.raises(ValueError, match="not fitted"):
            make_picker().predict(simulated.micrographs[:1])


class TestParameters:
    def test_defaults_are_listed_without_being_stored(self):
        picker = ParticlePicker(30.0)
        params = picker.get_params(deep=True)
        assert params["classifier__criterion__slack"] == 0.1
        assert params["classifier__module"] == "resnet9"
        assert params["nms__radius"] == 15.0
        assert "preprocessing__downsample__factor" in params
        assert picker.classifier is None
        assert picker.nms is None

    def test_nested_names_store_a_fresh_default(self):
        picker, other = ParticlePicker(30.0), ParticlePicker(30.0)
        picker.set_params(classifier__criterion__slack=3.0, nms__radius=9.0)
        assert picker.classifier.criterion.slack == 3.0
        assert picker.nms.radius == 9.0
        assert other.classifier is None

    def test_round_trip(self, make_picker):
        picker = make_picker().set_params(classifier__criterion__slack=2.0, nms__radius=8.0)
        copy = clone(picker)
        assert copy.get_params().keys() == picker.get_params().keys()
        assert copy.classifier.criterion.slack == 2.0
        assert copy.set_params(**copy.get_params(deep=False)).nms.radius == 8.0

    def test_prior_from_the_expected_number(self, make_picker, simulated):
        """12 particles of a known number of positions each, on the map of one micrograph."""
        picker = make_picker().fit(simulated.micrographs[:2], simulated.coordinates[:2])
        step = float(np.mean(picker.preprocessing_.transform(simulated.micrographs[:1])[0].step))
        radius = max(step, simulated.particle_diameter / simulated.pixel_size / 8)
        positions = np.pi * radius**2 / (4 * step) ** 2
        expected = 12 * max(positions, 1) * (4 * step) ** 2 / 256**2
        assert picker.prior_ == pytest.approx(expected, rel=1e-3)

    def test_radii_can_be_set(self, make_picker, simulated):
        picker = make_picker(label_radius=2.0, matching_radius=5.0)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert picker.matching_radius_ == 5.0
        wide = make_picker(label_radius=9.0)
        wide.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert wide.prior_ > picker.prior_

    def test_classifier_parameters_are_honoured(self, make_picker, simulated):
        picker = make_picker().set_params(classifier__max_epochs=3)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert len(picker.history_) == 3
        assert picker.classifier is not picker.classifier_

    def test_hybrid(self, make_picker, simulated):
        picker = make_picker().set_params(classifier__reconstruction_weight=0.5)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert len(picker.predict(simulated.micrographs[:1], threshold=-np.inf)[0])


class TestSuppression:
    """A radius that was never set is half the diameter, whatever else is set."""

    def test_default_works_alone(self):
        suppression = ParticlePicker(30.0).set_params(nms__border=5.0).nms
        score_map = np.zeros((40, 40))
        score_map[20, [10, 18, 26]] = 3.0, 4.0, 2.0
        (picks,) = suppression.fit_transform([score_map])
        np.testing.assert_allclose(picks[:, :2], [[18.0, 20.0]])
        assert suppression.score([score_map], [np.array([[18.0, 20.0]])]) == 1.0

    def test_radius_follows_a_later_diameter(self, fitted, simulated):
        unseen = simulated.micrographs[4:]
        maps = fitted.transform(unseen)
        fitted.set_params(nms__border=5.0).set_params(particle_diameter=60.0, pixel_size=2.0)
        for picker in (fitted, pickle.loads(pickle.dumps(fitted))):
            assert picker.nms.radius == 15.0
            expected = NonMaximumSuppression(15.0, threshold=-np.inf, border=5.0).predict(maps)
            assert same_picks(picker.predict(unseen, threshold=-np.inf), expected)
        fitted.particle_diameter = 40.0
        expected = NonMaximumSuppression(10.0, threshold=-np.inf, border=5.0).predict(maps)
        assert same_picks(fitted.predict(unseen, threshold=-np.inf), expected)

    def test_radius_that_was_set_stays(self):
        picker = ParticlePicker(30.0).set_params(nms__radius=15.0, nms__border=5.0)
        assert picker.set_params(particle_diameter=60.0).nms.radius == 15.0
        given = ParticlePicker(30.0, nms=NonMaximumSuppression(15.0))
        assert given.set_params(particle_diameter=60.0).nms.radius == 15.0

    def test_radius_follows_the_headers(self, fitted, simulated):
        unseen = [GridImage(np.asarray(image)) for image in simulated.micrographs[4:]]
        maps = fitted.transform(unseen)
        fitted.set_params(pixel_size="header", particle_diameter=60.0, nms__border=5.0)
        for pixel_size, radius in ((2.0, 15.0), (3.0, 10.0)):
            micrographs = [replace(image, pixel_size=pixel_size) for image in unseen]
            expected = NonMaximumSuppression(radius, threshold=-np.inf, border=5.0).predict(maps)
            assert same_picks(fitted.predict(micrographs, threshold=-np.inf), expected)
        with pytest.raises(ValueError, match="radius must be a finite number"):
            fitted.nms.fit(maps)


class TestReproducible:
    def test_same_seed_same_bits(self, make_picker, simulated):
        first, second = (
            make_picker().fit(simulated.micrographs[:2], simulated.coordinates[:2]) for _ in "ab"
        )
        maps = [
            picker.transform(simulated.micrographs[4:5])[0].values for picker in (first, second)
        ]
        assert np.array_equal(*maps)

    def test_global_random_state_is_left_alone(self, make_picker, simulated):
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        make_picker().fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert torch.equal(torch.get_rng_state(), torch_before)
        assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002

    def test_pickle(self, fitted, simulated):
        copy = pickle.loads(pickle.dumps(fitted))
        assert same_picks(
            copy.predict(simulated.micrographs[4:]), fitted.predict(simulated.micrographs[4:])
        )

    @pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
    def test_workers_agree(self, fitted, simulated, backend):
        alone = fitted.predict(simulated.micrographs, threshold=-np.inf)
        spread = clone(fitted).set_params(n_jobs=2)
        spread.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_")})
        spread._scorer, spread._quality = fitted._scorer, fitted._quality
        with parallel_config(backend):
            found = spread.predict(simulated.micrographs, threshold=-np.inf)
        for a, b in zip(alone, found, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-3)


class TestScikitLearn:
    def test_grid_search(self, make_picker, simulated):
        grid = [
            {"classifier__criterion": ["nnpu", "ge_binomial"], "nms__radius": [8.0, 16.0]},
            {"prior": [0.02, 0.05]},
        ]
        search = GridSearchCV(make_picker(), grid, cv=2, error_score="raise")
        search.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert len(set(search.cv_results_["mean_test_score"])) > 1
        assert len(search.predict(simulated.micrographs[4:])) == 2

    def test_grid_search_of_the_slack_in_two_workers(self, make_picker, simulated):
        search = GridSearchCV(
            make_picker(),
            {"classifier__criterion__slack": [0.5, 2.0]},
            cv=KFold(2),
            scoring=make_pick_scorer("f1", threshold=-np.inf),
            n_jobs=2,
            error_score="raise",
        )
        search.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_cross_validation(self, make_picker, simulated):
        scores = cross_val_score(
            make_picker(), simulated.micrographs[:4], simulated.coordinates[:4], cv=2
        )
        assert np.all((scores >= 0) & (scores <= 1))
        picks = cross_val_predict(
            make_picker().set_params(threshold=-50.0),
            simulated.micrographs[:4],
            simulated.coordinates[:4],
            cv=2,
        )
        assert picks.shape == (4,)
        assert all(len(xy) and xy.shape[1] == 3 for xy in picks)

    def test_pipeline(self, make_picker, simulated):
        radius = simulated.particle_diameter / simulated.pixel_size / 2
        pipeline = Pipeline(
            [
                ("downsample", FourierDownsample(1.25)),
                ("normalize", NormalizeMicrograph()),
                ("picker", make_picker()),
                ("nms", NonMaximumSuppression(radius, threshold=-np.inf)),
            ]
        )
        pipeline.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert 0 <= pipeline.score(simulated.micrographs[4:], simulated.coordinates[4:]) <= 1
        pipeline.set_output(transform="pandas")
        frames = pipeline.transform(simulated.micrographs[4:])
        assert list(frames[0].columns) == ["x", "y", "score"]
        picks = pipeline.predict(simulated.micrographs[4:])
        np.testing.assert_array_equal(frames[0].to_numpy(), picks[0])

    def test_pipeline_under_grid_search(self, make_picker, simulated):
        pipeline = make_pipeline(make_picker(), NonMaximumSuppression(10.0, threshold=-np.inf))
        search = GridSearchCV(
            pipeline, {"nonmaximumsuppression__radius": [5.0, 20.0]}, cv=2, error_score="raise"
        )
        search.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_set_output_leaves_score_maps(self, fitted, simulated):
        fitted.set_output(transform="pandas")
        assert isinstance(fitted.transform(simulated.micrographs[:1])[0], GridImage)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_set_output_gives_frames_of_picks(self, fitted, simulated, library):
        pytest.importorskip(library)
        micrographs, truth = simulated.micrographs[4:], simulated.coordinates[4:]
        arrays = fitted.predict(micrographs)
        fitted.set_output(transform=library)
        for frames in (
            fitted.predict(micrographs),
            list(fitted.iter_predict(micrographs)),
            clone(fitted)
            .fit(simulated.micrographs[:4], simulated.coordinates[:4])
            .predict(micrographs),
        ):
            for frame, _ in zip(frames, arrays, strict=True):
                assert type(frame).__module__.startswith(library)
                assert list(frame.columns) == ["x", "y", "score"]
        np.testing.assert_array_equal(fitted.predict(micrographs)[1].to_numpy(), arrays[1])
        scorer = make_pick_scorer("f1", threshold=0.0)
        expected = pick_precision_recall_fscore(truth, arrays, fitted.matching_radius_)[2]
        assert scorer(fitted, micrographs, truth) == expected
        fitted.set_output(transform="default")
        assert isinstance(fitted.predict(micrographs)[0], np.ndarray)

    def test_frames_are_written_and_read(self, fitted, simulated, tmp_path):
        pytest.importorskip("pandas")
        micrographs = dict(zip("ab", simulated.micrographs[4:]))
        arrays = fitted.predict(micrographs.values())
        frames = fitted.set_output(transform="pandas").predict(micrographs.values())
        write_coordinates(frames, tmp_path / "picks.star", names=list(micrographs))
        for name, picks in zip("ab", arrays):
            np.testing.assert_array_equal(
                read_coordinates(tmp_path / "picks.star")[name], picks.reshape(-1, 3)
            )

    def test_frame_of_a_skipped_micrograph_is_none(self, fitted, simulated, tmp_path):
        pytest.importorskip("pandas")
        fitted.set_output(transform="pandas")
        X = [str(tmp_path / "missing.mrc"), simulated.micrographs[4]]
        picks = fitted.predict(X, on_error="skip")
        assert picks[0] is None
        assert list(picks[1].columns) == ["x", "y", "score"]

    def test_global_option_changes_nothing(self, fitted, simulated):
        with config_context(transform_output="pandas"):
            assert isinstance(fitted.predict(simulated.micrographs[4:5])[0], np.ndarray)

    def test_labels_in_a_frame(self, make_picker, fitted, simulated):
        pytest.importorskip("pandas")
        names = [f"mic{i}" for i in range(6)]
        X = [
            GridImage(np.asarray(m.values if isinstance(m, GridImage) else m), name=n)
            for n, m in zip(names, simulated.micrographs)
        ]
        arrays = dict(zip(names, simulated.coordinates))
        frame = CoordinateTable.from_arrays(dict(reversed(arrays.items()))).to_frame()
        one = make_picker().fit(X[:4], simulated.coordinates[:4])
        other = make_picker().fit(X[:4], frame[frame["image_name"].isin(names[:4])])
        np.testing.assert_array_equal(
            one.transform(X[4:5])[0].values, other.transform(X[4:5])[0].values
        )
        assert one.score(X[4:], simulated.coordinates[4:]) == one.score(X[4:], frame)
        with pytest.raises(TypeError, match=r"pass list\(X\)"):
            one.score(iter(X[4:]), frame)

    def test_progress_callbacks(self, make_picker, simulated):
        callback = RecordingCallback()
        picker = make_picker().set_callbacks(callback)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert callback.tasks == ["epoch", "fit"]


class RecordingCallback:
    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.tasks.append(context.task_name)


class TestOtherClassifiers:
    @pytest.mark.parametrize(
        "classifier",
        [
            make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200)),
            RidgeClassifier(alpha=1e5),
        ],
        ids=["predict_proba", "decision_function"],
    )
    def test_sliding_window(self, make_picker, simulated, classifier):
        picker = make_picker(classifier)
        picker.fit(simulated.micrographs[:4], simulated.coordinates[:4])
        picks = picker.predict(simulated.micrographs[4:], threshold=-np.inf)
        assert all(len(xy) for xy in picks)
        chance = 12 * np.pi * (simulated.particle_diameter / 2) ** 2 / 256**2
        assert picker.score(simulated.micrographs[4:], simulated.coordinates[4:]) > 1.5 * chance

    def test_without_scores_it_is_refused(self, make_picker, simulated):
        from sklearn.neighbors import NearestNeighbors

        with pytest.raises(TypeError, match="predict_proba or decision_function"):
            make_picker(NearestNeighbors()).fit(
                simulated.micrographs[:2], simulated.coordinates[:2]
            )


class TestReviewedCases:
    """Cases that once went wrong."""

    def test_label_at_the_far_edge_of_a_binned_micrograph(self, make_picker):
        micrograph = np.random.default_rng(0).normal(size=(512, 512))
        labels = np.array([[20.0 + 98 * (i % 5), 100.0 + 100 * (i // 5)] for i in range(10)])
        labels[0] = (511.0, 200.0)
        picker = make_picker(particle_diameter=240, expected_particles=2)
        assert picker.fit([micrograph], [labels]).n_labels_ == 10

    def test_bare_downsampling_and_other_dtypes(self, make_picker, simulated):
        bare = make_picker(preprocessing=FourierDownsample())
        bare.fit(simulated.micrographs[:1], simulated.coordinates[:1])
        assert bare.preprocessing_.particle_diameter == simulated.particle_diameter
        double = FunctionTransformer(lambda X: [GridImage(np.asarray(x, float)) for x in X])
        picker = make_picker(preprocessing=double)
        picker.fit(simulated.micrographs[:1], simulated.coordinates[:1])
        assert picker.transform(simulated.micrographs[:1])[0].values.dtype == np.float32

    def test_seed_of_the_classifier_is_kept(self, make_picker, simulated):
        pickers = [
            make_picker(random_state=None)
            .set_params(classifier__random_state=0)
            .fit(simulated.micrographs[:1], simulated.coordinates[:1])
            for _ in "ab"
        ]
        first, second = (p.transform(simulated.micrographs[4:5])[0].values for p in pickers)
        assert np.array_equal(first, second)

    def test_mixed_pixel_sizes_are_refused(self, make_picker, simulated):
        mixed = [
            GridImage(np.asarray(image), pixel_size=size)
            for image, size in zip(simulated.micrographs[:2], (2.0, 4.0), strict=True)
        ]
        picker = make_picker(pixel_size="header", particle_diameter=80.0)
        with pytest.raises(ValueError, match="from 2 to 4"):
            picker.fit(mixed, simulated.coordinates[:2])

    def test_impossible_number_of_particles(self, make_picker, simulated):
        with pytest.raises(ValueError, match="expected_particles=100000"):
            make_picker(expected_particles=100_000).fit(
                simulated.micrographs[:1], simulated.coordinates[:1]
            )

    def test_binning_guess_of_a_binned_micrograph(self, make_picker, simulated):
        quadrupled = [4 * xy for xy in simulated.coordinates[:2]]
        with pytest.raises(ValueError, match=r"read_coordinates\(path, step=4\)"):
            make_picker(particle_diameter=90.0).fit(simulated.micrographs[:2], quadrupled)

    def test_a_failed_fit_leaves_the_picker_as_it_was(self, make_picker, fitted, simulated):
        nobody = [np.empty((0, 2))] * 2
        fresh = make_picker()
        with pytest.raises(ValueError, match="no labelled particle"):
            fresh.fit(simulated.micrographs[:2], nobody)
        with pytest.raises(NotFittedError):
            fresh.predict(simulated.micrographs[4:])
        before = fitted.predict(simulated.micrographs[4:])
        with pytest.raises(ValueError, match="no labelled particle"):
            fitted.fit(simulated.micrographs[:2], nobody)
        assert same_picks(before, fitted.predict(simulated.micrographs[4:]))

    def test_a_single_micrograph_is_refused_while_streaming_too(self, fitted, simulated):
        for single in ("mic.mrc", simulated.micrographs[4]):
            with pytest.raises(TypeError, match="put it in a list"):
                fitted.iter_predict(single)

    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            ({"nms": 5}, TypeError, "nms must be None or a NonMaximumSuppression, got 5"),
            ({"nms__radius": -3.0}, ValueError, "radius"),
            ({"threshold": np.nan}, ValueError, "threshold"),
            ({"threshold": True}, ValueError, "threshold"),
            ({"verbose": None}, ValueError, "verbose"),
            ({"memory_budget": -1}, ValueError, "memory_budget must be a positive number"),
            ({"compile": "yes"}, ValueError, "compile must be True or False"),
            ({"classifier__scenario": "single_training_set"}, ValueError, "classifier__scenario"),
            ({"classifier__scenario": "foo"}, ValueError, "scenario"),
            ({"classifier__prior": 5}, ValueError, "prior"),
            ({"classifier__max_epochs": 0}, ValueError, "max_epochs"),
            ({"pixel_size": -1.0}, ValueError, "pixel_size"),
        ],
    )
    def test_wrong_parameters_are_refused_before_anything_is_read(
        self, make_picker, params, error, message
    ):
        with pytest.raises(error, match=message):
            make_picker().set_params(**params).fit(["missing.mrc"], [np.array([[1.0, 2.0]])])

    @pytest.mark.parametrize(
        "params",
        [
            {"classifier__prior": 0.1},
            {"classifier__positive_fraction": 0.3},
            {"classifier__warm_start": True},
        ],
    )
    def test_parameters_without_effect_are_said_to_have_none(self, make_picker, simulated, params):
        picker = make_picker().set_params(**params)
        message = f"{next(iter(params))}.* is not used in a picker"
        with pytest.warns(UserWarning, match=message) as caught:
            picker.fit(simulated.micrographs[:1], simulated.coordinates[:1])
        assert caught[0].filename == __file__

    def test_preprocessing_has_to_give_finite_grid_images(self, make_picker, simulated):
        arrays = FunctionTransformer(lambda X: [np.asarray(image) for image in X])
        with pytest.raises(TypeError, match="returned a ndarray for a micrograph"):
            make_picker(preprocessing=arrays).fit(
                simulated.micrographs[:1], simulated.coordinates[:1]
            )
        holes = np.array(simulated.micrographs[0])
        holes[3, 4] = np.nan
        same = FunctionTransformer(lambda X: [GridImage(np.asarray(x), name="a") for x in X])
        with pytest.raises(ValueError, match="not finite in 'a'"):
            make_picker(preprocessing=same).fit([holes], simulated.coordinates[:1])

    def test_callbacks_get_a_picker_that_predicts(self, make_picker, simulated):
        class Picks(RecordingCallback):
            def __init__(self):
                self.n_candidates, self.shapes = [], []

            def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
                picks = fitted_estimator.predict(X[4:], threshold=-np.inf)
                self.n_candidates.append([len(xy) for xy in picks])
                self.shapes.append((len(X), len(y)))

        recorder = Picks()
        picker = make_picker().set_params(classifier__max_epochs=2).set_callbacks(recorder)
        picker.fit(simulated.micrographs, simulated.coordinates)
        assert recorder.shapes == [(6, 6)] * 3  # two epochs and the whole
        candidates = picker.predict(simulated.micrographs[4:], threshold=-np.inf)
        assert recorder.n_candidates[-1] == [len(xy) for xy in candidates]
        assert recorder.n_candidates[0] != recorder.n_candidates[-1]

    def test_scoring_monitor(self, make_picker, simulated):
        monitor = ScoringMonitor(scoring={"score": make_pick_scorer(radius=20.0)})
        picker = make_picker().set_params(classifier__max_epochs=2).set_callbacks(monitor)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        scores = [row["score"] for row in monitor.get_logs().data]
        assert len(scores) == 3
        picks = picker.predict(simulated.micrographs[:2], threshold=-np.inf)
        expected = pick_average_precision_score(simulated.coordinates[:2], picks, 20.0)
        assert scores[-1] == pytest.approx(expected)

    def test_few_regions_of_many_labels(self, make_picker, simulated, monkeypatch):
        monkeypatch.setattr(_window_scorer, "_REGIONS_LABELLED", 20)
        counted = CountingClassifier()
        picker = make_picker(counted)
        picker.fit(simulated.micrographs[:2], simulated.coordinates[:2])
        assert picker.classifier_.n_positive_ == 20

    def test_preprocessing_gets_the_same_in_fit_and_predict(self, make_picker, simulated):
        seen = []

        def remember(X):
            seen.extend(type(item) for item in X)
            return [GridImage(np.asarray(item)) for item in X]

        arrays = [np.asarray(image) for image in simulated.micrographs[:2]]
        picker = make_picker(preprocessing=FunctionTransformer(remember))
        maps = picker.fit(arrays, simulated.coordinates[:2]).transform(arrays)
        assert set(seen) == {np.ndarray}
        assert [scores.name for scores in maps] == ["micrograph_0000", "micrograph_0001"]
