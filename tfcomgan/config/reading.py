"""Gin files and bindings into gin, and settings out of it; its errors in our words."""

import contextlib
import os
import re
import tokenize
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import gin

from tfcomgan.config import declaring, places
from tfcomgan.config.gin_text import GinFile
from tfcomgan.config.messages import ConfigError, nearest, not_taken
from tfcomgan.errors import UserError, without_gin_trail

for _root in places.ROOTS:
    gin.add_config_file_search_path(str(_root))
# Alone: gin's second reader takes 'a/b.gin' for a Python package, logs an error each time,
# and fails where nobody has imported importlib.util.
gin.config._FILE_READERS[:] = [(GinFile, os.path.isfile)]


def parse(gin_files: Sequence[str], gin_params: Sequence[str] = ()) -> None:
    """Replaces the configuration by the files, the later one winning, then the parameters.

    The modules with the configurables must have been imported before.

    Args:
      gin_files: Names as `places.resolve` takes them.
      gin_params: Bindings 'name.field=value', 'scope/name.field=value' or
        'MACRO=value', where the files define or use the macro.

    Raises:
      ConfigError: A file, configurable, parameter or macro is unknown, or the syntax
        is wrong.
    """
    gin.clear_config()
    for path in places.resolve(gin_files):
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
            near = nearest(key, macros, "Known")
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
    for pattern, in_our_words in _OURS:
        if match := re.match(pattern, text):
            text = in_our_words(*match.groups())
            break
    return f"{where}: {text}"


def _no_configurable(name: str) -> str:
    name = name.split("/")[-1]
    near = nearest(name, declaring.parameters_of, "Known")
    return f"there is no configurable {name!r}.{near}"


def _no_parameter(name: str, field: str) -> str:
    known = declaring.parameters_of
    # A file may give the end of a name: 'net' for 'toy.net'.
    own = [known[n] for n in known if f"tfcomgan.{n}".endswith(f".{name}")]
    near = nearest(field, own[0] if own else (), "It has")
    others = ", ".join(f"{n}.{field}" for n in known if field in known[n])
    there = f" There is {others}." if others else ""
    return f"{name!r} has no parameter {field!r}.{near}{there}"


def _no_macro(name: str) -> str:
    near = nearest(name, _macros() - {name})
    return f"the macro %{name} is used and not defined.{near} {_set_macro(name)}"


def _empty_macro(name: str) -> str:
    return f"the macro {name} must be set. {_set_macro(name)}"


def _set_macro(name: str) -> str:
    return f"Define it in a gin file, or with --gin_param={name}=VALUE."


def _no_file(name: str) -> str:
    try:
        return f"cannot open {places.find(name)}."
    except ConfigError as missing:
        return str(missing)


# How messages of gin begin, and what says the same in our words.
_OURS: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"No configurable matching (?:reference )?'@?([^'()]*)", _no_configurable),
    (r"Configurable '(.*)' doesn't .* named '(.*)'", _no_parameter),
    (r"(.*)/(?:gin\.)?macro\.value set to `%gin", _empty_macro),
    (r"No bindings specified for '(.*)/gin.macro'", _no_macro),
    (r"Unable to open file: (.*)\. Searched", _no_file),
)


def check_scopes(scopes: Iterable[str]) -> None:
    """Raises ConfigError if a binding is in a scope that nothing enters."""
    used = {s for s, selector in gin.config._CONFIG if s and selector != "gin.macro"}
    for scope in sorted(used - set(scopes)):
        near = nearest(scope, scopes, "Scopes")
        raise ConfigError(f"There is no scope {scope!r} for a binding.{near}")


def check_taken(taken: Mapping[str, Collection[str]]) -> None:
    """Raises ConfigError if a binding in a scope is of what is not built there.

    Args:
      taken: By scope, the names of the settings classes that are built in it.
    """
    for (scope, selector), fields in sorted(gin.config._CONFIG.items()):
        name = selector.removeprefix("tfcomgan.")
        if scope and fields and selector != "gin.macro" and name not in taken[scope]:
            raise ConfigError(not_taken(scope, f"{name}.{min(fields)}", taken))


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
