import pytest

from puclassify.cli._progress import library_output, progress_line, with_time_left


@pytest.mark.parametrize(
    ("done", "total", "seconds", "expected"),
    [
        (5, 20, 30.0, "5 of 20 micrographs in 0:30, 1:30 left"),
        (20, 20, 3725.0, "20 of 20 micrographs in 1:02:05"),
        (7, None, 61.0, "7 micrographs in 1:01"),
    ],
)
def test_lines(done, total, seconds, expected):
    assert progress_line(done, total, "micrograph", seconds) == expected


def test_a_log_file_gets_the_last_line_and_no_codes(capsys):
    assert list(with_time_left("abc", 3, "letter")) == ["a", "b", "c"]
    with library_output():
        print("\x1b[32mgreen\x1b[0m")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "3 of 3 letters in 0:00\ngreen\n"
