import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from puclassify import ParticlePicker
from puclassify.picking import THRESHOLD_RULES, ThresholdRule
from puclassify.picking.estimates._expected_quality import expected_quality, separating_thresholds
from puclassify.picking.estimates._threshold_rules import (
    AUTO_RULE,
    check_threshold,
    choose_threshold,
    is_rule,
)

USER_GUIDE = Path(__file__).resolve().parents[3] / "docs" / "user_guide" / "estimates.rst"


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(-2.0, 3.0, 500)


def chosen(rule, logits, detected_fraction):
    thresholds = separating_thresholds(logits)
    expected = expected_quality(logits, thresholds, detected_fraction)
    return choose_threshold(rule, {"threshold": thresholds, **expected})


def by_hand(logits, threshold, detected_fraction):
    picked = [logit for logit in logits if logit > threshold]
    right = sum(expit(logit) for logit in picked)
    particles = sum(expit(logit) for logit in logits) / detected_fraction
    precision, recall = right / len(picked), right / particles
    return precision, recall, 2 * precision * recall / (precision + recall)


class TestChoice:
    def test_best_f1_of_all_cuts(self, logits):
        threshold = chosen("expected_f1", logits, 0.9)
        cuts = np.append(np.sort(logits)[:-1], -np.inf)
        best = max(by_hand(logits, cut, 0.9)[2] for cut in cuts)
        assert by_hand(logits, threshold, 0.9)[2] == pytest.approx(best)

    @pytest.mark.parametrize("target", [0.5, 0.8, 0.95])
    def test_precision_takes_as_many_as_it_can(self, logits, target):
        threshold = chosen(("precision", target), logits, 1.0)
        assert by_hand(logits, threshold, 1.0)[0] >= target
        (following,) = np.sort(logits[logits <= threshold])[-1:]
        assert by_hand(logits, following - 1e-9, 1.0)[0] < target

    @pytest.mark.parametrize("target", [0.3, 0.7])
    def test_recall_takes_as_few_as_it_can(self, logits, target):
        threshold = chosen(("recall", target), logits, 0.9)
        assert by_hand(logits, threshold, 0.9)[1] >= target
        last = np.sort(logits[logits > threshold])[0]
        assert by_hand(logits, last, 0.9)[1] < target

    @pytest.mark.parametrize(("rule", "n_picks"), [("precision", 3), ("recall", 2)])
    def test_a_target_that_is_met_exactly_is_reached(self, rule, n_picks):
        expected = {
            "threshold": np.array([3.5, 2.5, 1.5, 0.5]),
            "precision": np.array([1.0, 0.875, 0.75, 0.625]),
            "recall": np.array([0.5, 0.75, 0.875, 1.0]),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert choose_threshold((rule, 0.75), expected) == 4.5 - n_picks

    def test_a_target_above_all_is_out_of_reach_and_the_highest_is_not(self):
        expected = {
            "threshold": np.array([1.5, 0.5]),
            "precision": np.array([0.75, 0.5]),
            "recall": np.array([0.25, 0.5]),
        }
        assert choose_threshold(("precision", 0.75), expected) == 1.5
        assert choose_threshold(("recall", 0.5), expected) == 0.5
        with pytest.warns(UserWarning, match="expected precision is at most 0.750"):
            assert choose_threshold(("precision", np.nextafter(0.75, 1)), expected) == 1.5
        with pytest.warns(UserWarning, match="expected recall is at most 0.500"):
            assert choose_threshold(("recall", np.nextafter(0.5, 1)), expected) == 0.5

    @pytest.mark.parametrize("rule", ["expected_f1", ("precision", 0.8), ("recall", 0.8)])
    def test_equal_scores_stay_together(self, rule):
        # As of a forest, all trees of which agree on the particles.
        logits = np.repeat([4.0, -4.0], [20, 50])
        assert (logits > chosen(rule, logits, 1.0)).sum() == 20

    def test_out_of_reach(self, logits):
        with pytest.warns(UserWarning, match=r"\('precision', 0.999.* out of reach"):
            threshold = chosen(("precision", 0.9999), logits, 1.0)
        assert (logits > threshold).sum() == 1
        with pytest.warns(UserWarning, match="expected recall is at most 0.700"):
            threshold = chosen(("recall", 0.8), logits, 0.7)
        assert (logits > threshold).all()


class TestCheck:
    @pytest.mark.parametrize(
        ("threshold", "checked"),
        [
            (0, 0.0),
            (-1.5, -1.5),
            (np.float32(0.5), 0.5),
            (-np.inf, -np.inf),
            ("auto", AUTO_RULE),
            ("expected_f1", "expected_f1"),
            (("precision", 0.9), ("precision", 0.9)),
            (["recall", 0.5], ("recall", 0.5)),
        ],
    )
    def test_what_is_accepted(self, threshold, checked):
        assert check_threshold(threshold) == checked
        assert is_rule(check_threshold(threshold)) == isinstance(threshold, (str, tuple, list))

    @pytest.mark.parametrize(
        "threshold",
        [
            "best",
            np.nan,
            True,
            None,
            "precision",
            ("expected_f1", 0.5),
            ("precision", 1.5),
            ("precision", 1),
            ("recall", 0),
            ("precision", True),
            ("f1", 0.5),
            ("recall",),
            ("recall", "x"),
            (0.5, "recall"),
            ([], 0.5),
        ],
    )
    def test_what_is_refused(self, threshold):
        with pytest.raises(ValueError, match="threshold must be a number"):
            check_threshold(threshold)

    def test_the_message_lists_the_rules(self):
        with pytest.raises(ValueError, match="threshold must be a number") as caught:
            check_threshold("best", also=", or None")
        message = str(caught.value)
        assert all(repr(name) in message for name in THRESHOLD_RULES)
        assert "('recall', number between 0 and 1)" in message
        assert message.endswith("), or None; got 'best'")


class TestTable:
    """A rule is one entry of the table."""

    @pytest.fixture(autouse=True)
    def rules_of_a_test(self, monkeypatch):
        def nearest_number(expected, target):
            return int(np.argmin(np.abs(expected["n_picks"] - target)))

        def all_candidates(expected, target):
            assert np.isnan(target)
            return -1

        of_number = ThresholdRule(nearest_number, (0, np.inf), reaches="n_picks")
        monkeypatch.setitem(THRESHOLD_RULES, "n_picks", of_number)
        monkeypatch.setitem(THRESHOLD_RULES, "everything", ThresholdRule(all_candidates))

    def test_is_checked(self):
        assert check_threshold("everything") == "everything"
        assert check_threshold(("n_picks", 300)) == ("n_picks", 300.0)
        for threshold in ("n_picks", ("n_picks", 0), ("everything", 1.0)):
            with pytest.raises(ValueError, match=r"'n_picks', number above 0\), 'everything'\)"):
                check_threshold(threshold)

    def test_chooses(self, logits):
        assert (logits > chosen(("n_picks", 30), logits, 0.9)).sum() == 30
        assert (logits > chosen("everything", logits, 0.9)).all()
        with pytest.warns(UserWarning, match="expected n_picks is at most 500.000"):
            chosen(("n_picks", 501), logits, 0.9)

    def test_serves_in_fit_and_predict(self, make_picker, simulated):
        picker = make_picker(threshold=("n_picks", 15)).set_params(
            classifier__max_epochs=6, expected_particles=None
        )
        micrographs, coordinates = simulated.micrographs[:4], simulated.coordinates[:4]
        picks = picker.fit(micrographs, coordinates).predict(micrographs)
        assert sum(map(len, picks)) == 4 * 15
        assert picker.threshold_report_["n_picks"] == 15
        fewer = picker.predict(micrographs, threshold=("n_picks", 10))
        assert sum(map(len, fewer)) == 4 * 10
        candidates = picker.predict(micrographs, threshold="everything")
        every_one = picker.predict(micrographs, threshold=-np.inf)
        assert list(map(len, candidates)) == list(map(len, every_one))


class TestDocumentation:
    """Rules are documented under their names, and no others are."""

    def test_of_the_picker(self):
        text = re.search(r"^    threshold : (.*?)^    \w+ :", ParticlePicker.__doc__, re.M | re.S)
        documented = text.group(1)
        assert set(re.findall(r'"(\w+)"', documented)) == {"auto", *THRESHOLD_RULES}

    def test_of_the_user_guide(self):
        _, _, after_head = USER_GUIDE.read_text().partition("``threshold=``")
        _, table, *_ = re.split(r"^=+ +=+$", after_head, flags=re.M)
        assert set(re.findall(r'"(\w+)"', table)) == {"auto", *THRESHOLD_RULES}
