"""What is said of a wrong setting: the error, and the nearest name there is."""

import difflib
import re
from collections.abc import Iterable

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
