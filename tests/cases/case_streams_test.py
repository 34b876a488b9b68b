"""Terminals, pipes, encodings and home folders that are not as expected."""

import ast
import os
import pathlib
import shutil
import subprocess
import sys

import command
import numpy as np
import pytest
from PIL import Image

ROOT = command.REPOSITORY
FOLDERS = ("tfcomgan", "pipelines", "benchmarks", "examples")


@pytest.fixture
def photos(tmp_path):
    """Three pictures, and a file that is told of, whose name few encodings have."""
    (tmp_path / "photos").mkdir()
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, [9, 9, 3], np.uint8)
        Image.fromarray(noise).save(tmp_path / f"photos/{i}.png")
    (tmp_path / "photos/Größe 名前 é.txt").touch()
    return tmp_path / "photos"


def prepare(root, *more, **kwargs):
    return command.prepare(root, root.parent, *more, **kwargs)


# Standard output.

# As a shell leaves them when Python starts: opened anew, or None.
BROKEN = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, {number})
sys.{name} = os.fdopen({number}, "w", closefd=False)
"""
CLOSED = """
import os, sys
os.close({number})
sys.{name} = None
"""


@pytest.mark.parametrize(
    "first",
    [
        BROKEN.format(number=1, name="stdout"),
        BROKEN.format(number=2, name="stderr"),
        CLOSED.format(number=1, name="stdout"),
        CLOSED.format(number=2, name="stderr") + CLOSED.format(number=0, name="stdin"),
        "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)",
    ],
    ids=[
        "stdout broken",
        "stderr broken",
        "stdout closed",
        "others closed",
        "log full",
    ],
)
def test_a_command_goes_on_where_nobody_reads(photos, first):
    done = prepare(photos, first=first)
    assert done.code == 0 and "Traceback" not in done.err
    assert command.artifacts(photos.parent / "run") == {"prepare"}


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&- <&-", "| head -c 9"])
def test_shells_that_close_or_stop_to_read(redirection):
    shell = f"{sys.executable} -m tfcomgan.main --help {redirection}"
    shell += "; echo code ${PIPESTATUS[0]}" if "|" in redirection else ""
    done = subprocess.run(
        ["bash", "-c", shell], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "|" not in redirection or done.stdout.endswith("code 0\n")


def test_what_is_opened_later_does_not_get_the_number_of_a_closed_stream(tmp_path):
    program = (
        "from tfcomgan.system import streams; import os; streams.make_lasting();"
        f"file = open({str(tmp_path / 'mine')!r}, 'w');"
        "os.write(1, b'printed by a library'); print('and by us'); file.close()"
    )
    shell = f'exec "{sys.executable}" -c "$0" >&-'
    subprocess.run(["bash", "-c", shell, program], cwd=ROOT, check=True, timeout=60)
    assert (tmp_path / "mine").read_bytes() == b""


# Encodings.


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "euc_jp", "cp1252", "utf-8"])
def test_printing_survives_any_encoding(photos, encoding):
    first = f"import sys; sys.stdout.reconfigure(encoding={encoding!r})"
    out = prepare(photos, first=first).check().out
    escaped = "Größe 名前 é.txt".encode(encoding, "backslashreplace")
    # `command` reads UTF-8 and replaces what is none.
    assert escaped.decode(errors="replace") in out


def text_files_without_encoding(path: pathlib.Path) -> list[str]:
    """Calls that read or write text in whatever encoding the machine has."""
    found = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        owner = getattr(getattr(call.func, "value", None), "id", "")
        texts = [
            part.value
            for argument in call.args
            for part in ast.walk(argument)
            if isinstance(part, ast.Constant)
        ]
        is_binary = any("b" in str(text) for text in texts)
        has_encoding = any(k.arg in ("encoding", None) for k in call.keywords)
        # pathlib's; a function of this name is `system.files`', which writes UTF-8.
        is_method = isinstance(call.func, ast.Attribute)
        is_text = (is_method and name in ("read_text", "write_text")) or (
            (
                name == "fdopen"
                or name == "open"
                and owner not in ("os", "Image", "opener")
            )
            and not is_binary
        )
        # pathlib's second argument of write_text, first of read_text.
        is_given = has_encoding or "utf-8" in texts or owner == "files"
        if is_text and not is_given:
            found.append(f"{path}:{call.lineno}")
    return found


def test_every_text_file_of_ours_has_an_encoding(tmp_path):
    sources = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    assert [line for p in sources for line in text_files_without_encoding(p)] == []
    (tmp_path / "a.py").write_text("open('x')\npath.read_text()\nopen('x', 'rb')\n")
    assert len(text_files_without_encoding(tmp_path / "a.py")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("charmap", ["GBK", "EUC-JP"])
def test_a_run_under_another_locale(photos, tmp_path, charmap):
    """A real locale, made for the test: Python takes its encoding for text files."""
    if shutil.which("localedef") is None:
        pytest.skip("no localedef to make a locale with")
    language = {"GBK": "zh_CN", "EUC-JP": "ja_JP"}[charmap]
    made = tmp_path / "locales" / language
    made.parent.mkdir()
    subprocess.run(["localedef", "-i", language, "-f", charmap, made], check=False)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tfcomgan.main", "--gin_file=gin/folder_64.gin"),
            *("--stages=prepare", f"--manual_dir={photos}"),
            *(f"--run_dir={tmp_path / 'run'}", f"--data_dir={tmp_path / 'data'}"),
        ],
        cwd=ROOT,
        env={**os.environ, "LOCPATH": str(made.parent), "LC_ALL": language},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Größe 名前 é.txt".encode(charmap, "backslashreplace") in done.stdout


# The home folder.


def test_a_tilde_after_the_equals_sign_is_the_home_folder(photos):
    home = f"import os; os.environ['HOME'] = {str(photos.parent)!r}"
    command.run(
        "--gin_file=gin/folder_64.gin",
        "--stages=prepare",
        "--manual_dir=~/photos",
        "--run_dir=~/run",
        "--data_dir=~/data",
        first=home,
    ).check()
    assert command.artifacts(photos.parent / "run") == {"prepare"}
    assert not (ROOT / "~").exists()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
