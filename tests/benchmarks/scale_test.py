"""Tests of `benchmarks.scale`: the formulas against a ring that really sums."""

import math
import pathlib
import sys

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.scale import MEASURED

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/scale.md"


def _ring(size: float, hosts: int, link: float, latency: float) -> float:
    """Seconds until every host of a ring holds the sum; each sends what it got before."""
    rng = np.random.default_rng(0)
    parts = rng.integers(0, 9, [hosts, hosts])  # Of each host, a number for each chunk.
    expected, clocks = parts.sum(axis=0), np.zeros(hosts)
    for turn in range(2 * (hosts - 1)):
        sent = [((host - turn) % hosts, parts[host].copy()) for host in range(hosts)]
        # A chunk arrives when its sender was ready, had sent it, and it was on the way.
        arrived = clocks + 8 * size / hosts / link + latency
        for host in range(hosts):
            before = (host - 1) % hosts
            chunk, values = sent[before]
            is_summing = turn < hosts - 1
            kept = parts[host, chunk] if is_summing else 0
            parts[host, chunk] = kept + values[chunk]
        clocks = np.maximum(arrived, np.roll(arrived, 1))
    assert (parts == expected).all()
    return clocks.max()


@pytest.mark.parametrize("hosts", [2, 3, 8, 33])
@pytest.mark.parametrize("latency", [0.0, 1e-4])
def test_all_reduce_takes_as_long_as_a_ring_that_sums(hosts, latency):
    for size, link in ((1e6, 1e9), (120e6, 10e9)):
        np.testing.assert_allclose(
            scale.all_reduce_seconds(size, hosts, link, latency),
            _ring(size, hosts, link, latency),
        )


@pytest.mark.parametrize("rate", [MEASURED.rate, *scale.ASSUMED_RATES])
@pytest.mark.parametrize("link", scale.LINKS)
@pytest.mark.parametrize("latency", [0.0, scale.LATENCY, 1e-2])
def test_break_even_is_where_the_ring_begins_to_take_longer(rate, link, latency):
    found = scale.break_even(MEASURED, rate, link, latency)

    def excess(hosts):
        ring = scale.all_reduce_seconds(MEASURED.gradients, hosts, link, latency)
        return ring - scale.step_seconds(MEASURED, hosts, rate)

    assert excess(found * 1.001) > 0 > excess(found * 0.999)
    if (least := math.ceil(found)) <= 300:  # The ring itself, in whole hosts.
        for hosts, is_longer in ((least, True), (least - 1, False)):
            ring = _ring(MEASURED.gradients, hosts, link, latency) if hosts > 1 else 0
            step = scale.step_seconds(MEASURED, hosts, rate)
            assert (ring >= step * (1 - 1e-9)) == is_longer


def test_the_document_has_the_tables_of_the_numbers_measured():
    text = DOCUMENT.read_text(encoding="utf-8")
    for table in (scale.pictures_table, scale.network_table, scale.hosts_table):
        assert "\n".join(table(MEASURED)) in text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
