"""Tests of `benchmarks.growth_table`: slopes of costs whose growth is known."""

import sys

import pytest

from benchmarks import growth_table
from benchmarks.growth_table import Cost


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_slope_is_the_power_of_the_growth(power):
    values = [10, 100, 1000]
    costs = [3.0 * value**power for value in values]
    assert growth_table.slope(values, costs) == pytest.approx(power)


def test_table_has_a_row_for_each_stage_with_both_slopes():
    costs = [
        {"prepare": Cost(0.5 * n, 100.0), "evaluate": Cost(2.0, 50.0 * n**2)}
        for n in (1, 2)
    ]
    head, _, prepare, evaluate = growth_table.table("count", [1, 2], costs).splitlines()
    assert head.startswith("| pictures | 1 | 2 | slope |")
    assert prepare == "| prepare | 0.5 s | 1 s | 1.0 | 100 | 100 | 0.0 |"
    assert evaluate == "| evaluate | 2 s | 2 s | 0.0 | 50 | 200 | 2.0 |"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
