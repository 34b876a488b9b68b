"""Whether what a run relies on is on the disk before it has its name; needs strace.

  python tests/power_cuts.py          # a tiny run, all stages, under strace

A power cut keeps what was synced (`fsync`) and may lose the rest, also of a file that has
its name. So of each rename inside the run's and the data's folders this asks whether
all bytes written to the file, or to any file of the folder, were synced before; and
whether the folder that has the new name was synced after. Bytes written by way of a memory
map are not seen by strace.

Prints a table of renames; of the files that stay, those never synced; exit code 1 if an
artifact, a version, a record or a data set is among them.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable

import kill_loop

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
_CALLS = (
    "openat,creat,write,writev,pwrite64,pwritev,ftruncate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,rmdir"
)
_WRITES = ("write", "writev", "pwrite64", "pwritev", "ftruncate")
# What may be lost: it is made again, or says nothing that is needed. Of checkpoints the
# one before is on the disk, and a torn one is told.
_LOSABLE = ("run/logs/", "run/pictures/", "/unfinished/", "/.unfinished-", "-lock")
_LATE = "NOT synced before"


class Disk:
    """What of a folder would outlast a power cut, as calls go by.

    Attributes:
      renames: By source, target and how they ended: how many.
    """

    def __init__(self, folder: str):
        self._folder = folder
        self.dirty: set[str] = set()
        self.unnamed: set[str] = set()  # Names whose folder was not synced since.
        self.renames = collections.Counter()

    def see(self, call: str, paths: list[str], flags: str) -> None:
        """A call that has ended well."""
        paths = [os.path.normpath(x) for x in paths if x.startswith(self._folder)]
        if not paths:
            return
        if call in _WRITES or (call == "creat") or "O_TRUNC" in flags:
            self.dirty.add(paths[-1])
        elif call in ("fsync", "fdatasync"):
            self.dirty.discard(paths[0])
            self.unnamed -= {x for x in self.unnamed if os.path.dirname(x) == paths[0]}
        elif call.startswith("rename") and len(paths) == 2:
            self._rename(*paths)
        elif call in ("unlink", "unlinkat", "rmdir"):
            self.dirty -= set(self._below(self.dirty, paths[0]))
            self.unnamed -= set(self._below(self.unnamed, paths[0]))

    def _rename(self, source: str, target: str) -> None:
        late = [x for x in self._below(self.dirty, source) if not _is_losable(x)]
        how = f"{_LATE}, as {self._short(late[0])}" if late else "synced before"
        if _is_losable(target):
            how = "may be lost"
        self.renames[self._short(target), how] += 1
        for names in (self.dirty, self.unnamed):
            names -= set(self._below(names, target))
            moved = self._below(names, source)
            names -= set(moved)
            names |= {target + x[len(source) :] for x in moved}
        self.unnamed.add(target)

    def left(self, names: Iterable[str]) -> list[str]:
        """Those of these that are there, shortened."""
        return sorted({self._short(x) for x in names if os.path.exists(x)})

    def _short(self, path: str) -> str:
        path = path[len(self._folder) :].lstrip("/")
        return re.sub(r"[0-9a-f]{16,}", "HASH", re.sub(r"step-\d+", "step-N", path))

    @staticmethod
    def _below(names, path: str) -> list[str]:
        return [x for x in names if x == path or x.startswith(f"{path}/")]


def _is_losable(path: str) -> bool:
    return any(part in f"{path}/" for part in _LOSABLE)


def watch(log: Iterable[str], disk: Disk) -> None:
    """Shows a disk the calls of strace's log, each where it ended."""
    begun = {}
    for line in log:
        pid, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>")
            continue
        if match := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            text = begun.pop(pid, "") + match[1]
        call, _, rest = text.partition("(")
        arguments, _, result = rest.rpartition(") ")
        if not result.strip().startswith("= ") or "= -1" in result:
            continue
        disk.see(call, _paths(call, arguments), arguments)


def _paths(call: str, arguments: str) -> list[str]:
    """The paths of a call's descriptors and strings, joined where they are relative."""
    found, base = [], ""
    if call in (*_WRITES, "fsync", "fdatasync"):
        match = re.match(r"\d+<(.*?)>(, |$)", arguments)
        return [match[1]] if match else []
    for descriptor, text in re.findall(r'(?:AT_FDCWD|\d+)<(.*?)>|"(.*?)"', arguments):
        if descriptor:
            base = descriptor
        else:
            found.append(os.path.join(base, text))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", default="", help="as of the command")
    stages = parser.parse_args().stages
    with tempfile.TemporaryDirectory(prefix="power-cuts-") as base:
        folder, log = pathlib.Path(base, "work"), pathlib.Path(base, "log")
        folder.mkdir()
        strace = ["strace", "-f", "-y", "--seccomp-bpf", "-s", "0", "-qq"]
        strace += ["-o", str(log), "-e", f"trace={_CALLS}"]
        flags = kill_loop.flags(folder, 8, *([f"--stages={stages}"] if stages else []))
        command = [sys.executable, "-m", "tfcomgan.main", *flags]
        subprocess.run(strace + command, cwd=REPOSITORY, check=True)
        disk = Disk(str(folder))
        with log.open(errors="replace") as lines:
            watch(lines, disk)
        for (name, how), count in sorted(disk.renames.items()):
            print(f"{count:4}  {name:50} {how}")
        unsynced = disk.left(disk.dirty), disk.left(disk.unnamed)
    late = {name for name, how in disk.renames if how.startswith(_LATE)}
    for title, names in zip(("content", "name"), unsynced, strict=True):
        print(f"never synced, {title}: {', '.join(names) or 'none'}")
    late |= {name for names in unsynced for name in names}
    return any(not _is_losable(name) for name in late)


if __name__ == "__main__":
    sys.exit(main())
