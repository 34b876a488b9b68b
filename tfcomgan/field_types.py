"""Whether a value fits a type hint: what `config` checks of every setting."""

import contextlib
import types
import typing


class Mismatch(Exception):
    """A value is not of the hinted type."""


def conform(value, hint):
    """The value, with lists as tuples and ints as hinted floats; or raises Mismatch."""
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for arg in args:
            with contextlib.suppress(Mismatch):
                return conform(value, arg)
        raise Mismatch
    if origin is typing.Literal:
        is_fit = (type(value), value) in [(type(a), a) for a in args]
    elif origin in (tuple, list):
        is_fit = isinstance(value, tuple | list)
        if is_fit and args:
            is_any_length = origin is list or args[-1] is Ellipsis
            hints = args[:1] * len(value) if is_any_length else args
            is_fit = len(value) == len(hints)
            value = [conform(v, h) for v, h in zip(value, hints, strict=False)]
        value = tuple(value) if is_fit else value
    elif origin in (int, float):
        kinds = int if origin is int else (int, float)
        is_fit = isinstance(value, kinds) and not isinstance(value, bool)
        value = origin(value) if is_fit else value
    else:  # Protocols, Callable and other classes are not checked.
        is_known = origin in (bool, str, types.NoneType)
        is_fit = not is_known or isinstance(value, origin)
    if not is_fit:
        raise Mismatch
    return value


def describe(hint) -> str:
    """A hint in words, as 'int' or "one of 'a', 'b'"."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(describe, args))
    if hint is types.NoneType:
        return "None"
    return str(hint) if origin else getattr(hint, "__name__", str(hint))
