"""Training on mixed inputs, for the criteria that ask for it."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from puclassify import PUImageClassifier
from puclassify.classifier._mixup import Mixup
from puclassify.classifier._net import HybridModule
from puclassify.losses import DistributionPULoss, VariationalPULoss
from puclassify.networks import Conv31, Decoder

CRITERIA = [VariationalPULoss, DistributionPULoss]


class SeesBatches(nn.Module):
    """Logits are pixel sums; remembers every batch that it was given in training."""

    receptive_field = stride = None

    def __init__(self):
        super().__init__()
        self.features = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Conv2d(1, 1, 1)
        self.seen = []

    def forward(self, x):
        if self.training:
            self.seen.append(x.detach().clone())
        return self.head(self.features(x))


@pytest.fixture
def make():
    def build(criterion, **params):
        options = {"module_params": {"units": 4}, "max_epochs": 2, "random_state": 3}
        return PUImageClassifier("conv31", criterion=criterion, **(options | params))

    return build


class TestDraw:
    def test_partners_are_a_permutation_from_the_generator(self):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            first = Mixup.draw(50, 0.3, "cpu")
            torch.manual_seed(1)
            second = Mixup.draw(50, 0.3, "cpu")
        assert sorted(first.partner.tolist()) == list(range(50))
        assert torch.equal(first.partner, second.partner)

    @pytest.mark.parametrize(("n", "n_labelled"), [(10, 3), (10, 8), (2, 1), (7, 6)])
    def test_labelled_and_unlabelled_are_partners(self, n, n_labelled):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            draws = [Mixup.draw(n, 0.3, "cpu", n_labelled).partner for _ in range(20)]
        for partner in draws:
            assert (partner[:n_labelled] >= n_labelled).all()
            assert (partner[n_labelled:] < n_labelled).all()
            for chosen, choice in (
                (partner[:n_labelled] - n_labelled, n - n_labelled),
                (partner[n_labelled:], n_labelled),
            ):
                counts = torch.bincount(chosen, minlength=choice)
                assert counts.max() - counts.min() <= 1
        assert n == 2 or len({tuple(partner.tolist()) for partner in draws}) > 1

    @pytest.mark.parametrize("n_labelled", [0, 5])
    def test_of_one_kind_partners_are_a_permutation(self, n_labelled):
        partner = Mixup.draw(5, 0.3, "cpu", n_labelled).partner
        assert sorted(partner.tolist()) == list(range(5))

    def test_mixes_with_the_partner(self):
        mixup = Mixup(0.75, torch.tensor([2, 0, 1]))
        x = torch.tensor([[0.0, 4.0], [8.0, 0.0], [4.0, 12.0]])
        assert mixup.mix(x).tolist() == [[1.0, 6.0], [6.0, 1.0], [5.0, 9.0]]


class TestSoftTargets:
    def test_of_separate_samples(self):
        mixup, logits = Mixup(0.8, torch.tensor([1, 2, 0])), torch.tensor([-9.0, 0.0, 2.0])
        logits.requires_grad_()
        soft = mixup.soft_targets(logits, torch.tensor([1.0, 0.0, 0.0]))
        t = np.array([1, 0.5, 1 / (1 + np.exp(-2))])
        np.testing.assert_allclose(soft, 0.8 * t + 0.2 * t[[1, 2, 0]], rtol=1e-6)
        assert not soft.requires_grad

    def test_of_maps(self):
        """The partner of a map position is the same position of the partner's map."""
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(3, 4, 5)).astype(np.float32)
        index = rng.integers(60, size=30)
        labelled = np.unique(index[:6])
        index = np.concatenate(
            [labelled, index[6:], labelled[:1]]
        )  # one is drawn as unlabelled too
        targets = np.zeros(len(index), dtype=np.float32)
        targets[: len(labelled)] = 1
        t = 1 / (1 + np.exp(-logits.astype(float)))
        t.flat[labelled] = 1
        partner = np.array([2, 0, 1])
        expected = (0.3 * t + 0.7 * t[partner]).flat[index]
        soft = Mixup(0.3, torch.tensor(partner)).soft_targets(
            torch.tensor(logits).flatten(), torch.tensor(targets), torch.tensor(index)
        )
        np.testing.assert_allclose(soft, expected, rtol=1e-6)

    def test_nothing_waits_for_the_host(self):
        mixup = Mixup(0.3, torch.zeros(2, dtype=torch.long, device="meta"))
        index = torch.zeros(4, dtype=torch.long, device="meta")
        logits = torch.zeros(6, device="meta")
        assert mixup.soft_targets(logits, torch.zeros(4, device="meta"), index).shape == (4,)


