"""Watches a training for the two trivial solutions of section 3.1, and what leads there.

First: the mask is full or empty, one layer is the whole picture; also where that layer is
the foreground for one z and the background for another. Second: the mask means nothing,
because the layers are the same or the mask is the same for every z. On photographs
masks also shrink away, grow over the picture, or hide a layer that repeats the object;
where asked to, these count too. What is found depends on the readings alone, which lie
beside the checkpoints: a resumed training finds what an unbroken one does. Masks that
stay grey are named too: they mean nothing yet.
"""

import dataclasses
import itertools
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from absl import logging

from tfcomgan import config
from tfcomgan.config.field_types import at_least
from tfcomgan.errors import UserError
from tfcomgan.system import files
from tfcomgan.training import callbacks, signs
from tfcomgan.training.signs import SIGNS

READINGS = "readings.jsonl"
GENERATORS_AREA = "mask_area"  # Of its masks, among the logs.


@config.settings("monitor")
class MonitorSettings:
    """When a mask counts as trivial, and what is done about it; bound per stage.

    Attributes:
      on_trivial: 'warn'; 'stop' with an error; or 'restart' with another seed.
      every: Steps between readings.
      window: Steps for which all readings must show the sign.
      min_area: Share of the picture below which a mask is empty; of its complement, full.
      max_one_layer: Share of the scenes, above which full or empty masks, one by one, are
        taken for a trivial solution though their mean is neither. Such a mask leaves a
        side under 2 % of the picture, whatever `min_area` is: 1 to allow it.
      min_difference: Mean |foreground - background|, of pixels in [-1, 1], below which
        the layers are the same.
      min_variation: Standard deviation of the mask over z, mean over pixels, below which
        it is the same for every z.
      min_object: Share of the picture below which the object's side, the one with less
        of the border, has shrunk away; 0 to allow it.
      max_object: Share above which it has grown over the picture; 1 to allow it.
      max_echo: `mask_monitors.layer_echo` above which both layers paint the object.
      max_grey: Entropy of the mask, bits a pixel, above which it is grey; looked at in
        the second half of a training, for early on all masks are. Warned of alone.
      max_restarts: Seeds tried beyond the first; then the training stops.
    """

    on_trivial: Literal["warn", "stop", "restart"] = "warn"
    every: int = 20
    window: int = 200
    min_area: Annotated[float, at_least(0)] = 0.02
    max_one_layer: Annotated[float, at_least(0)] = 0.5
    min_difference: Annotated[float, at_least(0)] = 0.02
    min_variation: Annotated[float, at_least(0)] = 0.01
    min_object: Annotated[float, at_least(0)] = 0.0
    max_object: Annotated[float, at_least(0)] = 1.0
    max_echo: Annotated[float, at_least(0)] = math.inf
    max_grey: Annotated[float, at_least(0)] = dataclasses.field(
        default=0.5,
        metadata={"affects_result": False},  # Of the networks.
    )
    max_restarts: Annotated[int, at_least(0)] = 3

    def __post_init__(self):
        if not 1 <= self.every <= self.window:
            raise ValueError(
                "`monitor.every` must lie in [1, monitor.window]. "
                f"Received: every={self.every}, window={self.window}."
            )

    def check(self, stage: str, steps: int) -> None:
        """Raises UserError where the window is longer than the training."""
        if self.window > steps:
            raise UserError(
                "`monitor.window` must not be longer than the training. Received: "
                f"{self.window}, and {steps} steps in {stage}. Set "
                f"--gin_param=monitor.window={steps}, and monitor.every at most that."
            )

    def sign(self, values: Mapping[str, float]) -> str | None:
        """The sign that a reading shows, by its name in `SIGNS`; absent values show none.

        A full or empty mask is the first solution, though it is also one for every z.
        """
        area = values.get("mask_area", 0.5)
        if area < self.min_area:
            return "empty"
        if area > 1 - self.min_area:
            return "full"
        if values.get("one_layer", 0.0) > self.max_one_layer:
            return "full_or_empty"
        if values.get("layer_difference", math.inf) < self.min_difference:
            return "equal_layers"
        if values.get("mask_variation", math.inf) < self.min_variation:
            return "one_mask"
        if values.get("object_area", math.inf) < self.min_object:
            return "shrunk"
        if values.get("object_area", 0.0) > self.max_object:
            return "grown"
        if values.get("layer_echo", 0.0) > self.max_echo:
            return "echo"
        if values.get("mask_entropy", 0.0) > self.max_grey:
            return "grey"
        return None


