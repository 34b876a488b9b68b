"""Runs `tfcomgan` commands for tests: real processes, without seconds of imports each.

One server process imports everything once and forks a child a command, before any
TensorFlow operation has run. A child is a process of its own: it can be killed, can be
held to resource limits, and ends with the exit code a shell would see.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
_SECONDS = 1200  # After which a command is killed; one takes seconds on idle cores.


class Done(NamedTuple):
    """How a command ended: exit code (minus the signal if killed) and what it printed."""

    code: int
    out: str
    err: str

    def check(self) -> "Done":
        """Fails unless the exit code is 0; returns itself."""
        assert self.code == 0, self.err + self.out
        return self

    @property
    def message(self) -> str:
        """What is said after 'error: '; fails unless the exit code is 2."""
        assert self.code == 2, f"exit code {self.code}: {self.err}"
        assert "Traceback" not in self.err
        # At the start of a line: TensorFlow's own log has "CUDA error: ...".
        return re.search("^error: (.*)", self.err, re.MULTILINE | re.DOTALL)[1]


class Command:
    """A command that runs; see `start`."""

    def __init__(self, request: dict):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="command-"))
        for name in ("out", "err"):  # It may be killed before it opens them.
            (self._folder / name).touch()
        self._server = _server()
        self.pid = int(self._ask(json.dumps(request | {"folder": str(self._folder)})))

    def _ask(self, line: str) -> str:
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()

    def is_running(self) -> bool:
        """Whether it has not ended; a child that has stays a zombie until `wait`."""
        state = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2]
        return state.split()[0] != "Z"

    def kill_when(self, is_time: Callable[[], bool], number=signal.SIGKILL) -> Done:
        """Kills it as soon as `is_time()`; SIGKILL leaves it no time to clean up."""
        while self.is_running() and not is_time():
            time.sleep(0.001)
        if self.is_running():
            os.kill(self.pid, number)
        return self.wait()

    def wait(self) -> Done:
        """Waits for its end; to be called once."""
        code = os.waitstatus_to_exitcode(int(self._ask(f"wait {self.pid}")))
        out, err = (
            (self._folder / name).read_text(errors="replace") for name in ("out", "err")
        )
        shutil.rmtree(self._folder)
        return Done(code, out, err)


def start(
    *arguments,
    module: str = "tfcomgan.main",
    limits: dict[int, int] | None = None,
    first: str = "",
) -> Command:
    """Starts `python -m MODULE` with these arguments, in the repository.

    Args:
      *arguments: Flags.
      module: The command's.
      limits: Soft limits of the process by resource number, as resource.RLIMIT_FSIZE.
      first: Python run in the process before the command, to break its disk or data.
    """
    return Command(
        {
            "arguments": [str(argument) for argument in arguments],
            "module": module,
            "limits": limits or {},
            "first": first,
        }
    )


def run(*arguments, **kwargs) -> Done:
    """Runs a command to its end; arguments as for `start`."""
    return start(*arguments, **kwargs).wait()


def python(
    *arguments,
    cwd: pathlib.Path = REPOSITORY,
    seconds: float = _SECONDS,
    **environment,
) -> Done:
    """Runs Python to its end in a process of its own, which has imported nothing.

    Args:
      *arguments: Of Python: -m and a module, or -c and a program, and what these take.
      cwd: The folder that it runs in.
      seconds: After which it is killed.
      **environment: Variables to set, or with None to leave out; the others are those of
        this process, with the repository as PYTHONPATH.
    """
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def tiny(run_dir: pathlib.Path, *more: str) -> tuple[str, ...]:
    """Flags of a run that trains 8 and 4 steps of tiny networks on 32 pictures.

    The paper's two stages with all their losses; whoever wants self-training adds it.
    """
    return (
        "--gin_file=gin/scenes.gin",
        "--gin_file=gin/smoke.gin",
        "--gin_param=scenes.num_train=32",
        "--gin_param=scenes.num_test=8",
        "--gin_param=STEPS=8",
        "--gin_param=SEGMENTER_STEPS=4",
        "--gin_param=segmentation.adversarial_weight=0.02",
        "--gin_param=self_training.rounds=0",
        "--checkpoint_every=2",
        f"--run_dir={run_dir}",
        f"--data_dir={_base() / 'data'}",
        *more,
    )


def prepare(root, tmp_path, *more, **kwargs) -> Done:
    """What `tfcomgan.main --stages=prepare` says of a folder of pictures."""
    return run(
        "--gin_file=gin/folder_64.gin",
        "--gin_file=gin/smoke.gin",
        "--stages=prepare",
        f"--manual_dir={root}",
        f"--run_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
        *more,
        **kwargs,
    )


@functools.cache
def finished() -> pathlib.Path:
    """The run folder of an unbroken run of `tiny`; not to be changed, but copied."""
    run(*tiny(_base() / "finished")).check()
    return _base() / "finished"


def artifacts(run_dir: pathlib.Path) -> set[str]:
    """The stages whose artifact counts."""
    return {path.parent.name for path in run_dir.glob("*/artifact.json")}


def artifact(run_dir: pathlib.Path, stage: str) -> dict:
    """What a stage wrote last; `content` is less the time it took."""
    return json.loads((run_dir / stage / "artifact.json").read_text())


def content(run_dir: pathlib.Path, stage: str) -> dict:
    """What must be equal in runs that are."""
    return artifact(run_dir, stage) | {"seconds": None}


@functools.cache
def _base() -> pathlib.Path:
    base = tempfile.TemporaryDirectory(prefix="runs-")
    atexit.register(base.cleanup)
    return pathlib.Path(base.name)


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
    """Forks for each request and answers with the process; waits for one when told."""
    import pipelines.run  # noqa: F401
    import tfcomgan.main  # noqa: F401

    gc.freeze()  # Or each child would copy the pages of all modules to collect garbage.
    for line in sys.stdin:
        if line.startswith("wait "):
            print(os.waitpid(int(line.split()[1]), 0)[1], flush=True)
            continue
        pid = os.fork()
        if not pid:
            _become(json.loads(line))
        print(pid, flush=True)


def _become(request: dict) -> None:
    """In the child: what a shell and the interpreter do around a command."""
    for number, name in enumerate(("out", "err"), start=1):
        file = os.open(f"{request['folder']}/{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.alarm(_SECONDS)
    # A shell ignores it for what it starts in the background, as this may have been.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, soft in request["limits"].items():
        resource.setrlimit(int(number), (soft, resource.getrlimit(int(number))[1]))
    exec(request["first"], {})
    sys.argv = ["tfcomgan", *request["arguments"]]
    importlib.import_module(request["module"]).run()


if __name__ == "__main__":
    _serve()


def changes(folder: pathlib.Path) -> dict[str, int]:
    """Time of the last change of every file."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }
