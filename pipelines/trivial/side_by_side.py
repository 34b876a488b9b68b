"""The trainings one after the other, or side by side on cores of their own.

Networks as narrow as these do not fill two cores. Of Pi_2, two trainings of one core each
made 25 steps a second together, one training on both cores 16.5.
"""

import multiprocessing
import os
import pathlib
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import NamedTuple

from pipelines.trivial.plan import Case
from tfcomgan import config
from tfcomgan.errors import UserError


class Trainings(NamedTuple):
    """What all trainings share: folders, length, and the user's own settings."""

    runs: pathlib.Path
    data_dir: pathlib.Path
    manual_dir: pathlib.Path | None
    steps: int
    overlays: tuple[str, ...] = ()
    params: tuple[str, ...] = ()

    def finished(self, case: Case) -> dict | None:
        """See `runs.finished`."""
        from pipelines.trivial import runs

        self._configure(case)
        return runs.finished(case, self.runs)

    def make(self, wanted: Sequence[Case], jobs: int) -> Iterator[tuple[Case, dict]]:
        """Makes the results of cases, and gives each as it is there."""
        by_folder = {}
        for case in wanted:
            by_folder.setdefault(case.run_name, []).append(case)
        if jobs == 1:
            for cases in by_folder.values():
                for case in cases:
                    self._train([case])
                    yield case, self.finished(case)
            return
        for case in {case.data: case for case in wanted}.values():
            self._prepare(case)
        with _pool(jobs, self.runs) as pool:
            running = {
                pool.submit(self._train, cases): cases for cases in by_folder.values()
            }
            try:
                for done in futures.as_completed(running):
                    done.result()
                    for case in running[done]:
                        yield case, self.finished(case)
            finally:
                pool.shutdown(cancel_futures=True)

    def _configure(self, case: Case) -> None:
        files = [case.gin_file, *self.overlays]
        config.parse(files, [*case.params(self.steps), *self.params])

    def _place(self, run_dir: pathlib.Path):
        from pipelines.work import Place

        return Place(run_dir, self.data_dir, self.manual_dir, (), checkpoint_every=250)

    def _prepare(self, case: Case) -> None:
        from pipelines.trivial import runs

        self._configure(case)
        runs.prepare(self._place(self.runs / f"{case.data}-prepared"))

    def _train(self, cases: Sequence[Case]) -> None:
        from pipelines.trivial import runs

        for case in cases:
            self._configure(case)
            runs.make(case, self._place(self.runs / case.run_name), self.runs)


def check_jobs(jobs: int) -> None:
    """Raises UserError where there are fewer cores than jobs."""
    cores = _cores()
    if jobs > len(cores):
        raise UserError(
            f"--jobs={jobs} needs a core for each, and this process may use {len(cores)}."
        )


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _pool(jobs: int, runs: pathlib.Path) -> futures.ProcessPoolExecutor:
    context = multiprocessing.get_context(
        "spawn"
    )  # TensorFlow does not live past a fork.
    runs.mkdir(parents=True, exist_ok=True)
    shares = context.Queue()
    for i in range(jobs):
        shares.put(_cores()[i::jobs])
    return futures.ProcessPoolExecutor(
        jobs, context, initializer=_settle, initargs=(shares, runs / "workers.log")
    )


def _settle(shares, log: pathlib.Path) -> None:
    """Takes a share of the cores, before TensorFlow counts them; prints into a file."""
    share = shares.get()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(file, stream)
