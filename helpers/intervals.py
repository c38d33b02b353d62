"""95 % intervals, for rates and for means."""

import numpy as np
from scipy.stats import binomtest, bootstrap


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate; sensible at 0 and at n, where the usual one is a point.

    Source: notebooks/02_data_curation.ipynb, section 2.7; Wilson (1927).
    """
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return float(low), float(high)


def bootstrap_mean(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a mean: the values are drawn again and again, with replacement.

    Args:
        values: (n,) one number a row, not all the same (else the interval is that point).

    Source: notebooks/07_evaluation.ipynb, section 7.3.
    """
    values = np.asarray(values, dtype=float)
    if len(np.unique(values)) == 1:
        return float(values[0]), float(values[0])  # nothing varies, nothing to resample
    at_once = max(1, 10**7 // len(values))  # resamples in memory
    drawn = bootstrap((values,), np.mean, method="percentile", rng=seed, batch=at_once)
    low, high = drawn.confidence_interval
    return float(low), float(high)
