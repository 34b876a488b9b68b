"""Tests of `tfcomgan.data.overlap`, against TFDS's own reading."""

import itertools
import sys

import pytest
import tensorflow_datasets as tfds

from tfcomgan.data import overlap

SIZES = {"train": 103, "val": 10, "test": 57}
SPLITS = [
    *("train", "test", "train+test", "train+val + test", "train[:50%]", "train[50%:]"),
    *("train[33%:67%]", "train[:-10%]", "train[-10%:]+val", "test[5:40]", "test[-3:]"),
    *("train[:1%]", "train[99%:]+test[:1_0]"),
]


def _pictures(split):
    """Every picture of a split, as TFDS counts them."""
    infos = {
        name: tfds.core.SplitInfo(
            name=name,
            shard_lengths=[size],
            num_bytes=0,
            filename_template=tfds.core.ShardedFileTemplate(
                dataset_name="d", data_dir="/", filetype_suffix="tfrecord", split=name
            ),
        )
        for name, size in SIZES.items()
    }
    return [
        (part.splitname, i)
        for part in tfds.core.ReadInstruction.from_spec(split).to_absolute(infos)
        for i in range(
            part.from_ or 0, SIZES[part.splitname] if part.to is None else part.to
        )
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_are_counted_as_tfds_does(split):
    assert overlap.count(split, SIZES) == len(_pictures(split))


@pytest.mark.parametrize(("one", "other"), itertools.product(SPLITS, SPLITS))
def test_splits_have_common_pictures_where_tfds_reads_one_twice(one, other):
    common = set(_pictures(one)) & set(_pictures(other))
    assert overlap.have_common(one, other, SIZES) == bool(common)


def test_what_is_not_known_or_not_understood_counts_as_whole():
    assert overlap.count("train", {}) is None
    assert overlap.have_common("train[:10%]", "train[50%:]", {})
    assert not overlap.have_common("train", "test", {})
    assert overlap.count("train[:2shard]", SIZES) == SIZES["train"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
