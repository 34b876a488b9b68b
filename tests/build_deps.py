"""What BUILD should say, read from the imports; as a command, writes it.

  python tests/build_deps.py

Names and sources of the libraries are BUILD's own, also which files a glob takes. A
source that no library has gets one of its own; there is one test for each test file.
Comments belong above the first rule, where they are kept.
"""

import ast
import itertools
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
_FOLDERS = ("tfcomgan", "pipelines", "benchmarks", "tests")
_ORDER = ("name", "size", "srcs", "main", "data", "deps")


def sources(root: pathlib.Path = ROOT) -> list[str]:
    """All Python files of ours, relative to the root."""
    found = [p for folder in _FOLDERS for p in (root / folder).rglob("*.py")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def rules(text: str, root: pathlib.Path = ROOT) -> list[dict]:
    """The py_library and py_test of a BUILD file, with `files` added to its attributes."""
    found = []
    for node in ast.parse(text).body:
        call = getattr(node, "value", None)
        kind = isinstance(call, ast.Call) and getattr(call.func, "id", None)
        if kind not in ("py_library", "py_test"):
            continue
        rule = {"kind": kind}
        for attribute in call.keywords:
            value = attribute.value
            if isinstance(value, ast.Call):  # glob([...]).
                patterns = ast.literal_eval(value.args[0])
                rule["files"] = sorted(
                    path.relative_to(root).as_posix()
                    for pattern in patterns
                    for path in root.glob(pattern)
                )
                rule[attribute.arg] = ast.unparse(value).replace("'", '"')
            else:
                rule[attribute.arg] = ast.literal_eval(value)
        rule.setdefault("files", rule["srcs"])
        found.append(rule)
    return found


def names(path: str, root: pathlib.Path = ROOT) -> Iterator[str]:
    """What a file imports, anywhere in it: "a.b" for `from a import b`."""
    for node in ast.walk(ast.parse((root / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(path: str, root: pathlib.Path = ROOT) -> set[str]:
    """The files of ours that a file imports by name."""
    found = set()
    for name in names(path, root):
        # In `from a.b import c`, c is a module or something in a.b.
        modules = [name.replace(".", "/"), name.rpartition(".")[0].replace(".", "/")]
        found |= set(list(_files_of(modules, path, root))[:1])
    return found - {path}


def _files_of(modules, importer: str, root: pathlib.Path) -> Iterator[str]:
    # A test's own folder is on the path, as `import command` needs.
    starts = ("", "tests/") if importer.startswith("tests/") else ("",)
    for module, start in itertools.product(filter(None, modules), starts):
        for end in (".py", "/__init__.py"):
            name = f"{start}{module}{end}"
            if name.startswith(_FOLDERS) and (root / name).is_file():
                yield name


def expected(text: str, root: pathlib.Path = ROOT) -> dict[str, dict]:
    """The rules BUILD should have, by name, with the deps and data of the files."""
    found = {rule["name"]: rule for rule in rules(text, root)}
    libraries = [r for r in found.values() if r["kind"] == "py_library"]
    taken = {file for rule in libraries for file in rule["files"]}
    wanted, tests = [dict(rule) for rule in libraries if rule["files"]], []
    for file in sources(root):
        name = pathlib.Path(file).stem
        rule = {"name": name, "srcs": [file], "files": [file]}
        if re.fullmatch("tests/.*_test.py", file):
            kept = {"size": "medium"} | found.get(name, {})
            tests.append(kept | rule | {"kind": "py_test", "main": file})
        elif file not in taken:
            wanted.append(rule | {"kind": "py_library"})
    owner = {file: rule["name"] for rule in wanted for file in rule["files"]}
    wanted += tests
    for rule in wanted:
        needed = {f for file in rule["files"] for f in imported(file, root)}
        if rule["kind"] == "py_test":
            needed.add("tests/conftest.py")  # pytest imports it by itself.
        deps = {owner[file] for file in needed if file in owner} - {rule["name"]}
        rule["deps"] = sorted(f":{name}" for name in deps)
        texts = "".join((root / file).read_text() for file in rule["files"])
        rule["data"] = sorted({*rule.get("data", ()), *_data(texts, root)})
    return {rule["name"]: rule for rule in wanted}


def _data(text: str, root: pathlib.Path) -> Iterator[str]:
    """Groups of data files that a source names one of."""
    for folder, group in (("gin", ":gin_files"), ("tests/data", ":test_data")):
        names = [re.escape(p.name) for p in (root / folder).glob("*") if p.is_file()]
        if names and re.search(rf"\b({'|'.join(names)})\b", text):
            yield group


def stanza(rule: dict) -> str:
    """A rule as buildifier would write it."""
    lines = [f"{rule['kind']}("]
    for key in _ORDER:
        value = rule.get(key)
        if not value:
            continue
        if isinstance(value, list) and len(value) > 1:
            inner = "".join(f'        "{item}",\n' for item in value)
            lines.append(f"    {key} = [\n{inner}    ],")
        elif isinstance(value, list):
            lines.append(f'    {key} = ["{value[0]}"],')
        elif value.startswith("glob("):
            lines.append(f"    {key} = {value},")
        else:
            lines.append(f'    {key} = "{value}",')
    return "\n".join([*lines, ")\n"])


def rewritten(text: str, root: pathlib.Path = ROOT) -> str:
    """A BUILD file with the rules it should have."""
    header = re.split(r"^py_(?:library|test)\(", text, maxsplit=1, flags=re.M)[0]
    return header + "\n".join(map(stanza, expected(text, root).values()))


if __name__ == "__main__":
    build = ROOT / "BUILD"
    build.write_text(rewritten(build.read_text()))
