"""README and docs/: links lead somewhere, commands are as the commands are."""

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_DOCUMENTS = [
    _ROOT / "README.md",
    _ROOT / "gin/README.md",
    *sorted((_ROOT / "docs").rglob("*.md")),
]


def _commands(text: str) -> list[list[str]]:
    """Command lines of ours in the shell blocks of a document, split as a shell does."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if "|" not in line]
    return [w for w in words if w and _module(w)]


def _module(words: list[str]) -> str | None:
    """What a command line starts, as tfcomgan.segment; None where it is not ours."""
    if words[:2] == ["python", "-m"] and words[2].startswith("tfcomgan."):
        return words[2]
    if re.fullmatch("tfcomgan(-[a-z]+)?", words[0]):
        return f"tfcomgan.{words[0].removeprefix('tfcomgan').lstrip('-') or 'main'}"
    return None


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_to_a_file(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, heading = target.partition("#")
        if "://" in target or not file:
            continue
        assert (path.parent / file).exists(), target
        if heading:
            titles = re.findall("^#+ (.*)$", (path.parent / file).read_text(), re.M)
            assert heading in [t.lower().replace(" ", "-") for t in titles], target


def test_flags_and_gin_files_that_the_documents_name_exist():
    found = {}
    for path in _DOCUMENTS:
        for words in _commands(path.read_text(encoding="utf-8")):
            found.setdefault(_module(words), []).append(words)
    assert {"tfcomgan.main", "tfcomgan.segment", "tfcomgan.doctor"} <= set(found)
    for module, lines in found.items():
        done = subprocess.run(
            [sys.executable, "-m", module, "--help"],
            cwd=_ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        known = set(re.findall(r"^ *--(?:\[no\])?(\w+)", done.stdout, re.MULTILINE))
        for words in lines:
            for word in words:
                flag = re.match(r"--(\w+)", word)
                assert not flag or flag[1] in known, (module, word)
                gin_file = re.match(r"--gin_file=(.*)", word)
                assert not gin_file or (_ROOT / gin_file[1]).is_file(), word


def test_the_readme_is_short_and_shows_the_commands_to_begin_with():
    assert len(_README.splitlines()) <= 130
    for command in (
        "make demo",
        "make test",
        "python -m tfcomgan.main --gin_file=gin/cub.gin",
    ):
        assert re.search(rf"^{command}\b", _README, re.MULTILINE)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
