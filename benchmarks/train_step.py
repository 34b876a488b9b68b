"""The generator's train step against a plain matrix product, on this machine.

  python -m benchmarks.train_step                     # 128 px, N = 200, batch 4
  python -m benchmarks.train_step --image_size=32 --num_codes=10 --width=8 ...

Prints the step's floating-point operations (as TensorFlow's profiler counts them from
the traced graph), its time, the rate of a 4096 x 4096 float32 product measured in the
same run, and the share of that rate the step reaches. `--trace=DIR` writes a profile
for TensorBoard, and `--kernels=8` prints the 8 kinds of operations that cost most.
"""

import collections
import os
import pathlib
import re
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from absl import app, flags

from benchmarks import rates
from tfcomgan.models import comgan, update
from tfcomgan.networks import discriminators, generators
from tfcomgan.training.loop import precision

_SIZE = flags.DEFINE_integer("image_size", 128, "Pixels.")
_CODES = flags.DEFINE_integer("num_codes", 200, "N.")
_WIDTH = flags.DEFINE_integer("width", 16, "Of the generator.")
_HIDDEN = flags.DEFINE_integer("hidden_width", 128, "Of M, F and B.")
_CRITIC = flags.DEFINE_integer("critic_width", 32, "Of D_z.")
_CODE = flags.DEFINE_integer("code_width", 64, "Of D_f and D_b.")
_UP = flags.DEFINE_string("shared_upsampling", "learned", "'learned' or 'plain'.")
_BATCH = flags.DEFINE_integer("batch_size", 4, "Global batch size.")
_STEPS = flags.DEFINE_integer("steps", 5, "Timed steps; the median counts.")
_POLICY = flags.DEFINE_string("precision", "float32", "Or 'mixed_bfloat16'.")
_XLA = flags.DEFINE_bool("xla", False, "Compile the step with XLA.")
_TRACE = flags.DEFINE_string("trace", None, "Folder for a TensorBoard profile.")
_KERNELS = flags.DEFINE_integer("kernels", 0, "Kinds of operations to print; 0: none.")
# NAME:KIND; others are of the whole step, of functions, of waiting.
_OPERATION = re.compile(r"[^:]+:(_Mkl)?(Native)?(?P<kind>[A-Z]\w*)")


def train_step():
    """The compiled train step of the flags' networks, and a batch for it."""
    with precision(_POLICY.value):
        model = comgan.ComGAN(
            generator=generators.GeneratorSettings(
                image_size=_SIZE.value,
                num_codes=_CODES.value,
                width=_WIDTH.value,
                hidden_width=_HIDDEN.value,
                shared_upsampling=_UP.value,
            ),
            critics=discriminators.CriticSettings(
                width=_CRITIC.value, code_width=_CODE.value
            ),
            settings=comgan.ComGANSettings(),
            adam=update.AdamSettings(),
            batch_size=_BATCH.value,
            seed=0,
        )
        shape = [_BATCH.value, _SIZE.value, _SIZE.value, 3]
        batch = {
            "image": tf.random.stateless_uniform(shape, [0, 1], -1.0, 1.0),
            "position": tf.range(_BATCH.value, dtype=tf.int64),
        }
        step = tf.function(model.train_step, jit_compile=_XLA.value)
        step.get_concrete_function(batch)  # Traced in this precision.
    return step, batch


def trace(step, batch, folder: str) -> None:
    """Profiles one step for TensorBoard."""
    tf.profiler.experimental.start(folder)
    step(batch)["d_adversarial"].numpy()
    tf.profiler.experimental.stop()


def kernels(folder: str) -> collections.Counter[str]:
    """Seconds of all operations of a profile on CPUs, by kind, over all threads."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    taken = collections.Counter()
    for path in pathlib.Path(folder).rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            names = {n: event.name for n, event in plane.event_metadata.items()}
            for event in (e for line in plane.lines for e in line.events):
                operation = _OPERATION.fullmatch(names[event.metadata_id])
                if operation:
                    taken[operation["kind"]] += event.duration_ps / 1e12
    return taken


def print_kernels(step, batch) -> None:
    """The kinds of operations that cost most, and their share of all."""
    with tempfile.TemporaryDirectory() as folder:
        trace(step, batch, folder)
        taken = kernels(folder)
    for kind, seconds in taken.most_common(_KERNELS.value):
        share = 100 * seconds / taken.total()
        print(f"{kind:32} {seconds:8.3f} s {share:6.1f} %")


def main(argv):
    del argv
    step, batch = train_step()
    count = rates.operations(step.get_concrete_function(batch))
    rate = rates.product_rate()
    taken = rates.seconds(lambda: step(batch)["d_adversarial"].numpy(), _STEPS.value)
    rate = max(rate, rates.product_rate())
    if _TRACE.value:
        trace(step, batch, _TRACE.value)
    print(f"operations a step   {count / 1e9:10.1f} GFLOP")
    print(f"time of a step      {taken:10.3f} s")
    print(f"rate of the step    {count / taken / 1e9:10.1f} GFLOP/s")
    print(f"float32 product     {rate / 1e9:10.1f} GFLOP/s")
    print(f"share               {100 * count / taken / rate:10.1f} %")
    if _KERNELS.value:
        print_kernels(step, batch)


if __name__ == "__main__":
    app.run(main)
