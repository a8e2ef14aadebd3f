import pytest

from common.tables import mean_sd, table_head, table_row


class TestTables:
    def test_a_table_has_a_line_below_its_titles_with_as_many_cells(self):
        assert table_head(["set", "AP"]) == "| set | AP |\n| --- | --- |"
        assert table_row(["ring", 0.5]) == "| ring | 0.5 |"

    def test_titles_may_come_from_a_generator(self):
        assert table_head(name for name in "ab") == table_head(["a", "b"])


class TestMeanSd:
    @pytest.mark.parametrize(
        ("digits", "expected"), [(1, "3.0 (1.4)"), (3, "3.000 (1.414)"), (0, "3 (1)")]
    )
    def test_is_the_standard_deviation_of_the_values_themselves(self, digits, expected):
        assert mean_sd([1, 2, 3, 4, 5], digits) == expected  # the square root of 10 / 5

    def test_of_one_value_the_deviation_is_zero(self):
        assert mean_sd([0.25], 2) == "0.25 (0.00)"
