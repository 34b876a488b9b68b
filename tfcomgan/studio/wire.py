"""What the page sends and gets: JSON, whose every field is checked, and pictures.

Nothing in it names a file or an address.
"""

import base64
import io
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from tfcomgan.errors import UserError
from tfcomgan.photos import edges
from tfcomgan.photos.edges import Choices
from tfcomgan.serving.export_generator import Prior
from tfcomgan.studio.scenes import MOST, Part

_SEEDS = 2**31
_QUICK = 1  # PNG compression: a ninth of the default's time, files a quarter larger.


class Wrong(UserError):
    """A request that the page would not send."""


def read(content: bytes) -> dict[str, Any]:
    """The fields of a request.

    Raises:
      Wrong: It is no JSON object.
    """
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        fields = None
    return _checked("the request", fields, isinstance(fields, dict), "a JSON object")


def text(fields: dict, name: str) -> str:
    """A field that is a text; raises Wrong."""
    value = fields.get(name)
    return _checked(name, value, isinstance(value, str), "a text")


def one_of(known: Sequence[str], fields: dict, name: str) -> str:
    """A field that is one of some texts; raises Wrong."""
    value = fields.get(name)
    return _checked(name, value, value in known, f"of {', '.join(known)}")


def choices(fields: dict) -> Choices:
    """How the mask is made; raises Wrong."""
    refine, threshold = one_of(edges.METHODS, fields, "refine"), fields.get("threshold")
    if threshold is not None:
        is_right = _is_number(threshold) and 0.01 <= threshold <= 0.99
        _checked("threshold", threshold, is_right, "null or from 0.01 to 0.99")
    average, invert = (_flag(fields, name) for name in ("average", "invert"))
    return Choices(refine, average, threshold, invert)


def part(fields: dict, name: str, prior: Prior, num_moves: int) -> Part:
    """The latents of an object or ground; raises Wrong."""
    value = fields.get(name)
    value = _checked(name, value, isinstance(value, dict), "a JSON object")
    seed, moves, code = (value.get(key) for key in ("seed", "moves", "code"))
    _checked("seed", seed, _is_whole(seed, _SEEDS), f"a whole number below {_SEEDS}")
    is_right = isinstance(moves, list) and len(moves) == num_moves
    is_right = is_right and all(_is_number(x) and abs(x) <= MOST for x in moves)
    _checked("moves", moves, is_right, f"{num_moves} numbers from {-MOST} to {MOST}")
    if prior.num_codes:
        is_right = _is_whole(code, prior.num_codes)
        _checked("code", code, is_right, f"a whole number below {prior.num_codes}")
    else:
        _checked("code", code, code is None, "null: this generator takes none")
    return Part(seed, tuple(map(float, moves)), code)


def colour(fields: dict) -> np.ndarray:
    """uint8 [3] of a field `colour` like '#ff00ff'; raises Wrong."""
    value = fields.get("colour")
    is_right = isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value)
    value = _checked("colour", value, bool(is_right), "like #ff00ff")
    return np.frombuffer(bytes.fromhex(value[1:]), np.uint8)


def png(image: np.ndarray) -> bytes:
    """The PNG file of uint8 [H,W], [H,W,3] or [H,W,4]."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", compress_level=_QUICK)
    return file.getvalue()


def shown(image: np.ndarray) -> str:
    """The same as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode("ascii")


def _checked(name: str, value: Any, is_right: bool, expected: str) -> Any:
    """The value, or `Wrong` with a sentence."""
    if not is_right:
        raise Wrong(f"`{name}` must be {expected}. Received: {repr(value)[:100]}.")
    return value


def _flag(fields: dict, name: str) -> bool:
    value = fields.get(name, False)
    return _checked(name, value, isinstance(value, bool), "true or false")


def _is_whole(value: Any, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def _is_number(value: Any) -> bool:
    # Not isfinite: a whole number may be larger than any float.
    return type(value) in (int, float) and -math.inf < value < math.inf
