"""The two scenarios of positive-unlabelled data."""

from __future__ import annotations

__all__ = ["SCENARIOS", "check_scenario"]

SCENARIOS = ("case_control", "single_training_set")


def check_scenario(scenario) -> None:
    """Refuse what is no scenario.

    Parameters
    ----------
    scenario : str
        The parameter of an estimator.

    Raises
    ------
    ValueError
        If it is none of `SCENARIOS`.
    """
    if not isinstance(scenario, str) or scenario not in SCENARIOS:
        raise ValueError(
            f"scenario must be 'case_control' or 'single_training_set', got {scenario!r}"
        )
