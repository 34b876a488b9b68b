"""Gin files as people's editors write them and their folders hold them."""

import codecs
import sys

import command
import pytest

OWN = "include 'gin/scenes.gin'\ninclude 'near.gin'\nSTEPS = 777\n# größer\n"


def dry(path, **kwargs):
    return command.run(f"--gin_file={path}", "--dry_run", **kwargs)


@pytest.fixture
def folder(tmp_path):
    """A folder with a file to be included, and one of the same name as ours."""
    (tmp_path / "my gin").mkdir()
    (tmp_path / "my gin/near.gin").write_text("SEED = 123\n", encoding="utf-8")
    return tmp_path / "my gin"


@pytest.mark.parametrize(
    "content",
    [
        OWN.encode(),
        codecs.BOM_UTF8 + OWN.encode(),
        codecs.BOM_UTF8 + OWN.replace("\n", "\r\n").encode(),
        OWN.encode("utf-16"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-8 of Windows", "utf-16"],
)
def test_marks_and_line_ends_do_not_matter_and_includes_lie_beside(folder, content):
    (folder / "own.gin").write_bytes(content)
    (folder / "near.gin").write_bytes(codecs.BOM_UTF8 + b"SEED = 123\r\n")
    out = dry(folder / "own.gin").check().out
    assert "SEED = 123" in out and "STEPS = 777" in out


def test_beside_the_including_file_goes_before_the_working_directory(folder):
    """The commands run in the repository, which has a gin/smoke.gin too."""
    (folder / "gin").mkdir()
    (folder / "gin/smoke.gin").write_text("STEPS = 777\n", encoding="utf-8")
    text = "include 'gin/scenes.gin'\ninclude 'gin/smoke.gin'\n"
    (folder / "own.gin").write_text(text, encoding="utf-8")
    assert "STEPS = 777" in dry(folder / "own.gin").check().out


def test_home_in_names_of_gin_files(folder):
    text = "include 'gin/scenes.gin'\ninclude '~/near.gin'\n"
    (folder / "own.gin").write_text(text, encoding="utf-8")
    home = f"import os; os.environ['HOME'] = {str(folder)!r}"
    assert "SEED = 123" in dry("~/own.gin", first=home).check().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "STEPS = 777 # größer\n".encode("latin-1"),
            "own.gin: this is no text in UTF-8",
        ),
        (b"include 'nera.gin'\n", "no gin file 'nera.gin'"),
        (b"include 'own.gin'\n", "it includes itself"),
    ],
)
def test_what_cannot_be_read_is_named(folder, content, message):
    (folder / "own.gin").write_bytes(content)
    assert message in dry(folder / "own.gin").message


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
