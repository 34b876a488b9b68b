"""What is installed and told to others: packages, requirements, metadata."""

import pathlib
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tfcomgan.version import __version__

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _requirements(name: str) -> list[str]:
    """The lines of a file, less comments and what they include."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [line.partition("#")[0].strip() for line in lines]
    return [line for line in found if line and not line.startswith("-r ")]


def test_all_packages_are_installed():
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("tfcomgan", "pipelines")
        for path in (ROOT / top).rglob("__init__.py")
    }
    listed = PROJECT["tool"]["setuptools"]["packages"]
    # The gin files become a package when they are installed.
    assert sorted(listed) == sorted(found | {"tfcomgan.resources.gin"})


def test_all_files_beside_the_code_are_installed():
    tools = PROJECT["tool"]["setuptools"]
    folders = {"tfcomgan.resources.gin": "gin"}
    matched = {
        path
        for package, patterns in tools["package-data"].items()
        for pattern in patterns
        for path in (ROOT / folders.get(package, package.replace(".", "/"))).glob(
            pattern
        )
    }
    here = {
        path
        for top in ("tfcomgan", "pipelines", "gin")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert here == {path for path in matched if path.is_file()}


def test_the_dev_extra_is_requirements_dev():
    extra = PROJECT["project"]["optional-dependencies"]["dev"]
    assert sorted(extra) == sorted(_requirements("requirements-dev.txt"))


def test_the_lock_file_pins_every_requirement_to_a_version_that_fits():
    lines = _requirements("requirements_lock.txt")
    pinned = dict(line.split("==") for line in lines)
    assert len(pinned) == len(lines)
    for name in ("requirements.txt", "requirements-dev.txt"):
        for requirement in map(Requirement, _requirements(name)):
            version = pinned.get(canonicalize_name(requirement.name))
            assert version and version in requirement.specifier, (
                f"{requirement}: make lock"
            )


def test_each_requirement_says_why():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            assert line.startswith(("#", "-r ")) or "# " in line, line


@pytest.mark.parametrize("key", ["version", "license", "title"])
def test_the_citation_names_this_package(key):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = PROJECT["project"]
    expected = {"version": __version__, "title": project["name"]}
    expected["license"] = project["license"]
    assert re.search(rf"^{key}: (.*)$", text, re.MULTILINE)[1] == expected[key]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
