"""What each stage of a run depends on, from the settings in force."""

import dataclasses
import inspect
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipelines import artifacts, cache
from pipelines.stages import MADE_BY, STAGES, Stage
from pipelines.work import Place, Work
from tfcomgan import config
from tfcomgan.data import scored_folder
from tfcomgan.errors import UserError
from tfcomgan.evaluation.scoring import EvaluationSettings
from tfcomgan.training.settings import TrainingSettings

# Settings that change colours of what is trained on.
_CHANGES = (
    ("comgan", "augment"),
    ("segmentation", "colour_jitter"),
    ("self_training", "colour_jitter"),
)


class Plan(NamedTuple):
    """A stage with everything it depends on.

    inputs: Types of artifacts, by the stage's parameters.
    settings: By the stage's parameters.
    fingerprint: Of all that changes its result.
    pictures_fingerprint: The same less what concerns masks alone, which no training reads.
    parameters: The settings as plain JSON, by their names in gin files.
    """

    stage: Stage
    inputs: dict[str, type]
    settings: dict[str, Any]
    fingerprint: str
    pictures_fingerprint: str
    parameters: dict

    @property
    def schedule(self) -> TrainingSettings | None:
        """Of its trainings; None where it has none to do."""
        rounds = self.parameters.get("self_training", {"rounds": 1})["rounds"]
        return self.settings.get("schedule") if rounds else None

    def origins(self, plans: "Mapping[str, Plan]") -> dict[str, str]:
        """Fingerprints of what it is made from, by stage."""

        def of(kind: type) -> str:
            maker = plans[MADE_BY[kind]]
            return (
                maker.pictures_fingerprint
                if kind is artifacts.Pictures
                else maker.fingerprint
            )

        return {MADE_BY[kind]: of(kind) for kind in self.inputs.values()}

    def find(self, run_dir: pathlib.Path) -> cache.Record | None:
        """What it has made in a run folder; None where nothing lies, or of other settings."""
        record = cache.find(run_dir, self.stage.name)
        is_its = record is not None and record.fingerprint == self.fingerprint
        return record if is_its else None


def plans(place: Place | None = None) -> dict[str, Plan]:
    """A plan for each stage, in order.

    Without a place, what lies in the manual folder is not looked at.

    Raises:
      ConfigError: A setting is missing or wrong.
      UserError: Settings do not fit together.
    """
    config.check_scopes(STAGES)
    made = {}
    for name, stage in STAGES.items():
        inputs, chosen = {}, {}
        for parameter in inspect.signature(stage.run).parameters.values():
            kind = parameter.annotation
            if kind in MADE_BY:
                inputs[parameter.name] = kind
            elif kind is not Work:
                chosen[parameter.name] = config.build(kind, name)
        parameters = {config.name_of(type(s)): plain(s) for s in chosen.values()}
        if place and name == "prepare":
            parameters |= _manual_content(chosen["chosen"].source, place)
        if place and name == "evaluate":
            parameters |= _folder_content(chosen["protocol"], place)
            if content := chosen["generation"].content():
                parameters["inception"] = {"content": content}
        plan = Plan(stage, inputs, chosen, "", "", parameters)
        upstream = list(plan.origins(made).values())
        digest = cache.fingerprint(name, stage.version, upstream, parameters)
        pictures = _of_pictures(plan) if name == "prepare" else None
        plan = plan._replace(
            fingerprint=digest, pictures_fingerprint=pictures or digest
        )
        made[name] = plan
        if plan.schedule:
            chosen["watch"].check(name, plan.schedule.steps)
    config.check_taken({name: set(_taken(plan)) for name, plan in made.items()})
    _check_sizes(made)
    _check_augmented(made)
    return made


def _taken(plan: Plan) -> Iterator[str]:
    """The names of the settings that a stage has, those within others too."""
    for chosen in plan.settings.values():
        values = (getattr(chosen, field.name) for field in dataclasses.fields(chosen))
        for settings in (chosen, *filter(dataclasses.is_dataclass, values)):
            yield config.name_of(type(settings))


def inputs(plan: Plan, place: Place) -> dict[str, Any]:
    """The artifacts that a stage takes, by its parameters; they must be finished."""
    taken = {}
    for parameter, kind in plan.inputs.items():
        made = cache.find(place.run_dir, MADE_BY[kind])
        is_data = issubclass(kind, artifacts.Examples)
        more = (place.data_dir, place.manual_dir) if is_data else ()
        taken[parameter] = kind(made, *more)
    return taken


def _manual_content(source, place: Place) -> dict:
    """What a data set of the user's own depends on beside its settings.

    'content' is of all its files; 'pictures' of those that trainings see, where it differs.
    """
    if hasattr(source, "fingerprints"):
        whole, pictures = source.fingerprints(place.manual_dir, place.data_dir)
        only = {"pictures": pictures} if pictures != whole else {}
        return {"manual_dir": {"content": whole} | only}
    if not hasattr(source, "fingerprint"):
        return {}
    return {
        "manual_dir": {"content": source.fingerprint(place.manual_dir, place.data_dir)}
    }


def _of_pictures(plan: Plan) -> str | None:
    """The fingerprint of a data set as trainings depend on it, where it is another."""
    chosen = plan.settings["chosen"]
    bare = getattr(chosen.source, "without_masks", lambda: None)()
    if bare is None:
        return None
    chosen = dataclasses.replace(chosen, source=bare)
    parameters = {config.name_of(type(chosen)): plain(chosen)}
    if made_of := plan.parameters.get("manual_dir"):
        content = made_of.get("pictures", made_of["content"])
        parameters["manual_dir"] = {"content": content}
    return cache.fingerprint(plan.stage.name, plan.stage.version, [], parameters)


def _folder_content(protocol: EvaluationSettings, place: Place) -> dict:
    """What the scores depend on beside the data set and the settings."""
    if protocol.folder is None:
        return {}
    digest = scored_folder.content(protocol.folder, protocol.part, place.data_dir)
    return {"evaluation_folder": {"content": digest}}


def plain(chosen) -> dict:
    """A settings object as JSON, without what changes no result."""
    content = {}
    for field in dataclasses.fields(chosen):
        value = getattr(chosen, field.name)
        if field.metadata.get("affects_result", True):
            nested = dataclasses.is_dataclass(value)
            content[field.name] = (
                {"name": config.name_of(type(value))} | plain(value)
                if nested
                else value
            )
    return content


def _check_sizes(plans: dict[str, Plan]) -> None:
    sizes = {
        plan.parameters["input_pipeline"]["image_size"]
        for plan in plans.values()
        if "input_pipeline" in plan.parameters
    } | {plans["train_generator"].parameters["generator"]["image_size"]}
    if len(sizes) > 1:
        raise UserError(
            "`generator.image_size` and `input_pipeline.image_size` must agree. "
            f"Received: {sorted(sizes)}. Set IMAGE_SIZE once in the gin file."
        )


def _check_augmented(plans: dict[str, Plan]) -> None:
    """Raises UserError where pictures in [0, 1] would be changed as if in [-1, 1]."""
    for name, plan in plans.items():
        settings = plan.parameters
        changes = [
            f"{owner}.{field}"
            for owner, field in _CHANGES
            if settings.get(owner, {}).get(field)
        ]
        if plan.schedule and changes and settings["input_pipeline"]["low"] != -1:
            raise UserError(
                f"`{changes[0]}` is for pictures in [-1, 1], and `{name}` trains on those "
                f"in [0, 1]. Set {name}/input_pipeline.low = -1, or leave {changes[0]} out."
            )
