"""What settings there are, and which stage takes which, as the sources say it.

Where a pipeline is written, TensorFlow may be missing: nothing is imported, all is read
from the syntax.
"""

import ast
import functools
import pathlib

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SOURCE = "making.Source"  # What data sets inherit; `prepare` takes one of them.


@functools.cache
def settings() -> dict[str, list[str]]:
    """The fields of all settings classes, by the names that gin files call these by."""
    classes = _classes()

    def fields(name):  # Also of what it inherits from another module.
        if name not in classes:
            return []
        node = classes[name]
        own = [
            line.target.id
            for line in node.body
            if isinstance(line, ast.AnnAssign)
            and not ast.unparse(line.annotation).startswith("ClassVar")
        ]
        return [f for base in node.bases for f in fields(ast.unparse(base))] + own

    return {own: fields(name) for own, name in _names().items()}


@functools.cache
def taken() -> dict[str, set[str]]:
    """The names of the settings that each stage takes; `prepare` those of any data set."""
    by_class = {name.rpartition(".")[2]: own for own, name in _names().items()}
    stages = {}
    for call in ast.walk(_parsed(_ROOT / "pipelines/stages.py")):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Stage":
            module, _, function = ast.unparse(call.args[1]).partition(".")
            names = _parameters(_ROOT / f"pipelines/{module}.py", function)
            stages[ast.literal_eval(call.args[0])] = {
                by_class[name] for name in names if name in by_class
            }
    return stages | {"prepare": stages["prepare"] | _data_sets()}


def _parameters(path: pathlib.Path, function: str) -> list[str]:
    """The annotations of a function's parameters."""
    (node,) = (
        node
        for node in _parsed(path).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    every = (*node.args.args, *node.args.kwonlyargs)
    return [ast.unparse(one.annotation) for one in every]


def _data_sets() -> set[str]:
    classes = _classes()

    def is_one(name):
        bases = map(ast.unparse, classes[name].bases) if name in classes else ()
        return name == _SOURCE or any(map(is_one, bases))

    return {own for own, name in _names().items() if is_one(name)}


@functools.cache
def _classes() -> dict[str, ast.ClassDef]:
    """By 'module.Class', as a base is written in another module."""
    return {
        f"{path.stem}.{node.name}": node
        for package in ("tfcomgan", "pipelines")
        for path in (_ROOT / package).rglob("*.py")
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.ClassDef)
    }


def _names() -> dict[str, str]:
    """'module.Class' by the name that gin files call it by."""
    return {
        ast.literal_eval(mark.args[0]): name
        for name, node in _classes().items()
        for mark in node.decorator_list
        if ast.unparse(mark).startswith("config.settings(")
    }


def _parsed(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
