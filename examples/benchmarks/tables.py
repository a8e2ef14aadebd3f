"""
Tables that the benchmarks print
================================

Rows of Markdown, and a mean with its spread. Needs nothing but NumPy's arrays.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["mean_sd", "table_head", "table_row"]


def table_row(cells: Iterable) -> str:
    """Return one row."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table_head(titles: Iterable[str]) -> str:
    """Return the titles of the columns and the line below them."""
    titles = list(titles)
    return table_row(titles) + "\n|" + " --- |" * len(titles)


def mean_sd(values, digits: int = 1) -> str:
    """Return the mean of an array, and its standard deviation in brackets."""
    return f"{values.mean():.{digits}f} ({values.std():.{digits}f})"
