"""Frechet and kernel distance, and classifier score, of generated pictures.

Of features of any network (see `features`); with those of TF-GAN's Inception they are
FID (Heusel et al., 2017), KID (Binkowski et al., 2018) and the Inception Score (Salimans
et al., 2016). Kernel distance and score are TF-GAN's. Its Frechet distance takes minutes
in float64; ours takes the same formula from streamed statistics in seconds.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf
import threadpoolctl
from absl import logging

from tfcomgan import tfgan

# Found once: looking for the libraries takes longer than a small product.
_THREADS = threadpoolctl.ThreadpoolController()
_COVARIANCE_LEAST = 2  # Pictures of a kind.
_KERNEL_LEAST = 4  # Rows of each kind for a standard error.


def _one_thread():
    """OpenBLAS's threads wait for each other on a busy machine: up to ten times slower."""
    return _THREADS.limit(limits=1, user_api="blas")


class Statistics:
    """Mean and covariance of features, gathered batch by batch in float64.

    Args:
      width: Number of features.
    """

    def __init__(self, width: int):
        self.count = 0
        self.mean = np.zeros(width)
        # Upper triangle of the sum of (x - mean)(x - mean)^T, in BLAS's order.
        self._scatter = np.zeros([width, width], order="F")

    @classmethod
    def of_moments(
        cls, count: int, mean: np.ndarray, *, covariance: np.ndarray
    ) -> "Statistics":
        """Statistics known already: `count` rows, mean [D], unbiased covariance [D,D]."""
        statistics = cls(len(mean))
        statistics.count, statistics.mean = int(count), np.array(mean, np.float64)
        statistics._scatter[:] = covariance * max(count - 1.0, 0.0)
        return statistics

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased covariance [D, D], as `np.cov`; needs two rows."""
        if self.count < _COVARIANCE_LEAST:
            raise ValueError(f"A covariance needs two rows. Received: {self.count}.")
        upper = np.triu(self._scatter)
        return (upper + np.triu(upper, 1).T) / (self.count - 1)

    @property
    def is_full_rank(self) -> bool:
        """Whether there were more rows than features, as the Frechet distance wants."""
        return self.count > len(self.mean)

    def update(self, features: np.ndarray) -> None:
        """Adds a batch [B, D].

        Raises:
          ValueError: Its width is another, or a feature is not finite.
        """
        rows = np.array(features, np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.mean):
            raise ValueError(
                f"`features` must be [batch, {len(self.mean)}]. Received: {rows.shape}. "
                "Use one extractor for all pictures."
            )
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        if not np.all(np.isfinite(mean)):
            raise ValueError(
                "`features` must be finite. Received: NaN or infinity. "
                "The generator that made the pictures has diverged."
            )
        rows -= mean
        self._add(len(rows), mean, rows)

    def _add(self, count: int, mean: np.ndarray, centred: np.ndarray) -> None:
        """Adds rows of this mean (Chan et al., 1979): scatter, and the shift of the mean."""
        total = self.count + count
        shift = mean - self.mean
        weight = self.count * count / total
        rows = np.concatenate([centred, np.sqrt(weight) * shift[None]])
        with _one_thread():
            self._scatter = scipy.linalg.blas.dsyrk(
                1.0, rows.T, beta=1.0, c=self._scatter, overwrite_c=True
            )
        self.mean = self.mean + shift * (count / total)
        self.count = total


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians of these moments.

    |m1 - m2|^2 + tr(c1 + c2 - 2 (c1 c2)^(1/2)), with the last trace from the eigenvalues
    of c1^(1/2) c2 c1^(1/2), negative ones taken for rounding. Biased upwards by order
    1 / count: compare only numbers of the same count. Rank-deficient covariances, of
    fewer rows than features + 1, are allowed and logged.

    Returns:
      At least 0; 0 for equal statistics, up to rounding.
    """
    for statistics in (a, b):
        if not statistics.is_full_rank:
            logging.warning(
                "Frechet distance of %d features from %d pictures: the covariance has "
                "not full rank, the distance is far too large. Take more pictures.",
                len(statistics.mean),
                statistics.count,
            )
    c1, c2 = a.covariance, b.covariance
    with _one_thread():
        values, vectors = scipy.linalg.eigh(c1, check_finite=False)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        inner = root.T @ c2 @ root  # The eigenvalues of c1^(1/2) c2 c1^(1/2).
        values = scipy.linalg.eigvalsh(inner, check_finite=False)
    trace = np.trace(c1) + np.trace(c2) - 2 * np.sqrt(np.maximum(values, 0.0)).sum()
    return float(max(np.sum((a.mean - b.mean) ** 2) + trace, 0.0))


