import re

import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puclassify.io import _star_grammar
from puclassify.io._star_grammar import parse_star

from .star_files import blocks, loops, tables_of, texts

SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
AB = "data_\nloop_\n_a\n_b\n"


def parsed(text):
    return [(table.block, table.titles, table.rows) for table in parse_star(text)]


@st.composite
def one_value_off(draw):
    """Draw a file with a loop of several columns, one row of which lacks a value or has one more.

    The layout is that of the file before, so that any value may be the one.
    """
    content, _ = draw(texts(st.lists(blocks(loops(min_rows=1)), min_size=1, max_size=2)))
    wide = [loop for b in content for loop in b.loops if len(loop.titles) > 1]
    if not wide:
        return None
    loop = draw(st.sampled_from(wide))
    row = draw(st.sampled_from(loop.rows))
    if draw(st.booleans()):
        row.append("8")
    else:
        row.pop(draw(st.integers(0, len(row) - 1)))
    return draw(texts(st.just(content)))[1]


class TestGeneratedFiles:
    @SETTINGS
    @given(texts(st.lists(blocks(), max_size=3)))
    def test_every_value_comes_back(self, file):
        content, text = file
        assert parsed(text) == tables_of(content)

    @SETTINGS
    @given(texts(st.lists(blocks(), max_size=2)), texts(st.lists(blocks(), max_size=2)))
    def test_files_one_behind_the_other(self, one, other):
        assert parsed(one[1] + "\n" + other[1]) == tables_of(one[0] + other[0])

    @SETTINGS
    @given(one_value_off())
    def test_one_value_more_or_less_is_an_error_with_its_line(self, text):
        if text is None:
            return
        with pytest.raises(ValueError, match=r"line \d+"):
            parse_star(text)

    @SETTINGS
    @given(st.text("ab_#'\";\n \tdatloop_1", max_size=60))
    def test_anything_is_tables_of_whole_rows_or_an_error_with_its_line(self, text):
        try:
            tables = parse_star(text)
        except ValueError as error:
            message = str(error)
        else:
            message = ""
            for table in tables:
                assert len(table.lines) == len(table.rows)
                assert all(len(row) == len(table.titles) for row in table.rows)
        assert not message or re.search(r"line \d+", message)


def outcome(text):
    """Return all that is known of a file's tables, or the error."""
    try:
        tables = parse_star(text)
    except ValueError as error:
        return str(error)
    return [(t.block, t.line, t.titles, t.rows, t.lines, t.shared_line) for t in tables]


@st.composite
def mostly_plain(draw):
    """Draw a loop of many plain rows in RELION's layout, with something odd somewhere in it."""
    n_rows, n_columns = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    rows = [[f"{row}.{column}" for column in range(n_columns)] for row in range(n_rows)]
    lines = [" ".join(row) + draw(st.sampled_from(["", " ", "\t"])) for row in rows]
    odd = ["", " ", "\r", "# c", "data_x", "_b 1", "loop_", ";", ";a", "x", "1 2 3 4", "'a b'", "é"]
    odd += ["Data_1 2", "\x0b", "1\x1c2", " 7 8", "1 #2", "Lo 1", "data_x\nloop_\n_b", "1 2\n3 4 5"]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(odd)))
    titles = [f"_a{column} #{column + 1}" for column in range(n_columns)]
    return "\n".join(["data_", "", "loop_", *titles, *lines, *draw(st.sampled_from([[], [""]]))])


@settings(SETTINGS, max_examples=500)
@given(mostly_plain())
def test_rows_taken_at_once_are_those_taken_one_by_one(text):
    fast = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_star_grammar._Lines, "take_plain", lambda *args: range(0))
        assert fast == outcome(text)


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n \n", "\n\n\ndata_b\n\n_c 5\n"])
def test_plain_rows_up_to_the_end_of_their_table(end):
    loop = parse_star(f"{AB}1 2 \n3 4 \n5 6 {end}")[0]
    assert loop.rows == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert loop.lines == [5, 6, 7]


