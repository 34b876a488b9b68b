"""Settings: frozen dataclasses bound by gin files; the one package that imports gin.

`settings` declares a class, `parse` reads the files and the command line, `build`
makes an instance. gin checks no types, never looks for near names and reports
through wrapped exceptions; here each of these becomes a `ConfigError`. `field_types` has
the types and ranges of fields, `gin_text` the text of a gin file. Part of the vocabulary:
may import nothing of ours but `errors`.
"""

import contextlib
import dataclasses
import difflib
import functools
import inspect
import os
import pathlib
import re
import tokenize
import typing
from collections.abc import Callable, Iterable, Sequence

import gin

from tfcomgan.config import field_types
from tfcomgan.config.gin_text import GinFile
from tfcomgan.errors import UserError, without_gin_trail

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# Where 'gin/scenes.gin' is looked for after the working directory: the checkout, and
# what `pip install` copies into the package.
_ROOTS = (_PACKAGE.parent, _PACKAGE / "resources")
for _root in _ROOTS:
    gin.add_config_file_search_path(str(_root))
# Alone: gin's second reader takes 'a/b.gin' for a Python package, logs an error each time,
# and fails where nobody has imported importlib.util.
gin.config._FILE_READERS[:] = [(GinFile, os.path.isfile)]

_parameters: dict[str, tuple[str, ...]] = {}  # Of every configurable, by its name.
_origin: dict[str, str] = {}  # The qualified name of what was registered.


class ConfigError(UserError, ValueError):
    """A gin file, a gin parameter or a setting is wrong."""


def _register(target, name: str, parameters: Iterable[str]):
    """Registers a class or function with gin, under `name` in module 'tfcomgan'."""
    origin = target.__qualname__
    # The same definition may come twice (`__main__` and an import); two may not share.
    if _origin.setdefault(name, origin) != origin:
        raise ValueError(f"`{name}` names both {_origin[name]} and {origin}.")
    _parameters[name] = tuple(parameters)
    gin.enter_interactive_mode()
    try:
        with gin.unlock_config():  # Modules may be imported after `parse`.
            return gin.configurable(name, module="tfcomgan")(target)
    finally:
        gin.exit_interactive_mode()


def configurable(function: Callable | str):
    """Registers a plain function with explicit parameters: `@configurable` or `("name")`."""
    if isinstance(function, str):
        return lambda f: _register(f, function, inspect.signature(f).parameters)
    return configurable(function.__name__)(function)


@typing.dataclass_transform(kw_only_default=True, frozen_default=True)
def settings(name: str):
    """Makes a class a frozen, keyword-only dataclass, checked, and bound by gin.

    A field without default must be bound. Types are checked for int, float (an int
    will do), bool, str, None, Literal, tuple and unions of them; a list becomes a
    tuple. Other types are not checked. A number may have a range, see `field_types`.
    What takes several fields is checked by `__post_init__`, which runs after.

    Args:
      name: What gin files call it, as in `name.field = value`.

    Returns:
      A decorator, which returns the class itself.
    """

    def decorate(cls):
        cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        fields = [f for f in dataclasses.fields(cls) if f.init]
        required = [
            f.name
            for f in fields
            if f.default is f.default_factory is dataclasses.MISSING
        ]
        hints = functools.cache(lambda: typing.get_type_hints(cls, include_extras=True))
        plain_init = cls.__init__

        @functools.wraps(plain_init)
        def checked_init(self, *args, **kwargs):
            missing = [f"`{name}.{f}`" for f in required if f not in kwargs]
            if missing and not args:
                raise ConfigError(
                    f"Required settings are not bound: {', '.join(missing)}. Bind them "
                    f"in a gin file, or with --gin_param={missing[0].strip('`')}=VALUE."
                )
            known = {k: hints()[k] for k in kwargs if k in hints()}
            for field, hint in known.items():
                kwargs[field] = _checked(f"{name}.{field}", kwargs[field], hint)
            plain_init(self, *args, **kwargs)

        # gin reads defaults from the signature and does not follow __wrapped__ there.
        checked_init.__signature__ = inspect.signature(plain_init)
        cls.__init__ = checked_init
        return _register(cls, name, [f.name for f in fields])

    return decorate


