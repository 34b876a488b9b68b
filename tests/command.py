"""Runs `tfcomgan` commands for tests: real processes, without seconds of imports each.

One server process imports everything once and forks a child a command, before any
TensorFlow operation has run. A child is a process of its own: it can be killed, can be
held to resource limits, and ends with the exit code a shell would see.
"""

import atexit
import functools
import gc
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
_SECONDS = 240  # After which a command is killed.

# Two stages of training of some seconds each; the later value of a flag's name wins.
TINY = (
    "--gin_file=gin/scenes.gin",
    "--gin_file=gin/smoke.gin",
    "--gin_param=scenes.num_train=32",
    "--gin_param=scenes.num_test=8",
)


class Done(NamedTuple):
    """How a command ended: exit code (minus the signal if killed) and what it printed."""

    code: int
    out: str
    err: str

    def check(self) -> "Done":
        """Fails unless the exit code is 0; returns itself."""
        assert self.code == 0, self.err + self.out
        return self


class Command:
    """A command that runs."""

    def __init__(self, arguments, limits, first):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="command-"))
        request = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(self._folder),
            "limits": limits or {},
            "first": first,
        }
        self._server = _server()
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        self.pid = int(self._server.stdout.readline())

    def kill(self) -> None:
        """SIGKILL: it cannot clean up."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        state = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2]
        return state.split()[0] != "Z"

    def wait(self) -> Done:
        """Waits for its end; to be called once."""
        self._server.stdin.write("wait\n")
        self._server.stdin.flush()
        status = int(self._server.stdout.readline())
        out, err = (
            (self._folder / name).read_text(errors="replace") for name in ("out", "err")
        )
        shutil.rmtree(self._folder)
        return Done(os.waitstatus_to_exitcode(status), out, err)


def start(*arguments, limits: dict[int, int] | None = None, first: str = "") -> Command:
    """Starts `python -m tfcomgan.main` with these arguments, in the repository.

    Args:
      *arguments: Flags.
      limits: Soft limits of the process by resource number, as resource.RLIMIT_FSIZE.
      first: Python run in the process before the command, to stand for a broken disk.
    """
    return Command(arguments, limits, first)


def run(*arguments, **kwargs) -> Done:
    """Runs a command to its end; arguments as for `start`."""
    return start(*arguments, **kwargs).wait()


def folders(base: pathlib.Path, name: str = "run") -> tuple[str, str]:
    """Flags for a run folder and the data folder under `base`."""
    return f"--run_dir={base / name}", f"--data_dir={base / 'data'}"


@functools.cache
def _server() -> subprocess.Popen:
    server = subprocess.Popen(
        [sys.executable, __file__],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "KERAS_BACKEND": "tensorflow",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(server.stdin.close)  # Ends it.
    return server


def _serve() -> None:
    """Takes a request, forks, answers with the process; then waits for it when told."""
    import tensorflow_datasets  # noqa: F401  Loads its parts when they are used.

    import pipelines.run  # noqa: F401
    import tfcomgan.main

    gc.freeze()  # Or each child would copy the pages of all modules to collect garbage.
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(tfcomgan.main.run, request)
        print(pid, flush=True)
        sys.stdin.readline()
        print(os.waitpid(pid, 0)[1], flush=True)


def _become(main, request) -> None:
    """In the child: what a shell and the interpreter do around a command."""
    for number, name in enumerate(("out", "err"), start=1):
        file = os.open(f"{request['folder']}/{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.alarm(_SECONDS)
    for number, soft in request["limits"].items():
        resource.setrlimit(
            int(number), (soft, resource.getrlimit(int(number))[1])
        )
    exec(request["first"], {})
    sys.argv = ["tfcomgan", *request["arguments"]]
    main()


if __name__ == "__main__":
    _serve()
