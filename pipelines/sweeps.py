"""Sweeps: a run for each seed and each value of some settings, and where it lies.

A run of a sweep is told by its bindings of gin, as in ("comgan.binary_weight=0.5",
"SEED=1"). What settings there are is read from the sources, see `declared`.
"""

import ast
import hashlib
import itertools
import re
from collections.abc import Sequence

from pipelines import declared
from tfcomgan.config import ConfigError, gin_text, places
from tfcomgan.config.messages import nearest, not_taken
from tfcomgan.errors import UserError
from tfcomgan.run_folder import STAGES

_SEEDS = ("SEED", "training.seed")
_LONGEST = 150  # Of a folder's name; file systems take 255 bytes.


def members(
    sweeps: Sequence[str],
    seeds: Sequence[str],
    *,
    gin_files: Sequence[str],
    gin_params: Sequence[str],
) -> list[tuple[str, ...]]:
    """The bindings of each run: all values of all settings with all seeds.

    Args:
      sweeps: A setting and its values each, as in 'comgan.binary_weight=0.5,1.0'.
      seeds: Whole numbers.
      gin_files, gin_params: Of the runs; they say which macros there are.

    Returns:
      Empty where nothing is swept. The seed is the last binding.

    Raises:
      UserError: A setting is unknown, is given twice, or has no values or no good ones;
        or a seed is given beside `seeds`.
    """
    values = {}
    for sweep in sweeps:
        name, found = _read(sweep)
        if name in values:
            raise UserError(
                f"--sweep has {name} twice. Name its values in one --sweep."
            )
        _check_name(name, gin_files)
        values[name] = found
    for param in gin_params:
        if (name := param.partition("=")[0].strip()) in values:
            raise UserError(f"{name} is given by --gin_param and by --sweep. Drop one.")
        if seeds and name.rpartition("/")[2] in _SEEDS:
            raise UserError(f"{name} is given by --gin_param, and --seeds. Drop one.")
    if seeds:
        values["SEED"] = _seeds(seeds)
    if not values:
        return []
    bindings = ([f"{name}={v}" for v in found] for name, found in values.items())
    runs = list(itertools.product(*bindings))
    folders = [folder_of(run) for run in runs]
    if twice := next((f for f in folders if folders.count(f) > 1), None):
        raise UserError(f"Two runs of --sweep would have one folder, {twice}.")
    return runs


def folder_of(bindings: Sequence[str]) -> str:
    """The name of a run's folder, as in 'comgan.binary_weight-0.5+seed-1'."""
    parts = []
    for binding in bindings:
        name, _, value = binding.partition("=")
        name = "seed" if name == "SEED" else name.replace("/", ".")
        value = re.sub(r"[\s'\"()\[\]{}]", "", value)
        parts.append(re.sub(r"[^\w.-]", "_", f"{name}-{value}", flags=re.ASCII))
    folder = "+".join(parts)
    if len(folder) > _LONGEST:
        digest = hashlib.sha256("\n".join(bindings).encode()).hexdigest()
        folder = f"{folder[: _LONGEST - 9]}-{digest[:8]}"
    return folder


def _read(sweep: str) -> tuple[str, list[str]]:
    """The setting of a --sweep, and its values as they are written."""
    name, has_values, text = (part.strip() for part in sweep.partition("="))
    source = f"[{text}]"
    if not has_values or not text:
        raise UserError(
            f"--sweep={sweep} has no values. Try --sweep=comgan.binary_weight=0.5,1.0."
        )
    try:
        (expression,) = ast.parse(source).body
        values = ast.literal_eval(source)
    except (SyntaxError, ValueError) as error:
        raise UserError(
            f"--sweep={sweep}: cannot read the values. They are numbers, True, False, "
            "None, texts or tuples, with commas between; a text needs quotes: "
            "NAME.FIELD='TEXT','TEXT'."
        ) from error
    written = [ast.get_source_segment(source, e) for e in expression.value.elts]
    for index, value in enumerate(values):
        if value in values[:index]:
            raise UserError(f"--sweep={sweep} has {written[index]} twice.")
    return name, written


def _seeds(seeds: Sequence[str]) -> list[int]:
    try:
        numbers = [int(seed) for seed in seeds]
    except ValueError as error:
        raise UserError("--seeds takes whole numbers, as in --seeds=0,1,2.") from error
    if len(set(numbers)) < len(numbers):
        raise UserError("--seeds has a number twice; each makes a run folder.")
    return numbers


def _check_name(name: str, gin_files: Sequence[str]) -> None:
    """Raises UserError where there is no such setting, as 'scope/owner.field', or macro."""
    scope, _, setting = name.rpartition("/")
    if setting in _SEEDS:
        raise UserError(f"--sweep={name}: seeds have their own flag, as --seeds=0,1,2.")
    if scope and scope not in STAGES:
        raise UserError(
            f"--sweep={name}: there is no scope {scope!r}. Scopes: {', '.join(STAGES)}."
        )
    if "." in setting:
        known = declared.settings().items()
        names, found = (
            [f"{o}.{field}" for o, fields in known for field in fields],
            setting,
        )
        what = "setting"
    else:  # No scope holds for a macro.
        names, found, what = _macros(gin_files), name, "macro of the gin files"
    if names is not None and found not in names:
        hint = nearest(found, names)
        raise UserError(f"--sweep={name}: {found!r} is no {what}.{hint}")
    taken = declared.taken()
    if scope and "." in setting and setting.rpartition(".")[0] not in taken[scope]:
        raise UserError(f"--sweep: {not_taken(scope, setting, taken)}")


def _macros(gin_files: Sequence[str]) -> list[str] | None:
    """The macros that gin files define or use; None where one is not on this machine."""
    found, todo, seen = set(), list(gin_files), set()
    while todo:
        try:
            path = places.find(todo.pop())
        except ConfigError:
            return None
        if path not in seen:
            seen.add(path)
            text = gin_text.GinFile(str(path)).read()
            found |= set(re.findall(r"^(\w+)\s*=", text, re.MULTILINE))
            found |= set(re.findall(r"%(\w+)(?![\w.])", text))
            todo += gin_text.included(text)
    return sorted(found)
