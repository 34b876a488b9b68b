"""Several hosts that train one model together, as TF_CONFIG names them.

Each runs the same command. The first, the chief, alone writes; all take part in each
step, and what they decide depends on numbers that all have. `Team` is made before
TensorFlow runs its first operation: it cannot join a cluster later.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from tfcomgan.data.shares import Share
from tfcomgan.errors import UserError, explain, first_line
from tfcomgan.system import stopping

_EXAMPLE = (
    '{"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# What TensorFlow says of a worker that is gone, depending on what it was at.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
    tf.errors.UnknownError,
)


class Cluster(NamedTuple):
    """The hosts of a job; one process, a worker, on each.

    addresses: 'host:port' of each worker, the chief's first.
    index: Of this process among them.
    """

    addresses: tuple[str, ...]
    index: int  # type: ignore[assignment]  # Hides tuple's method, unused.

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.index == 0


def cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """What TF_CONFIG says; None where it is not set, or names this host alone.

    Raises:
      UserError: It is no JSON, or describes no cluster of workers with this one in it.
    """
    text = environment.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        given = json.loads(text)
    except ValueError as error:
        raise _wrong(f"is no JSON ({error})") from error
    if not isinstance(given, dict):
        raise _wrong("is no JSON object")
    jobs, task = given.get("cluster"), given.get("task")
    if not isinstance(jobs, dict) or not jobs:
        raise _wrong("has no `cluster`")
    if not isinstance(task, dict) or not {"type", "index"} <= set(task):
        raise _wrong("has no `task` with `type` and `index`")
    for kind in [*jobs, task["type"]]:
        if kind not in ("chief", "worker"):
            raise _wrong(
                f"has the task type {kind!r}; training takes 'worker', and one 'chief'"
            )
    for kind, addresses in jobs.items():
        _check_addresses(kind, addresses)
    if len(jobs.get("chief", [""])) != 1:
        raise _wrong("has more than one 'chief'")
    index, count = task["index"], len(jobs.get(task["type"], ()))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise _wrong(
            f"has the task {task['type']!r} {index!r}, and names {count} of that type: "
            f"`index` is a number from 0 to {count - 1}"
            if count
            else f"has the task type {task['type']!r}, of which its cluster names none"
        )
    chief, workers = (tuple(jobs.get(kind, ())) for kind in ("chief", "worker"))
    addresses = chief + workers
    if len(set(addresses)) < len(addresses):
        raise _wrong("names an address twice")
    place = index + (len(chief) if task["type"] == "worker" else 0)
    return Cluster(addresses, place) if len(addresses) > 1 else None


def _check_addresses(kind: str, addresses: Any) -> None:
    if not isinstance(addresses, list) or not addresses:
        raise _wrong(f"has no list of addresses for {kind!r}")
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise _wrong(f"has the address {address!r}, which is no 'host:port'")


def _wrong(what: str) -> UserError:
    return UserError(
        f"TF_CONFIG {what}. For two hosts it is, on the first, {_EXAMPLE}; unset it to "
        "train on this host alone."
    )


class Team:
    """This worker among the others.

    Args:
      cluster: Who they are.
      seconds: To wait for the others to connect.

    Attributes:
      cluster: Who they are.
      strategy: Whose replicas are those of all hosts.
    """

    def __init__(self, cluster: Cluster, *, seconds: float):
        self.cluster = cluster
        with _deadline(
            seconds,
            f"Worker {cluster.index} did not reach all of {self._others()} in "
            f"{seconds:.0f} seconds. Check the addresses in TF_CONFIG, and that the "
            "hosts may open connections to each other's ports.",
        ):
            try:
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
            except _LOST as error:
                own = cluster.addresses[cluster.index]
                raise UserError(
                    f"Worker {cluster.index} could not join the others at {own}: "
                    f"{first_line(error)} Check that the port is free and the address "
                    "in TF_CONFIG is this host's."
                ) from error

        # TensorFlow now takes SIGTERM for a preemption that its own programs would hear of.
        stopping.listen_again()

    def _others(self) -> str:
        addresses = list(self.cluster.addresses)
        del addresses[self.cluster.index]
        return ", ".join(addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.cluster.is_chief

    def total(self, value: int) -> int:
        """Sum of a number of each worker's; waits for all, hearing no signal.

        Raises:
          UserError: A worker is gone.
        """
        with self.named_losses():
            # One number a replica, of which each host has as many.
            each = self.strategy.run(lambda: tf.constant(value, tf.int64))
            total = self.strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)
            replicas = self.strategy.num_replicas_in_sync
            return int(total) * len(self.cluster.addresses) // replicas

    def from_chief(self, value: int = 0) -> int:
        """The number that the chief gives; waits for it, perhaps for hours.

        Raises:
          UserError: A worker is gone.
        """
        heard: list[int | Exception] = []

        def listen():
            try:
                heard.append(self.total(value if self.is_chief else 0))
            except Exception as error:
                heard.append(error)

        # Beside this thread, which alone hears signals.
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
        if isinstance(heard[0], Exception):
            raise heard[0]
        return heard[0]

    @contextlib.contextmanager
    def named_losses(self) -> Iterator[None]:
        """Says that another worker is gone, in place of TensorFlow's many words."""
        try:
            yield
        except _LOST as error:
            if explain(error):  # A full disk, as it may be.
                raise
            raise UserError(
                f"Worker {self.cluster.index} ends, because another of {self._others()} "
                "has ended or cannot be reached; its own output may say why. Give the "
                "same command again on all hosts: it goes on from the last checkpoint. "
                f"({first_line(error)})"
            ) from error

    def is_asked(self) -> bool:
        """Whether a signal asks any worker to end; see `stopping`. All are to ask."""
        return self.total(int(stopping.is_asked())) > 0

    def check_same(self, value: int, what: str, folder: os.PathLike) -> None:
        """Raises UserError on all where not all read the same from the run folder."""
        told = self.total(value if self.is_chief else 0)
        if self.total(int(told != value)):
            raise UserError(
                f"Not all hosts see the same {what} in {folder}: the chief sees {told}, "
                f"worker {self.cluster.index} {value}. The run folder must be one that "
                "all share; give the same command again on all once they do."
            )

    def batches(
        self, make: Callable[..., tf.data.Dataset], start: int
    ) -> tf.distribute.DistributedDataset:
        """This worker's part of all batches; `make` as in `loop.train`."""

        def part(context: tf.distribute.InputContext):
            workers = context.num_input_pipelines
            replicas = context.num_replicas_in_sync // workers
            share = Share(context.input_pipeline_id, workers, replicas)
            # Endless, or TensorFlow asks all hosts before each step whether there is more.
            return make(start, share=share).repeat()

        return self.strategy.distribute_datasets_from_function(part)


@contextlib.contextmanager
def _deadline(seconds: float, message: str) -> Iterator[None]:
    """Ends the process with a message where the block takes longer: it waits in C++."""

    def end():
        print(f"error: {message}", file=sys.stderr, flush=True)
        os._exit(2)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
