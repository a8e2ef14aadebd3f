from types import SimpleNamespace

import numpy as np
import pytest
import torch

from puclassify.classifier._progress import OneCycle

N_STEPS = 50


def cosine(start, end, share):
    return end + (start - end) * (1 + np.cos(np.pi * share)) / 2


def one_cycle(highest, warm_up):
    """The rates of PyTorch's documentation: from 1/25 of the highest up, then to a 10,000th of it.

    There are as many as steps and one more, which is set after the last.
    """
    step, peak = np.arange(N_STEPS + 1), warm_up * (N_STEPS + 1) - 1
    return np.where(
        step <= peak,
        cosine(highest / 25, highest, step / peak),
        cosine(highest, highest / 25e4, (step - peak) / (N_STEPS - peak)),
    )


class TestOneCycle:
    def train(self, schedule, rates, n_validated=0):
        """Return the learning rate of each group before the first batch and after every one."""
        groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates]
        net = SimpleNamespace(optimizer_=torch.optim.Adam(groups, betas=(0.8, 0.9)))
        schedule.on_train_begin(net)
        found = [[group["lr"] for group in net.optimizer_.param_groups]]
        for _ in range(N_STEPS):
            net.optimizer_.step()
            schedule.on_batch_end(net, training=True)
            for _ in range(n_validated):
                schedule.on_batch_end(net, training=False)
            found.append([group["lr"] for group in net.optimizer_.param_groups])
        assert {group["betas"] for group in net.optimizer_.param_groups} == {(0.8, 0.9)}
        return np.transpose(found)

    @pytest.mark.parametrize("warm_up", [0.3, 0.5])
    def test_rates_are_those_of_the_formula(self, warm_up):
        low, high = self.train(OneCycle(N_STEPS, warm_up), [0.01, 0.1])
        np.testing.assert_allclose(low, one_cycle(0.01, warm_up))
        np.testing.assert_allclose(high, one_cycle(0.1, warm_up))

    def test_the_rate_rises_in_three_tenths_of_the_steps(self):
        (rates,) = self.train(OneCycle(N_STEPS), [0.1])
        np.testing.assert_allclose(rates, one_cycle(0.1, 0.3))

    def test_only_batches_that_are_trained_on_count(self):
        (rates,) = self.train(OneCycle(N_STEPS), [0.1], n_validated=3)
        np.testing.assert_allclose(rates, one_cycle(0.1, 0.3))