class TestForward:
    def test_one_batch_of_samples_and_mixed_samples(self):
        network = Conv31(units=4).eval()
        x, mixup = torch.randn(3, 1, 31, 31), Mixup(0.4, torch.tensor([1, 2, 0]))
        logits, error = HybridModule(network, None, nn.Identity())(x, mixup)
        assert error is None
        torch.testing.assert_close(logits[:3], network(x))
        torch.testing.assert_close(logits[3:], network(0.4 * x + 0.6 * x[[1, 2, 0]]))

    def test_only_samples_are_reconstructed(self):
        network = Conv31(units=4).eval()
        channels = network.features(torch.zeros(1, 1, 31, 31)).shape[1]
        module = HybridModule(network, Decoder(channels, (1, 31, 31)).eval(), nn.Identity())
        x, mixup = torch.randn(3, 1, 31, 31), Mixup(0.4, torch.tensor([1, 2, 0]))
        logits, error = module(x, mixup)
        assert len(logits) == 6
        torch.testing.assert_close(error, module(x)[1])

    @pytest.mark.parametrize("criterion", CRITERIA)
    def test_the_network_sees_both_at_once(self, images, criterion):
        positives = torch.from_numpy(images.X[images.y == 1]).float().flatten(1)
        classifier = PUImageClassifier(
            SeesBatches, criterion=criterion(), max_epochs=1, precision="float32", random_state=0
        ).fit(images.X, images.y)
        for batch in classifier.module_.seen:
            x, mixed = batch.chunk(2)
            assert not torch.equal(x, mixed)
            labelled = (x.flatten(1)[:, None] == positives).all(-1).any(-1)
            assert 0 < labelled.sum() < len(x)
            # Every mixed sample lies on the line from its sample to one other: its partner.
            rest = mixed.flatten(1)[:, None] - x.flatten(1)  # to every candidate
            away = x.flatten(1)[:, None] - x.flatten(1)
            share = (rest * away).sum(-1) / away.square().sum(-1).clamp(min=1e-12)
            error = (rest - share[..., None] * away).square().mean(-1)
            error.fill_diagonal_(float("inf"))
            partner = error.argmin(1)
            assert error.amin(1).max() < 1e-6
            if criterion.mixes_across:
                assert (labelled != labelled[partner]).all()
            else:
                assert (labelled == labelled[partner]).any()
                # Partners are a permutation, so mixing leaves the sum as it is.
                torch.testing.assert_close(mixed.sum(0), x.sum(0), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(
        "criterion",
        [
            VariationalPULoss(mixup_weight=0.0),
            DistributionPULoss(mixup_weight=0.0, mixup_entropy_penalty=0.0),
        ],
    )
    def test_without_weight_nothing_is_mixed(self, images, criterion):
        sizes = {}
        for key in (criterion, "nnpu"):
            classifier = PUImageClassifier(SeesBatches, criterion=key, max_epochs=1, random_state=0)
            classifier.fit(images.X, images.y)
            sizes[key] = [len(batch) for batch in classifier.module_.seen]
        assert sizes[criterion] == sizes["nnpu"]


@pytest.mark.parametrize("criterion", CRITERIA)
class TestTraining:
    def test_changes_what_is_learned_and_is_repeatable(self, make, images, criterion):
        mixed, again = (
            make(criterion()).fit(images.X, images.y).decision_function(images.X) for _ in range(2)
        )
        np.testing.assert_array_equal(mixed, again)
        plain = criterion(mixup_weight=0.0)
        if criterion is DistributionPULoss:
            plain.set_params(mixup_entropy_penalty=0.0)
        plain = make(plain).fit(images.X, images.y).decision_function(images.X)
        assert np.abs(mixed - plain).max() > 1e-4
        other = make(criterion(mixup_alpha=1.0)).fit(images.X, images.y)
        assert np.abs(mixed - other.decision_function(images.X)).max() > 1e-4

    def test_leaves_the_global_generator_alone(self, make, images, criterion):
        before = torch.get_rng_state().tolist()
        make(criterion(), max_epochs=1).fit(images.X, images.y)
        assert torch.get_rng_state().tolist() == before

    @pytest.mark.parametrize(
        "params",
        [
            {"reconstruction_weight": "batch/10"},
            {"early_stopping": True},
            {"precision": "bfloat16"},
            {"scenario": "single_training_set", "prior": 0.5},
        ],
        ids=lambda params: next(iter(params)),
    )
    def test_with_other_options(self, make, images, criterion, params):
        classifier = make(criterion(), **params).fit(images.X, images.y)
        logits = classifier.decision_function(images.X)
        assert np.isfinite(logits).all()
        again = make(criterion(), **params).fit(images.X, images.y)
        np.testing.assert_array_equal(logits, again.decision_function(images.X))
        losses = [value for epoch in classifier.history_ for value in epoch.values()]
        assert np.isfinite(losses).all()

    def test_warm_start_may_mix_later(self, make, images, criterion):
        """Two phases, as in the source of Dist-PU: the second starts from the first's weights."""
        plain = criterion(mixup_weight=0.0)
        classifier = make(plain, warm_start=True).fit(images.X, images.y)
        first = classifier.decision_function(images.X)
        classifier.set_params(criterion=criterion(), lr=1e-6, max_epochs=1).fit(images.X, images.y)
        weights = classifier.module_.head.weight.detach().clone()
        assert np.corrcoef(first, classifier.decision_function(images.X))[0, 1] > 0.8
        classifier.set_params(lr=0.01).fit(images.X, images.y)
        assert not torch.equal(classifier.module_.head.weight, weights)

    def test_impossible_alpha(self, make, images, criterion):
        with pytest.raises(ValueError, match="mixup_alpha must be a finite number above 0, got 0"):
            make(criterion(mixup_alpha=0.0)).fit(images.X, images.y)


class TestSeparation:
    """What the unlabelled really are is found."""

    @pytest.fixture(params=["vpu", "dist_pu", "cvir"])
    def criterion(self, request):
        return request.param

    def found(self, classifier, data):
        unlabelled = data.y == 0
        logits = classifier.fit(data.X, data.y).decision_function(data.X[unlabelled])
        return roc_auc_score(data.truth[unlabelled], logits)

    def test_images(self, make, images, criterion):
        classifier = make(criterion, prior=images.prior, max_epochs=8, lr=0.01, random_state=0)
        # VPU, which mixes labelled images with unlabelled ones only, finds a little less here.
        assert self.found(classifier, images) > (0.9 if criterion == "vpu" else 0.95)

    def test_rows(self, rows, criterion):
        classifier = PUImageClassifier(
            criterion=criterion, prior=rows.prior, lr=0.02, random_state=0
        )
        assert self.found(classifier, rows) > 0.95
