"""Disks that fill up, turn read-only or lose the ends of files, under every stage.

  python tests/bad_disks.py --minutes=15     # as root: it mounts small disks in memory

First an unbroken run; then, on a disk of its own for each trial,

  full        the disk has room for a share of what the run writes, and is made larger
              after the command has failed;
  read-only   the disk is made read-only between two stages, and writable again;
  torn        one file of a finished run loses its second half; what the message says to
              delete is deleted.

A failing command must end with exit code 2 and one message without traceback. The same
command, given again, must end where the unbroken run ended, as `kill_loop.py` compares it.
Prints a table of trials; exit code 1 if anything was lost.
"""

import argparse
import collections
import contextlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import command
import kill_loop

from tfcomgan import run_folder

_STEPS, _MIB = 8, 2**20
_ROOM = 512 * _MIB


@contextlib.contextmanager
def disk(folder: pathlib.Path, size: int) -> Iterator[pathlib.Path]:
    """A disk in memory of `size` bytes, mounted at `folder`."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def _mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def used(folder: pathlib.Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Trials:
    """Runs trials and counts how they end.

    Args:
      base: Folder to work in.
    """

    def __init__(self, base: pathlib.Path):
        self._base = base
        self.rows = collections.Counter()
        unbroken = base / "unbroken"
        command.run(*kill_loop.flags(unbroken, _STEPS)).check()
        self._expected = kill_loop.contents(unbroken)
        self.finished, self.size = unbroken, used(unbroken)

    def _note(self, kind: str, where: str, first, folder: pathlib.Path) -> None:
        """Gives the command again, compares, and counts."""
        if first is not None:
            if first.code != 2:
                how = f"exit code {first.code}: {first.err[-300:]}"
                self.rows[kind, where, how] += 1
                return
            assert "Traceback" not in first.err, first.err
        again = command.run(*kill_loop.flags(folder, _STEPS))
        if again.code:
            end = f"not made good: {again.err[-300:]}"
        else:
            found = kill_loop.contents(folder)
            names = self._expected.keys() | found.keys()
            lost = sorted(n for n in names if found.get(n) != self._expected.get(n))
            end = f"lost: {', '.join(lost)}" if lost else "nothing lost"
        self.rows[kind, where, end] += 1

    def full(self, share: float) -> None:
        """The disk has room for a share of what the run writes."""
        with disk(self._base / "disk", int(self.size * share)) as folder:
            done = command.run(*kill_loop.flags(folder, _STEPS))
            where = stage_at_work(folder)
            _mount("-o", f"remount,size={_ROOM}", folder)
            if done.code:
                self._note("full disk", where, done, folder)

    def read_only(self, stage: str) -> None:
        """The disk is read-only from the beginning of a stage on."""
        before = run_folder.STAGES[: run_folder.STAGES.index(stage)]
        with disk(self._base / "disk", _ROOM) as folder:
            flags = kill_loop.flags(folder, _STEPS)
            if before:
                command.run(*flags, f"--stages={','.join(before)}").check()
            _mount("-o", "remount,ro", folder)
            done = command.run(*flags)
            _mount("-o", "remount,rw", folder)
            self._note("read-only disk", stage, done, folder)

    def torn(self, name: str) -> None:
        """A file of a finished run loses its second half."""
        folder = self._base / "torn"
        shutil.copytree(self.finished, folder)
        _rename_in_records(folder, self.finished)
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        done = command.run(*kill_loop.flags(folder, _STEPS))
        where = "/".join(pathlib.Path(name).parts[1:3])
        if done.code == 2:
            told = re.search(r"Delete (?:the folder )?(/\S+?)[\s.,]", done.err)
            target = pathlib.Path(told[1]) if told else None
            if target and target.is_relative_to(folder):
                shutil.rmtree(target) if target.is_dir() else target.unlink()
        self._note("torn file", where, done if done.code else None, folder)
        shutil.rmtree(folder)


def stage_at_work(folder: pathlib.Path) -> str:
    """The first stage without an artifact."""
    made = {path.parent.name for path in folder.glob(f"run/*/{run_folder.ARTIFACT}")}
    return next((s for s in run_folder.STAGES if s not in made), "the end")


def _rename_in_records(folder: pathlib.Path, before: pathlib.Path) -> None:
    for path in (folder / "run").glob(f"*/{run_folder.ARTIFACT}"):
        path.write_text(path.read_text().replace(str(before), str(folder)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1e9, help="no new trial later")
    parser.add_argument("--kinds", default="full,read_only,torn")
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bad-disks-") as base:
        trials = Trials(pathlib.Path(base))
        names = [
            str(path.relative_to(trials.finished))
            for path in sorted(trials.finished.rglob("*"))
            if path.is_file() and run_folder.LOGS not in path.parts
        ]
        todo = [(trials.full, 0.1 * i) for i in range(1, 10)]
        todo += [(trials.read_only, stage) for stage in run_folder.STAGES]
        todo += [(trials.torn, name) for name in names]
        for trial, what in todo:
            late = time.monotonic() - start > 60 * given.minutes
            if not late and trial.__name__ in given.kinds.split(","):
                print(trial.__name__, what, flush=True)
                trial(what)
    for (kind, where, end), count in sorted(trials.rows.items()):
        print(f"{count:4}  {kind:15} {where:30} {end}")
    return any(end != "nothing lost" for *_, end in trials.rows)


if __name__ == "__main__":
    sys.exit(main())
