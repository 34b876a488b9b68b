"""What more pictures and more hosts take, from what was measured on one machine.

  python -m benchmarks.scale                                  # the tables of docs/scale.md
  python -m benchmarks.scale --measure --manual_dir=photos    # measures for them

The formulas: a step of one global batch takes batch * FLOP / (hosts * rate); a ring
all-reduce moves 2 (n - 1) / n times the gradients in and out of each of n hosts (Patarasuk and
Yuan, 2009), in 2 (n - 1) rounds that each cost a latency. `--measure` prepares and decodes
a folder of photographs, and counts parameters; the FLOP are those of `train_step`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import math
import pathlib
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from absl import app, flags

_MEASURE = flags.DEFINE_bool("measure", False, "Measure instead of computing.")
_PHOTOS = flags.DEFINE_string("manual_dir", None, "Photographs to measure.")


class Measured(NamedTuple):
    """One machine and one configuration, DS-ComGAN at 128 px with N = 200.

    flop: Of a step, a picture.
    gradients: Bytes of all gradients of a step.
    batch: Global.
    rate: FLOP a second of a host.
    stored, kept, scored: Bytes a picture: in the prepared data set; decoded for training
      (152 px); for evaluation (128 px: picture, mask and prediction).
    preparing, decoding: Pictures a second of a core.
    """

    flop: float
    gradients: float
    batch: int
    rate: float
    stored: float
    kept: float
    scored: float
    preparing: float
    decoding: float


MEASURED = Measured(
    flop=320.5e9,  # With plain upsampling, as gradients; --shared_upsampling=plain.
    gradients=4 * 37_798_961,
    batch=90,
    rate=160e9,
    stored=111_157,
    kept=152**2 * 3,
    scored=128**2 * (3 + 1 + 4),
    preparing=23.0,
    decoding=185.0,
)
# Of a host with accelerators, sustained; assumed, not measured.
ASSUMED_RATES = (20e12, 100e12)
LINKS = (10e9, 100e9)  # Bits a second.
LATENCY = 50e-6  # Seconds a round; of TCP in one room, assumed.
_CORES = 16


def step_seconds(m: Measured, hosts: float, rate: float) -> float:
    """Arithmetic of a step whose global batch is shared by hosts of this rate."""
    return m.batch * m.flop / (hosts * rate)


def all_reduce_seconds(
    size: float, hosts: float, link: float, latency: float = LATENCY
) -> float:
    """A ring all-reduce of `size` bytes over links of `link` bits a second."""
    return 2 * (hosts - 1) / hosts * 8 * size / link + 2 * (hosts - 1) * latency


def break_even(
    m: Measured, rate: float, link: float, latency: float = LATENCY
) -> float:
    """Hosts from which the all-reduce takes longer than the arithmetic, a real number.

    With A the seconds of the gradients over a link, L the latency and T the step of one
    host: 2 (n - 1) A / n + 2 (n - 1) L = T / n, a quadratic equation in n.
    """
    a, t = 8 * m.gradients / link, step_seconds(m, 1, rate)
    if not latency:
        return 1 + t / (2 * a)
    half = (a - latency) / (2 * latency)
    return -half + math.sqrt(half**2 + (2 * a + t) / (2 * latency))


def pictures_table(m: Measured) -> Iterator[str]:
    """Lines of Markdown: what numbers of pictures take."""
    yield "| pictures | prepared | decoded for training | evaluated | preparing | decoding |"
    yield "|---|---|---|---|---|---|"
    for count in (10**5, 10**6, 10**8):
        sizes = [_bytes(count * x) for x in (m.stored, m.kept, m.scored)]
        hours = [_hours(count / (_CORES * x)) for x in (m.preparing, m.decoding)]
        yield f"| {count:,} | {' | '.join(sizes + hours)} |"


def hosts_table(m: Measured) -> Iterator[str]:
    """Lines of Markdown: when hosts talk longer than they compute."""
    yield (
        "| a host sustains | step of one host | link | all-reduce of 2, of 8 hosts "
        "| outweighs the step from |"
    )
    yield "|---|---|---|---|---|"
    for rate in (m.rate, *ASSUMED_RATES):
        for link in LINKS:
            two, eight = (all_reduce_seconds(m.gradients, n, link) for n in (2, 8))
            # A host with no picture of the batch has nothing to do.
            hosts = math.ceil(break_even(m, rate, link))
            least = f"{hosts} hosts" if hosts <= m.batch else f"none of {m.batch}"
            yield (
                f"| {rate / 1e12:g} TFLOP/s | {_seconds(step_seconds(m, 1, rate))} "
                f"| {link / 1e9:g} Gbit/s | {_seconds(two)}, {_seconds(eight)} | {least} |"
            )


def network_table(m: Measured) -> Iterator[str]:
    """Lines of Markdown: bytes a step in and out of a host."""
    yield "| hosts | gradients, out and in | pictures, in from a shared disk |"
    yield "|---|---|---|"
    for hosts in (2, 4, 8, 30, 90):
        moved = 2 * (hosts - 1) / hosts * m.gradients
        yield f"| {hosts} | {_bytes(moved)} | {_bytes(m.batch / hosts * m.kept)} |"


def _bytes(count: float) -> str:
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB")):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def _hours(seconds: float) -> str:
    return f"{seconds / 60:.2g} min" if seconds < 3600 else f"{seconds / 3600:.2g} h"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"


def measure(photos: pathlib.Path) -> None:
    """Prints what the tables are made of; seconds are the processor's, of all threads."""
    from tfcomgan.data import folder, reading
    from tfcomgan.networks import discriminators, generators

    critics = discriminators.CriticSettings()
    parts = [
        generators.build(generators.GeneratorSettings(image_size=128, num_codes=200)),
        discriminators.build_critic(128, critics),
        *(discriminators.build_code_predictor(128, critics, 200) for _ in range(2)),
    ]
    count = sum(v.shape.num_elements() for p in parts for v in p.trainable_variables)
    print(f"parameters          {count:,}")
    with tempfile.TemporaryDirectory() as data_dir:
        source, start = folder.FolderSource(), time.process_time()
        builder = source.prepare(pathlib.Path(data_dir), photos)
        taken, split = time.process_time() - start, "train+test"
        number = builder.info.splits[split].num_examples
        size = builder.info.dataset_size
        print(
            f"photographs         {number:,}, {size / number:,.0f} bytes each, prepared"
        )
        print(f"preparing           {number / taken:,.0f} a second of a core")
        start = time.process_time()
        view = reading.View(split, crop="center", size=152)
        for _ in reading.rows(builder, source.adapt, view):
            pass
        taken = time.process_time() - start
        print(f"decoding            {number / taken:,.0f} a second of a core")


def main(argv):
    del argv
    if _MEASURE.value:
        measure(pathlib.Path(_PHOTOS.value))
        return
    for table in (pictures_table, network_table, hosts_table):
        print("\n".join(table(MEASURED)), end="\n\n")


if __name__ == "__main__":
    app.run(main)
