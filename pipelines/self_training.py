"""The stage `self_train`: rounds in which a segmenter teaches the next one.

A round is finished when its record is there. A stopped stage goes on with the next, or
inside one from the last checkpoint of its student.
"""

import dataclasses
import itertools
import json
import pathlib
import shutil
from collections.abc import Mapping

import numpy as np

from pipelines import attempts, rounds, teachers, weights
from pipelines.album import Album
from pipelines.artifacts import Pictures, TrainedSegmenter
from pipelines.attempts import Training
from pipelines.rounds import Round
from pipelines.teachers import Refined, Teacher
from pipelines.work import Work
from tfcomgan import run_folder
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.images import save_png
from tfcomgan.models import self_training
from tfcomgan.models.self_training import SelfTrainingSettings
from tfcomgan.models.update import AdamSettings
from tfcomgan.networks import unet
from tfcomgan.networks.unet import SegmenterSettings
from tfcomgan.system import files
from tfcomgan.training import callbacks
from tfcomgan.training.monitor import MonitorSettings
from tfcomgan.training.precision import policy
from tfcomgan.training.settings import TrainingSettings

_CAPTION = (
    "Self-training, round {}: pictures kept aside, the teacher's masks, the same drawn "
    "to the edges, and the masks of the student who learned from such."
)
_SHOWN = 12  # Columns of a sheet.
_RECORD, _SHEET = "round.json", "pictures.png"
_LESSON = "lesson.npz"  # What the students on other hosts learn from.
# Between the seeds of rounds, which meet neither restarts nor what a user would choose.
_SEED_STRIDE = 7_000_003


def self_train(
    work: Work,
    *,
    examples: Pictures,
    segmenter: TrainedSegmenter,
    pictures: InputSettings,
    network: SegmenterSettings,
    chosen: SelfTrainingSettings,
    iem: IEMSettings,
    grabcut: GrabCutSettings,
    adam: AdamSettings,
    schedule: TrainingSettings,
    watch: MonitorSettings,
) -> dict:
    """Teaches new segmenters by refined masks; keeps the best by a measure without labels."""
    before = (segmenter.record.folder, segmenter.settings, segmenter.inputs)
    if not chosen.rounds:
        return _keep(work, *before)
    album = Album(
        examples=examples, pictures=pictures, settings=chosen, seed=schedule.seed
    )
    if not album.has_lessons:  # No host waits for another here.
        note = {"notes": [rounds.none(len(album.small))]}
        return _keep(work, *before) | note if work.place.is_writer else {}
    school = _School(
        work=work,
        album=album,
        segmenter=segmenter,
        pictures=pictures,
        network=network,
        settings=chosen,
        baselines={
            "iem": teachers.of_iem(iem),
            "grabcut": teachers.of_grabcut(grabcut),
        },
        adam=adam,
        schedule=schedule,
        watch=watch,
    )
    done = school.attend()
    if not work.place.is_writer:
        return {}
    best = rounds.best(done)
    student = (school.folder(best), network, pictures)
    return _keep(work, *(student if best else before)) | {
        "rounds": [r._asdict() for r in done],
        "kept_round": best,
        "end": rounds.end(done, chosen),
        "notes": rounds.texts(done, chosen),
        "figures": school.publish(len(done) - 1),
        "precision": policy(schedule.precision, work.place.devices),
    }


