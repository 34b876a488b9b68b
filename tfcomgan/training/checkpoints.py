"""Checkpoints of a training: crash-safe, fingerprinted, never resumed by mistake."""

import pathlib
import shutil
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfcomgan.errors import UserError, first_line
from tfcomgan.system import files
from tfcomgan.system.plain_paths import plain

_KEPT = 2  # The newest ones.


class Keeping(NamedTuple):
    """How a training's checkpoints are kept.

    folder: Where they lie.
    every: Steps between two of them.
    fingerprint: Of the stage; stored in each checkpoint, and one of another is refused.
    minutes: Between two of them at most, but for the length of an execution.
    """

    folder: pathlib.Path
    every: int
    fingerprint: str
    minutes: float = 5.0


class Checkpoints:
    """Saves and restores everything a training changes.

    Input and noise are functions of the step (see `latents`, `data.input_pipeline`), so
    the step and the variables are all there is to save.

    Args:
      folder: Where they lie.
      fingerprint: Of the stage; see `Keeping`.
      parts: Networks and optimizers, by name, with all variables created.
      is_writer: Whether this process saves them; of several hosts only the chief does.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        fingerprint: str,
        parts: dict,
        *,
        is_writer: bool = True,
    ):
        self._folder, self._is_writer = folder, is_writer
        self._fingerprint = fingerprint
        # As lists: TensorFlow's walk over the parts misses layers that Keras holds in one.
        variables = {name: list(part.variables) for name, part in parts.items()}
        self._variables = [v for part in variables.values() for v in part]
        self._step = tf.Variable(0, dtype=tf.int64)
        self._checkpoint = tf.train.Checkpoint(
            step=self._step, fingerprint=tf.Variable(fingerprint), **variables
        )
        self._checkpoint.save_counter.numpy()  # Made now, not at the first save.
        if is_writer:
            for torn in folder.glob("*_temp"):  # Of a save that was killed.
                shutil.rmtree(torn)
            folder.mkdir(parents=True, exist_ok=True)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint,
            str(plain(folder)),
            max_to_keep=_KEPT,
            checkpoint_name="step",
        )

    @property
    def step(self) -> int:
        """Steps done at the last `restore` or `save`."""
        return int(self._step.numpy())

    def restore(self) -> int:
        """Restores the newest checkpoint; returns its step, 0 where there is none.

        Raises:
          UserError: It is damaged, or belongs to other settings.
        """
        paths = [
            p for p in self._manager.checkpoints if pathlib.Path(f"{p}.index").exists()
        ]
        if not paths:
            return 0
        path = paths[-1]
        try:
            reader = tf.train.load_checkpoint(path)
            fingerprint = reader.get_tensor(
                "fingerprint/.ATTRIBUTES/VARIABLE_VALUE"
            ).decode()
            if fingerprint == self._fingerprint:
                self._checkpoint.restore(path).assert_consumed()
        # IndexError: TensorFlow's reader, of a file that is too short.
        except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
            path = self._folder / pathlib.Path(path).name
            raise UserError(
                f"The checkpoint {path} is damaged ({first_line(error)}). Delete the "
                f"files {path}.* and give the same command again; it goes on from the "
                "checkpoint before, or from the start."
            ) from error
        if fingerprint != self._fingerprint:
            raise UserError(
                f"The checkpoint {self._folder / pathlib.Path(path).name} was made with "
                f"other settings (fingerprint {fingerprint[:12]}, "
                f"expected {self._fingerprint[:12]}). "
                f"Delete the folder {self._folder} to start anew."
            )
        return self.step

    def save(self, step: int) -> None:
        """Saves the state after `step` steps, where it is this process that does.

        Raises:
          FloatingPointError: A variable is not finite; nothing is saved, and the last
            good checkpoint stays.
        """
        for variable in self._variables:
            if not np.all(np.isfinite(variable.numpy())):
                raise FloatingPointError(
                    f"`{variable.path}` is not finite after step {step}"
                )
        self._step.assign(step)
        if not self._is_writer:
            return
        self._manager.save(checkpoint_number=step)
        # TensorFlow leaves that to the system. The one before is on the disk already.
        files.sync_all(self._folder)
