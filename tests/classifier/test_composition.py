import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from puclassify import PUImageClassifier
from puclassify.losses import GEBinomialLoss, NonNegativePULoss
from puclassify.model_selection import PUStratifiedKFold

QUICK = {"max_epochs": 2, "random_state": 0}


class TestParameters:
    def test_get_params_lists_those_of_a_named_criterion(self):
        params = PUImageClassifier(criterion="ge_binomial").get_params(deep=True)
        assert params["criterion"] == "ge_binomial"
        assert params["criterion__slack"] == 1.0
        assert params["criterion__prior"] is None
        assert "criterion__slack" not in PUImageClassifier(criterion="nnpu").get_params(deep=True)
        assert not any("__" in key for key in PUImageClassifier().get_params(deep=False))

    def test_a_nested_name_stores_a_fresh_criterion(self):
        first = PUImageClassifier(criterion="ge_binomial")
        second = clone(first)
        assert first.set_params(criterion__slack=3.0) is first
        assert isinstance(first.criterion, GEBinomialLoss)
        assert first.criterion.slack == 3.0
        assert second.criterion == "ge_binomial"
        assert second.get_params()["criterion__slack"] == 1.0
        third = clone(first).set_params(criterion__slack=5.0)
        assert (first.criterion.slack, third.criterion.slack) == (3.0, 5.0)

    def test_name_and_nested_name_together(self):
        classifier = PUImageClassifier().set_params(
            criterion__slack=2.0, criterion="ge_kl", criterion__momentum=0.5
        )
        assert type(classifier.criterion).__name__ == "GEKLLoss"
        assert (classifier.criterion.slack, classifier.criterion.momentum) == (2.0, 0.5)

    def test_parameters_that_a_criterion_lacks_are_refused(self):
        with pytest.raises(ValueError, match="Invalid parameter 'slack' for estimator NonNeg"):
            PUImageClassifier().set_params(criterion__slack=2.0)
        with pytest.raises(ValueError, match=r"'criterion__slack'\] .* criterion='nnup' has no"):
            PUImageClassifier(criterion="nnup").set_params(criterion__slack=2.0)
        with pytest.raises(ValueError, match="Invalid parameter 'slack' for estimator PUImage"):
            PUImageClassifier().set_params(slack=2.0)

    def test_round_trip(self, rows):
        classifier = PUImageClassifier(criterion="ge_kl", prior=0.3, lr=0.01, **QUICK)
        copied = PUImageClassifier().set_params(**classifier.get_params(deep=True))
        np.testing.assert_array_equal(
            classifier.fit(rows.X, rows.y).decision_function(rows.X),
            copied.fit(rows.X, rows.y).decision_function(rows.X),
        )

    def test_fit_changes_no_parameter(self, rows):
        criterion = GEBinomialLoss(slack=2.0)
        classifier = PUImageClassifier(criterion=criterion, callbacks=[], **QUICK)
        before = classifier.get_params(deep=False)
        classifier.fit(rows.X, rows.y)
        after = classifier.get_params(deep=False)
        assert before == after
        assert after["criterion"] is criterion
        assert criterion.prior is None

    @pytest.mark.parametrize(
        ("prior", "surrogate"), [(0.5, "sigmoid"), (0.25, "sigmoid"), (0.2, "logistic")]
    )
    def test_nnpu_of_images_has_the_surrogate_of_its_prior(self, prior, surrogate):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(80, 6, 6)), np.repeat([1, 0], [20, 60])
        settings = {"prior": prior, "module_params": {"units": 2}, "random_state": 0}
        named, built = (
            PUImageClassifier(criterion=criterion, max_epochs=2, **settings).fit(X, y)
            for criterion in ("nnpu", NonNegativePULoss(surrogate=surrogate))
        )
        np.testing.assert_array_equal(named.decision_function(X), built.decision_function(X))
        assert named.criterion == "nnpu"

    def test_a_criterion_is_used_whether_named_built_or_a_class(self, rows):
        logits = [
            PUImageClassifier(criterion=criterion, prior=0.3, **QUICK)
            .fit(rows.X, rows.y)
            .decision_function(rows.X)
            for criterion in ("nnpu", NonNegativePULoss(), NonNegativePULoss, "ge_binomial")
        ]
        np.testing.assert_array_equal(logits[0], logits[1])
        np.testing.assert_array_equal(logits[0], logits[2])
        assert not np.array_equal(logits[0], logits[3])

    def test_notebook_representation(self):
        html = PUImageClassifier(criterion="ge_binomial")._repr_html_()
        assert "PUImageClassifier" in html
        assert "generated/puclassify.PUImageClassifier.html" in html