class Reading(NamedTuple):
    """Monitored values after a step."""

    step: int
    values: dict[str, float]


class Finding(NamedTuple):
    """A sign that all readings of a window or more showed, from step to step."""

    sign: str
    first_step: int
    last_step: int

    @property
    def solution(self) -> int:
        """Which trivial solution it is, the first or the second; 0 for none."""
        return SIGNS[self.sign].solution

    def text(
        self, seed: int, *, is_last: bool = False, is_segmenter: bool = False
    ) -> str:
        """One line for people; what to change differs where a segmenter is trained."""
        solution, what, advice = SIGNS[self.sign]
        advice = signs.OF_SEGMENTER if is_segmenter else advice
        name = ("Warning", "First trivial solution", "Second trivial solution")[
            solution
        ]
        end = "the end" if is_last else f"step {self.last_step}"
        return (
            f"{name} with seed {seed}: {what}, from step {self.first_step} to {end}. "
            f"{advice}."
        )


def findings(readings: Sequence[Reading], settings: MonitorSettings) -> list[Finding]:
    """What a training's readings, in their order, amount to; each is of `every` steps."""
    runs = itertools.groupby(readings, key=lambda r: settings.sign(r.values))
    signs = [(sign, [reading.step for reading in run]) for sign, run in runs]
    return [
        Finding(sign, steps[0], steps[-1])
        for sign, steps in signs
        # Not their number: long executions have fewer, farther apart.
        if sign and steps[-1] - steps[0] + settings.every >= settings.window
    ]


def is_segmenters(area: str) -> bool:
    """Whether the mask's area of this name among the logs is a segmenter's."""
    return area != GENERATORS_AREA


class Restart(Exception):
    """The training is to be given up for one with another seed."""


class Monitor(callbacks.EveryFewSteps):
    """Reads the logs every few steps, warns in log and TensorBoard, and acts.

    Args:
      settings: What counts as trivial.
      seed: Of this training.
      steps: Its length.
      folder: Of its checkpoints; the readings lie there too.
      board: TensorBoard's file.
      area: Name of the mask's area among the logs.
      is_writer: Whether this process keeps the readings.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        *,
        seed: int,
        steps: int,
        folder: pathlib.Path,
        board: callbacks.Board,
        area: str = GENERATORS_AREA,
        is_writer: bool = True,
    ):
        super().__init__(self._read, every=settings.every, steps=steps)
        self._settings, self._seed, self._board = settings, seed, board
        self._is_segmenter = is_segmenters(area)
        self._file, self._is_writer = folder / READINGS, is_writer
        self._names = {
            "mask_area": area,
            "one_layer": "one_layer",
            "layer_difference": "layer_difference",
            "mask_variation": "mask_variation",
            "object_area": "object_area",
            "layer_echo": "layer_echo",
            "mask_entropy": area.replace("area", "entropy"),
        }
        self._readings: list[Reading] = []

    def on_train_begin(self, logs=None):
        # Steps past the checkpoint are done again.
        self._readings = [r for r in read(self._file) if r.step <= self.first_step]
        if self._is_writer:
            lines = [json.dumps(reading) + "\n" for reading in self._readings]
            files.write_text(self._file, "".join(lines))

    def _read(self, step: int, logs: dict) -> None:
        known = len(findings(self._readings, self._settings))
        values = {k: float(logs[n]) for k, n in self._names.items() if n in logs}
        if 2 * step <= self._steps:  # Early on all masks are grey.
            values.pop("mask_entropy", None)
        self._readings.append(Reading(step, values))
        if self._is_writer:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(self._readings[-1]) + "\n")
        now = findings(self._readings, self._settings)
        is_now = bool(now) and now[-1].last_step == step
        solution = now[-1].solution if is_now else 0
        self._board.scalars(step, {"trivial_solution": solution})
        if len(now) > known:
            self._respond(step, now[-1])

    def _respond(self, step: int, finding: Finding) -> None:
        text = finding.text(self._seed, is_segmenter=self._is_segmenter)
        logging.error("%s", text)  # The commands show errors alone.
        self._board.text("trivial_solution", text, step=step)
        if not finding.solution:
            return
        if self._settings.on_trivial == "stop":
            raise UserError(f"{text} Training stopped (monitor.on_trivial='stop').")
        if self._settings.on_trivial == "restart":
            raise Restart(text)


def read(file: pathlib.Path) -> list[Reading]:
    """The readings of a file, as far as it goes; none where there is no file."""
    readings = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            readings.append(Reading(*json.loads(line)))
        except ValueError:  # Of a killed process.
            break
    return readings
