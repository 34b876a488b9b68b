"""Whether a value fits a type hint: what `config` checks of every setting.

A number's range is part of its hint, as in `Annotated[float, at_least(0)]` or
`Annotated[float, within("[0, 1)")]`.
"""

import contextlib
import re
import types
import typing
from collections.abc import Callable
from typing import NamedTuple


class Mismatch(Exception):
    """A value is not of the hinted type."""


class OutOfRange(Exception):
    """A value is of the hinted type, and outside the `Range` it is raised with."""


class Range(NamedTuple):
    """Which numbers fit.

    words: What a number must do, as in 'be positive'.
    holds: Whether one does.
    advice: A sentence for whom it does not.
    """

    words: str
    holds: Callable[[float], bool]
    advice: str = ""


def at_least(low: float) -> Range:
    """This number or more."""
    words = f"be at least {low}" if low else "not be negative"
    return Range(words, lambda value: value >= low)


# More than 0.
POSITIVE = Range("be positive", lambda value: value > 0)


def within(interval: str, advice: str = "") -> Range:
    """An interval as mathematics writes it: '[0, 1]', '(0, 0.5)', '[0, 2^32)'."""
    match = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", interval)
    if match is None:
        raise ValueError(f"Not an interval, as '[0, 1)': {interval!r}.")
    left, right, low, high = match[1], match[4], _number(match[2]), _number(match[3])

    def holds(value):
        is_above = value >= low if left == "[" else value > low
        is_below = value <= high if right == "]" else value < high
        return is_above and is_below

    inside = "inside" if left + right == "()" else "in"
    return Range(f"lie {inside} {interval}", holds, advice)


def _number(text: str) -> float:
    base, _, power = text.partition("^")
    return float(base) ** int(power or 1)


def conform(value, hint):
    """The value, with lists as tuples and ints as hinted floats.

    Raises:
      Mismatch: It is of another type.
      OutOfRange: It is a number that the hint's `Range` has no place for.
    """
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Annotated:
        value = conform(value, args[0])
        for limit in args[1:]:
            if not limit.holds(value):
                raise OutOfRange(limit)
        return value
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
    if origin is typing.Annotated:
        return describe(args[0])
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(describe, args))
    if hint is types.NoneType:
        return "None"
    return str(hint) if origin else getattr(hint, "__name__", str(hint))
