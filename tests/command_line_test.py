"""Commands as a terminal sees them: TensorFlow's noise, and what is printed to be typed."""

import os
import pathlib
import subprocess
import sys

import pytest

from tfcomgan import command_line

_ROOT = pathlib.Path(command_line.__file__).resolve().parents[1]
_NOISE = "I0000 port.cc:153] oneDNN custom operations are on."


@pytest.fixture
def tensorflow(tmp_path):
    """Stands for TensorFlow: writes to file descriptor 2 on import, then does `then`."""

    def make(then: str = "") -> dict[str, str]:
        package = tmp_path / "stand-in" / "tensorflow"
        package.mkdir(parents=True)
        noise = (_NOISE + "\n").encode()
        (package / "__init__.py").write_text(
            f"import os\nos.write(2, {noise!r})\n{then}"
        )
        return {**os.environ, "PYTHONPATH": f"{package.parent}:{_ROOT}"}

    return make


# A command as ours are: it says a word, imports TensorFlow late, and says another.
_COMMAND = """
import importlib.util, os, sys
from absl import flags
from tfcomgan import command_line
flags.DEFINE_string("any", None, "A flag.")
def main(arguments):
    print("first", file=sys.stderr, flush=True)
    assert importlib.util.find_spec("tensorflow")  # As libraries do that can use it.
    import tensorflow
    print(f"imported {tensorflow.__name__}", file=sys.stderr, flush=True)
    os.system("echo child >&2")
command_line.run(main, lambda arguments: None)
"""


def _start(env, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr.splitlines()


def test_what_tensorflow_writes_at_its_import_is_kept_out(tensorflow):
    code, lines = _start(tensorflow())
    assert (code, lines) == (0, ["first", "imported tensorflow", "child"])


@pytest.mark.parametrize("flag", ["--verbosity=0", "-v=1"])
def test_verbosity_brings_it_back(tensorflow, flag):
    code, lines = _start(tensorflow(), flag)
    assert (code, lines) == (0, ["first", _NOISE, "imported tensorflow", "child"])


def test_it_is_shown_where_the_import_fails(tensorflow):
    code, lines = _start(tensorflow("raise ImportError('no libcudart')"))
    assert code == 1 and lines[:2] == ["first", _NOISE]
    assert lines[-1] == "ImportError: no libcudart"


def test_it_is_shown_where_the_import_ends_the_process(tensorflow):
    # As on a processor without AVX, where TensorFlow aborts and says why on stderr.
    code, lines = _start(tensorflow("os.write(2, b'no AVX\\n')\nos.abort()"))
    assert code < 0 and "no AVX" in lines and lines[:2] == ["first", _NOISE]


def test_the_real_one_leaves_the_terminal_to_the_program():
    # As `tfcomgan.main` starts it; the devices are where CUDA is looked for.
    code = _COMMAND.replace("os.system", "tensorflow.config.list_logical_devices() #")
    env = {**os.environ, "PYTHONPATH": str(_ROOT)}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True)
    assert done.stderr.decode().splitlines() == ["first", "imported tensorflow"]


def test_a_missing_tensorflow_is_the_usual_error():
    code = (
        f"import sys; sys.path.append({str(_ROOT)!r}); from tfcomgan.system import quiet; "
        "quiet.keep_import_quiet(); import tensorflow"
    )
    done = subprocess.run(
        [sys.executable, "-IS", "-c", code], capture_output=True, text=True
    )
    assert "No module named 'tensorflow'" in done.stderr


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The folder `bin`, in one with a space, of an environment that has our scripts."""
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    script = folder / "tfcomgan-segment"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$2"\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def test_a_printed_command_works_in_any_folder_whatever_its_paths(
    environment, tmp_path
):
    out = tmp_path / "it's $HOME" / "made"
    out.parent.mkdir()
    text = command_line.typed("tfcomgan-segment", "--out", str(out))
    subprocess.run(text, shell=True, check=True, cwd="/")
    assert out.read_text().splitlines() == ["--out", str(out)]


def test_an_active_environment_needs_no_path(environment, monkeypatch):
    monkeypatch.setenv("PATH", str(environment), prepend=os.pathsep)
    assert command_line.typed("tfcomgan-segment", "a b") == "tfcomgan-segment 'a b'"


def test_what_is_not_installed_is_started_from_its_sources(tmp_path, monkeypatch):
    python = tmp_path / "no scripts" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    text = command_line.typed("tfcomgan-compare", "--help")
    done = subprocess.run(
        text, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "--verbosity" in done.stdout


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