def _keep(
    work: Work, folder: pathlib.Path, network: SegmenterSettings, inputs: InputSettings
) -> dict:
    """Makes a network the artifact's; says what it is, for `artifacts.SelfTrained`."""
    shutil.copyfile(folder / run_folder.NETWORK, work.folder / run_folder.NETWORK)
    made_with = {"segmenter": network, "input_pipeline": inputs}
    return {name: dataclasses.asdict(chosen) for name, chosen in made_with.items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _School:
    """Pictures and settings of all rounds; fields as the parameters of `self_train`."""

    work: Work
    album: Album
    segmenter: TrainedSegmenter
    pictures: InputSettings
    network: SegmenterSettings
    settings: SelfTrainingSettings
    baselines: Mapping[str, Teacher]
    adam: AdamSettings
    schedule: TrainingSettings
    watch: MonitorSettings

    def attend(self) -> list[Round]:
        """Makes the rounds that are not made yet; returns all."""
        logs = self.work.place.run_dir / run_folder.LOGS
        is_writer = self.work.place.is_writer
        if is_writer and not self.folder(0).exists():
            # Curves of an earlier one would mix in.
            for old in logs.glob(f"{self.work.stage}*"):
                shutil.rmtree(old)
        board = callbacks.Board(logs / self.work.stage if is_writer else None)
        known = self._known()
        done = []
        while not done or rounds.end(done, self.settings) is None:
            number = len(done)
            file = self.folder(number) / _RECORD
            if number < known:
                done.append(Round(**json.loads(file.read_text(encoding="utf-8"))))
                continue
            if not is_writer:
                done.append(self._along(number))
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            done.append(self._round(number) if number else self._beginning())
            files.write_text(file, json.dumps(done[-1]._asdict()))
            self._call(0)
            board.scalars(number, rounds.scalars(done[-1]))
        return done

    def _known(self) -> int:
        """How many rounds have records as the stage begins, of several hosts on the chief.

        Each looking for itself, a slower host would find what the chief has just made.
        """
        numbers = itertools.count()
        known = next(n for n in numbers if not (self.folder(n) / _RECORD).exists())
        team = self.work.place.team
        return team.from_chief(known) if team else known

    def _call(self, word: int) -> None:
        """Tells other hosts of a lesson (1), or that the round's record is there (0)."""
        if self.work.place.team:
            self.work.place.team.from_chief(word)

    def _along(self, number: int) -> Round:
        """A round as another host than the chief sees it: the lesson, and its end."""
        team, folder = self.work.place.team, self.folder(number)
        if team.from_chief():
            with np.load(folder / _LESSON) as lesson:
                self._teach(number, lesson["chosen"], lesson["refined"], ())
            team.from_chief()
        return Round(**json.loads((folder / _RECORD).read_text(encoding="utf-8")))

    def folder(self, number: int) -> pathlib.Path:
        """Where a round keeps what it makes."""
        return self.work.folder / run_folder.UNFINISHED / f"round-{number}"

    def publish(self, last: int) -> list[dict]:
        """Copies the sheets of the rounds to people's places; says what they show."""
        made = []
        for number in range(1, last + 1):
            name = f"{self.work.stage}-{number}"
            for folder in (
                self.work.folder / run_folder.FIGURES,
                self.work.place.run_dir / run_folder.PICTURES,
            ):
                folder.mkdir(exist_ok=True)
                shutil.copyfile(self.folder(number) / _SHEET, folder / f"{name}.png")
            made.append(
                {"name": name, "caption": _CAPTION.format(number), "reason": ""}
            )
        return made

    def _teacher(self, number: int) -> Teacher:
        """Of round `number`, which is the student of the round before."""
        first = self.settings.first_teacher
        if number == 1 and first != "segmenter":
            return self.baselines[first]
        if number == 1:
            return teachers.of_network(self.segmenter.load(), self.segmenter.inputs.low)
        network = unet.build(self.network, self.pictures.image_size)
        weights.load(network, self.folder(number - 1) / run_folder.NETWORK)
        return teachers.of_network(network, self.pictures.low)

    def _refined(self, teacher: Teacher, chosen: np.ndarray, title: str) -> Refined:
        masks = teacher(self.album.small[chosen])
        return teachers.refine(
            self.album.fine[chosen], masks, self.settings, title=title
        )

    def _beginning(self) -> Round:
        """Round 0: how well the masks of stage two fit, if they are to teach."""
        if self.settings.first_teacher != "segmenter":
            return Round(0)
        taught = self._refined(self._teacher(1), self.album.aside, self.work.stage)
        return Round(0, fit=taught.fit(self.settings))

    def _round(self, number: int) -> Round:
        album = self.album
        chosen, aside = album.drawn(number), album.aside
        teacher, title = self._teacher(number), f"{self.work.stage}-{number}"
        taught = self._refined(teacher, chosen, title)
        shown = self._refined(teacher, aside, title)
        is_kept = taught.is_kept(self.settings)
        first = self.settings.first_teacher
        done = Round(
            number,
            teacher=f"round {number - 1}" if number > 1 else first,
            pictures=len(chosen),
            kept=int(is_kept.sum()),
        )
        if not done.kept or done.share < self.settings.least_kept:
            sheet = self._sheet(shown, aside)
            save_png(self.folder(number) / _SHEET, sheet)
            return done
        lesson = {"chosen": chosen[is_kept], "refined": taught.refined[is_kept]}
        if self.work.place.team:
            place = self.folder(number) / _LESSON
            with files.replacing(place) as file, file.open("wb") as opened:
                np.savez(opened, **lesson)
            self._call(1)
        student, findings = self._teach(number, *lesson.values(), (shown, aside))
        refined = self._refined(student, aside, title)
        return done._replace(
            agreement=teachers.agreement(refined.masks, shown.masks),
            fit=refined.fit(self.settings),
            findings=findings,
        )

    def _teach(self, number, chosen, refined, shown) -> tuple[Teacher, list[str]]:
        """Trains the student of a round; what the monitor found comes with it."""
        size, low = self.pictures.image_size, self.pictures.low
        schedule = dataclasses.replace(
            self.schedule, seed=(self.schedule.seed + number * _SEED_STRIDE) % 2**32
        )

        def make_model(seed):
            return self_training.Student(
                image_size=size,
                segmenter=self.network,
                settings=self.settings,
                adam=self.adam,
                batch_size=schedule.batch_size,
                seed=seed,
            )

        def drawer(model):
            student = teachers.of_network(model.segmenter_ema, low)
            return lambda: self._sheet(*shown, student)

        targets = teachers.resized(refined, self.pictures.kept_size)
        training = Training(
            images=self.album.kept[chosen],
            masks=np.rint(255 * targets).astype(np.uint8),
            pictures=self.pictures,
            schedule=schedule,
            watch=self.watch,
            make_model=make_model,
            drawer=drawer,
            shown=("cross_entropy", "real_mask_area"),
            area="real_mask_area",
        )
        work = self.work._replace(
            stage=f"{self.work.stage}-{number}", folder=self.folder(number)
        )
        model, watched = attempts.train(work, training)
        if work.place.is_writer:
            weights.save(model.segmenter_ema, self.folder(number) / run_folder.NETWORK)
        return teachers.of_network(model.segmenter_ema, low), watched.get("notes", [])

    def _sheet(
        self, taught: Refined, chosen: np.ndarray, student: Teacher | None = None
    ) -> np.ndarray:
        return teachers.sheet(self.album.small[chosen[:_SHOWN]], taught, student)
