"""Preparing painted scenes: plain, as a Beam pipeline in this process, on two processes.

  python -m benchmarks.beam --pictures=800 --size=128

Seconds of clock and of processor, workers included; they contain the start of two Python
processes, which import TensorFlow. Needs Apache Beam: pip install 'tfcomgan[beam]'.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pathlib
import resource
import tempfile
import time

from absl import app, flags

from tfcomgan.data import scenes

_PICTURES = flags.DEFINE_integer("pictures", 800, "To paint.")
_SIZE = flags.DEFINE_integer("size", 128, "Pixels.")
_WAYS = {
    "plain": None,
    "one": (),
    "two": (
        "direct_num_workers=2",
        "direct_running_mode=multi_processing",
    ),
}
_CHOSEN = flags.DEFINE_multi_enum("way", list(_WAYS), list(_WAYS), "Which; repeated.")


def _processor() -> float:
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main(argv):
    del argv
    source = scenes.ScenesSource(
        image_size=_SIZE.value, num_train=_PICTURES.value, num_test=2
    )
    for name in _CHOSEN.value:
        with tempfile.TemporaryDirectory() as folder:
            start, busy = time.monotonic(), _processor()
            source.prepare(pathlib.Path(folder), beam=_WAYS[name])
            taken, busy = time.monotonic() - start, _processor() - busy
        print(f"{name:20}{taken:8.1f} s, {busy:.1f} s of processor", flush=True)


if __name__ == "__main__":
    app.run(main)
