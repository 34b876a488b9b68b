"""What happens around training steps: checkpoints, TensorBoard, pictures."""

import pathlib
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfcomgan.images import save_png
from tfcomgan.system import stopping
from tfcomgan.training.checkpoints import Checkpoints, Keeping


class EveryFewSteps(keras.callbacks.Callback):
    """Calls `act(step, logs)` after each `every` steps, and after the last.

    Keras calls back once an execution of several steps; the first call at or past a
    multiple counts. `first_step` is the number of steps done before `fit`. Where the
    last execution is a shorter one, Keras counts it full.
    """

    def __init__(self, act: Callable[[int, dict], None], *, every: int, steps: int):
        super().__init__()
        self.first_step = 0
        self._act, self._every, self._steps = act, every, steps
        self._acted: int | None = None

    def on_train_batch_end(self, batch, logs=None):
        step = self._step(batch)
        if self._is_due(step):
            self._do(step, logs or {})

    def _step(self, batch: int) -> int:
        return min(self.first_step + batch + 1, self._steps)

    def _do(self, step: int, logs: dict) -> None:
        try:
            self._act(step, logs)
        except tf.errors.OutOfRangeError as error:
            # TensorFlow's name for EFBIG; Keras takes it for the end of the data,
            # and would end the training as if it were done.
            raise OSError(error.message) from error

    def _is_due(self, step: int) -> bool:
        """Whether to act now; to be asked once a call."""
        mark = step // self._every
        if self._acted is None:
            self._acted = self.first_step // self._every
        is_due = mark > self._acted or step >= self._steps
        self._acted = mark
        return is_due


_FIRST_MINUTES = 1.0  # Until the first checkpoint of a process, at most.


class Saver(EveryFewSteps):
    """Saves checkpoints: by steps or by time, whichever is first, and after the last.

    Also where a signal asks for the end; see `stopping`.

    The first is due early, so that a training that is killed again and again gets on.

    Args:
      checkpoints: What saves.
      keeping: How often.
      steps: Length of the training.
      clock: Seconds that only grow.
      is_asked: Whether the end is asked for, on any host.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        keeping: Keeping,
        *,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
        is_asked: Callable[[], bool] = stopping.is_asked,
    ):
        super().__init__(self._save, every=keeping.every, steps=steps)
        self._checkpoints, self._minutes = checkpoints, keeping.minutes
        self._clock, self._is_asked = clock, is_asked

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self._is_asked():
            if self._checkpoints.step != self._step(batch):
                self._do(self._step(batch), logs or {})
            stopping.release()
            raise stopping.AskedElsewhere
        # Only now: of a first step that takes a minute to compile, nothing would be lost.
        stopping.hold()

    def on_train_begin(self, logs=None):
        self._due = self._clock() + 60 * min(self._minutes, _FIRST_MINUTES)

    def _is_due(self, step):
        return super()._is_due(step) or self._clock() >= self._due

    def _save(self, step, logs):
        self._checkpoints.save(step)
        self._due = self._clock() + 60 * self._minutes


# Of masks and layers, besides those with 'mask' in their name.
_OF_MASKS = (
    "agreement",
    "fit",
    "kept_share",
    "layer_difference",
    "layer_echo",
    "object_area",
    "one_layer",
    "trivial_solution",
)


def tag(name: str) -> str:
    """A log's name in TensorBoard, which shows what stands before '/' as a group."""
    if "gradient" in name:
        return f"gradient/{name}"
    return f"mask/{name}" if "mask" in name or name in _OF_MASKS else f"loss/{name}"


class Board:
    """TensorBoard's file of one stage: scalars, pictures and the settings as text.

    Args:
      folder: Of the file; None writes nothing.
    """

    def __init__(self, folder: pathlib.Path | None):
        self._folder = folder
        self._writer: Any = None  # TensorFlow says nothing of its type.

    def _open(self):
        if self._writer is None:
            self._writer = (
                tf.summary.create_noop_writer()
                if self._folder is None
                else tf.summary.create_file_writer(str(self._folder))
            )
        return self._writer.as_default()

    def scalars(self, step: int, logs: dict) -> None:
        """Writes losses and monitors."""
        with self._open():
            for name, value in logs.items():
                tf.summary.scalar(tag(name), value, step=step)
        self._writer.flush()

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes a picture uint8 [H,W,3]."""
        with self._open():
            tf.summary.image(name, image[np.newaxis], step=step)
        self._writer.flush()

    def text(self, name: str, content: str, step: int = 0) -> None:
        """Writes a text, shown as typed."""
        with self._open():
            tf.summary.text(name, "```\n" + content + "\n```", step=step)
        self._writer.flush()


def painter(
    draw: Callable[[], np.ndarray], name: str, folder: pathlib.Path, board: Board
) -> Callable[[int, dict], None]:
    """An action that draws uint8 [H,W,3] into `folder`/<name>-<step>.png and the board."""

    def paint(step: int, logs: dict) -> None:
        del logs
        image = draw()
        save_png(folder / f"{name}-{step:06d}.png", image)
        board.picture(step, name, image)

    return paint
