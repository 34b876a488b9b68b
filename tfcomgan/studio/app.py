"""Answers what the page asks: a WSGI application, to be put behind `guard.Guard`.

  GET   /, /page.css, /page.js     the page
  GET   /about                     what the model can do
  POST  /photos                    a picture file; gives the name it is kept by
  POST  /cut, /save                a photo's name and choices; gives pictures of the size
                                   of the page, or one as large as the photo
  POST  /scene                     latents; gives a scene and its layers

Errors are JSON with a sentence: {"error": "..."}.
"""

import functools
import importlib.resources
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from tfcomgan.errors import UserError
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.photos import edges
from tfcomgan.studio import wire
from tfcomgan.studio.album import Album, Gone
from tfcomgan.studio.cutouts import Cut, Scissors
from tfcomgan.studio.scenes import MOST, Painter, Part

MOST_BYTES = 64 * 2**20  # Of a picture file.
_FILES = {
    "page.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
}


class App:
    """The application.

    Args:
      name: Of the model, to be shown.
      album: Keeps the photos.
      scissors: Cuts photos out; None where the model has no segmenter.
      painter: Paints scenes; None where it has no generator.
    """

    def __init__(
        self,
        name: str,
        album: Album,
        scissors: Scissors | None,
        painter: Painter | None,
    ):
        self._name, self._album = name, album
        self._scissors, self._painter = scissors, painter
        rules = [_rule("/", "GET", lambda request: _file("page.html"))]
        rules += [
            _rule(f"/{name}", "GET", lambda request, name=name: _file(name))
            for name in _FILES
        ]
        rules.append(_rule("/about", "GET", lambda request: self._about()))
        if scissors:
            rules += [
                _rule("/photos", "POST", self._add),
                _rule("/cut", "POST", functools.partial(self._cut, scissors)),
                _rule("/save", "POST", functools.partial(self._save, scissors)),
            ]
        if painter:
            rules.append(_rule("/scene", "POST", functools.partial(_scene, painter)))
        self._rules = Map(rules)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            asked, _ = self._rules.bind_to_environ(request.environ).match()
            answer = asked(request)
        except HTTPException as error:  # 404, 405 and the like.
            return _error(error.description or error.name, error.code or 500)
        except Gone as error:
            return _error(str(error), 410)
        except UserError as error:
            return _error(str(error), 400)
        except Exception:
            logging.getLogger(__name__).exception("a request failed")
            text = "A defect: what failed is told where the page was started."
            return _error(text, InternalServerError.code)
        return answer if isinstance(answer, Response) else _json(answer)

    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = {"name": self._name, "most_bytes": MOST_BYTES}
        if self._scissors:
            about["refine"] = edges.METHODS
        if self._painter:
            prior = self._painter.prior
            about["scenes"] = {
                "size": prior.image_size,
                "codes": prior.num_codes,
                "moves": len(self._painter.directions),
                "most": MOST,
            }
        return about

    def _add(self, request: Request) -> dict[str, Any]:
        name, photo = self._album.add(request.get_data(cache=False))
        height, width = photo.image.shape[:2]
        size = {"width": width, "height": height}
        return {"photo": name, "note": photo.note} | size

    def _cut(self, scissors: Scissors, request: Request) -> dict[str, Any]:
        cut = self._result(scissors, wire.read(request.get_data()), is_full=False)
        share = float(np.mean(cut.mask >= 128))
        return {name: wire.shown(image) for name, image in cut._asdict().items()} | {
            "share": share
        }

    def _save(self, scissors: Scissors, request: Request) -> Response:
        fields = wire.read(request.get_data())
        what = wire.one_of(Cut._fields, fields, "what")
        image = getattr(self._result(scissors, fields, is_full=True), what)
        return Response(wire.png(image), mimetype="image/png")

    def _result(self, scissors: Scissors, fields: dict, *, is_full: bool) -> Cut:
        choices, ground = wire.choices(fields), self._ground(fields)
        photo = self._album.get(wire.text(fields, "photo"))
        return scissors.cut(photo.image if is_full else photo.shown, choices, ground)

    def _ground(self, fields: dict) -> np.ndarray:
        """uint8 [S,S,3], or one colour, [3]."""
        if "colour" in fields or not self._painter:
            return wire.colour(fields)
        part = _part(self._painter, fields, "ground")
        return to_uint8(self._painter.ground(part))


def _scene(painter: Painter, request: Request) -> dict[str, str]:
    fields = wire.read(request.get_data())
    what, ground = (_part(painter, fields, name) for name in ("object", "ground"))
    layers = painter.scene(what, ground)._asdict()
    levels = {
        name: (mask_to_uint8 if name == "mask" else to_uint8)(layer[0])
        for name, layer in layers.items()
    }
    return {name: wire.shown(image) for name, image in levels.items()}


def _part(painter: Painter, fields: dict, name: str) -> Part:
    return wire.part(fields, name, painter.prior, len(painter.directions))


def _rule(path: str, method: str, answer: Callable) -> Rule:
    return Rule(path, methods=[method], endpoint=answer)


def _file(name: str) -> Response:
    content = importlib.resources.files("tfcomgan.studio").joinpath(name).read_bytes()
    return Response(content, content_type=f"{_FILES[name]}; charset=utf-8")


def _json(answer: dict, status: int = 200) -> Response:
    return Response(json.dumps(answer), status, mimetype="application/json")


def _error(sentence: str, status: int) -> Response:
    return _json({"error": sentence}, status)
