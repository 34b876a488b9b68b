"""What happens around training steps: checkpoints, progress, TensorBoard, pictures."""

import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfcomgan.images import save_png
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
        self._acted = None

    def on_train_batch_end(self, batch, logs=None):
        step = min(self.first_step + batch + 1, self._steps)
        if self._is_due(step):
            try:
                self._act(step, logs or {})
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

    The first is due early, so that a training that is killed again and again gets on.

    Args:
      checkpoints: What saves.
      keeping: How often.
      steps: Length of the training.
      clock: Seconds that only grow.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        keeping: Keeping,
        *,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(self._save, every=keeping.every, steps=steps)
        self._checkpoints, self._minutes, self._clock = (
            checkpoints,
            keeping.minutes,
            clock,
        )

    def on_train_begin(self, logs=None):
        self._due = self._clock() + 60 * min(self._minutes, _FIRST_MINUTES)

    def _is_due(self, step):
        return super()._is_due(step) or self._clock() >= self._due

    def _save(self, step, logs):
        self._checkpoints.save(step)
        self._due = self._clock() + 60 * self._minutes


class Progress(keras.callbacks.Callback):
    """A bar with losses and remaining time; lines of it where there is no terminal."""

    def __init__(self, title: str, *, steps: int, shown: tuple[str, ...]):
        super().__init__()
        self.first_step = 0
        self._title, self._steps, self._shown = title, steps, shown
        self._bar = None

    def on_train_begin(self, logs=None):
        is_terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=self._steps,
            initial=self.first_step,
            desc=self._title,
            unit="step",
            file=sys.stderr if is_terminal else _Lines(),
            mininterval=0.5 if is_terminal else 20,
            miniters=1,
            dynamic_ncols=is_terminal,
            bar_format=None if is_terminal else _LINE,
        )

    def on_train_batch_end(self, batch, logs=None):
        done = min(self.first_step + batch + 1, self._steps)
        losses = {k: f"{logs[k]:.2f}" for k in self._shown if k in (logs or {})}
        self._bar.set_postfix(losses, refresh=False)
        self._bar.update(done - self._bar.n)

    def on_train_end(self, logs=None):
        self._bar.close()


_LINE = "{desc}: {n_fmt}/{total_fmt} steps, {elapsed}, {remaining} left, {rate_fmt}{postfix}"


class _Lines:
    """Writes each redrawn bar as a line of its own, for logs."""

    def write(self, text):
        if text := text.strip("\r\n "):
            print(text, file=sys.stderr, flush=True)

    def flush(self):
        sys.stderr.flush()


class Board:
    """TensorBoard's file of one stage: scalars, pictures and the settings as text."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._writer: Any = None  # TensorFlow says nothing of its type.

    def _open(self):
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        return self._writer.as_default()

    def scalars(self, step: int, logs: dict) -> None:
        """Writes losses and monitors."""
        with self._open():
            for name, value in logs.items():
                tf.summary.scalar(name, value, step=step)
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
