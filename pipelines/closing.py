"""What a run tells a person: where it trains, and at its end numbers and what to do next."""

import pathlib
from collections.abc import Callable, Mapping, Sequence

from pipelines import artifacts
from pipelines.planning import Plan
from pipelines.work import Place
from tfcomgan import command_line, run_folder
from tfcomgan.evaluation import seen, telling
from tfcomgan.reporting import environment
from tfcomgan.training import loop
from tfcomgan.training.precision import policy
from tfcomgan.training.settings import TrainingSettings


def where(schedule: TrainingSettings | None, place: Place) -> str:
    """Device and precision of a stage that trains, as ' on ...'; '' for the others."""
    if schedule is None:
        return ""
    machine = environment.current()
    devices = loop.replicas(place.devices)
    count = place.team.strategy.num_replicas_in_sync if place.team else len(devices)
    if devices[0].startswith("gpu"):
        kind = f"GPU {machine.gpus[0]}" if machine.gpus else "GPU"
    else:
        kind = f"CPU {machine.cpu}, {machine.cores} cores"
    several = f"{count} replicas of " if count > 1 else ""
    if place.team:
        several = f"{len(place.team.cluster.addresses)} hosts, {several}"
    none = "" if machine.gpus else "; no GPU was found"
    return f" on {several}{kind}, in {policy(schedule.precision, place.devices)}{none}"


def tell(
    names: Sequence[str],
    plans: Mapping[str, Plan],
    place: Place,
    report: Callable[[str], None],
) -> None:
    """Numbers where they were asked for, and commands that work from any folder."""
    evaluated = plans["evaluate"].find(place.run_dir)
    if "evaluate" in names and evaluated is not None:
        evaluation = artifacts.Evaluation(evaluated)
        parameters = {name: plan.parameters for name, plan in plans.items()}
        prepared = plans["prepare"].find(place.run_dir)
        counted = prepared.info.get("num_examples", {}) if prepared else {}
        known, scores = seen.of(parameters, counted), evaluation.scores
        told = telling.scores(scores, known) if scores else ""
        report("\n" + (told or evaluated.info["why_no_scores"]))
        report("\n" + telling.of_generator(evaluation.metrics))
    run_dir = pathlib.Path(place.run_dir).absolute()
    report(f"\nReport:   {run_dir / run_folder.REPORT}")
    report(f"Look:     {run_dir / run_folder.PICTURES}")

    def show(title: str, script: str, *arguments: str) -> None:
        report(f"{title:10}{command_line.typed(script, *arguments)}")

    show("Curves:", "tensorboard", "--logdir", f"{run_dir / run_folder.LOGS}")
    if plans["export"].find(place.run_dir) is not None:
        model = ("--model", f"{run_dir}", "--out")
        show("Segment:", "tfcomgan-segment", "photo.jpg", *model, "segmented")
        show("Generate:", "tfcomgan-generate", *model, "generated")
