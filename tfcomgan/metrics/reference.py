"""What the generation metrics keep of a set of pictures, in memory and on disk."""

import contextlib
import hashlib
import os
import pathlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from absl import logging

from tfcomgan.metrics.features import FeatureExtractor
from tfcomgan.metrics.generation import Sample, Statistics
from tfcomgan.system import files

FOLDER = "statistics"
_FORMAT = 1
_KERNEL_SAMPLES = 10_000
_BATCH = 100
# What NumPy raises for a file that is cut, altered or none of ours.
_DAMAGE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)


def batches(images: np.ndarray, size: int = _BATCH) -> Iterator[np.ndarray]:
    """An array in parts."""
    for start in range(0, len(images), size):
        yield images[start : start + size]


def extract(
    extractor: FeatureExtractor,
    parts: Iterable[np.ndarray],
    *,
    num_images: int,
    kernel_samples: int = _KERNEL_SAMPLES,
    batch_size: int = _BATCH,
    with_logits: bool = True,
) -> Sample:
    """Statistics of pictures that come in batches and are not kept.

    Args:
      extractor: What sees them.
      parts: uint8 [B,H,W,3] each; `num_images` or more in all, the surplus is not seen.
      num_images: How many; those for the kernel distance are drawn from them.
      kernel_samples: At most so many.
      batch_size: Seen at a time, at most.
      with_logits: Keep those of all pictures, where the extractor has some.

    Raises:
      ValueError: There are fewer.
    """
    is_drawn = np.zeros(num_images, bool)
    is_drawn[np.random.default_rng(0).permutation(num_images)[:kernel_samples]] = True
    statistics, kept = Statistics(extractor.width), []
    logits: list[np.ndarray] = []
    for part in (few for whole in parts for few in batches(whole, batch_size)):
        chosen = is_drawn[statistics.count :][: len(part)]
        if not len(chosen):
            break
        seen = extractor(part[: len(chosen)])
        statistics.update(seen.features)
        kept.append(seen.features[chosen])
        if with_logits and seen.logits is not None:
            logits.append(seen.logits)
    if statistics.count < num_images or not num_images:
        raise ValueError(
            f"`parts` must hold `num_images` = {num_images} pictures, at least one. "
            f"Received: {statistics.count}."
        )
    whole = np.concatenate(logits) if logits else None
    return Sample(extractor.name, statistics, np.concatenate(kept), whole)


def reference_statistics(
    extractor: FeatureExtractor,
    images: np.ndarray,
    homes: Sequence[pathlib.Path],
    fingerprint: str,
    *,
    kernel_samples: int = _KERNEL_SAMPLES,
    batch_size: int = _BATCH,
) -> Sample:
    """Statistics of the real pictures, from disk where they have been taken before.

    Args:
      extractor: What sees them; its digest is part of the file's name.
      images: uint8 [N,H,W,3]; may be larger than memory.
      homes: Folders that may hold `FOLDER` with the files '<extractor>-<key>.npz'. One
        that cannot be read is made anew, in the first home that can be written to.
      fingerprint: Of the data: whatever changes `images` must change it, as data set,
        split, crop and size do.
      kernel_samples, batch_size: As for `extract`.

    Returns:
      `Sample` without logits, the same to the last bit from disk or not.

    Raises:
      OSError: No home can be written to.
    """
    identity = (_FORMAT, fingerprint, images.shape, extractor.digest, kernel_samples)
    key = hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
    places = [home / FOLDER / f"{extractor.name}-{key}.npz" for home in homes]
    for path in filter(os.path.exists, places):
        try:
            return _read(path, extractor.name)
        except _DAMAGE as error:
            logging.warning("%s cannot be read (%s); taken anew.", path, error)
    sample = extract(
        extractor,
        batches(images, batch_size),
        num_images=len(images),
        kernel_samples=kernel_samples,
        batch_size=batch_size,
        with_logits=False,
    )
    *others, last = places
    for path in others:
        with contextlib.suppress(OSError):  # A data folder may be for reading alone.
            _write(path, sample)
            return _read(path, extractor.name)
    _write(last, sample)
    return _read(last, extractor.name)


def _write(path: pathlib.Path, sample: Sample) -> None:
    """The file appears complete or not at all; two processes may write the same one."""
    statistics = sample.statistics
    # Of one picture there is none.
    covariance = statistics.covariance if statistics.count > 1 else 0.0
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            count=statistics.count,
            mean=statistics.mean,
            covariance=covariance,
            features=sample.features,
        )


def _read(path: pathlib.Path, extractor: str) -> Sample:
    with np.load(path) as file:
        statistics = Statistics.of_moments(
            file["count"], file["mean"], covariance=file["covariance"]
        )
        return Sample(extractor, statistics, file["features"], None)