class TestLegalFiles:
    @pytest.mark.parametrize(
        ("text", "titles", "rows"),
        [
            ("data_\nloop_\n\n# c\n_a #1\n \n_b\n1 2\n", ["a", "b"], [["1", "2"]]),
            ("data_\nLOOP_ _a _b\n1\n2\n3 4\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
            (AB + "1 2\n\n\n3 4 # c\n#c\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
            (AB + "1 a#1\n2 '#2'\n", ["a", "b"], [["1", "a#1"], ["2", "#2"]]),
            (AB + '1 """"\n"a" "b" \n', ["a", "b"], [["1", '""'], ["a", "b"]]),
            (AB + '"a"b" c"d" \n', ["a", "b"], [['a"b', 'c"d"']]),
            (AB + "5'-x 'it's'\n", ["a", "b"], [["5'-x", "it's"]]),
            (AB + "'a \"b\"' \"'c'\"\n", ["a", "b"], [['a "b"', "'c'"]]),
            (AB + "1\n;x\n y;\n; 2\n;\n;\n", ["a", "b"], [["1", "x\n y;"], ["2", ""]]),
            ("data_\n_a 1 _b data_2\n", ["a", "b"], [["1", "data_2"]]),
            ("data_\n_a\n1\n_b\n;2\n;\n", ["a", "b"], [["1", "2"]]),
            ("_a 1\n_b 2\n", ["a", "b"], [["1", "2"]]),
            (AB, ["a", "b"], []),
            (AB + "Data_1/m 2\n1 DATA_3\n", ["a", "b"], [["Data_1/m", "2"], ["1", "DATA_3"]]),
            (AB + "1\xa02 3\n", ["a", "b"], [["1\xa02", "3"]]),
        ],
    )
    def test_one_table(self, text, titles, rows):
        assert parsed(text) == [("", titles, rows)]

    def test_several_tables_in_a_block(self):
        text = "data_x\n_a 1\nloop_\n_b\n2\n3\n_c 4\nloop_\n_b\n5\nDATA_x\n_a 6\n"
        assert parsed(text) == [
            ("x", ["a", "c"], [["1", "4"]]),
            ("x", ["b"], [["2"], ["3"]]),
            ("x", ["b"], [["5"]]),
            ("x", ["a"], [["6"]]),
        ]

    def test_lines_are_those_on_which_rows_start(self):
        text = "data_\n_c\n1\nloop_\n_a\n_b\n\n1 2\n# c\n3\n4\n;x\n; 5\n"
        singles, loop = parse_star(text)
        assert singles.lines == [2]
        assert loop.lines == [8, 10, 12]
        assert loop.line == 4

    @pytest.mark.parametrize(("rows", "line"), [("1 2\n3 4\n", 0), ("1\n2\n3 4\n5 6 7 8\n", 8)])
    def test_rows_behind_others_are_noticed(self, rows, line):
        assert parse_star(AB + rows)[0].shared_line == line

    def test_single_values_stand_for_all_rows_of_their_block(self):
        loop = parse_star("data_\nloop_\n_a\n1\n2\n_B m\n")[0]
        assert loop.of_rows("b") == ["m", "m"]
        assert loop.of_rows("A") == ["1", "2"]
        assert loop.of_rows("c") is None


class TestIllegalFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (AB + "1 2\n3\n", r"line 6 has 1 value, the loop .* has 2 columns"),
            (AB + "1 2\n3 4 5\n6 7\n", r"line 6 has 3 values.*row \(line 7\) is inc"),
            (AB + "1 2\n3\ndata_x\n_a 1\n", r"line 6 has 1 .*line 7 starts with 'data_x'"),
            (AB + "1 2\n'3 4\n", r"line 6: the quote that starts at \"'3\" does not end"),
            ("data_\nloop_\n_a\n1\n;2\n3\n", "line 5 starts with a semicolon and so a text"),
            ("data_\n_a\n;2\n;3\n", r"line 4: ';3' follows on the text that starts on line 3"),
            ("data_\n_a\n", "line 2: the column _a has no value"),
            ("data_\n_a\n_b 1\n", "line 2: the column _a has no value"),
            ("data_\n_a 1 2\n", "line 2: '2' belongs to no column"),
            ("data_\n1\n", "line 2: '1' belongs to no column"),
            ("data_\nloop_\n", "line 2: loop_ is not followed by columns"),
            ("data_\nloop_\ndata_\n", "line 2: loop_ is not followed by columns"),
            ("data_\nloop_\n1\n", "line 3: loop_ is followed by '1'"),
            ("data_\nloop_\n_a 1\n", "line 3: '1' follows on the title"),
            ("data_\nloop_\n_a\n_A\n1 2\n", "line 4: the column _A occurs twice"),
            ("data_\n_a 1\n_a 2\n", "line 3: the column _a occurs twice"),
            (AB + "_c\n1 2 3\ndata_1 _m 2\n", "line 7 holds more than a block.*in quotes"),
        ],
    )
    def test_errors_name_the_line(self, text, message):
        with pytest.raises(ValueError, match=message):
            parse_star(text)
