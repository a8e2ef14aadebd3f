"""Tables in Markdown, and a mean with its standard deviation."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["mean_sd", "table_head", "table_row"]


def table_row(cells: Iterable) -> str:
    """Return one row."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table_head(titles: Iterable[str]) -> str:
    """Return the row of column titles and the line below it."""
    titles = list(titles)
    return table_row(titles) + "\n|" + " --- |" * len(titles)


def mean_sd(values, digits: int = 1) -> str:
    """Return the mean and, in brackets, the standard deviation of the values themselves."""
    return f"{np.mean(values):.{digits}f} ({np.std(values):.{digits}f})"
