"""What is said of a wrong setting: the error, and the nearest name there is."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping

from tfcomgan.errors import UserError


class ConfigError(UserError, ValueError):
    """A gin file, a gin parameter or a setting is wrong."""


def nearest(word: str, known: Iterable[str], listed_as: str = "") -> str:
    """' Did you mean ...?', or what is known when nothing is near and it has a title."""

    def tail(name):  # 'scenes' of 'gin/scenes.gin', 'net' of 'toy.net'.
        return re.split("[./]", name.removesuffix(".gin"))[-1]

    names = {tail(k): k for k in sorted(known)} | {k: k for k in known}
    for candidate in (word, tail(word)) if names else ():
        if close := difflib.get_close_matches(candidate, names, n=1):
            return f" Did you mean {names[close[0]]!r}?"
    listing = ", ".join(sorted(set(names.values()))) or "none"
    return f" {listed_as}: {listing}." if listed_as else ""


def not_taken(scope: str, setting: str, taken: Mapping[str, Collection[str]]) -> str:
    """What to say of a setting, as 'owner.field', that is bound in a scope without use.

    taken: Names of settings classes, by scope.
    """
    owner = setting.rpartition(".")[0]
    takers = [other for other, owners in taken.items() if owner in owners]
    advice = f"Stages that do: {', '.join(takers)}." if takers else "Nor does another."
    return (
        f"`{scope}/{setting}` has no effect: {scope} does not take {owner!r}. {advice}"
    )
