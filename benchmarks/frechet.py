"""Statistics of 20,000 x 2,048 features and their Frechet distance, on this machine.

  python -m benchmarks.frechet
  python -m benchmarks.frechet --num_samples=5000

Prints the seconds of the statistics (one set, batches of 100), of the distance, and of
both, and their ratio to a float64 matrix product of the covariance's size measured in
the same run: [2048, 20000] times [20000, 2048], by NumPy on all cores.
"""

import time
from collections.abc import Callable

import numpy as np
from absl import app, flags

from tfcomgan.metrics import generation

_SAMPLES = flags.DEFINE_integer("num_samples", 20_000, "Pictures of each kind.")
_WIDTH = flags.DEFINE_integer("width", 2048, "Number of features.")
_BATCH = flags.DEFINE_integer("batch_size", 100, "Pictures at a time.")


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(argv):
    del argv
    rng = np.random.default_rng(0)
    shape = (_SAMPLES.value, _WIDTH.value)
    real = rng.standard_normal(shape, np.float32)
    fake = 0.1 + rng.standard_normal(shape, np.float32)
    one, other = (generation.Statistics(_WIDTH.value) for _ in range(2))

    def gather(statistics, features):
        for start in range(0, len(features), _BATCH.value):
            statistics.update(features[start : start + _BATCH.value])

    wide = real.astype(np.float64)
    product = seconds(lambda: wide.T @ wide)
    gather(one, real)
    gathering = seconds(lambda: gather(other, fake))
    distance = seconds(lambda: generation.frechet_distance(one, other))
    product = min(product, seconds(lambda: wide.T @ wide))
    both = gathering + distance
    print(f"statistics of one set {gathering:8.2f} s {gathering / product:8.2f}")
    print(f"distance              {distance:8.2f} s {distance / product:8.2f}")
    print(f"both                  {both:8.2f} s {both / product:8.2f}")
    print(f"float64 product       {product:8.2f} s {1:8.2f}")


if __name__ == "__main__":
    app.run(main)
