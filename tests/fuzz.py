"""Mutated picture files through `segment_encoded`, in a process that may crash or hang.

  python tests/fuzz.py VERSION_DIR COUNT CURRENT

Prints what became of them as JSON; CURRENT holds the file being segmented.
"""

import collections
import json
import pathlib
import re
import sys
import time
import zlib
from collections.abc import Iterator

import numpy as np

_REASON = re.compile(
    "must be a whole|must have|Invalid [A-Z]+|[A-Z]+ library|Uncompress"
)
_PNG = b"\x89PNG\r\n\x1a\n"


def mutated(seeds: list[bytes], count: int) -> Iterator[bytes]:
    """Files that differ a little from a seed; the same ones each time."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        seed, other = (seeds[i] for i in rng.integers(len(seeds), size=2))
        data = bytearray(seed)
        for _ in range(rng.integers(1, 3)):
            data = _changed(data, other, rng)
        is_mended = data.startswith(_PNG) and rng.random() < 0.7
        yield _mended(bytes(data)) if is_mended else bytes(data)


def _changed(data: bytearray, other: bytes, rng) -> bytearray:
    """One change of a random kind; half of them in the first 64 bytes, the headers."""
    length = max(len(data), 1)
    at = int(rng.integers(min(length, 64) if rng.random() < 0.5 else length))
    block = int(rng.integers(1, 33))
    kind = rng.integers(7)
    if kind == 0:  # Bits.
        for place in rng.integers(at, min(at + block, length), size=3):
            data[place : place + 1] = bytes([int(rng.integers(256))])
    elif kind == 1:  # Numbers at their limits.
        limits = (b"\0\0", b"\xff\xff", b"\x7f\xff", b"\x80\0", b"\0\1", b"\x20\0")
        data[at : at + 2] = limits[rng.integers(len(limits))]
    elif kind == 2:
        data = data[:at]
    elif kind == 3:
        del data[at : at + block]
    elif kind == 4:
        data[at:at] = rng.bytes(block)
    elif kind == 5:
        data[at:at] = data[at : at + block]
    else:  # The end of another file.
        data[at:] = other[int(rng.integers(len(other))) :]
    return data


def _mended(data: bytes) -> bytes:
    """A PNG file with right check sums, as far as its chunks can be followed."""
    out, at = bytearray(_PNG), len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        check = zlib.crc32(data[at + 4 : end])
        out += data[at:end] + check.to_bytes(4, "big")
        at = end + 4
    return bytes(out) + data[at:]


def main(version_dir: str, count: str, current: str) -> None:
    import tensorflow as tf
    from picture_bytes import whole

    model = tf.saved_model.load(version_dir)
    segment = model.signatures["segment_encoded"]
    reasons, masks, slowest = collections.Counter(), 0, 0.0
    for file in mutated(list(whole().values()), int(count)):
        pathlib.Path(current).write_bytes(file)
        start = time.perf_counter()
        try:
            answer = segment(image_bytes=tf.constant([file]))
        except tf.errors.InvalidArgumentError as error:
            reasons[str(_REASON.findall(error.message)[-1:])] += 1
        else:
            mask, area = answer["mask"].numpy(), answer["foreground_area"].numpy()
            assert mask.min() >= 0 and mask.max() <= 1 and 0 <= area[0] <= 1
            assert answer["height"][0] > 0 and answer["width"][0] > 0
            masks += 1
        slowest = max(slowest, time.perf_counter() - start)
    print(json.dumps({"masks": masks, "reasons": reasons, "slowest": slowest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
