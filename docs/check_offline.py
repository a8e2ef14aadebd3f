"""Check that built pages load nothing from another host; exit 1 if one does.

Run by ``make docs``. Links to other sites are fine: they are followed by readers, not by browsers
on their own.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

_LINKS = {"a", "form"}
_EXTERNAL = re.compile(r"(https?:)?//", re.IGNORECASE)
_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


def main(folder: str) -> int:
    """Check all pages and style sheets of a folder; return the exit status."""
    n_files, failed = 0, False
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix not in (".css", ".html"):
            continue
        n_files += 1
        text = path.read_text(encoding="utf-8")
        for address in _IN_STYLES.findall(text) if path.suffix == ".css" else loaded(text):
            print(f"{path} loads {address}")
            failed = True
    print(f"{n_files} pages and style sheets checked for addresses of other hosts")
    return int(failed or not n_files)


def loaded(html: str) -> list[str]:
    """List what a browser fetches from other hosts to show a page."""
    parser = _Loaded()
    parser.feed(html)
    return parser.addresses


class _Loaded(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in _LINKS or (tag == "link" and ("rel", "canonical") in attrs):
            return
        self.addresses += [
            value
            for name, value in attrs
            if name in ("src", "href", "data", "poster") and _EXTERNAL.match(value or "")
        ]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
