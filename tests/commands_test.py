"""The commands side by side: all in one process, listed, each with its --help."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from tfcomgan import __main__ as listing

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "tfcomgan").glob("*.py")
    if "command_line.run(" in path.read_text(encoding="utf-8")
)
# Imports all of them, then asks each for its --help in a child of that process.
ALL_IN_ONE_PROCESS = """
import importlib, os, sys
modules = [importlib.import_module(f"tfcomgan.{name}") for name in sys.argv[1:]]
modules.append(importlib.import_module("pipelines.trivial.__main__"))
for module in modules:
    if not os.fork():
        sys.argv[1:] = ["--help"]
        module.run()
    print("exit", os.waitstatus_to_exitcode(os.wait()[1]), module.__name__, flush=True)
"""


@pytest.fixture(scope="module")
def helped() -> str:
    """What all commands say to --help, imported together."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_IN_ONE_PROCESS, *COMMANDS],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_commands_can_be_imported_together_and_each_shows_its_flags(helped):
    exits = re.findall(r"^exit (-?\d+) (\S+)$", helped, re.MULTILINE)
    names = [f"tfcomgan.{name}" for name in COMMANDS] + ["pipelines.trivial.__main__"]
    assert exits == [("0", name) for name in names]
    *texts, _ = re.split(r"^exit .*$", helped, flags=re.MULTILINE)
    for name, text in zip(names, texts, strict=True):
        # Its own example, and none of the flags of the commands imported before.
        assert f"python -m {name.removesuffix('.__main__')} " in text
        flags = re.findall(r"^  --(?:\[no\])?(\w+):", text, re.MULTILINE)
        assert flags and len(flags) == len(set(flags))


def test_each_command_is_listed_with_a_line(capsys):
    listing.run()
    lines = capsys.readouterr().out.splitlines()[2:]
    names = [re.fullmatch(r"  python -m tfcomgan\.(\w+) +(.*\.)", x)[1] for x in lines]
    assert sorted(names) == COMMANDS


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
