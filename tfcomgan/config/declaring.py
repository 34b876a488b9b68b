"""Classes and functions that gin files bind, with the types of their fields checked."""

import dataclasses
import functools
import inspect
import re
import typing
from collections.abc import Callable, Iterable

import gin

from tfcomgan.config import field_types
from tfcomgan.config.messages import ConfigError, nearest

parameters_of: dict[str, tuple[str, ...]] = {}  # Of every configurable, by its name.
_origin: dict[str, str] = {}  # The qualified name of what was registered.


def _register(target, name: str, parameters: Iterable[str]):
    """Registers a class or function with gin, under `name` in module 'tfcomgan'."""
    origin = target.__qualname__
    # The same definition may come twice (`__main__` and an import); two may not share.
    if _origin.setdefault(name, origin) != origin:
        raise ValueError(f"`{name}` names both {_origin[name]} and {origin}.")
    parameters_of[name] = tuple(parameters)
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
            f"({type(value).__name__}).{nearest(value, choices)}"
        ) from None


def name_of(cls) -> str:
    """The name gin files call a settings class by."""
    return next(name for name, origin in _origin.items() if origin == cls.__qualname__)
