"""Asks the page without a server between: addresses, a whole question, its answer."""

from werkzeug.test import Client

from tfcomgan.studio import app, guard
from tfcomgan.studio.album import Album

HOME = "http://127.0.0.1:7860"
PART = {"seed": 0, "moves": [0, 0], "code": 1}
CHOICES = {"refine": "grabcut", "threshold": None, "colour": "#ffffff"}
MOST_BYTES = 2**20


def client(folder, scissors, painter) -> Client:
    """The page over a painter and scissors, each or None; photos lie in the folder."""
    inside = app.App("scenes", Album(folder, 10**6), scissors, painter)
    return Client(guard.Guard(inside, MOST_BYTES))


def ask(page, path, fields, **more):
    """The answer to a question of these fields, as the page itself puts it."""
    return page.post(path, json=fields, base_url=HOME, **more)