def _checked(label: str, value, hint):
    try:
        return field_types.conform(value, hint)
    except field_types.OutOfRange as error:
        (limit,) = error.args
        text = f"`{label}` must {limit.words}. Received: {value!r}. {limit.advice}"
        raise ConfigError(text.strip()) from None
    except field_types.Mismatch:
        choices = [
            c for c in re.findall(r"'(.*?)'", str(hint)) if isinstance(value, str)
        ]
        raise ConfigError(
            f"`{label}` must be {field_types.describe(hint)}. Received: {value!r} "
            f"({type(value).__name__}).{_nearest(value, choices)}"
        ) from None


def _nearest(word: str, known: Iterable[str], listed_as: str = "") -> str:
    """' Did you mean ...?', or what is known when nothing is near and it has a title."""

    def tail(name):  # 'scenes' of 'gin/scenes.gin', 'net' of 'toy.net'.
        return re.split("[./]", name.removesuffix(".gin"))[-1]

    names = {tail(k): k for k in sorted(known)} | {k: k for k in known}
    for candidate in (word, tail(word)) if names else ():
        if close := difflib.get_close_matches(candidate, names, n=1):
            return f" Did you mean {names[close[0]]!r}?"
    listing = ", ".join(sorted(set(names.values()))) or "none"
    return f" {listed_as}: {listing}." if listed_as else ""


def resolve(gin_files: Sequence[str]) -> list[pathlib.Path]:
    """The gin files as found in the working directory, the checkout or the package.

    Raises:
      ConfigError: One is in none of them.
    """
    return [_resolve(name) for name in gin_files]


def _resolve(name: str) -> pathlib.Path:
    name = os.path.expanduser(name)
    folders = (pathlib.Path.cwd(), *_ROOTS)
    for folder in folders:
        if (folder / name).is_file():  # An absolute name replaces the folder.
            return folder / name
    known = {str(path) for path in pathlib.Path(name).parent.glob("*.gin")}
    for folder in folders:
        known |= {str(p.relative_to(folder)) for p in folder.glob("gin/**/*.gin")}
    places = ", ".join(dict.fromkeys(str(folder) for folder in folders[:2]))
    raise ConfigError(
        f"There is no gin file {name!r} in {places}.{_nearest(name, known, 'Known')}"
    )


def parse(gin_files: Sequence[str], gin_params: Sequence[str] = ()) -> None:
    """Replaces the configuration by the files, the later one winning, then the parameters.

    The modules with the configurables must have been imported before.

    Args:
      gin_files: Names as `resolve` takes them.
      gin_params: Bindings 'name.field=value', 'scope/name.field=value' or
        'MACRO=value', where the files define or use the macro.

    Raises:
      ConfigError: A file, configurable, parameter or macro is unknown, or the syntax
        is wrong.
    """
    gin.clear_config()
    for path in resolve(gin_files):
        with _translated(str(path)):
            gin.parse_config_file(str(path))
    macros = _macros()
    for param in gin_params:
        source = f"--gin_param={param}"
        key, has_value, _ = (part.strip() for part in param.partition("="))
        if not has_value:
            raise ConfigError(
                f"{source} has no '='. Expected NAME.FIELD=VALUE or MACRO=VALUE."
            )
        if "." not in key and key not in macros:
            near = _nearest(key, macros, "Known")
            raise ConfigError(f"{source}: the gin files have no macro {key!r}.{near}")
        with _translated(source):
            gin.parse_config([param])
    with _translated("The gin files"):
        gin.finalize()


def _macros() -> set[str]:
    """The macros defined or used so far; gin has no public list of them."""
    config = gin.config._CONFIG
    used = gin.config.iterate_references(config, to=gin.get_configurable("gin.macro"))
    defined = {scope for scope, selector in config if selector == "gin.macro"}
    return defined | {"/".join(reference.scopes) for reference in used}


