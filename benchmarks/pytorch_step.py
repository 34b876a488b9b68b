"""Our train step of stage one beside the same step in PyTorch, on this machine's CPU.

  pip install -e '.[benchmarks]' && pip uninstall triton   # which clashes with TensorFlow
  python -m benchmarks.pytorch_step --config=paper    # 128 px, N = 200, batch 4
  python -m benchmarks.pytorch_step --config=narrow   # 64 px, N = 10, batch 16
  python -m benchmarks.pytorch_step --variants=ours-float32,eager-float32 --rounds=9

All variants take the same weights, latents and pictures through their first two steps; one
whose losses differ from ours is not timed. Then they step in turns. Prints for each the
median seconds of a step and their spread, the ratio to the first variant, the step's
floating-point operations, and the share that their rate has of that of a 4096 x 4096 float32
product, measured in the same run. PyTorch tiles its codes, as the authors' release does, and
so has more operations, but with `tables`, where it spares them as we do. Either side's own
tool counts them, PyTorch's convolutions and products alone.
"""

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import torch
from absl import app, flags
from torch.utils import flop_counter

from benchmarks import pytorch_twin, rates
from tfcomgan.latents import Latents
from tfcomgan.models import comgan, update
from tfcomgan.networks import discriminators, generators
from tfcomgan.training.loop import precision

# Of `ComGAN`, and of `Twin`: gin/ds_comgan.gin, and gin/scenes.gin at 64 px, with
# heads at full size and without the border's weight, which the twin does not have.
CONFIGS = {
    "paper": dict(
        generator=generators.GeneratorSettings(image_size=128, hidden_width=128),
        critics=discriminators.CriticSettings(),
        settings=comgan.ComGANSettings(),
        adam=update.AdamSettings(),
        batch_size=4,
    ),
    "narrow": dict(
        generator=generators.GeneratorSettings(
            image_size=64,
            num_codes=10,
            z_dim=32,
            width=8,
            hidden_width=32,
            shared_upsampling="learned",
        ),
        critics=discriminators.CriticSettings(width=16, code_width=16),
        settings=comgan.ComGANSettings(
            z_std=1.0, binary_weight=1.0, area_weight=20.0, ema_decay=0.99
        ),
        adam=update.AdamSettings(learning_rate=4e-4),
        batch_size=16,
    ),
}
WAYS = ("ours", "eager", "channels_last", "compile", "compile-tables")
VARIANTS = tuple(map("-".join, itertools.product(WAYS, ("float32", "bfloat16"))))
# The first step, then the second, which starts from what the first made of the weights.
RTOL = {"float32": (1e-3, 1e-2), "bfloat16": (5e-2, 2e-1)}

LOSSES = (
    "d_adversarial",
    "g_adversarial",
    "info_foreground",
    "info_background",
    "mask_entropy",
    "area",
)

# Of the pictures and the number of a step, the losses by name.
Step = Callable[[np.ndarray, int], Mapping[str, float]]


class Ours:
    """Our model with the same weights every time, and its compiled step."""

    def __init__(self, arguments: dict, numbers: str = "float32"):
        keras.utils.set_random_seed(0)
        policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[numbers]
        with precision(policy):
            self.model = comgan.ComGAN(**arguments, seed=0)
            self._step = tf.function(self.model.train_step)
            images = pictures(arguments)
            self.graph = self._step.get_concrete_function(self._batch(images, 0))

    def __call__(self, images, step):
        losses = self._step(self._batch(images, step))
        return {name: float(loss) for name, loss in losses.items()}

    def _batch(self, images, step):
        first = step * len(images)
        position = tf.range(first, first + len(images), dtype=tf.int64)
        return {"image": tf.constant(images), "position": position}


class Theirs:
    """PyTorch's step from the weights of our model.

    While `follows`, with the latents that our model draws.
    """

    def __init__(self, arguments: dict, ours: comgan.ComGAN, **how):
        self.twin, self.follows = pytorch_twin.Twin(**arguments, **how), True
        self.twin.load(ours)
        self._sample = ours.sample

    def __call__(self, images, step):
        if self.follows:
            drawn = self._sample(tf.constant(step, tf.int64))
            latents = Latents(*(torch.tensor(x.numpy()) for x in drawn))
        else:
            latents = self.twin.sample()
        losses = self.twin.train_step(self.twin.images(images), latents, step)
        return {name: loss.item() for name, loss in losses.items()}


def resized(arguments: dict, *, image_size: int | None, batch_size: int | None) -> dict:
    """The arguments with another size of pictures or batches, where one is given."""
    sizes = vars(arguments["generator"])
    sizes = sizes | {"image_size": image_size or sizes["image_size"]}
    return arguments | {
        "generator": generators.GeneratorSettings(**sizes),
        "batch_size": batch_size or arguments["batch_size"],
    }


