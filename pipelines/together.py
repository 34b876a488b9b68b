"""A run on several hosts: the chief runs the stages, the others train along."""

import contextlib
import hashlib
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipelines import meeting, planning
from pipelines.planning import Plan
from pipelines.work import Place, Work
from tfcomgan import config, run_folder
from tfcomgan.errors import UserError
from tfcomgan.reporting import environment
from tfcomgan.training.hosts import Cluster, Team
from tfcomgan.training.precision import policy

_CODE = pathlib.Path(__file__).resolve().parents[1]
_CONNECTING = 120.0  # Seconds, once all are known to be there.


def about(names: Sequence[str], plans: Mapping[str, Plan]) -> dict:
    """What must be the same on all hosts, by its name in a message."""
    versions = environment.versions()
    told = {f"the version of {name}": number for name, number in versions.items()}
    told["the code of tfcomgan"] = _code()
    told["--stages"] = ",".join(names)
    for line in config.operative_text().splitlines():
        name, _, value = line.partition(" = ")
        told[f"`{name}`"] = value
    # Of what no setting tells: the files of a data set.
    for name, plan in plans.items():
        if plan.schedule:
            told[f"the precision of `{name}`"] = policy(plan.schedule.precision)
        told[f"what `{name}` depends on"] = plan.fingerprint[:12]
    return told


def _code() -> str:
    """Digest of the sources: between two versions they change too."""
    digest = hashlib.sha256()
    for room in ("pipelines", "tfcomgan"):
        for path in sorted((_CODE / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def gathered(
    chair: meeting.Chair, place: Place, about: Mapping, report: Callable[[str], None]
) -> Iterator[Place]:
    """The chief's place with its team, once all are there; others stay to the end."""
    _check_devices(place)
    chair.wait(about, seconds=60 * place.hosts_minutes, report=report)
    yield from _with_team(chair.cluster, place, report)


@contextlib.contextmanager
def joined(
    cluster: Cluster, place: Place, about: Mapping, report: Callable[[str], None]
) -> Iterator[Place]:
    """Another worker's place with its team, once the chief lets it begin."""
    _check_devices(place)
    meeting.attend(
        place.run_dir, cluster, about, seconds=60 * place.hosts_minutes, report=report
    )
    yield from _with_team(cluster, place, report)


def _with_team(cluster, place, report):
    team = Team(cluster, seconds=_CONNECTING)
    hosts = ", ".join(cluster.addresses)
    role = "the chief" if cluster.is_chief else f"worker {cluster.index}"
    report(f"{len(cluster.addresses)} hosts: {hosts}; this is {role}")
    yield place._replace(team=team)
    team.from_chief()  # Nobody leaves while another is at work.


def _check_devices(place: Place) -> None:
    if place.devices:
        raise UserError(
            "--devices cannot be given where TF_CONFIG names several hosts: each takes "
            "all its GPUs, else its CPU. CUDA_VISIBLE_DEVICES=0,1 leaves it those."
        )


def call(plan: Plan, place: Place, *, is_needed: bool) -> None:
    """The chief's word on a stage that trains: whether the others are to train along."""
    if place.team and plan.schedule:
        place.team.from_chief(int(is_needed))


def assist(
    names: Sequence[str],
    plans: Mapping[str, Plan],
    place: Place,
    report: Callable[[str], None],
) -> None:
    """Another worker's run: takes part where the chief trains, and writes nothing."""
    assert place.team is not None
    for name in names:
        plan = plans[name]
        if not plan.schedule or not place.team.from_chief():
            continue
        report(f"{name}: training along")
        folder = run_folder.at_work(place.run_dir, name, plan.fingerprint)
        work = Work(name, folder, plan.fingerprint, place)
        plan.stage.run(work, **planning.inputs(plan, place), **plan.settings)
        report(f"{name}: done, the chief keeps it")