class KernelDistance(NamedTuple):
    """Kernel distance: an unbiased estimate, so it may be negative; and its error."""

    value: float
    standard_error: float


def kernel_distance(
    a: np.ndarray, b: np.ndarray, *, seed: int = 0, block_size: int = 1000
) -> KernelDistance:
    """Squared maximum mean discrepancy of features, kernel (x.y / D + 1)^3, by blocks.

    Args:
      a, b: [N, D] and [M, D] in any order; as many rows of each as the shorter has are
        drawn, and shuffled, because TF-GAN's blocks rely on a random order.
      seed: Of that draw.
      block_size: Most rows of a block; at least two blocks, for the standard error.

    Raises:
      ValueError: One has fewer than four rows.
    """
    count = min(len(a), len(b))
    if count < _KERNEL_LEAST:
        raise ValueError(
            f"A kernel distance needs four pictures of each kind. Received: {count}."
        )
    rng = np.random.default_rng(seed)
    drawn = [
        tf.constant(x[rng.permutation(len(x))[:count]], tf.float64) for x in (a, b)
    ]
    value, error = tfgan.eval.kernel_classifier_distance_and_std_from_activations(
        *drawn, max_block_size=min(block_size, count // 2)
    )
    return KernelDistance(float(value), float(error))


class ClassifierScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    mean: float
    deviation: float


def classifier_score(logits: np.ndarray, num_splits: int = 10) -> ClassifierScore:
    """Inception Score: exp(E KL(p(y|x) || p(y))) of each split, of float [N, classes].

    Rows must be in random order. Between 1 (blind, or one class only) and the number of
    classes.

    Raises:
      ValueError: There are fewer rows than splits.
    """
    logits = np.asarray(logits, np.float64)
    if len(logits) < num_splits:
        raise ValueError(
            "`logits` must have at least one row a split. "
            f"Received: {len(logits)} rows, {num_splits} splits."
        )
    # A probability of 0 makes TF-GAN's score NaN (0 times infinity); e^-600 is not 0.
    logits = np.maximum(logits, logits.max(axis=1, keepdims=True) - 600)
    scores = [
        float(tfgan.eval.classifier_score_from_logits(tf.constant(part)))
        for part in np.array_split(logits, num_splits)
    ]
    return ClassifierScore(float(np.mean(scores)), float(np.std(scores)))


class Sample(NamedTuple):
    """Pictures as an extractor sees them.

    extractor: Its name; 'inception' or another.
    statistics: Of all pictures.
    features: float32 [K, D], of some of them, drawn at random.
    logits: float32 [N, classes] of all of them, or None.
    """

    extractor: str
    statistics: Statistics
    features: np.ndarray
    logits: np.ndarray | None


def scores(real: Sample, fake: Sample) -> dict[str, float]:
    """All metrics of generated pictures against real ones.

    Returns:
      'fid', 'kid', 'kid_error' and 'inception_score', 'inception_score_deviation' where
      Inception made the features; for another extractor 'fd_<its name>', 'kd_<its name>'
      and 'kd_<its name>_error', which compare with nobody's FID. Without the kernel
      distance where there are fewer than four pictures of a kind, and without the other
      where there is one.

    Raises:
      ValueError: The extractors differ.
    """
    if real.extractor != fake.extractor:
        raise ValueError(
            "`real` and `fake` must come from one extractor. "
            f"Received: {real.extractor!r} and {fake.extractor!r}."
        )
    is_inception = fake.extractor == "inception"
    names = ("fid", "kid")
    if not is_inception:
        names = (f"fd_{fake.extractor}", f"kd_{fake.extractor}")
    numbers = {}
    if min(real.statistics.count, fake.statistics.count) >= _COVARIANCE_LEAST:
        numbers[names[0]] = frechet_distance(real.statistics, fake.statistics)
    if min(len(real.features), len(fake.features)) >= _KERNEL_LEAST:
        kernel = kernel_distance(real.features, fake.features)
        numbers |= {names[1]: kernel.value, f"{names[1]}_error": kernel.standard_error}
    if is_inception and fake.logits is not None:
        score = classifier_score(fake.logits)
        numbers["inception_score"] = score.mean
        numbers["inception_score_deviation"] = score.deviation
    return numbers
