"""Runs the stages of a run folder, each at most once.

pictures -> prepare -> train_generator -> train_segmenter -> self_train ->
evaluate, export
"""

import json
import pathlib
from collections.abc import Callable, Sequence

from pipelines import cache, closing, meeting, planning, reporting, together
from pipelines.planning import Plan
from pipelines.stages import MADE_BY, STAGES
from pipelines.work import Place, Work
from tfcomgan import config, run_folder
from tfcomgan.errors import UserError
from tfcomgan.reporting import environment
from tfcomgan.system import files, locks
from tfcomgan.training import hosts, loop

# What sets the batch of each training, in gin/base.gin.
_BATCH_SIZES = {
    "train_generator": "BATCH_SIZE",
    "train_segmenter": "SEGMENTER_BATCH_SIZE",
    "self_train": "SELF_TRAINING_BATCH_SIZE",
}


def settings() -> None:
    """Builds all settings from gin, so that a wrong one is reported at once."""
    planning.plans()


def run(
    names: Sequence[str],
    place: Place,
    *,
    gin_files: Sequence[str] = (),
    report: Callable[[str], None] = print,
) -> None:
    """Runs stages in order, reusing what is finished.

    Args:
      names: Stages, in the order of `STAGES`.
      place: Folders and devices.
      gin_files: What the run is made from; a folder of other files is refused.
      report: Takes lines for the user.

    Raises:
      UserError: An input or a package is missing, an input is of other settings, the
        folder is of another config, an artifact or checkpoint is damaged, or a training
        fails.
    """
    plans = planning.plans(place)
    _check_masks(names, plans)
    if "export" in names:
        plans["export"].settings["chosen"].check()
    cluster = hosts.cluster()
    if cluster is None:
        _check_machine(names, plans, place)
        with locks.hold(place.run_dir, "--run_dir"):
            _take_over(place.run_dir, gin_files)
            _run(names, plans, place, report)
        return
    about = together.about(names, plans)
    if not cluster.is_chief:
        with together.joined(cluster, place, about, report) as place:
            _check_machine(names, plans, place)
            together.assist(names, plans, place, report)
        return
    with (
        meeting.chair(place.run_dir, cluster) as chair,
        locks.hold(place.run_dir, "--run_dir"),
    ):
        _take_over(place.run_dir, gin_files)
        with together.gathered(chair, place, about, report) as place:
            _check_machine(names, plans, place)
            _run(names, plans, place, report)


def _take_over(run_dir: pathlib.Path, gin_files: Sequence[str]) -> None:
    """Makes the folder this config's, and clears what a killed run left in it."""
    _claim(run_dir, gin_files)
    files.sweep(run_dir, run_folder.written(run_dir))
    cache.sweep(run_dir)


def _run(names, plans: dict[str, Plan], place: Place, report) -> None:
    for name in names:
        plan = plans[name]
        if (made := plan.find(place.run_dir)) is not None:
            report(f"{name}: reused {made.folder}")
            _report_notes(made.info, report)
            together.call(plan, place, is_needed=False)
            continue
        _check_inputs(plan, plans, place)
        together.call(plan, place, is_needed=True)
        inputs = planning.inputs(plan, place)
        files.write_text(place.run_dir / run_folder.CONFIG, config.operative_text())
        report(f"{name}: running{closing.where(plan.schedule, place)}")
        with cache.produce(
            place.run_dir,
            name,
            plan.fingerprint,
            plan.parameters,
            inputs=plan.origins(plans),
            pictures_fingerprint=plan.pictures_fingerprint
            if name == "prepare"
            else None,
            environment=environment.current()._asdict(),
        ) as (work_dir, info):
            work = Work(name, work_dir, plan.fingerprint, place)
            info.update(plan.stage.run(work, **inputs, **plan.settings))
        reporting.write(place.run_dir, plans)
        report(f"{name}: done, in {place.run_dir / name}")
        _report_notes(info, report)
    # Also where a run was killed after its last stage, or the files are damaged.
    reporting.write(place.run_dir, plans)
    closing.tell(names, plans, place, report)


