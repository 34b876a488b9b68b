"""What BUILD should say, read from the imports; as a command, writes it.

  python tests/build_deps.py

One library for each package, one for the commands, one for the vocabulary (the other
modules beside the packages, and two small packages), one `room_tests` (a test for each
file) for each folder of tests. What stands above COMMANDS is kept.
"""

import ast
import functools
import itertools
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
_FOLDERS = ("tfcomgan", "pipelines", "benchmarks", "examples", "tests")
# What people start or import; above all packages. The other modules beside the packages
# are below them all, and with them these packages.
COMMANDS = ["__init__", "__main__", "api", "client", "compare", "doctor", "generate"]
COMMANDS += ["main", "play", "segment"]
VOCABULARY = ["config", "system"]
# Groups of data files by their folder, for who names one of them; and by their room.
_GROUPS = {"gin": ":gin_files", "tests/testdata": ":test_data"}
_BESIDE = {"data": [":about"], "reporting": [":page"], "tests": [":sources"]}


def sources(root: pathlib.Path = ROOT) -> list[str]:
    """All Python files of ours, relative to the root."""
    found = [p for folder in _FOLDERS for p in (root / folder).rglob("*.py")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def is_test(file: str) -> bool:
    """Whether pytest collects the file."""
    return file.endswith("_test.py")


def room(file: str) -> str:
    """The rule that holds a file: its package, or what stands beside the packages.

    'tfcomgan/data/cub.py' is in 'data', 'tfcomgan/losses.py' in 'vocabulary', as all of
    'tfcomgan/config',
    'tfcomgan/main.py' in 'commands', all of pipelines in 'pipelines',
    'tests/data/cub_test.py' in 'data_tests', a helper of tests in 'test_helpers'.
    """
    top, *between, name = file.split("/")
    if top == "tests":
        return "_".join([*between, "tests"]) if is_test(file) else "test_helpers"
    if top != "tfcomgan":
        return top
    if between and between[0] not in VOCABULARY:
        return between[0]
    is_command = not between and name.removesuffix(".py") in COMMANDS
    return "commands" if is_command else "vocabulary"


@functools.cache
def names(path: str, root: pathlib.Path = ROOT) -> tuple[str, ...]:
    """What a file imports, anywhere in it: "a.b" for `from a import b`."""
    found = []
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


@functools.cache
def imported(path: str, root: pathlib.Path = ROOT) -> frozenset[str]:
    """The files of ours that a file imports by name."""
    found = set()
    for name in names(path, root):
        # In `from a.b import c`, c is a module or something in a.b.
        modules = [name.replace(".", "/"), name.rpartition(".")[0].replace(".", "/")]
        found |= set(list(_files_of(modules, path, root))[:1])
    return frozenset(found - {path})


def _files_of(modules, importer: str, root: pathlib.Path) -> Iterator[str]:
    # The folder of tests is on the path, as `import command` needs.
    starts = ("", "tests/") if importer.startswith("tests/") else ("",)
    for module, start in itertools.product(filter(None, modules), starts):
        for end in (".py", "/__init__.py"):
            name = f"{start}{module}{end}"
            if name.startswith(_FOLDERS) and (root / name).is_file():
                yield name


def rooms(root: pathlib.Path = ROOT) -> dict[str, list[str]]:
    """The files of each rule, libraries first."""
    found = {}
    for file in sorted(sources(root), key=lambda f: (is_test(f), room(f), f)):
        found.setdefault(room(file), []).append(file)
    return found


def deps(files: list[str], root: pathlib.Path = ROOT) -> list[str]:
    """The other rooms that the files of a room import from."""
    needed = {room(i) for file in files for i in imported(file, root)}
    if is_test(files[0]):
        needed.add("test_helpers")  # pytest imports conftest.py by itself.
    return sorted(needed - {room(files[0])})


def rule(name: str, files: list[str], root: pathlib.Path = ROOT) -> str:
    """A rule of BUILD as buildifier would write it."""
    kind = "room_tests" if is_test(files[0]) else "py_library"
    lines = [f"{kind}(", f'    name = "{name}",', *_srcs(name, files)]
    text = "".join((root / file).read_text(encoding="utf-8") for file in files)
    lines += _list("data", sorted({*_data(text, root), *_BESIDE.get(name, ())}))
    if name == "test_helpers":
        lines.append('    imports = ["tests"],')
    lines += _list("deps", [f":{other}" for other in deps(files, root)])
    if name == "vocabulary":  # Below all: whoever uses a room has the packages.
        lines.append("    deps = all_requirements,")
    return "\n".join([*lines, ")\n"])


def _srcs(name: str, files: list[str]) -> list[str]:
    """A glob for the files of a folder, and of those below it where there are any."""
    if name == "commands":
        return ["    srcs = COMMANDS,"]
    if name == "vocabulary":
        folders = ["tfcomgan", *(f"tfcomgan/{package}" for package in VOCABULARY)]
        return _glob([f"{folder}/*.py" for folder in folders], "COMMANDS")
    if name == "test_helpers":
        return _glob(["tests/**/*.py"], '["tests/**/*_test.py"]')
    folders = sorted(file.rpartition("/")[0] for file in files)
    pattern = "*_test.py" if is_test(files[0]) else "*.py"
    below = "**/" if folders[-1] != folders[0] else ""
    return [f'    srcs = glob(["{folders[0]}/{below}{pattern}"]),']


def _glob(patterns: list[str], exclude: str) -> list[str]:
    lines = [f'"{pattern}",' for pattern in patterns]
    lines = [f"[{lines[0][:-1]}],"] if len(lines) == 1 else ["[", *_in(lines), "],"]
    return ["    srcs = glob(", *_in(_in([*lines, f"exclude = {exclude},"])), "    ),"]


def _in(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def commands(root: pathlib.Path = ROOT) -> str:
    """The constant with the files of the commands."""
    files = "".join(f'    "{file}",\n' for file in rooms(root)["commands"])
    return f"COMMANDS = [\n{files}]\n"


def _list(key: str, items: list[str]) -> list[str]:
    if len(items) < 2:
        return [f'    {key} = ["{item}"],' for item in items]
    return [f"    {key} = [", *(f'        "{item}",' for item in items), "    ],"]


def _data(text: str, root: pathlib.Path) -> Iterator[str]:
    """Groups of data files that a source names one of."""
    for folder, group in _GROUPS.items():
        files = [re.escape(p.name) for p in (root / folder).glob("*") if p.is_file()]
        if files and re.search(rf"\b({'|'.join(files)})\b", text):
            yield group


def rewritten(text: str, root: pathlib.Path = ROOT) -> str:
    """A BUILD file with the rules it should have."""
    header = text.partition("COMMANDS = [")[0]
    rules = [rule(name, files, root) for name, files in rooms(root).items()]
    return header + "\n".join([commands(root), *rules])


if __name__ == "__main__":
    build = ROOT / "BUILD"
    build.write_text(rewritten(build.read_text(encoding="utf-8")), encoding="utf-8")
