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
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
_FOLDERS = ("tfcomgan", "pipelines", "benchmarks", "examples", "tests")
# What people start or import; above all packages. The other modules beside the packages
# are below them all, and with them these packages.
COMMANDS = ["__init__", "__main__", "api", "client", "compare", "doctor", "generate"]
COMMANDS += ["main", "play", "segment"]
VOCABULARY = ["config", "system"]
# The rules that are no package, and their files.
_SRCS = {
    "commands": ["srcs = COMMANDS,"],
    "vocabulary": [
        *("srcs = glob(", "    ["),
        '        "tfcomgan/*.py",',
        *(f'        "tfcomgan/{package}/*.py",' for package in VOCABULARY),
        *("    ],", "    exclude = COMMANDS,", "),"),
        'data = glob(["gin/**/*.gin"]),',
        "deps = all_requirements,",  # Below all: whoever uses a room has the packages.
    ],
    "test_helpers": [
        *("srcs = glob(", '    ["tests/**/*.py"],'),
        *('    exclude = ["tests/**/*_test.py"],', "),"),
        'data = glob(["tests/testdata/*"]),',
        'imports = ["tests"],',
    ],
}


def sources(root: pathlib.Path = ROOT) -> list[str]:
    """All Python files of ours, relative to the root."""
    files = [p for folder in _FOLDERS for p in (root / folder).rglob("*.py")]
    return sorted(path.relative_to(root).as_posix() for path in files)


def is_test(file: str) -> bool:
    """Whether pytest collects the file."""
    return file.endswith("_test.py")


def room(file: str) -> str:
    """The rule that holds a file: its package, or what stands beside the packages.

    'tfcomgan/data/cub.py' is in 'data', 'tfcomgan/losses.py' in 'vocabulary', as all of
    'tfcomgan/config'; 'tfcomgan/main.py' in 'commands', all of pipelines in 'pipelines',
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
    return sorted(needed - {room(files[0])})


def rule(name: str, files: list[str], root: pathlib.Path = ROOT) -> str:
    """A rule of BUILD as buildifier would write it; rooms.bzl adds what is understood."""
    kind, lines, understood = "room", [], {"vocabulary"}
    if is_test(files[0]):
        tested = name.removesuffix("_tests")
        kind, understood = "room_tests", {"vocabulary", "test_helpers", tested}
        lines = ['data = [":sources"],'] if name == "tests" else []
    elif name in _SRCS:
        kind, lines, understood = "py_library", _SRCS[name], set()
    elif not files[0].startswith("tfcomgan/"):
        lines = [f'folder = "{name}",']
    lines = [*lines, *_deps([o for o in deps(files, root) if o not in understood])]
    if not lines:
        return f'{kind}(name = "{name}")\n'
    return "\n".join([f"{kind}(", *_in([f'name = "{name}",', *lines]), ")\n"])


def _deps(names: list[str]) -> list[str]:
    if len(names) < 2:
        return [f'deps = [":{name}"],' for name in names]
    return ["deps = [", *_in([f'":{name}",' for name in names]), "],"]


def _in(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def commands(root: pathlib.Path = ROOT) -> str:
    """The constant with the files of the commands."""
    files = "".join(f'    "{file}",\n' for file in rooms(root)["commands"])
    return f"COMMANDS = [\n{files}]\n"


def rewritten(text: str, root: pathlib.Path = ROOT) -> str:
    """A BUILD file with the rules it should have."""
    header = text.partition("COMMANDS = [")[0]
    rules = [rule(name, files, root) for name, files in rooms(root).items()]
    return header + "\n".join([commands(root), *rules])


if __name__ == "__main__":
    build = ROOT / "BUILD"
    build.write_text(rewritten(build.read_text(encoding="utf-8")), encoding="utf-8")