def _check_masks(names: Sequence[str], plans: dict[str, Plan]) -> None:
    network = plans["train_generator"].settings["network"]
    if "train_segmenter" in names and not network.has_mask:
        raise UserError(
            f"`generator.architecture` is {network.architecture!r}, which paints no masks "
            "for a segmenter to learn. Add --stages=prepare,train_generator."
        )


def _check_machine(names: Sequence[str], plans: dict[str, Plan], place: Place) -> None:
    """Refuses what cannot be trained on here as it is set; not what is trained already."""
    if place.team:
        replicas = place.team.strategy.num_replicas_in_sync
    else:
        replicas = len(loop.replicas(place.devices))
    for name in names:
        plan = plans[name]
        if plan.schedule is None:
            continue
        batch_size, called = plan.schedule.batch_size, _BATCH_SIZES[name]
        try:
            loop.check_batch_size(batch_size, replicas, called)
            loop.check_memory(batch_size, plan.settings["pictures"].image_size, called)
            _check_stored(plans["prepare"], plan)
        except UserError:
            if plan.find(place.run_dir) is None:  # Else nothing is trained.
                raise


def _check_stored(prepare: Plan, training: Plan) -> None:
    """Raises UserError where pictures are stored smaller than a training takes them."""
    source, pictures = prepare.settings["chosen"].source, training.settings["pictures"]
    stored, kept = getattr(source, "store_size", 0), pictures.kept_size
    if 0 < stored < kept:
        name = f"{config.name_of(type(source))}.store_size"
        raise UserError(
            f"`{name}` is {stored}, and trainings take pictures of {kept} px (IMAGE_SIZE="
            f"{pictures.image_size} and a margin to crop from): all would be enlarged. "
            f"Set {name} = {kept} or more, or 0 to store pictures as they are."
        )


def _claim(run_dir: pathlib.Path, gin_files: Sequence[str]) -> None:
    """Marks a run folder with its gin files, or refuses one of others."""
    mark = run_dir / run_folder.MARK
    names = [run_folder.config_name(name) for name in gin_files]
    if mark.exists():
        try:
            claimed_by = list(json.loads(mark.read_text(encoding="utf-8"))["gin_files"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{mark} is damaged. Delete it and give the same command again; stages "
                "of other settings are then made anew."
            ) from error
        if claimed_by != names:
            raise UserError(
                f"The run folder {run_dir} was made from {_listed(claimed_by)}, not from "
                f"{_listed(names)}. Give another --run_dir, or delete that folder."
            )
    else:
        files.write_text(mark, json.dumps({"gin_files": names}) + "\n")


def _listed(names: Sequence[str]) -> str:
    return "+".join(f"{name}.gin" for name in names)


def _check_inputs(plan: Plan, plans: dict[str, Plan], place: Place) -> None:
    """Raises UserError unless these settings made all that a stage takes."""
    stale = _stale(plan, plans, place)
    if not stale:
        return
    maker = plans[stale[0]]
    made = cache.find(place.run_dir, stale[0])
    if made is None:
        problem = f"{place.run_dir} has none"
    else:
        changed = _differences(made.parameters, maker.parameters)
        problem = f"the one in {place.run_dir} was made with other settings ({changed})"
    raise UserError(
        f"`{plan.stage.name}` needs what `{stale[0]}` makes, and {problem}. Run it too: "
        f"--stages={','.join([*stale, plan.stage.name])}, or leave --stages out."
    )


def _stale(plan: Plan, plans: dict[str, Plan], place: Place) -> list[str]:
    """The stages before this one that would have to run first, in order."""
    names = set()
    for maker in map(MADE_BY.get, plan.inputs.values()):
        if plans[maker].find(place.run_dir) is None:
            names |= {maker, *_stale(plans[maker], plans, place)}
    return [name for name in STAGES if name in names]


def _differences(before: dict, after: dict) -> str:
    """Which settings differ, as 'name.field'."""
    after = json.loads(json.dumps(after))  # Tuples become lists, as in the file.
    names = [
        f"{group}.{field}"
        for group, fields in after.items()
        for field, value in fields.items()
        if before.get(group, {}).get(field) != value
    ]
    return ", ".join(names) or "an older version of the stage"


def _report_notes(info: dict, report) -> None:
    for note in info.get("notes", ()):
        report(f"  {note}")
