"""Disks that fill up, turn read-only or lose the ends of files, under stages and commands.

  python tests/bad_disks.py --minutes=15     # as root: it mounts small disks in memory

First an unbroken run, and what `segment`, `generate` and `compare` write of it. Then, on a
disk of its own for each trial, with the stage's artifact or the command's results deleted,

  full        the disk has room for a share of what they take, and is made larger
              after the command has failed;
  read_only   the disk is read-only, and made writable after the command has failed;
  torn        one file of the finished run loses its second half; what the message says
              to delete is deleted;
  two         the command is given twice at once: in one run folder, of which the second
              must be told; and in two run folders with one folder of data.

A failing command must end with exit code 2 and one message without traceback. The same
command, given again, must end where the unbroken one ended, as `kill_loop.py` compares it.
Prints a table of trials; exit code 1 if anything was lost.
"""

import argparse
import collections
import fnmatch
import functools
import itertools
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

import command
import kill_loop
from small_disks import disk
from written_commands import COMMANDS, written

from tfcomgan import run_folder
from tfcomgan.data import decoded

_STEPS = 8
_GOOD = "nothing lost"
# For people; artifacts have what is in them.
_TO_LOOK_AT = {run_folder.LOGS, run_folder.PICTURES, run_folder.CONFIG}
# What a stage makes beside its folder.
_BESIDE = {
    "prepare": "data/scenes",
    "train_generator": f"data/{decoded.FOLDER}/*/train-*/images*",  # Masks are not for it.
    "evaluate": f"data/{decoded.FOLDER}/*/test-*",
    "export": f"run/{run_folder.SERVING}",
}


class Trials:
    """Makes trials and counts how they end.

    Args:
      base: Folder to work in.
      finished: Of the unbroken run, which is made where it is missing.
    """

    def __init__(self, base: pathlib.Path, finished: pathlib.Path):
        self._base = base
        self.rows = collections.Counter()
        self.finished = finished
        command.run(*kill_loop.flags(self.finished, _STEPS)).check()
        self._expected = kill_loop.contents(self.finished)
        self._written = {}

    def full(self, stage: str, share: float) -> None:
        """The disk has room for a share of what the stage leaves."""
        with disk(self._base / "disk") as small:
            taken = self._without(small, stage)
            small.leave(int(share * taken))
            done = command.run(*kill_loop.flags(small.folder, _STEPS))
            small.mend()
            self._note("full disk", stage, done, small.folder)

    def read_only(self, stage: str) -> None:
        """The disk is read-only as the stage begins."""
        with disk(self._base / "disk") as small:
            self._without(small, stage)
            small.protect()
            done = command.run(*kill_loop.flags(small.folder, _STEPS))
            small.mend()
            self._note("read-only disk", stage, done, small.folder)

    def torn(self, name: str) -> None:
        """A file of the finished run loses its second half; a new run meets one of data."""
        folder = self._base / "torn"
        self._copy(folder)
        if name.startswith("data"):
            shutil.rmtree(folder / "run")
            if not name.startswith(f"data/{decoded.FOLDER}"):
                shutil.rmtree(folder / "data" / decoded.FOLDER)
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        done = command.run(*kill_loop.flags(folder, _STEPS))
        if done.code == 2:
            told = re.search(
                r"Delete (?:the folder )?(/\S+)|(/\S+) is damaged. Delete it", done.err
            )
            target = pathlib.Path((told[1] or told[2]).rstrip(".,")) if told else None
            if target and target.is_relative_to(folder):
                shutil.rmtree(target) if target.is_dir() else target.unlink()
        where = "/".join(pathlib.Path(name).parts[:2])
        if done.code == 0 or self._has_failed_well("torn file", where, done):
            if done.code:
                done = command.run(*kill_loop.flags(folder, _STEPS))
            _newest_first(folder)
            found = functools.partial(kill_loop.contents, folder)
            self._compare("torn file", where, done, found, self._expected)
        shutil.rmtree(folder)

    def two(self, stage: str) -> None:
        """Two processes at once."""
        with disk(self._base / "disk") as small:
            self._without(small, stage)
            flags = kill_loop.flags(small.folder, _STEPS)
            first = command.start(*flags)
            partial = f"run/.partial-{stage}-*"
            while first.is_running() and not list(small.folder.glob(partial)):
                time.sleep(0.01)
            second = command.run(*flags)
            assert not first.wait().code
            assert "is in use by process" in second.err, second
            self._note("two, one run folder", stage, second, small.folder)

    def two_runs(self) -> None:
        """Two processes that prepare one folder of data at once."""
        with tempfile.TemporaryDirectory(dir=self._base) as base:
            first, second = pathlib.Path(base, "first"), pathlib.Path(base, "second")
            (first / "data").mkdir(parents=True)
            second.mkdir()
            (second / "data").symlink_to(first / "data")
            both = [
                command.start(*kill_loop.flags(folder, _STEPS, "--stages=prepare"))
                for folder in (first, second)
            ]
            ended = [process.wait() for process in both]
            for done, folder in zip(ended, (first, second), strict=True):
                found = functools.partial(_data, kill_loop.contents(folder))
                expected = _data(self._expected)
                self._compare("two, one data folder", "prepare", done, found, expected)

    def command_full(self, name: str, share: float) -> None:
        """A command's results find room for a share of them."""
        self._command("full disk", name, lambda d, n: d.leave(int(share * n)))

    def command_read_only(self, name: str) -> None:
        """A command's results find a read-only disk."""
        self._command("read-only disk", name, lambda d, n: d.protect())

    def _command(self, kind: str, name: str, spoil) -> None:
        arguments, module = COMMANDS[name](self.finished / "run")
        with disk(self._base / "disk") as small:
            out = small.folder / ("out.md" if name == "compare" else "out")
            if name not in self._written:
                command.run(*arguments, f"--out={out}", module=module).check()
                self._written[name] = small.used(), written(out)
                shutil.rmtree(out) if out.is_dir() else out.unlink()
            size, expected = self._written[name]
            spoil(small, size)
            done = command.run(*arguments, f"--out={out}", module=module)
            small.mend()
            if not self._has_failed_well(kind, name, done):
                return
            again = command.run(*arguments, f"--out={out}", module=module)
            self._compare(kind, name, again, lambda: written(out), expected)

    def _without(self, small, stage: str) -> int:
        """Copies the finished run, less what a stage has made; returns its bytes."""
        self._copy(small.folder)
        before = small.used()
        shutil.rmtree(small.folder / "run" / stage)
        if stage in _BESIDE:
            for beside in small.folder.glob(_BESIDE[stage]):
                shutil.rmtree(beside) if beside.is_dir() else beside.unlink()
        return before - small.used()

    def _copy(self, folder: pathlib.Path) -> None:
        shutil.copytree(self.finished, folder, dirs_exist_ok=True)
        for path in (folder / "run").glob(f"*/{run_folder.ARTIFACT}"):
            text = path.read_text().replace(str(self.finished), str(folder))
            path.write_text(text)

    def _note(self, kind: str, where: str, first, folder: pathlib.Path) -> None:
        """Gives a command that has failed again, compares, and counts."""
        if self._has_failed_well(kind, where, first):
            again = command.run(*kill_loop.flags(folder, _STEPS))
            found = functools.partial(kill_loop.contents, folder)
            self._compare(kind, where, again, found, self._expected)

    def _has_failed_well(self, kind: str, where: str, done) -> bool:
        if done.code == 2 and "Traceback" not in done.err:
            return True
        if done.code == 0:
            self.rows[kind, where, "had room enough"] += 1
        else:
            how = f"exit code {done.code}: {done.err[-1500:]}"
            self.rows[kind, where, how] += 1
        return False

    def _compare(self, kind, where, again, contents, expected) -> None:
        end = _GOOD
        if again.code:
            end = f"not made good: {again.err[-1500:]}"
        else:
            try:
                found = contents()
            except SystemExit as error:
                found = {str(error): "left behind"}
            names = expected.keys() | found.keys()
            lost = sorted(n for n in names if found.get(n) != expected.get(n))
            if lost:
                end = f"lost: {', '.join(lost)}"
        self.rows[kind, where, end] += 1