@contextlib.contextmanager
def _translated(source: str):
    """Turns what gin raises while it reads `source` into a ConfigError."""
    try:
        yield
    except RecursionError:  # Its text, wrapped once per file, is too deep to print.
        raise ConfigError(f"{source}: it includes itself.") from None
    except Exception as error:
        raise ConfigError(_explain(error, source)) from error


_SET_MACRO = "Define it in a gin file, or with --gin_param={}=VALUE."


def _explain(error: Exception, source: str) -> str:
    if isinstance(error, SyntaxError):
        is_file = error.filename and not error.filename.startswith("<")
        where = f"{error.filename} line {error.lineno}" if is_file else source
        quotes = " A text needs quotes: NAME.FIELD='TEXT'."
        return f"{where}: cannot read {(error.text or '').strip()!r}.{quotes}"
    if isinstance(error, UnicodeDecodeError):
        return f"{source}: this is no text in UTF-8 ({error}). Save it as UTF-8."
    if isinstance(error, tokenize.TokenError):
        return f"{source}: a bracket or a quote is left open ({error.args[0]})."
    # gin appends '\n  In file "...", line 3' or '\n  In bindings string line 1'.
    text, _, location = str(error).partition("\n  In ")
    line = re.search(r'file "(.*)", line (\d+)', location)
    where = f"{line[1]} line {line[2]}" if line else source
    if found := re.match(r"No configurable matching (?:reference )?'@?([^'()]*)", text):
        name = found[1].split("/")[-1]
        text = (
            f"there is no configurable {name!r}.{_nearest(name, _parameters, 'Known')}"
        )
    elif found := re.match(r"Configurable '(.*)' doesn't .* named '(.*)'", text):
        name, field = found.groups()
        # A file may give the end of a name: 'net' for 'toy.net'.
        own = [
            f for n, f in _parameters.items() if f"tfcomgan.{n}".endswith(f".{name}")
        ]
        near = _nearest(field, own[0] if own else (), "It has")
        text = f"{name!r} has no parameter {field!r}.{near}"
        if others := [f"{n}.{field}" for n, f in _parameters.items() if field in f]:
            text += f" There is {', '.join(others)}."
    elif found := re.match(r"(.*)/(?:gin\.)?macro\.value set to `%gin", text):
        text = f"the macro {found[1]} must be set. {_SET_MACRO.format(found[1])}"
    elif found := re.match(r"No bindings specified for '(.*)/gin.macro'", text):
        name = found[1]
        text = (
            f"the macro %{name} is used and not defined."
            f"{_nearest(name, _macros() - {name})} {_SET_MACRO.format(name)}"
        )
    elif found := re.match(r"Unable to open file: (.*)\. Searched", text):
        try:
            _resolve(found[1])
        except ConfigError as missing:
            text = str(missing)
    return f"{where}: {text}"


def name_of(cls) -> str:
    """The name gin files call a settings class by."""
    return next(name for name, origin in _origin.items() if origin == cls.__qualname__)


def check_scopes(scopes: Iterable[str]) -> None:
    """Raises ConfigError if a binding is in a scope that nothing enters."""
    used = {s for s, selector in gin.config._CONFIG if s and selector != "gin.macro"}
    for scope in sorted(used - set(scopes)):
        near = _nearest(scope, scopes, "Scopes")
        raise ConfigError(f"There is no scope {scope!r} for a binding.{near}")


def build(cls, scope: str = ""):
    """An instance of a settings class as gin binds it, in a scope.

    Raises:
      ConfigError: A binding is missing, of a wrong type, or refused by the class.
    """
    try:
        with gin.config_scope(scope or None):
            return cls()
    except UserError as error:
        raise ConfigError(without_gin_trail(error)) from error
    except RecursionError:
        raise ConfigError(f"{cls.__name__}: a gin macro refers to itself.") from None
    except (ValueError, TypeError, RuntimeError) as error:
        call = re.search(r"\n  In call to configurable '([^']*)'", str(error))
        name = call[1] if call else cls.__name__
        raise ConfigError(f"`{name}`: {without_gin_trail(error)}") from error


def operative_text() -> str:
    """The bindings and defaults used so far, as a gin file."""
    return gin.operative_config_str()
