"""BUILD against the files and imports there are, and who may import whom."""

import ast
import functools
import graphlib
import re
import sys

import build_deps
import pytest

ROOT = build_deps.ROOT
ROOMS = build_deps.rooms()
FILES = [f for f in build_deps.sources() if not f.startswith("tests/")]

# Who may import whom: each the rooms below it, never one above or beside it in its line.
LAYERS = (
    "commands",
    "pipelines",
    "studio",
    "reporting synthesis photos",
    "training evaluation serving figures annotations",
    "models metrics",
    "data networks",
    "vocabulary",
)


def test_imports_are_found_wherever_they_stand(tmp_path):
    for name in ("tfcomgan/__init__.py", "tfcomgan/a.py", "tfcomgan/b/__init__.py",
                 "tfcomgan/b/c.py", "pipelines/d.py", "tests/helper.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "tests/x_test.py").write_text(
        "import os, helper\nfrom tfcomgan import a as z\nfrom tfcomgan import __version__\n"
        "def f():\n    import pipelines.d\n    from tfcomgan.b.c import g\n"
        "text = 'import tfcomgan.unseen'\n"
    )
    assert build_deps.imported("tests/x_test.py", tmp_path) == {
        "tests/helper.py",
        "tfcomgan/a.py",
        "tfcomgan/__init__.py",
        "pipelines/d.py",
        "tfcomgan/b/c.py",
    }


def test_build_says_what_the_files_and_imports_say():
    text = (ROOT / "BUILD").read_text(encoding="utf-8")
    assert text == build_deps.rewritten(text), "Run `python tests/build_deps.py`."


def globbed(*patterns):
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_every_source_is_in_a_rule_of_build():
    held = [file for files in ROOMS.values() for file in files]
    assert sorted(held) == build_deps.sources()
    named = set(re.findall(r'"(.*)"', build_deps.commands()))
    for name, files in ROOMS.items():
        stanza = build_deps.rule(name, files)
        if stanza.startswith("room("):  # As rooms.bzl globs.
            folder = re.search(r'folder = "(.*)"', stanza)
            taken = globbed(f"{folder[1] if folder else f'tfcomgan/{name}'}/**/*.py")
        elif stanza.startswith("room_tests("):
            folder = "_".join(["tests", name]).removesuffix("_tests").replace("_", "/")
            taken = globbed(f"{folder}/*_test.py")
        elif name == "commands":
            taken = named
        else:
            taken, left_out = (
                globbed(*re.findall(r'"([^":]+\.py)"', part))
                for part in f"{stanza}exclude = ".split("exclude = ")[:2]
            )
            taken -= left_out | named
        assert taken == set(files), name


def test_what_the_rules_do_not_say_is_needed_or_there():
    """rooms.bzl adds the vocabulary to each room, helpers and the tested room to tests."""
    for name, files in ROOMS.items():
        if build_deps.is_test(files[0]):
            tested = name.removesuffix("_tests")
            is_there = tested in ROOMS and tested != name
            assert not is_there or tested in build_deps.deps(files), name


def test_test_files_have_names_of_their_own_and_run_pytest_as_bazel_needs():
    tests = [ROOT / f for f in build_deps.sources() if build_deps.is_test(f)]
    assert len({path.name for path in tests}) == len(tests)
    for path in tests:
        text = path.read_text(encoding="utf-8")
        assert text.rstrip().endswith("sys.exit(pytest.main([__file__]))"), path


def test_imports_go_downwards_only():
    level = {room: i for i, line in enumerate(LAYERS) for room in line.split()}
    for file in FILES:
        if file.startswith(("benchmarks/", "examples/")):
            continue
        own = build_deps.room(file)
        for other in build_deps.imported(file):
            room = build_deps.room(other)
            assert room == own or level[room] > level[own], f"{file} imports {other}"


@pytest.mark.parametrize(
    "package",
    [f for f in FILES if f.endswith("/__init__.py") and f != "tfcomgan/__init__.py"],
)
def test_a_package_says_what_it_may_import_and_imports_no_more(package):
    text = ast.get_docstring(ast.parse((ROOT / package).read_text(encoding="utf-8")))
    own = build_deps.room(package)
    if own == "pipelines":  # The one room that may take all others.
        return
    if own == "vocabulary":  # Those that others of the vocabulary build on.
        folder = package.removesuffix("__init__.py")
        files = {f for f in FILES if f.startswith(folder)}
        below = {name for file in files for name in build_deps.imported(file)} - files
        assert "may import nothing of ours but `errors`" in " ".join(text.split())
        assert below <= {"tfcomgan/__init__.py", "tfcomgan/errors.py"}
        return
    said = re.search(r"\b(?:may\s+import|imports)\s([^.]*)\.", text, re.IGNORECASE)[1]
    rooms = set(re.findall(r"\w+", said)) & set(ROOMS)
    level = {room: i for i, line in enumerate(LAYERS) for room in line.split()}
    assert all(level[room] > level[own] for room in rooms)
    assert set(build_deps.deps(ROOMS[own])) <= rooms


def test_no_room_imports_itself_through_others():
    graph = {name: build_deps.deps(files) for name, files in ROOMS.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_no_module_imports_itself_through_others():
    graph = {file: build_deps.imported(file) for file in FILES}
    graphlib.TopologicalSorter(graph).prepare()


@functools.cache
def defined(module: str) -> set[str]:
    """What may be imported from a module or package of ours; empty where there is none."""
    place = ROOT / module.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not file.is_file():
        return set()
    found = {path.stem for path in place.glob("*")}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def test_what_is_imported_of_ours_is_there():
    """Also where no test and no type checker comes: benchmarks, branches of commands."""
    for file in build_deps.sources():
        for name in build_deps.names(file):
            module, _, wanted = name.rpartition(".")
            if name.startswith(("tfcomgan.", "pipelines.", "benchmarks.")):
                there = wanted in defined(module) or defined(name)
                assert there, f"{file} imports {name}"


def test_no_module_is_longer_than_300_lines():
    for file in build_deps.sources():
        assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= 300, file


# The commands that run stages or read their settings.
ABOVE_PIPELINES = ("tfcomgan/main.py", "tfcomgan/doctor.py")


def test_only_two_commands_look_back_at_pipelines():
    users = {
        file
        for file in FILES
        for other in build_deps.imported(file)
        if other.startswith("pipelines/") and not file.startswith("pipelines/")
    }
    assert users == set(ABOVE_PIPELINES)


def test_nothing_imports_benchmarks_or_tests():
    for file in FILES:
        folders = {name.split("/")[0] for name in build_deps.imported(file)}
        allowed = {"tfcomgan", "pipelines"}
        if file.startswith("benchmarks/"):
            allowed.add("benchmarks")
        assert folders <= allowed, file


@pytest.mark.parametrize(
    ("package", "owner"),
    [("gin", "tfcomgan/config/"), ("tensorflow_gan", "tfcomgan/tfgan.py")],
)
def test_one_place_imports_this_package(package, owner):
    users = [
        file
        for file in FILES
        if package in {name.split(".")[0] for name in build_deps.names(file)}
    ]
    assert users
    assert all(user.startswith(owner) for user in users)


def test_gin_files_are_no_python_package():
    # It would shadow the package gin.
    assert not list((ROOT / "gin").rglob("*.py"))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
