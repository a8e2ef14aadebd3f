import numpy as np
import pytest
import torch
from joblib import Parallel, delayed, parallel_config

from puclassify import PUImageClassifier, RegionTable


def global_states():
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002  (what callers may rely on)
    return torch.get_rng_state().tolist(), legacy["state"]["key"].tolist(), legacy["state"]["pos"]


@pytest.fixture
def make():
    def build(**params):
        options = {"module_params": {"units": 4, "dropout": 0.3}, "max_epochs": 2}
        return PUImageClassifier("conv31", **(options | params))

    return build


class TestSeed:
    def test_refits_are_equal_to_the_bit(self, make, images):
        first, second = (make(random_state=3).fit(images.X, images.y) for _ in range(2))
        for mine, other in zip(
            first.module_.state_dict().values(), second.module_.state_dict().values(), strict=True
        ):
            assert torch.equal(mine, other)
        logits = first.decision_function(images.X)
        np.testing.assert_array_equal(logits, second.decision_function(images.X))
        np.testing.assert_array_equal(
            logits, first.fit(images.X, images.y).decision_function(images.X)
        )

    def test_whatever_the_global_state(self, make, images):
        logits = []
        for seed in (0, 1):
            np.random.seed(seed)  # noqa: NPY002
            torch.manual_seed(seed)
            logits.append(
                make(random_state=3, reconstruction_weight=1.0, early_stopping=True)
                .fit(images.X, images.y)
                .decision_function(images.X)
            )
        np.testing.assert_array_equal(*logits)

    @pytest.mark.parametrize(
        "params", [{}, {"criterion": "vpu"}, {"reconstruction_weight": 1.0}], ids=str
    )
    def test_whatever_trains_in_other_threads(self, make, images, params):
        before = global_states()
        alone = [
            make(random_state=seed, **params).fit(images.X, images.y).decision_function(images.X)
            for seed in (3, 4)
        ]
        with parallel_config("threading", n_jobs=2):
            together = Parallel()(
                delayed(make(random_state=seed, **params).fit)(images.X, images.y)
                for seed in (3, 4, 3, 4)
            )
        for index, classifier in enumerate(together):
            logits = classifier.decision_function(images.X)
            np.testing.assert_array_equal(logits, alone[index % 2])
        assert global_states() == before

    def test_other_seeds_differ(self, make, images):
        first, second = (
            make(random_state=seed).fit(images.X, images.y).decision_function(images.X)
            for seed in (0, 1)
        )
        assert np.abs(first - second).min() > 0

    def test_a_random_state_object_moves_on(self, make, images):
        state = np.random.RandomState(0)
        first, second = (
            make(random_state=state).fit(images.X, images.y).decision_function(images.X)
            for _ in range(2)
        )
        assert not np.array_equal(first, second)

    def test_dropout_does_not_repeat_the_draws_of_the_weights(self, make, images):
        drawn = {}

        class Recorded(torch.nn.Module):
            receptive_field = stride = None

            def __init__(self):
                super().__init__()
                drawn["weights"] = torch.rand(5)
                self.features = torch.nn.Sequential(
                    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Conv2d(1, 2, 1)
                )
                self.head = torch.nn.Conv2d(2, 1, 1)

            def forward(self, x):
                if self.training:
                    drawn.setdefault("training", torch.rand(5))
                return self.head(self.features(x))

        PUImageClassifier(Recorded, max_epochs=1, random_state=0).fit(images.X, images.y)
        assert not torch.equal(drawn["weights"], drawn["training"])


class TestGlobalState:
    def test_fit_and_predict_leave_it_alone(self, make, images):
        for classifier in (make(random_state=0), make(early_stopping=True), make()):
            np.random.seed(0)  # noqa: NPY002
            torch.manual_seed(0)
            if classifier.random_state is None:
                classifier.random_state = np.random.RandomState(1)
            before = global_states()
            classifier.fit(images.X, images.y).predict(images.X)
            classifier.transform(images.X)
            assert global_states() == before

    def test_also_where_the_network_is_built_to_ask_for_its_field(self, make, images):
        table = RegionTable(list(images.X), np.arange(48), np.full((48, 2), 15.0))
        before = global_states()
        make(random_state=0).fit(table, images.y)
        assert global_states() == before

    def test_also_where_fit_fails(self, make, images):
        before = global_states()
        with pytest.raises(ValueError, match="receptive field"):
            make().set_params(module="conv63", random_state=0).fit(images.X, images.y)
        assert global_states() == before


