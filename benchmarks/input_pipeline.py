"""Pictures per second of the input pipeline, beside what the train step takes.

  python -m benchmarks.input_pipeline                 # 128 px, N = 200, batch 4
  python -m benchmarks.input_pipeline --image_size=32 --num_codes=10 --width=8 ...

The pipeline is that of training: pictures kept as uint8 at 76/64 of the size, gathered in
a random order, cropped and flipped at random, scaled. Flags as for `train_step`, whose
step is timed in the same run.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

from benchmarks import rates, train_step
from tfcomgan.data import input_pipeline

_PICTURES = flags.DEFINE_integer("pictures", 1000, "In memory.")
_BATCHES = flags.DEFINE_integer("batches", 200, "Timed together.")


def pipeline_rate(*, image_size: int, batch_size: int) -> float:
    """Pictures per second of `training_batches`: the median of three spells, after one."""
    settings = input_pipeline.InputSettings(image_size=image_size, margin=76 / 64)
    shape = [_PICTURES.value, settings.kept_size, settings.kept_size, 3]
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    batches = input_pipeline.training_batches(
        images, settings, batch_size=batch_size, seed=0, start=0, steps=2**40
    )
    iterator = iter(batches)

    def draw():
        for _ in range(_BATCHES.value):
            next(iterator)

    return _BATCHES.value * batch_size / rates.seconds(draw, repeats=3)


def main(argv):
    del argv
    given = flags.FLAGS
    rate = pipeline_rate(image_size=given.image_size, batch_size=given.batch_size)
    step, batch = train_step.train_step()
    taken = rates.seconds(lambda: step(batch)["d_adversarial"].numpy(), given.steps)
    need = given.batch_size / taken
    print(f"input pipeline      {rate:10.1f} pictures/s")
    print(f"train step          {need:10.1f} pictures/s")
    print(f"ratio               {rate / need:10.1f}")


if __name__ == "__main__":
    app.run(main)
