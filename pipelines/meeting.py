"""How the hosts of a job meet before they train: by cards in the run folder they share.

Each worker lays down a card with a number of its own, and the chief repeats the numbers
on its card: so each knows that the others are there now, see the same folder, and have
the same code and settings. TensorFlow itself would wait, or train something else.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping

from tfcomgan.errors import UserError
from tfcomgan.system import files
from tfcomgan.training.hosts import Cluster

_PAUSE = 0.3  # Seconds between two looks.
_GRACE = 5.0  # Seconds for a refusal to reach the others.
_NAMED = 4  # Differences in a message.


def _folder(run_dir: pathlib.Path, cluster: Cluster) -> pathlib.Path:
    """Of the cards of these workers: those of another job are no answer."""
    digest = hashlib.sha256(" ".join(cluster.addresses).encode()).hexdigest()
    return run_dir / f".hosts-{digest[:12]}"


def _write(file: pathlib.Path, **content) -> None:
    me = {"host": socket.gethostname(), "pid": os.getpid()}
    files.write_text(file, json.dumps(me | content))


def _read(file: pathlib.Path) -> dict:
    """A card; {} where there is none yet, or it is damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class Chair:
    """The chief's side of the meeting."""

    def __init__(self, run_dir: pathlib.Path, cluster: Cluster):
        self.cluster = cluster
        self._run_dir, self._folder = run_dir, _folder(run_dir, cluster)
        self.has_begun = False
        self._folder.mkdir(parents=True, exist_ok=True)
        # Of an earlier job, perhaps: who is there now lays down another.
        for card in self._folder.glob("*.json"):
            card.unlink(missing_ok=True)

    def _cards(self) -> dict[int, dict]:
        """Those that are there, by worker."""
        workers = range(1, len(self.cluster.addresses))
        cards = {i: _read(self._folder / f"{i}.json") for i in workers}
        return {i: card for i, card in cards.items() if "number" in card}

    def wait(
        self, about: Mapping, *, seconds: float, report: Callable[[str], None]
    ) -> None:
        """Waits for all, and lets them begin; to be called by who holds the folder.

        Args:
          about: Names of what must be the same on all hosts to plain JSON.
          seconds: To wait at most.
          report: Takes a line for the user.

        Raises:
          UserError: One does not come, or has another version or other settings.
        """
        for left in self._run_dir.glob(".hosts-*"):  # By jobs on other ports, killed.
            if left != self._folder:
                shutil.rmtree(left, ignore_errors=True)
        names, end = self.cluster.addresses, time.monotonic() + seconds
        report(f"waiting for {len(names) - 1} more of {len(names)} hosts")
        while len(cards := self._cards()) < len(names) - 1:
            if time.monotonic() > end:
                absent = [names[i] for i in range(1, len(names)) if i not in cards]
                raise UserError(
                    f"{', '.join(absent)} did not come to {self._run_dir} within "
                    f"{seconds / 60:g} minutes (--hosts_minutes). Give the same command on "
                    "each host that TF_CONFIG names, with a --run_dir that all share."
                )
            time.sleep(_PAUSE)
        for i, card in cards.items():
            if differences := _differences(about, card["about"]):
                raise UserError(
                    f"Worker {i}, {names[i]} on {card['host']}, is not as the chief: "
                    f"{differences}. Give all hosts the same code, packages and command."
                )
        self._answer(met=[card["number"] for card in cards.values()])
        self.has_begun = True

    def refuse(self, why: str) -> None:
        """Tells the others that there will be no training."""
        end = time.monotonic() + _GRACE
        while (
            len(self._cards()) < len(self.cluster.addresses) - 1
            and time.monotonic() < end
        ):
            time.sleep(_PAUSE)
        numbers = [card["number"] for card in self._cards().values()]
        self._answer(refused=numbers, why=why)

    def _answer(self, **content) -> None:
        _write(self._folder / "0.json", **content)


@contextlib.contextmanager
def chair(run_dir: pathlib.Path, cluster: Cluster) -> Iterator[Chair]:
    """Opens the meeting; where the block fails before all begin, the others hear why."""
    made = Chair(run_dir, cluster)
    try:
        yield made
    except BaseException as error:
        if not made.has_begun:
            made.refuse(str(error) or type(error).__name__)
        raise
    shutil.rmtree(made._folder, ignore_errors=True)


def attend(
    run_dir: pathlib.Path,
    cluster: Cluster,
    about: Mapping,
    *,
    seconds: float,
    report: Callable[[str], None],
) -> None:
    """Another worker's side of the meeting: waits until the chief lets it begin.

    Raises:
      UserError: The chief does not come, or refuses.
    """
    folder, number = _folder(run_dir, cluster), secrets.token_hex(8)
    card, end = folder / f"{cluster.index}.json", time.monotonic() + seconds
    report(f"waiting for the chief, {cluster.addresses[0]}")
    while time.monotonic() < end:
        if not card.exists():  # Yet, or since the chief has opened the meeting.
            _write(card, number=number, about=dict(about))
        answer = _read(folder / "0.json")
        if number in answer.get("met", ()):
            return
        if number in answer.get("refused", ()):
            raise UserError(f"The chief, on {answer['host']}, says: {answer['why']}")
        time.sleep(_PAUSE)
    card.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Where this host alone saw the folder.
        folder.rmdir()
    raise UserError(
        f"The chief, {cluster.addresses[0]}, was not seen in {run_dir} within "
        f"{seconds / 60:g} minutes (--hosts_minutes). Give the same command on each host "
        "that TF_CONFIG names, with a --run_dir that all share."
    )


def _differences(ours: Mapping, theirs: Mapping) -> str:
    """What differs, with both values; '' where nothing does."""
    ours = json.loads(json.dumps(ours))  # Tuples become lists, as on the card.
    names = [n for n in {**ours, **theirs} if ours.get(n) != theirs.get(n)]
    told = [
        f"{name} is {theirs.get(name)!r} there and {ours.get(name)!r} here"
        for name in names[:_NAMED]
    ]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return "; ".join(told + more)
