"""Seconds until a folder of many photos is known to be unchanged, of clock and processor.

  python -m benchmarks.fingerprint --files=100000

Writes files of random bytes, then takes the fingerprint as a new process would: of a folder never
seen, of the same again, and after a hundred files have changed.
"""

import os
import pathlib
import tempfile
import time
import tracemalloc

import numpy as np
from absl import app, flags

from tfcomgan.data import digests, listing

_FILES = flags.DEFINE_integer("files", 100_000, "Files.")
_BYTES = flags.DEFINE_integer("bytes", 50_000, "Of each.")
_OLD = 3600.0  # Seconds; younger files are read again.


def tell(what: str, root: pathlib.Path, data_dir: pathlib.Path) -> None:
    """Prints the times of a fingerprint in a process that has taken none."""
    digests._known.clear()
    start, busy = time.perf_counter(), time.process_time()
    listing.scan(root).content(data_dir)
    taken, busy = time.perf_counter() - start, time.process_time() - busy
    print(f"{what:20}{taken:8.2f} s, {busy:.2f} s of processor")


def main(argv):
    del argv
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as work:
        root, data_dir = pathlib.Path(work, "photos"), pathlib.Path(work, "data")
        root.mkdir(), data_dir.mkdir()
        content, then = rng.bytes(_BYTES.value), time.time() - _OLD

        def write(number, first):
            path = root / f"IMG_{number:07d}.jpg"
            path.write_bytes(number.to_bytes(8, "big") + first + content)
            os.utime(path, (then, then))

        for number in range(_FILES.value):
            write(number, b"")
        # What changed within two seconds counts as unsure.
        time.sleep(2.1)
        tell("first time", root, data_dir)
        tell("again", root, data_dir)
        for number in range(100):
            write(number, b"x")
        tell("100 have changed", root, data_dir)
        tracemalloc.start()
        kept = listing.scan(root)
        held = tracemalloc.get_traced_memory()[0] / len(kept.pictures)
        print(f"names in memory     {held:8.0f} bytes each")


if __name__ == "__main__":
    app.run(main)
