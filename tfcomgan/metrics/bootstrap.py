"""How far the mean of a score over pictures would move with other pictures (NumPy)."""

import numpy as np

_RESAMPLES = 1000


def interval(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a mean: percentiles of the means of 1,000 resamples.

    Args:
      values: float [B, M]; rows are pictures, drawn for all M scores together.
      seed: Of the resampling.

    Returns:
      (low [M], high [M]); the mean itself where there is one picture.
    """
    rng, size = np.random.default_rng(seed), len(values)
    means = [
        # How often each picture was drawn; a product instead of a gather of rows.
        np.bincount(rng.integers(size, size=size), minlength=size) @ values / size
        for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high
