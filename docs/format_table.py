"""The table of formats of coordinates, written from the register before Sphinx reads the pages."""

from __future__ import annotations

from pathlib import Path

from puclassify.io import COORDINATE_FORMATS, CoordinateFormat

TABLE = Path(__file__).parent / "api" / "formats.inc"

TITLES = ("format", "written by", "files", "x and y", "y", "kept", "tested against")


def table() -> str:
    """Return the table, a row for each format."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (TITLES, *(cells(*entry) for entry in COORDINATE_FORMATS.items())):
        lines += [f"   {'* -' if not place else '  -'} {cell}" for place, cell in enumerate(row)]
    return "\n".join([*lines, ""])


def cells(name: str, known: CoordinateFormat) -> list[str]:
    """Return the cells of a row."""
    files = ", ".join(f"``{ending}``" for ending in known.extensions)
    several = "" if known.several else "; one for each micrograph"
    origin = f"; first pixel at {known.first_pixel:g}" if known.first_pixel else ""
    kept = ", ".join(known.keeps) or "x and y only"
    single = "; single precision" if known.precision == "single" else ""
    return [
        f"``{name}``",
        known.program,
        f"{files}{several}",
        f"{known.point}, {known.unit}{origin}",
        f"shown {known.shown}" if known.shown else "not known",
        f"{kept}{single}",
        known.tested,
    ]


def write_table() -> None:
    """Write the table, if it is not up to date."""
    TABLE.parent.mkdir(exist_ok=True)
    if not TABLE.exists() or TABLE.read_text(encoding="utf-8") != table():
        TABLE.write_text(table(), encoding="utf-8")


def setup(app) -> dict[str, bool]:
    """Write the table when Sphinx loads this file as an extension."""
    write_table()
    return {"parallel_read_safe": True, "parallel_write_safe": True}
