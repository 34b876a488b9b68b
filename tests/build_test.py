"""BUILD against the files and imports there are, and who may import whom."""

import graphlib
import sys

import build_deps
import pytest

ROOT = build_deps.ROOT
BUILD = (ROOT / "BUILD").read_text()
RULES = build_deps.rules(BUILD)
EXPECTED = build_deps.expected(BUILD)
REMEDY = "Run `python tests/build_deps.py`, or paste into BUILD:\n"


def of(kind):
    return [rule for rule in RULES if rule["kind"] == kind]


def deps(name):
    """The rooms a room imports from, by the files and not by BUILD."""
    return {dep.removeprefix(":") for dep in EXPECTED[name]["deps"]}


def reach(name):
    """The rooms a room imports from, directly or not."""
    found, ahead = set(), [name]
    while ahead:
        fresh = deps(ahead.pop()) - found
        found |= fresh
        ahead += fresh
    return found


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


def test_every_source_is_in_one_library_and_every_test_in_one_test():
    for kind, is_test in (("py_library", False), ("py_test", True)):
        listed = sorted(file for rule in of(kind) for file in rule["files"])
        there = [f for f in build_deps.sources() if f.endswith("_test.py") == is_test]
        missing = [
            build_deps.stanza(rule)
            for name, rule in EXPECTED.items()
            if name not in {r["name"] for r in RULES}
        ]
        assert listed == there, REMEDY + "\n".join(missing)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_deps_are_the_imports_no_more_and_no_less(rule):
    expected = EXPECTED.get(rule["name"])
    assert expected is not None, f"Its files are gone: {rule['srcs']}."
    stanza = build_deps.stanza(expected)
    assert rule.get("deps", []) == expected["deps"], REMEDY + stanza
    assert rule.get("data", []) == expected["data"], REMEDY + stanza
    if rule["kind"] == "py_test":
        assert rule["srcs"] == [rule["main"]] == [f"tests/{rule['name']}.py"]


def test_each_test_file_runs_pytest_on_itself_as_bazel_needs():
    for rule in of("py_test"):
        text = (ROOT / rule["main"]).read_text()
        assert text.rstrip().endswith("sys.exit(pytest.main([__file__]))"), rule["main"]


def test_no_room_imports_itself_through_others():
    graphlib.TopologicalSorter({name: deps(name) for name in EXPECTED}).prepare()


@pytest.mark.parametrize("room", ["networks", "losses", "latents", "metrics", "data"])
def test_the_lower_rooms_know_nothing_of_training(room):
    assert not reach(room) & {"models", "training", "pipelines", "main"}


def test_models_know_nothing_of_those_that_take_them_as_arguments():
    assert not reach("models") & {"training", "evaluation", "export", "pipelines"}


# The commands that run stages or read their settings.
COMMANDS = ("tfcomgan/main.py", "tfcomgan/doctor.py")


def test_only_commands_look_back_at_pipelines_and_nothing_at_benchmarks_or_tests():
    for file in build_deps.sources():
        if file.startswith("tests/"):
            continue
        folders = {name.split("/")[0] for name in build_deps.imported(file)}
        allowed = {"tfcomgan"}
        if file in COMMANDS or file.startswith("pipelines/"):
            allowed.add("pipelines")
        if file.startswith("benchmarks/"):
            allowed.add("benchmarks")
        assert folders <= allowed, file


@pytest.mark.parametrize(
    ("package", "owner"),
    [("gin", "tfcomgan/config.py"), ("tensorflow_gan", "tfcomgan/tfgan.py")],
)
def test_one_file_imports_this_package(package, owner):
    users = [
        file
        for file in build_deps.sources()
        if not file.startswith("tests/")
        and package in {name.split(".")[0] for name in build_deps.names(file)}
    ]
    assert users == [owner]


def test_gin_files_are_no_python_package():
    # It would shadow the package gin.
    assert not list((ROOT / "gin").rglob("*.py"))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