class TestWarmStart:
    def test_goes_on_from_the_weights(self, rows):
        classifier = PUImageClassifier(
            lr=0.02, prior=rows.prior, max_epochs=15, warm_start=True, random_state=0
        ).fit(rows.X, rows.y)
        first = classifier.history_
        classifier.set_params(lr=1e-5, max_epochs=3).fit(rows.X, rows.y)
        assert classifier.n_iter_ == len(classifier.history_) == 3
        assert classifier.history_[0]["train_loss"] < 0.7 * first[0]["train_loss"]
        cold = PUImageClassifier(lr=1e-5, prior=rows.prior, max_epochs=3, random_state=0)
        cold.fit(rows.X, rows.y)
        assert classifier.history_[0]["train_loss"] < 0.7 * cold.history_[0]["train_loss"]

    def test_without_it_fit_starts_anew(self, rows):
        classifier = PUImageClassifier(max_epochs=2, random_state=0).fit(rows.X, rows.y)
        module = classifier.module_
        assert classifier.fit(rows.X, rows.y).module_ is not module

    def test_samples_of_another_kind_are_refused(self, rows):
        classifier = PUImageClassifier(max_epochs=1, warm_start=True).fit(rows.X, rows.y)
        with pytest.raises(ValueError, match=r"X holds samples of shape \(2,\) but was fitted on"):
            classifier.fit(rows.X[:, :2], rows.y)


class TestDevice:
    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
    @pytest.mark.parametrize("device", ["cuda", "cuda:0", torch.device("cuda")])
    def test_cuda_where_there_is_none(self, rows, device):
        with pytest.raises(ValueError, match=r"device=.* torch sees no CUDA device"):
            PUImageClassifier(device=device).fit(rows.X, rows.y)

    @pytest.mark.gpu
    class TestCuda:
        def test_predicts_what_the_cpu_predicts(self, make, images):
            classifier = make(random_state=0, device="cpu").fit(images.X, images.y)
            on_cpu = classifier.decision_function(images.X)
            classifier.set_params(device="cuda", precision="float32")
            np.testing.assert_allclose(
                classifier.decision_function(images.X), on_cpu, rtol=1e-3, atol=1e-4
            )
            classifier.set_params(precision="auto")
            rough = classifier.decision_function(images.X)
            np.testing.assert_allclose(rough, on_cpu, rtol=0.05, atol=0.05 * np.abs(on_cpu).max())

        def test_trains_what_the_cpu_trains(self, make, images):
            logits = [
                make(random_state=0, device=device, precision="float32")
                .set_params(module_params={"units": 4})
                .fit(images.X, images.y)
                .decision_function(images.X)
                for device in ("cpu", "cuda")
            ]
            np.testing.assert_allclose(logits[0], logits[1], rtol=0.02, atol=0.02)

        def test_leaves_the_generators_alone_and_pickles_to_the_cpu(self, make, images):
            import pickle

            torch.cuda.manual_seed(5)
            before = torch.cuda.get_rng_state().tolist()
            for device in ("cpu", "cuda"):
                classifier = make(random_state=0, device=device).fit(images.X, images.y)
                assert torch.cuda.get_rng_state().tolist() == before
            state = pickle.loads(pickle.dumps(classifier)).module_.state_dict()
            assert {tensor.device.type for tensor in state.values()} == {"cpu"}
            assert next(classifier.module_.parameters()).is_cuda

        def test_equal_seeds_equal_bits(self, make, images):
            first, second = (
                make(random_state=0, device="cuda")
                .fit(images.X, images.y)
                .decision_function(images.X)
                for _ in range(2)
            )
            np.testing.assert_array_equal(first, second)
