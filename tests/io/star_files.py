"""STAR files made by the grammar: what they hold, and one of the many ways to write it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st

TRICKY = [
    *("data_2024/m1.mrc", "Data_1", "loop_", "LOOP_", "_rlnCoordinateX", "save_1", "stop_"),
    *("mic#1.mrc", "#1", "5'-end", 'a"b', "'quoted'", '"', "it's", "a' b", 'a" b', ";", ";a", ""),
    *("NaN", "<NA>", ".", "?", "-1.5", "1e3", "a  b", " a", '""', "\xa0", "a\xa0b", "µ", "a\tb"),
    *("two\nlines", "a\n b;\n", "000001@Extract/m.mrcs"),
]
_CHARACTERS = "ab1.-_#'\";@/ \té\xa0"
values = st.one_of(st.sampled_from(TRICKY), st.text(_CHARACTERS, max_size=6), st.just("7.25"))
_SPACES = [" ", "  ", "\t", " \t "]
_BREAKS = ["\n", "\n", " \n", "\n\n", "\n# version 30001\n", " # it's 'so\n", "\n \n"]


@dataclass
class Loop:
    titles: list[str]
    rows: list[list[str]]


@dataclass
class Block:
    name: str
    singles: dict[str, str] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)


@st.composite
def loops(draw, cells=values, min_rows=0, titles=None):
    """Draw a loop of cells; ``titles`` maps those that it must have to their cells."""
    titles = titles or {}
    n_others = draw(st.integers(0 if titles else 1, 3))
    names = draw(st.permutations([*titles, *(f"rlnOther{i}" for i in range(n_others))]))
    row = st.tuples(*(titles.get(name, cells) for name in names)).map(list)
    return Loop(list(names), draw(st.lists(row, min_size=min_rows, max_size=4)))


@st.composite
def blocks(draw, loop=None):
    name = draw(st.sampled_from(["", "optics", "particles", "a.b"]))
    singles = draw(st.dictionaries(st.sampled_from(["rlnA", "rlnB", "c.d"]), values, max_size=2))
    found = draw(st.lists(loops(min_rows=1) if loop is None else loop, max_size=2))
    # Without rows, nothing but a block ends the titles of a loop.
    if draw(st.booleans()) and loop is None:
        found.append(draw(loops()))
    return Block(name, singles, found)


class Writer:
    """Writes the words of a file with spaces, line breaks and comments between them."""

    def __init__(self, chance: random.Random, *, free: bool = True):
        self.chance = chance
        self.free = free  # whether rows may go over several lines
        self.text = ""

    @property
    def at_start(self) -> bool:
        return not self.text[self.text.rfind("\n") + 1 :].strip()

    def break_line(self) -> None:
        self.text += self.chance.choice(_BREAKS)

    def space(self) -> None:
        self.text += self.chance.choice(_SPACES)

    def keyword(self, word: str) -> None:
        self.text += self.chance.choice([word, word, word.upper(), word.title()])

    def value(self, value: str) -> None:
        forms = [form for form in ("bare", "'", '"', ";") if self._fits(value, form)]
        form = self.chance.choice(forms)
        if form == ";":
            self.text += "" if self.text.endswith("\n") else "\n"
            self.text += f";{value}\n;"
        else:
            self.text += value if form == "bare" else f"{form}{value}{form}"

    def _fits(self, value: str, form: str) -> bool:
        if form == ";":
            return self.free and "\n;" not in f"{value}"
        if form in "'\"":
            return "\n" not in value and not any(form + space in value for space in " \t")
        if not value or any(space in value for space in " \t\n") or value[0] in "#'\"":
            return False
        keyword = value.lower().startswith(("_", "data_", "loop_"))
        in_first_column = not self.text or self.text.endswith("\n")
        return not (self.at_start and keyword) and not (in_first_column and value[0] == ";")

    def loop(self, loop: Loop) -> None:
        self.keyword("loop_")
        for number, title in enumerate(loop.titles, 1):
            self.chance.choice([self.space, self.break_line])()
            self.text += f"_{title}"
            if self.chance.random() < 0.5:
                self.text += f" #{number}"
                self.break_line()
        for row in loop.rows:
            self.break_line()
            if self.chance.random() < 0.5:
                self.space()
            for place, value in enumerate(row):
                if place:
                    go_on = self.free and self.chance.random() < 0.25
                    self.break_line() if go_on else self.space()
                self.value(value)

    def block(self, block: Block) -> None:
        self.keyword("data_")
        self.text += block.name
        parts = [("single", item) for item in block.singles.items()]
        parts += [("loop", loop) for loop in block.loops]
        for kind, part in parts:
            self.break_line()
            if kind == "loop":
                self.loop(part)
            else:
                self.text += f"_{part[0]}"
                self.chance.choice([self.space, self.break_line])()
                self.value(part[1])
        self.break_line()


@st.composite
def texts(draw, contents, *, free=True):
    """Draw blocks and a text that holds them."""
    content = draw(contents)
    # Hypothesis shrinks what the file holds; for the layout a seed is faster.
    writer = Writer(random.Random(draw(st.integers(0, 2**16))), free=free)
    writer.text = writer.chance.choice(["", "\n", "# created by hand\n"])
    for block in content:
        writer.block(block)
    return content, writer.text


def tables_of(content: list[Block]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return block, titles and rows of each table in the order of the file."""
    tables = []
    for block in content:
        if block.singles:
            tables.append((block.name, list(block.singles), [list(block.singles.values())]))
        tables += [(block.name, loop.titles, loop.rows) for loop in block.loops]
    return tables