class TestSearches:
    def test_pipeline_and_grid_over_nested_criterion_parameters(self, rows):
        pipeline = make_pipeline(
            StandardScaler(), PUImageClassifier(criterion="ge_binomial", lr=0.02, **QUICK)
        )
        search = GridSearchCV(
            pipeline,
            {"puimageclassifier__criterion__slack": [0.1, 10.0]},
            cv=PUStratifiedKFold(3),
            error_score="raise",
        ).fit(rows.X, rows.y)
        scores = search.cv_results_["mean_test_score"]
        assert len(set(scores)) == 2
        best = search.best_estimator_[-1].criterion
        assert best.slack == [0.1, 10.0][int(np.argmax(scores))]
        assert pipeline[-1].criterion == "ge_binomial"

    def test_grid_over_criterion_prior_and_module(self, rows):
        grid = {
            "criterion": ["nnpu", "ge_kl", NonNegativePULoss(surrogate="sigmoid")],
            "prior": [0.1, 0.5],
        }
        search = GridSearchCV(
            PUImageClassifier(lr=0.02, **QUICK),
            [grid, {"module": ["auto", "mlp"]}],
            cv=2,
            error_score="raise",
        ).fit(rows.X, rows.y)
        assert len(search.cv_results_["params"]) == 8
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_grid_over_module_on_images(self, images):
        search = GridSearchCV(
            PUImageClassifier(module_params={"units": 2}, **QUICK),
            {"module": ["cnn", "conv31"]},
            cv=2,
            error_score="raise",
        ).fit(images.X, images.y)
        assert search.best_params_["module"] in ("cnn", "conv31")

    def test_two_processes_give_what_one_gives(self, rows):
        classifier = PUImageClassifier(criterion="ge_binomial", lr=0.02, **QUICK)
        scores = [
            cross_val_score(
                classifier,
                rows.X,
                rows.y,
                cv=StratifiedKFold(3),
                n_jobs=n_jobs,
                error_score="raise",
                scoring="neg_log_loss",
            )
            for n_jobs in (1, 2)
        ]
        np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4)

    def test_cross_val_predict(self, rows):
        probability = cross_val_predict(
            PUImageClassifier(**QUICK), rows.X, rows.y, cv=3, method="predict_proba"
        )
        assert probability.shape == (60, 2)

    @pytest.mark.parametrize("ensemble", [True, False])
    def test_calibration(self, rows, ensemble):
        calibrated = CalibratedClassifierCV(
            PUImageClassifier(lr=0.02, **QUICK), cv=2, ensemble=ensemble
        ).fit(rows.X, rows.y)
        probability = calibrated.predict_proba(rows.X)[:, 1]
        assert np.corrcoef(probability, rows.truth)[0, 1] > 0.3

    def test_embeddings_feed_another_classifier(self, images):
        pipeline = make_pipeline(
            PUImageClassifier("conv31", module_params={"units": 4}, **QUICK),
            LogisticRegression(),
        ).fit(images.X, images.y)
        assert pipeline[-1].n_features_in_ == 16
        assert pipeline.predict(images.X).shape == (48,)


class TestEmbedding:
    @pytest.mark.parametrize(
        ("module", "units", "width"), [("conv31", 4, 16), ("cnn", 3, 12), ("resnet8", 2, 8)]
    )
    def test_width_of_convolutional_networks(self, images, module, units, width):
        X = np.pad(images.X, ((0, 0), (20, 20), (20, 20)))
        classifier = PUImageClassifier(
            module, module_params={"units": units}, max_epochs=1, random_state=0
        ).fit(X, images.y)
        embedded = classifier.transform(X)
        assert embedded.shape == (48, width)
        assert embedded.dtype == np.float32
        head = classifier.module_.head
        logits = embedded @ head.weight.detach().numpy().reshape(-1) + head.bias.item()
        np.testing.assert_allclose(classifier.decision_function(X), logits, atol=1e-5)

    def test_width_of_a_perceptron(self, rows):
        classifier = PUImageClassifier(module_params={"hidden": (8, 5)}, **QUICK)
        embedded = classifier.fit_transform(rows.X, rows.y)
        assert embedded.shape == (60, 5)
        assert embedded.dtype == np.float64
        assert classifier.transform(rows.X.astype(np.float32)).dtype == np.float32

    def test_pandas_output(self, rows):
        frame = pd.DataFrame(rows.X, columns=list("abc"), index=np.arange(100, 160))
        classifier = PUImageClassifier(module_params={"hidden": (4,)}, **QUICK)
        embedded = classifier.fit(frame, rows.y).set_output(transform="pandas").transform(frame)
        names = [f"puimageclassifier{k}" for k in range(4)]
        assert list(embedded.columns) == list(classifier.get_feature_names_out()) == names
        assert list(embedded.index) == list(frame.index)

    def test_pandas_output_for_images(self, images):
        classifier = PUImageClassifier("conv31", module_params={"units": 4}, **QUICK)
        classifier.set_output(transform="pandas").fit(images.X, images.y)
        assert classifier.transform(images.X).shape == (48, 16)


class TestPersistence:
    @pytest.mark.parametrize("through", ["pickle", "joblib"])
    def test_round_trip_predicts_the_same(self, images, through, tmp_path):
        classifier = PUImageClassifier("conv31", module_params={"units": 4}, **QUICK)
        classifier.fit(images.X, images.y)
        if through == "pickle":
            loaded = pickle.loads(pickle.dumps(classifier))
        else:
            joblib.dump(classifier, tmp_path / "classifier")
            loaded = joblib.load(tmp_path / "classifier")
        np.testing.assert_array_equal(
            loaded.decision_function(images.X), classifier.decision_function(images.X)
        )
        assert loaded.history_ == classifier.history_
        assert loaded.get_params()["module"] == "conv31"

    def test_the_history_is_plain_numbers(self, rows):
        classifier = PUImageClassifier(early_stopping=True, **QUICK).fit(rows.X, rows.y)
        kinds = {"epoch": int, "train_loss": float, "valid_loss": float, "dur": float}
        assert [
            {key: type(value) for key, value in epoch.items()} for epoch in classifier.history_
        ] == [kinds, kinds]
        assert [epoch["epoch"] for epoch in classifier.history_] == [1, 2]