def pictures(arguments: dict) -> np.ndarray:
    """A batch in [-1, 1], the same every time."""
    size = arguments["generator"].image_size
    shape = [arguments["batch_size"], size, size, 3]
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def make(names: Sequence[str], arguments: dict, ours: Ours) -> dict[str, Step]:
    """The variants of these names, all with the weights of `ours`."""
    made = {}
    for name in names:
        way, *tables, numbers = name.split("-")
        if name == "ours-float32":
            made[name] = ours
        elif way == "ours":
            made[name] = Ours(arguments, numbers)
        else:
            how = dict(way=way, tables=bool(tables), bfloat16=numbers == "bfloat16")
            made[name] = Theirs(arguments, ours.model, **how)
    return made


def difference(
    found: Mapping[str, float], expected: Mapping[str, float]
) -> tuple[str, float]:
    """The loss that is farthest off, and how far: relatively, or to 1e-3 if it is less."""
    off = {
        name: abs(found[name] - expected[name]) / max(abs(expected[name]), 1e-3)
        for name in LOSSES
        if name in expected
    }
    return max(off.items(), key=lambda item: item[1])


def is_right(name: str, step: Step, images: np.ndarray, expected: Sequence) -> bool:
    """Whether a variant's first steps have the expected losses; prints the worst.

    False too, with the reason, where PyTorch's compiler does not work.
    """
    for i, rtol in enumerate(RTOL[name.split("-")[-1]]):
        try:
            found = step(images, i)
        except torch._dynamo.exc.TorchDynamoException as error:
            print(f"{name}: torch.compile does not work here: {error}")
            return False
        worst, off = difference(found, expected[i])
        print(f"{name:24}step {i + 1}: {worst} is off by {off:.1e}", flush=True)
        if not off <= rtol:  # Nor where it is NaN.
            print(f"{name}: is not timed, more than {rtol} is too much")
            return False
    return True


def kind(name: str) -> str:
    """'ours', 'tables' or 'tiled': variants of a kind have as many operations."""
    if name.startswith("ours"):
        return "ours"
    return "tables" if "tables" in name else "tiled"


def count(of: str, arguments: dict, ours: Ours, images: np.ndarray) -> int:
    """Floating-point operations of a kind's step; PyTorch's of a step that it does."""
    if of == "ours":
        return rates.operations(ours.graph)
    step = Theirs(arguments, ours.model, tables=of == "tables")
    with flop_counter.FlopCounterMode(display=False) as counter:
        step(images, 0)
    return counter.get_total_flops()


def time_in_turns(
    steps: dict[str, Step], images: np.ndarray, rounds: int
) -> dict[str, list[float]]:
    """Wall seconds of a step in each round."""
    taken = {name: [] for name in steps}
    for i in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step(images, 2 + i)
            taken[name].append(time.perf_counter() - start)
    return taken


def table(
    taken: Mapping[str, list[float]], counts: Mapping[str, int], rate: float
) -> list[str]:
    """Lines with a row for each variant, and the rate of the product.

    Args:
      taken: Seconds of each variant in each round.
      counts: Floating-point operations of a step, of each kind.
      rate: Those that the product does in a second.
    """
    lines = [f"{'':24}  seconds   spread    ratio    GFLOP  GFLOP/s    share"]
    first = None
    for name, times in taken.items():
        median = float(np.median(times))
        first = first or median
        spread = 100 * (max(times) - min(times)) / median
        operations = counts[kind(name)]
        reached = operations / median
        lines.append(
            f"{name:24}{median:9.3f}{spread:7.0f} %{median / first:9.2f}"
            f"{operations / 1e9:9.1f}{reached / 1e9:9.1f}{100 * reached / rate:7.1f} %"
        )
    return [*lines, f"{'float32 product':24}{rate / 1e9:45.1f}"]


_CONFIG = flags.DEFINE_enum("config", "paper", list(CONFIGS), "Sizes of the networks.")
_SIZE = flags.DEFINE_integer("image_size", None, "Pixels, instead of the config's.")
_BATCH = flags.DEFINE_integer("batch_size", None, "Instead of the config's.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timed steps of each; the median counts.")
_VARIANTS = flags.DEFINE_list(
    "variants", list(VARIANTS), "The first is what all compare to."
)


@flags.validator("variants", f"must be some of {', '.join(VARIANTS)}")
def _are_known(names):
    return bool(names) and set(names) <= set(VARIANTS)


def main(argv):
    del argv
    # As TensorFlow: one a processor. PyTorch starts one a core, which may have two.
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    arguments = resized(
        CONFIGS[_CONFIG.value], image_size=_SIZE.value, batch_size=_BATCH.value
    )
    images, ours = pictures(arguments), Ours(arguments)
    steps = make(_VARIANTS.value, arguments, ours)
    expected = [ours(images, 0), ours(images, 1)]
    steps = {
        name: step
        for name, step in steps.items()
        if step is ours or is_right(name, step, images, expected)
    }
    for step in steps.values():
        if isinstance(step, Theirs):
            step.follows = False
    rate = rates.product_rate()
    taken = time_in_turns(steps, images, _ROUNDS.value)
    rate = max(rate, rates.product_rate())
    counts = {of: count(of, arguments, ours, images) for of in set(map(kind, taken))}
    print("\n".join(table(taken, counts, rate)))


if __name__ == "__main__":
    app.run(main)