def _newest_first(folder: pathlib.Path) -> None:
    """Makes a second version, which takes the place of a damaged one, the first."""
    for second in folder.glob("run/serving/*/2"):
        shutil.rmtree(second.with_name("1"))
        second.rename(second.with_name("1"))
        record = folder / "run/export" / run_folder.ARTIFACT
        place = f"serving/{second.parent.name}"
        record.write_text(record.read_text().replace(f"{place}/2", f"{place}/1"))


def _data(contents: dict) -> dict:
    """What of a run's contents is the data set."""
    return {name: x for name, x in contents.items() if name.startswith("data/scenes")}


def todo(trials: Trials, torn: str) -> dict[str, list]:
    """All trials by kind: methods with their arguments; files to cut fit a pattern."""
    stages = run_folder.STAGES[::-1]  # The quickest first.
    names = [
        str(path.relative_to(trials.finished))
        for path in sorted(trials.finished.glob("[dr]*/**/*"))  # data, run
        if path.is_file() and not _TO_LOOK_AT.intersection(path.parts)
    ]
    names = fnmatch.filter(names, torn)
    random.Random(0).shuffle(names)
    return {
        "full": [(trials.full, s, x) for x in (0.4, 0, 0.8) for s in stages],
        "read_only": [(trials.read_only, stage) for stage in stages],
        "two": [
            *[(trials.two, stage) for stage in ("train_segmenter", "export")] * 2,
            *[(trials.two_runs,)] * 3,
        ],
        "command": [
            *((trials.command_full, n, x) for x in (0.4, 0, 0.8) for n in COMMANDS),
            *((trials.command_read_only, name) for name in COMMANDS),
        ],
        "torn": [(trials.torn, name) for name in names],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1e9, help="no new trial later")
    parser.add_argument("--kinds", default="full,read_only,two,command,torn")
    parser.add_argument("--torn", default="*", help="pattern of the files to cut")
    parser.add_argument("--unbroken", type=pathlib.Path, help="kept for another time")
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bad-disks-") as base:
        trials = Trials(pathlib.Path(base), given.unbroken or pathlib.Path(base, "run"))
        kinds = todo(trials, given.torn).items()
        chosen = [x for kind, x in kinds if kind in given.kinds.split(",")]
        for trial in itertools.chain(*itertools.zip_longest(*chosen)):
            if trial and time.monotonic() - start < 60 * given.minutes:
                before = trials.rows.copy()
                trial[0](*trial[1:])
                print(
                    trial[0].__name__, *trial[1:], *(trials.rows - before), flush=True
                )
    for (kind, where, end), count in sorted(trials.rows.items()):
        print(f"{count:4}  {kind:23} {where:30} {end}")
    return any(end not in (_GOOD, "had room enough") for *_, end in trials.rows)


if __name__ == "__main__":
    sys.exit(main())
