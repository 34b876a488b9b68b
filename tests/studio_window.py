"""A page of the studio in a browser: a server of a known model, and what hands do there."""

import base64
import contextlib
import io
import pathlib
import threading
import time

import numpy as np
from PIL import Image

from tfcomgan.serving.export_generator import Prior, Scenes
from tfcomgan.studio import app, guard, server
from tfcomgan.studio.album import Album
from tfcomgan.studio.cutouts import Scissors
from tfcomgan.studio.scenes import Painter

SIZE, _CODES = 16, 4
_PRIOR = Prior(SIZE, z_dim=6, z_std=1.0, num_codes=_CODES, tie_codes=False)
# What a page does when files are dropped on it, or pasted.
_GIVE = """
const [kind, ...files] = arguments;
const given = new DataTransfer();
for (const [name, content] of files) {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  given.items.add(new File([bytes], name));
}
if (!files.length) given.setData("text/uri-list", "http://somewhere.org/a.png");
const event = kind === "drop"
  ? new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true })
  : new ClipboardEvent(kind, { clipboardData: given, bubbles: true });
document.body.dispatchEvent(event);
"""
# Moves a slider, ticks a box, chooses or types: the element of this id to this value.
MOVE = """
const [id, value] = arguments;
const field = document.getElementById(id);
if (field.type === "checkbox") field.checked = value; else field.value = value;
for (const kind of ["input", "change"])
  field.dispatchEvent(new Event(kind, { bubbles: true }));
"""
# Of the picture in the element of this id.
ADDRESS = "document.getElementById(arguments[0]).src"


def _bright(images):
    """A segmenter that finds what is bright."""
    return (images.mean(-1, keepdims=True) / 255).astype(np.float32)


def _paint(latents) -> Scenes:
    """A disc that z moves; f and b are shades of the object and of the ground."""
    z, f, b = (np.asarray(x) for x in latents)
    row, column = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1) - 0.5
    middle = 0.2 * z[:, :2, None, None]
    distance = np.hypot(row - middle[:, 0], column - middle[:, 1])[..., None]
    mask = 1 / (1 + np.exp(20 * (distance - 0.3)))
    layers = [
        np.broadcast_to(
            (x.argmax(-1) / _CODES)[:, None, None, None], [len(z), SIZE, SIZE, 3]
        )
        for x in (f, b)
    ]
    texture = 0.2 * np.sin(7 * z[:, 2:3, None, None] + row[..., None] * 5)
    front, ground = layers[0], texture - layers[1]
    composite = mask * front + (1 - mask) * ground
    return Scenes(*(x.astype(np.float32) for x in (composite, mask, front, ground)))


PAINTER = Painter(_paint, _PRIOR)


def photo(side: int = 60, colour=(250, 200, 220)) -> np.ndarray:
    """A bright square on a dark ground."""
    image = np.full([side, 2 * side, 3], 20, np.uint8)
    image[side // 4 : side // 2, side // 2 : side] = colour
    return image


class Place(contextlib.ExitStack):
    """A server in a thread of its own; its `address`, and the `album` it keeps."""

    def __init__(self, folder: pathlib.Path, painter: Painter | None = PAINTER):
        super().__init__()
        self.album = Album(folder, 10**6)
        page = app.App("scenes", self.album, Scissors(_bright, 32), painter)
        guarded = guard.Guard(page, app.MOST_BYTES)
        self._listener = self.enter_context(server.listening(guarded, 0))
        self.address = f"http://127.0.0.1:{self._listener.port}/"
        self._thread = threading.Thread(target=server.serve, args=[self._listener])
        self._thread.start()
        self.callback(self.stop)

    def stop(self) -> None:
        """Ends the server, as a Ctrl-C where it runs."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


def open_page(window, place):
    """The window, with the page of a `Place` as it is when just opened."""
    window.resize(1280, 900)
    window.go(place.address)
    window.until("'ready' in document.documentElement.dataset")
    return window


def give(page, *files, kind: str = "drop") -> None:
    """Drops files on the page, each (name, content), or pastes them; none is an address."""
    coded = [(name, base64.b64encode(content).decode()) for name, content in files]
    page.run(_GIVE, kind, *coded)


def shown(page, name: str, before: str = "") -> np.ndarray:
    """The picture in a frame of the page, as soon as it is another one than before."""
    address = page.until(f"{ADDRESS} !== arguments[1] && {ADDRESS}", name, before)
    return picture(address)


def until_shown(page, name: str, expected: np.ndarray) -> None:
    """Waits for a frame to show a picture, up to rounding."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        seen = shown(page, name)
        if seen.shape == expected.shape:
            difference = np.abs(seen.astype(int) - expected).max()
            if difference <= 1:
                return
        time.sleep(0.05)
    raise AssertionError(f"{name} shows another picture")


def picture(address: str) -> np.ndarray:
    """The picture of a data: address."""
    return np.asarray(
        Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2])))
    )


def text_of(page, name: str) -> str:
    """What the element of this id says."""
    return page.run("return document.getElementById(arguments[0]).textContent", name)
