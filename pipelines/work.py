"""Where a stage runs: folders and devices, which change no result."""

import pathlib
from typing import NamedTuple

from tfcomgan.training.hosts import Team


class Place(NamedTuple):
    """Where and on what a run happens; none of it changes a result.

    run_dir: Folder of the run: artifacts, checkpoints, logs, pictures.
    data_dir: Folder of prepared data sets.
    manual_dir: Folder of files downloaded by hand.
    devices: See `training.strategy`.
    checkpoint_every: Steps between checkpoints.
    beam: Options of the Beam pipeline that makes the data set, or None for none.
    checkpoint_minutes: Between checkpoints at most.
    hosts_minutes: To wait for the other hosts, where TF_CONFIG names several.
    team: Those hosts, once they have met; None where there is one.
    """

    run_dir: pathlib.Path
    data_dir: pathlib.Path
    manual_dir: pathlib.Path | None
    devices: tuple[str, ...]
    checkpoint_every: int
    beam: tuple[str, ...] | None = None
    checkpoint_minutes: float = 5.0
    hosts_minutes: float = 10.0
    team: Team | None = None

    @property
    def is_writer(self) -> bool:
        """Whether this process writes what is made: of several hosts the chief alone."""
        return self.team is None or self.team.is_chief


class Work(NamedTuple):
    """A stage at work.

    stage: Its name.
    folder: Of its artifact in the making.
    fingerprint: Of all it depends on.
    place: Where and on what it runs.
    """

    stage: str
    folder: pathlib.Path
    fingerprint: str
    place: Place
