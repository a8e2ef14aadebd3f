"""What the formats of coordinates are known by: starts of files, and files of other kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from puclassify.io._json_text import check_size

__all__ = ["by_first_line", "by_json", "first_line", "foreign", "head_of"]

_HEAD = 1 << 16
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive: unpack it and read the files in it",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\x89HDF": "an HDF5 file: in EMAN2 the coordinates are in info/*_info.json",
    b"IMODV1": "an IMOD model: write its points with model2point",
    b"Iout": "a region of ImageJ: measure it with Centroid ticked, and save the results as CSV",
    b"\x89PNG": "an image: read it with read_micrograph",
    b"\xff\xd8\xff": "an image: read it with read_micrograph",
    b"II*\x00": "an image: read it with read_micrograph",
    b"MM\x00*": "an image: read it with read_micrograph",
    b"SQLite": "a database: export the coordinates as STAR, TSV or CSV",
    b"\x80\x02": "a Python pickle, which is never loaded since it can run any program",
    b"\x80\x03": "a Python pickle, which is never loaded since it can run any program",
    b"\x80\x04": "a Python pickle, which is never loaded since it can run any program",
    b"\x80\x05": "a Python pickle, which is never loaded since it can run any program",
    b"<?xml": "an XML file: export the annotations as COCO or CSV",
    b"<annotation": "an XML file: export the annotations as COCO or CSV",
}


def head_of(path: str) -> bytes:
    """Return the start of a file."""
    with open(path, "rb") as file:
        return file.read(_HEAD)


def foreign(path: str, head: bytes) -> str:
    """Return what a file is that holds no coordinates, and the way out, or an empty text."""
    if head[208:211] == b"MAP" and head[211:212] in (b" ", b"\x00"):
        return "an image: read it with read_micrograph"
    return next((what for start, what in _FOREIGN.items() if head.startswith(start)), "")


def first_line(head: bytes) -> str:
    """Return the first line of text that is not empty and no comment."""
    lines = (line.strip() for line in head.decode("utf-8-sig", "replace").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def by_first_line(is_known: Callable[[str], bool]) -> Callable[[str, bytes], bool]:
    """Return a recogniser of formats by the first line of a file."""

    def recognise(path: str, head: bytes) -> bool:
        text = head.decode("utf-8-sig", "replace").lstrip("\r\n")
        return is_known(text.split("\n", 1)[0].rstrip("\r"))

    return recognise


def by_json(is_known: Callable[[Any], bool]) -> Callable[[str, bytes], bool]:
    """Return a recogniser of formats by the content of a JSON file."""

    def recognise(path: str, head: bytes) -> bool:
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return False
        try:
            check_size(path)
        except ValueError as error:
            raise ValueError(f"{path} cannot be read as coordinates: {error}") from None
        with open(path, "rb") as file:
            try:
                return is_known(json.load(file))
            except (ValueError, RecursionError):
                return False

    return recognise
