"""What all trainings share, and their attempts with new seeds where masks are trivial."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable

import keras
import numpy as np

from pipelines.work import Work
from tfcomgan import config, run_folder
from tfcomgan.data import input_pipeline, shares
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.errors import UserError
from tfcomgan.images import save_png
from tfcomgan.system import files
from tfcomgan.training import callbacks, loop, monitor, progress
from tfcomgan.training.checkpoints import Keeping
from tfcomgan.training.monitor import MonitorSettings
from tfcomgan.training.precision import policy
from tfcomgan.training.settings import TrainingSettings

_GIVEN_UP = "given_up.json"
# So far apart that they meet no seed a user would choose next.
_SEED_STRIDE = 1_000_003


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """A training of a stage, whatever it trains.

    Attributes:
      images: uint8 [N,kept_size,kept_size,3].
      masks: Of the images, see `training_batches`; None where they have none.
      pictures: How batches are made of them.
      schedule: Length, batch and first seed.
      watch: What the monitor takes for trivial.
      make_model: Seed to a new model; see `loop.train`.
      drawer: Model to what draws its pictures, uint8 [H,W,3].
      shown: Losses beside the progress bar.
      area: Name of the mask's area among the losses.
      doubt: Trained model to what speaks against it, in words; '' where nothing does.
    """

    images: np.ndarray
    pictures: InputSettings
    schedule: TrainingSettings
    watch: MonitorSettings
    make_model: Callable[[int], keras.Model]
    drawer: Callable[[keras.Model], Callable[[], np.ndarray]]
    shown: tuple[str, ...]
    area: str = monitor.GENERATORS_AREA
    masks: np.ndarray | None = None
    doubt: Callable[[keras.Model], str] = lambda model: ""

    def with_seed(self, seed: int) -> "Training":
        """The same training from another seed."""
        schedule = dataclasses.replace(self.schedule, seed=seed)
        return dataclasses.replace(self, schedule=schedule)


def train(work: Work, training: Training) -> tuple[keras.Model, dict]:
    """Trains, with another seed where the monitor asks for one.

    Args:
      work: The stage at work; what was given up is remembered beside its checkpoints.
      training: From its first seed.

    Returns:
      The model, the last one if all were doubtful; and for the artifact's info
      {"trivial": {"seed", "findings", "given_up"}}, with a line for each thing found
      under "notes", and the "precision" that it ended in. {} where another host
      writes it.

    Raises:
      UserError: Every seed that may be tried ended in a trivial solution.
    """
    watch, first_seed = training.watch, training.schedule.seed
    folder = work.folder / run_folder.UNFINISHED
    file = folder / _GIVEN_UP
    given_up = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    while len(given_up) <= watch.max_restarts:
        number = len(given_up)
        seed = (first_seed + number * _SEED_STRIDE) % 2**32
        place = folder / f"restart-{number}" if number else folder
        may_restart = watch.on_trivial == "restart" and number < watch.max_restarts
        try:
            model = _attempt(work, training.with_seed(seed), place)
            doubt = _doubt(work, training, model)
            if doubt and may_restart:
                del model  # Two at once may not fit.
                raise monitor.Restart(f"Seed {seed}: {doubt}")
        except monitor.Restart as restart:
            given_up.append(str(restart))
            if work.place.is_writer:
                files.write_text(file, json.dumps(given_up))
            continue
        if not work.place.is_writer:
            return model, {}
        save_png(work.folder / "pictures.png", training.drawer(model)())
        readings = monitor.read(place / monitor.READINGS)
        info = _info(training, readings, seed, given_up, doubt)
        return model, info | {
            "precision": policy(training.schedule.precision, work.place.devices)
        }
    raise UserError(
        f"No seed of {len(given_up)} led past a trivial solution "
        f"(monitor.max_restarts={watch.max_restarts}). The last: {given_up[-1]}"
    )


def _doubt(work: Work, training: Training, model: keras.Model) -> str:
    """Why the model is doubtful, '' if it is not; of several hosts the chief decides."""
    team = work.place.team
    if team and not team.is_chief:
        return "the chief doubts its masks" if team.from_chief() else ""
    doubt = training.doubt(model)
    if team:
        team.from_chief(int(bool(doubt)))
    return doubt


def _info(training, readings, seed: int, given_up: list[str], doubt: str) -> dict:
    findings = monitor.findings(readings, training.watch)
    is_segmenter = monitor.is_segmenters(training.area)
    end = readings[-1].step if readings else 0
    notes = [f"Given up. {text}" for text in given_up]
    notes += [
        f.text(seed, is_last=f.last_step == end, is_segmenter=is_segmenter)
        for f in findings
    ]
    notes += [f"Kept all the same. Seed {seed}: {doubt}"] if doubt else []
    trivial = {
        "seed": seed,
        "findings": [f._asdict() | {"solution": f.solution} for f in findings],
        "given_up": given_up,
    }
    return {"trivial": trivial} | ({"notes": notes} if notes else {})


def _attempt(
    work: Work, training: Training, checkpoint_dir: pathlib.Path
) -> keras.Model:
    """One training: batches, checkpoints, progress bar, TensorBoard, monitor."""
    run_dir, schedule = work.place.run_dir, training.schedule
    team, is_writer = work.place.team, work.place.is_writer
    logs = run_dir / run_folder.LOGS / work.stage
    # Curves of an earlier training would mix in.
    if is_writer and not checkpoint_dir.exists():
        shutil.rmtree(logs, ignore_errors=True)
    board = callbacks.Board(logs if is_writer else None)
    board.text("operative_config", config.operative_text())
    steps, every = schedule.steps, work.place.checkpoint_every

    def make_batches(start, share=shares.WHOLE):
        return input_pipeline.training_batches(
            training.images,
            training.pictures,
            batch_size=schedule.batch_size,
            seed=schedule.seed,
            start=start,
            steps=steps,
            masks=training.masks,
            share=share,
        )

    bar = progress.Progress(work.stage, steps=steps, shown=training.shown)

    def watchers(model):
        watch = monitor.Monitor(
            training.watch,
            seed=schedule.seed,
            steps=steps,
            folder=checkpoint_dir,
            board=board,
            area=training.area,
            is_writer=is_writer,
        )
        if not is_writer:
            return [watch]
        draw, pictures = training.drawer(model), run_dir / run_folder.PICTURES
        paint = callbacks.painter(draw, work.stage, pictures, board)
        return [
            watch,
            callbacks.EveryFewSteps(board.scalars, every=20, steps=steps),
            callbacks.EveryFewSteps(paint, every=every, steps=steps),
            bar,
        ]

    keeping = Keeping(
        checkpoint_dir, every, work.fingerprint, work.place.checkpoint_minutes
    )
    with contextlib.closing(bar):
        return loop.train(
            schedule,
            keeping,
            make_model=lambda: training.make_model(schedule.seed),
            make_batches=make_batches,
            watchers=watchers,
            on=team.strategy if team else loop.strategy(work.place.devices),
            team=team,
        )
