"""The grammar of STAR files: blocks of loops and single values.

Free format as the standard has it (comments, quotes, text between semicolons, line breaks between
any two values), except that ``data_``, ``loop_`` and titles among the values of a loop count only
at the start of a line: RELION writes names that look like these without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

__all__ = ["StarTable", "check_star_head", "parse_star"]

_SPACE = r" \t\v\f"
_WORD = re.compile(rf"[^{_SPACE}]+")
_ENDS = {quote: re.compile(rf"{quote}(?![^{_SPACE}])") for quote in "\"'"}
_STARTS = "_dDlL"  # of all keywords
_EMPTY_LINE = re.compile(rf"\n[{_SPACE}]*(?=\n|\Z)")
# Characters up to the space that are no space to str.split().
_ODD_CONTROLS = bytes(code for code in range(ord(" ")) if not chr(code).isspace())
_PIECE = 1 << 17  # bytes
_STARTS_NO_ROW = np.isin(np.arange(128), [ord(start) for start in f"{_STARTS};"])
_STARTED = {"_": "column", "d": "block"}


class _Quoted(str):
    """A value that was quoted, which is never a keyword."""

    __slots__ = ()


@dataclass
class StarTable:
    """A loop, or the single values of a block: titles without ``_``, and rows of text."""

    block: str
    line: int  # of its loop_, or of its first title
    titles: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)  # of one row after the other
    lines: list[int] = field(default_factory=list)  # on which the rows start
    singles: StarTable | None = None  # the single values beside a loop
    shared_line: int = 0  # the first on which a row starts behind the end of another

    @property
    def n_rows(self) -> int:
        """The number of rows; 1 for single values."""
        return len(self.lines)

    @property
    def rows(self) -> list[list[str]]:
        """The rows, made anew."""
        n = len(self.titles)
        return [self.values[row * n : (row + 1) * n] for row in range(self.n_rows)]

    def column(self, title: str) -> list[str] | None:
        """Return the values below a title, in any case, or None without such a title."""
        place = self._places().get(title.lower())
        return None if place is None else self.values[place :: len(self.titles)]

    def of_rows(self, title: str) -> list[str] | None:
        """Return a column, or the single value of the block for every row."""
        column = self.column(title)
        single = self.singles.column(title) if column is None and self.singles else None
        return [single[0]] * self.n_rows if single else column

    def _places(self) -> dict[str, int]:
        return {title.lower(): place for place, title in enumerate(self.titles)}


def parse_star(text: str) -> list[StarTable]:
    """Return the tables of a STAR file in their order, with every value in it.

    ``text`` has newlines as line breaks. A ValueError names the line that does not fit.
    """
    parser = _Parser()
    lines = _Lines(text)
    for number, words in _words_of_lines(lines):
        loop = parser.add(number, words)
        if loop is not None and loop.n_rows == 1:
            loop.lines += lines.take_plain(len(loop.titles), loop.values)
    return parser.finish()


def check_star_head(text: str) -> list[StarTable]:
    """Return the tables in the first lines of a file; raise a ValueError if it is no STAR file."""
    if "\n;" in text:  # the end of a text of several lines may be missing
        return []
    parser = _Parser()
    for number, words in _words_of_lines(_Lines(text)):
        parser.add(number, words)
    return parser.so_far()


class _Lines:
    """The lines of a text with their numbers; many can be taken at once where they are plain."""

    def __init__(self, text: str):
        self._text, self._place, self._number = text, 0, 0
        # str.split() also splits at spaces that only Unicode knows; those belong to names here.
        self.is_plain = text.isascii()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        if self._place > len(self._text):
            raise StopIteration
        end = self._text.find("\n", self._place)
        end = len(self._text) if end < 0 else end
        line, self._place = self._text[self._place : end], end + 1
        self._number += 1
        return self._number, line

    def take_plain(self, n_columns: int, values: list[str]) -> range:
        """Take the lines up to the next empty one in a fraction of time, and return their numbers.

        Their words are added to the values. If one of them is no row of plain values, none is
        taken.
        """
        if not self.is_plain:
            return range(0)
        empty = _EMPTY_LINE.search(self._text, self._place - 1)
        end = len(self._text) if empty is None else empty.start()
        body = self._text[self._place : end]
        if any(mark in body for mark in "\"'#") or not _are_rows(body, n_columns):
            return range(0)
        words = body.split()
        values += words
        first = self._number + 1
        self._place, self._number = end + 1, self._number + len(words) // n_columns
        return range(first, self._number + 1)


def _are_rows(body: str, n_columns: int) -> bool:
    """Return whether each line has as many words as there are columns, and starts with a value."""
    data = body.encode("ascii")
    start = 0
    while start <= len(data):  # by pieces that the processor holds at once
        end = data.find(b"\n", start + _PIECE)
        end = len(data) if end < 0 else end
        if not _is_piece_of_rows(data[start:end], n_columns):
            return False
        start = end + 1
    return True


def _is_piece_of_rows(data: bytes, n_columns: int) -> bool:
    if len(data.translate(None, _ODD_CONTROLS)) < len(data):
        return False
    codes = np.frombuffer(data, np.uint8)
    is_space = codes <= ord(" ")
    starts = np.flatnonzero(is_space[:-1] & ~is_space[1:]) + 1  # of words
    if codes.size and not is_space[0]:
        starts = np.concatenate([[0], starts])
    ends = np.append(np.flatnonzero(codes == ord("\n")), codes.size)  # of lines
    if len(starts) != n_columns * len(ends):
        return False
    words = starts.reshape(len(ends), n_columns)
    if (words[:, -1] > ends).any() or (words[1:, 0] < ends[:-1]).any():
        return False
    return not _STARTS_NO_ROW[codes[words[:, 0]]].any()


def _words_of_lines(lines: _Lines) -> Iterator[tuple[int, list[str]]]:
    """Yield the numbers of lines and the words on them; a text of several lines is a word."""
    for number, line in lines:
        if line[:1] == ";":
            words, rest = _text_block(number, line, lines)
            yield number, words + _words(number, rest)
        elif lines.is_plain and not ("#" in line or '"' in line or "'" in line):
            words = line.split()
            if words:
                yield number, words
        else:
            words = _words(number, line)
            if words:
                yield number, words


def _text_block(start: int, first: str, lines: Iterator[tuple[int, str]]) -> tuple[list[str], str]:
    """Return the text up to the next line that starts with a semicolon, and what follows there."""
    texts = [first[1:]]
    for number, line in lines:
        if line[:1] != ";":
            texts.append(line)
            continue
        if line[1:2].strip():
            raise ValueError(
                f"line {number}: {line[:20]!r} follows on the text that starts on line {start}; "
                "behind the semicolon that ends a text there has to be a space"
            )
        return [_Quoted("\n".join(texts))], line[1:]
    raise ValueError(
        f"line {start} starts with a semicolon and so a text, which no line with a semicolon at "
        "its start ends; is the file complete?"
    )


def _words(number: int, line: str) -> list[str]:
    """Return the words of a line of any kind, without its comment."""
    if '"' in line and "'" not in line and "#" not in line and line.isascii():
        simple = _simply_quoted(line)
        if simple:
            return simple
    words: list[str] = []
    place = 0
    while match := _WORD.search(line, place):
        word, place = match.group(), match.end()
        if word[0] == "#":
            break
        if word[0] in "\"'":
            end = _ENDS[word[0]].search(line, match.start() + 1)
            if end is None:
                raise ValueError(
                    f"line {number}: the quote that starts at {word[:20]!r} does not end on that "
                    "line; is the file complete? A value that starts with a quote has to be in "
                    "quotes of the other kind"
                )
            word, place = _Quoted(line[match.start() + 1 : end.start()]), end.end()
        words.append(word)
    return words


def _simply_quoted(line: str) -> list[str] | None:
    """Return the words of a line whose quotes all stand at the ends of words, in half the time."""
    parts = line.split('"')
    if len(parts) % 2 == 0:
        return None
    words: list[str] = []
    for place, part in enumerate(parts):
        if place % 2:
            words.append(_Quoted(part) if part[:1] in _STARTS else part)
            continue
        is_first, is_last = not place, place + 1 == len(parts)
        if not is_first and (part[:1].strip() or not (part or is_last)):
            return None
        if not is_last and part[-1:].strip():
            return None
        words += part.split()
    return words


def _keyword(word: str) -> str:
    """Return "_" for a title, "d" for the start of a block, "l" for loop_ and else ""."""
    if word[:1] not in _STARTS or not word or type(word) is _Quoted:
        return ""
    start = word[:5].lower()
    if word[0] == "_" or start == "data_" or (start == "loop_" and len(word) == 5):
        return start[0]
    return ""


class _Parser:
    """Puts the words of the lines into tables."""

    def __init__(self) -> None:
        self._tables: list[StarTable] = []
        self._block = ""
        self._singles = StarTable("", 1, lines=[1])
        self._title: str | None = None  # of a single value that has not come yet
        self._loop: StarTable | None = None
        self._row: list[str] = []  # the start of a row that goes on
        self._row_line = 0
        self._odd_line: tuple[int, int] | None = None  # the first that is not a row, its length

    def add(self, number: int, words: list[str]) -> StarTable | None:
        """Add the words of a line; return the loop if it ends with a complete row of it."""
        loop = self._loop
        if (
            loop is not None
            and loop.lines
            and not self._row
            and len(words) == len(loop.titles)
            and not _keyword(words[0])
        ):
            loop.values += words  # nearly all lines of nearly all files
            loop.lines.append(number)
            return loop
        n_values = 0
        for place, word in enumerate(words):
            keyword = self._keyword_here(words, place)
            if keyword == "d":
                self._start_block(number, words, word)
            elif keyword == "l":
                self._end_loop(number, words)
                self._loop = StarTable(self._block, number, singles=self._singles)
            elif keyword == "_":
                self._add_title(number, words, word[1:])
            else:
                self._add_value(number, words, word, n_values)
                n_values += 1
        if self._loop is not None and n_values not in (0, len(self._loop.titles)):
            self._odd_line = self._odd_line or (number, n_values)
        return None if self._row else self._loop

    def so_far(self) -> list[StarTable]:
        """Return the tables, with one that may go on."""
        return [*self._tables, *filter(None, [self._loop])]

    def finish(self) -> list[StarTable]:
        """Return the tables, after the last line."""
        self._end_loop(0, [])
        return self._tables

    def _keyword_here(self, words: list[str], place: int) -> str:
        keyword = _keyword(words[place])
        if not keyword:
            return ""
        among_values = self._title is not None or (self._loop is not None and self._has_values())
        if place and among_values:
            return ""
        # RELION knows data_ in small letters only, so others may be folders: a row follows.
        odd_case = keyword == "d" and not words[place].startswith("data_")
        return "" if odd_case and len(words) > 1 and self._loop is not None else keyword

    def _has_values(self) -> bool:
        return bool(self._loop is not None and (self._loop.lines or self._row))

    def _start_block(self, number: int, words: list[str], word: str) -> None:
        # After rows, "data_a.mrc _b 1" is more likely a row than a block, column and value.
        if self._has_values() and len(words) > 1 and _keyword(words[1]) != "l":
            raise ValueError(f"line {number} holds more than a block{_start_hint(number, words)}")
        self._end_loop(number, words)
        self._block = word[5:]
        self._singles = StarTable(self._block, number, lines=[number])

    def _add_title(self, number: int, words: list[str], title: str) -> None:
        if self._loop is not None and not self._has_values():
            titles = self._loop.titles
        else:
            self._end_loop(number, words)
            titles, self._title = self._singles.titles, title
            if not titles:
                self._tables.append(self._singles)
            self._singles.lines = [number]
        if title.lower() in (other.lower() for other in titles):
            raise ValueError(
                f"line {number}: the column _{title} occurs twice in data_{self._block}"
                f"{_start_hint(number, words)}"
            )
        titles.append(title)

    def _add_value(self, number: int, words: list[str], value: str, n_before: int) -> None:
        if self._loop is None:
            if self._title is None:
                raise ValueError(
                    f"line {number}: {value[:40]!r} belongs to no column"
                    f"{_start_hint(number, words)}"
                )
            self._singles.values.append(value)
            self._title = None
            return
        if not self._loop.titles:
            raise ValueError(f"line {number}: loop_ is followed by {value[:40]!r}, not by columns")
        if not self._has_values() and _keyword(words[0]) == "_":
            raise ValueError(
                f"line {number}: {value[:40]!r} follows on the title of a column of a loop"
                f"{_start_hint(number, words)}"
            )
        if not self._row:
            self._row_line = number
            if n_before:
                self._loop.shared_line = self._loop.shared_line or number
        self._row.append(value)
        if len(self._row) == len(self._loop.titles):
            self._loop.values += self._row
            self._loop.lines.append(self._row_line)
            self._row = []

    def _end_loop(self, number: int, words: list[str]) -> None:
        """Check that a loop or single value is complete, before another or the end of the file."""
        if self._title is not None:
            raise ValueError(
                f"line {self._singles.lines[0]}: the column _{self._title} has no value; is the "
                f"file complete?{_start_hint(number, words)}"
            )
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        if not loop.titles:
            raise ValueError(
                f"line {loop.line}: loop_ is not followed by columns; is the file complete?"
            )
        if self._row:
            raise ValueError(self._incomplete(loop, number, words))
        self._tables.append(loop)
        self._odd_line = None

    def _incomplete(self, loop: StarTable, number: int, words: list[str]) -> str:
        line, n_values = self._odd_line or (self._row_line, len(self._row))
        values = "1 value" if n_values == 1 else f"{n_values} values"
        return (
            f"line {line} has {values}, the loop of data_{loop.block} has {len(loop.titles)} "
            f"columns, and its last row (line {self._row_line}) is incomplete; is the file "
            "complete, does every row have a value for each column, and are values with spaces "
            f"quoted?{_start_hint(number, words)}"
        )


def _start_hint(number: int, words: list[str]) -> str:
    """Explain a line whose first word may have been meant as a value."""
    keyword = _keyword(words[0]) if words else ""
    if keyword not in _STARTED:
        return ""
    return (
        f"; line {number} starts with {str(words[0])!r}, which in a STAR file starts a "
        f"{_STARTED[keyword]}; if it is the name of a micrograph, put it in quotes or move its "
        "column to the end"
    )
