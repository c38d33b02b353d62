"""helpers/intervals.py against the formula, a slow loop, and how often it holds the truth."""

import math
import tracemalloc

import numpy as np
import pytest

from helpers.intervals import bootstrap_mean, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 100), (100, 100), (1, 7), (37, 100), (10, 20)])
def test_wilson_holds_the_rates_that_lie_within_two_errors_of_the_count(hits, n):
    z = 1.959964
    for edge in wilson(hits, n):  # at an edge, the count is exactly z errors away
        if 1e-9 < edge < 1 - 1e-9:
            error = math.sqrt(edge * (1 - edge) / n)
            assert abs(hits / n - edge) == pytest.approx(z * error, rel=1e-5)


def test_none_of_a_hundred_is_not_certainty():
    low, high = wilson(0, 100)
    assert low == 0.0
    assert high == pytest.approx(1.959964**2 / (100 + 1.959964**2), abs=1e-7)  # 0.037, by hand


def test_wilson_is_symmetric():
    low, high = wilson(3, 20)
    assert (1 - high, 1 - low) == pytest.approx(wilson(17, 20))


def test_the_bootstrap_is_that_of_a_slow_loop():
    values = np.array([0.25, 0.5, 0.5, 0.75, 1.0, 1.0, 0.0])
    rng = np.random.default_rng(3)
    means = []
    for _ in range(9999):
        drawn = rng.integers(0, 7, 7)
        means.append(sum(values[i] for i in drawn) / 7)
    means.sort()
    low, high = bootstrap_mean(values, seed=3)
    assert low == pytest.approx(means[249], abs=0.01)  # 2.5 % of 9999 lie below
    assert high == pytest.approx(means[9749], abs=0.01)


def test_the_bootstrap_is_near_the_normal_interval_where_that_holds():
    values = np.random.default_rng(0).normal(5, 2, 400)
    half = 1.96 * values.std(ddof=1) / 20
    assert bootstrap_mean(values) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.03
    )


def test_intervals_hold_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(1)
    held = [
        low <= 0.2 <= high for low, high in (wilson(k, 50) for k in rng.binomial(50, 0.2, 2000))
    ]
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_same_seed_gives_the_same_interval_and_equal_values_give_a_point():
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_mean(values, 5) == bootstrap_mean(values, 5)
    assert bootstrap_mean(values, 5) != bootstrap_mean(values, 6)
    assert bootstrap_mean(np.ones(4)) == (1.0, 1.0)


def test_many_values_take_no_more_memory_than_some():
    values = np.random.default_rng(0).normal(size=4000)
    tracemalloc.start()
    low, high = bootstrap_mean(values)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300e6  # all resamples at once would be 640 MB
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 4000**0.5, rel=0.05)
