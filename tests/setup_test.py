"""The Makefile's setup, with stand-ins for every Python; nothing is installed."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_FILES = ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml")

# A Python of a version: makes environments of itself, has pip, and takes notes.
_PYTHON = """#!/bin/sh
echo "$0 $*" >> "$NOTES"
case "$*" in
  "-c "?*) echo {version} ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip "*) exit {pip} ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with a space and the files that the setup reads; a PATH with sh and make."""
    folder = tmp_path / "my clone"
    folder.mkdir()
    for name in _FILES:
        shutil.copy(_ROOT / name, folder)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "make", "mkdir", "cp", "rm", "touch"):
        (tools / name).symlink_to(shutil.which(name))
    return folder


def _python(path: pathlib.Path, version: str, *, pip: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PYTHON.format(version=version, pip=pip))
    path.chmod(0o755)


def _make(clone: pathlib.Path, *arguments: str):
    tools = clone.parent / "tools"
    env = {"PATH": str(tools), "NOTES": str(clone.parent / "notes"), "SHELL": "/bin/sh"}
    done = subprocess.run(
        [tools / "make", *arguments], cwd=clone, env=env, capture_output=True, text=True
    )
    # make says of itself which target failed.
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    return done, "\n".join(said)


def _notes(clone: pathlib.Path) -> str:
    file = clone.parent / "notes"
    return file.read_text() if file.exists() else ""


def test_setup_installs_the_package_editable_and_once(clone):
    _python(clone.parent / "tools/python3", "3.12")
    done, said = _make(clone, "setup")
    assert done.returncode == 0, said
    assert "-m pip install" in _notes(clone)
    assert "-r requirements-dev.txt -e ." in _notes(clone)
    assert "quiet" not in _notes(clone)  # Its progress is seen.
    assert f". '{clone}/.venv/bin/activate'" in done.stdout
    before = _notes(clone).count("pip install")
    assert _make(clone, "setup")[0].returncode == 0
    assert _notes(clone).count("pip install") == before


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.14"])
def test_a_python_too_old_or_too_new_ends_in_one_sentence(clone, version):
    _python(clone.parent / "tools/python3", version)
    done, said = _make(clone, "demo")
    assert done.returncode == 2 and not (clone / ".venv").exists()
    assert said == (
        f"error: python3 is {version}; Python 3.11, 3.12 or 3.13 is needed: "
        "make demo PYTHON=python3.11"
    )


def test_the_sentence_names_a_python_that_is_there_and_runs(clone):
    _python(clone.parent / "tools/python3", "3.10")
    broken = clone.parent / "tools/python3.11"  # As pyenv's shims of absent versions.
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    _python(clone.parent / "tools/python3.13", "3.13")
    _, said = _make(clone, "test")
    assert said.endswith("make test PYTHON=python3.13")
    done, said = _make(clone, "setup", "PYTHON=python3.13")
    assert done.returncode == 0, said


def test_no_python_at_all_ends_in_one_sentence(clone):
    done, said = _make(clone, "demo")
    assert done.returncode == 2
    assert said.startswith("error: python3 is no Python that runs; Python 3.11")
    assert len(said.splitlines()) == 1


def _break(clone, how):
    venv, tools = clone / ".venv", clone.parent / "tools"
    if how == "interrupted":  # python -m venv, before it copied anything.
        venv.mkdir()
    elif how == "its Python was removed":
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").symlink_to("/nowhere/python3.11")
    elif how == "of another version":
        _python(venv / "bin/python", "3.10")
    elif how == "no pip":  # Debian without python3-venv.
        _python(venv / "bin/python", "3.11", pip=1)
    _python(tools / "python3", "3.12")


@pytest.mark.parametrize(
    "how", ["interrupted", "its Python was removed", "of another version", "no pip"]
)
def test_a_broken_environment_ends_in_one_sentence_and_its_command_helps(clone, how):
    _break(clone, how)
    done, said = _make(clone, "setup")
    assert done.returncode == 2 and len(said.splitlines()) == 1
    assert said.startswith("error: .venv is broken or half-made")
    command = said.partition("is needed: ")[2].replace("python3.11", "python3")
    assert command.startswith("rm -rf .venv && make setup PYTHON=")
    env = {"PATH": str(clone.parent / "tools"), "NOTES": str(clone.parent / "notes")}
    subprocess.run(["/bin/sh", "-c", command], cwd=clone, env=env, check=True)
    assert (clone / ".venv/.installed").exists()


def test_an_environment_that_was_finished_and_then_broke_is_noticed(clone):
    _python(clone.parent / "tools/python3", "3.12")
    _make(clone, "setup")
    os.remove(clone / ".venv/bin/python")
    done, said = _make(clone, "demo")
    assert done.returncode == 2 and "broken or half-made" in said


def test_the_makefile_and_pyproject_name_the_same_pythons():
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    (line,) = (
        line
        for line in (_ROOT / "Makefile").read_text().splitlines()
        if line.startswith("PYTHONS = ")
    )
    versions = [int(v.removeprefix("3.")) for v in line.split()[2:]]
    least, beyond = min(versions), max(versions) + 1
    assert versions == list(range(least, beyond))
    assert project["requires-python"] == f">=3.{least},<3.{beyond}"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
