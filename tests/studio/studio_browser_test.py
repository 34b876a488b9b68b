"""The page in headless Chromium: photos dropped, sliders moved, a phone, two users."""

import base64
import contextlib
import io
import pathlib
import sys
import threading
import time

import browser
import numpy as np
import pytest
from picture_bytes import encode
from PIL import Image

from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.serving.export_generator import Prior, Scenes
from tfcomgan.studio import app, guard, server
from tfcomgan.studio.album import Album
from tfcomgan.studio.cutouts import Scissors
from tfcomgan.studio.scenes import Painter, Part

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not browser.IS_THERE, reason="needs chromium and chromedriver, not installed"
    ),
]
SIZE, CODES = 16, 4
PRIOR = Prior(SIZE, z_dim=6, z_std=1.0, num_codes=CODES, tie_codes=False)
# What a page does when files are dropped on it, or pasted.
GIVE = """
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
MOVE = """
const [id, value] = arguments;
const field = document.getElementById(id);
if (field.type === "checkbox") field.checked = value; else field.value = value;
for (const kind of ["input", "change"])
  field.dispatchEvent(new Event(kind, { bubbles: true }));
"""
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
            (x.argmax(-1) / CODES)[:, None, None, None], [len(z), SIZE, SIZE, 3]
        )
        for x in (f, b)
    ]
    texture = 0.2 * np.sin(7 * z[:, 2:3, None, None] + row[..., None] * 5)
    front, ground = layers[0], texture - layers[1]
    composite = mask * front + (1 - mask) * ground
    return Scenes(*(x.astype(np.float32) for x in (composite, mask, front, ground)))


PAINTER = Painter(_paint, PRIOR)


def _photo(side: int = 60, colour=(250, 200, 220)) -> np.ndarray:
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
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("session")) as made:
        yield made


@pytest.fixture(scope="module")
def window():
    with browser.opened() as made:
        yield made


@pytest.fixture
def page(window, place):
    """The page, opened anew."""
    return _open(window, place)


def _open(window, place):
    window.resize(1280, 900)
    window.go(place.address)
    window.until("'ready' in document.documentElement.dataset")
    return window


def _give(page, *files, kind: str = "drop") -> None:
    coded = [(name, base64.b64encode(content).decode()) for name, content in files]
    page.run(GIVE, kind, *coded)


def _shown(page, name: str, before: str = "") -> np.ndarray:
    """The picture in a frame of the page, as soon as it is another one than before."""
    address = page.until(f"{ADDRESS} !== arguments[1] && {ADDRESS}", name, before)
    return _picture(address)


def _until_shown(page, name: str, expected: np.ndarray) -> None:
    """Waits for a frame to show a picture, up to rounding."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        shown = _shown(page, name)
        if shown.shape == expected.shape:
            difference = np.abs(shown.astype(int) - expected).max()
            if difference <= 1:
                return
        time.sleep(0.05)
    raise AssertionError(f"{name} shows another picture")


def _picture(address: str) -> np.ndarray:
    return np.asarray(
        Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2])))
    )


def _text(page, name: str) -> str:
    return page.run("return document.getElementById(arguments[0]).textContent", name)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_photo_dropped_or_pasted_is_cut_out_at_once(page, kind):
    image = _photo()
    _give(page, ("photo.png", encode(image)), kind=kind)
    truth = image[..., 0] > 100
    _until_shown(page, "mask", np.where(truth, 255, 0))
    cutout = _shown(page, "cutout")
    np.testing.assert_array_equal(cutout[truth][:, :3], image[truth])
    painted = to_uint8(PAINTER.ground(Part(0, (0, 0), 0)))
    composed = _shown(page, "composed")
    np.testing.assert_array_equal(composed[truth], image[truth])
    # Somewhere on the ground, as bright as what is painted.
    assert painted.min() - 1 <= composed[~truth].min() <= painted.max() + 1
    assert page.run("return document.getElementById('photo').naturalWidth") == 120
    share, _ = _text(page, "share").split()
    assert abs(float(share) - 100 * truth.mean()) < 0.051  # Rounded.


def test_files_are_chosen_by_the_dialogue_too_and_each_can_be_looked_at(page, tmp_path):
    for side in (60, 80):
        path = tmp_path / f"{side}.png"
        path.write_bytes(encode(_photo(side)))
        page.choose_file("#file", path)
        _until_shown(page, "mask", np.where(_photo(side)[..., 0] > 100, 255, 0))
    page.click("#strip button:first-child")
    _until_shown(page, "mask", np.where(_photo(60)[..., 0] > 100, 255, 0))


def test_threshold_ground_and_sides_change_what_is_shown(page):
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(0, 256, [40, 40, 1], np.uint8), 3, axis=-1)
    _give(page, ("grey.png", encode(image)))
    page.until("!document.getElementById('cut').hidden")
    page.run(MOVE, "refine", "none")
    _until_shown(page, "mask", image[..., 0])
    page.run(MOVE, "hard", True)
    page.run(MOVE, "threshold", "0.8")
    hard = image[..., 0] >= 0.8 * 255
    _until_shown(page, "mask", np.where(hard, 255, 0))
    assert _text(page, "threshold-told") == "0.80"
    page.run(MOVE, "ground", "other")
    page.run(MOVE, "colour", "#0a5aff")
    expected = np.where(hard[..., None], image, np.array([10, 90, 255], np.uint8))
    _until_shown(page, "composed", expected)
    page.run(MOVE, "invert", True)
    _until_shown(page, "mask", np.where(1 - image[..., 0] / 255 >= 0.8, 255, 0))


def test_a_slider_moves_the_scene_and_its_layers(page):
    what = Part(0, (0, 0), 0)
    for name, value, part in (
        ("move-0", 2, what := what._replace(moves=(2, 0))),
        ("move-1", -1.5, what := what._replace(moves=(2, -1.5))),
        ("f", 3, what := what._replace(code=3)),
        ("seed", 7, what := what._replace(seed=7)),
    ):
        page.run(MOVE, name, value)
        scene = PAINTER.scene(part, part._replace(code=0))
        _until_shown(page, "composite", to_uint8(scene.composite[0]))
        _until_shown(page, "layer-mask", mask_to_uint8(scene.mask[0]))
        _until_shown(page, "layer-foreground", to_uint8(scene.foreground[0]))
        _until_shown(page, "layer-background", to_uint8(scene.background[0]))
    assert _text(page, "move-0-told") == "2.0" and _text(page, "f-told") == "3"


def test_the_object_is_kept_on_another_ground_and_the_ground_under_another_object(page):
    def layers():
        return [
            _picture(page.run(f"return {ADDRESS}", f"layer-{name}")).astype(int)
            for name in ("mask", "background")
        ]

    def moved(act):
        """How far mask and background move, in levels."""
        before, composite = layers(), page.run(f"return {ADDRESS}", "composite")
        act()
        _shown(page, "composite", composite)
        pairs = zip(before, layers(), strict=True)
        return [np.abs(one - other).max() for one, other in pairs]

    _shown(page, "composite")
    mask, background = moved(lambda: page.click("#keep-object"))
    assert mask <= 1 < background
    for act in (
        lambda: page.click("#keep-ground"),
        lambda: page.run(MOVE, "move-0", 2.5),  # Of the object alone.
    ):
        mask, background = moved(act)
        assert background <= 1 < mask
    page.click("#one-scene")
    page.until("document.getElementById('one-scene').disabled")


def test_a_photo_stands_on_the_ground_that_the_sliders_paint(page):
    dark = np.zeros([SIZE, SIZE, 3], np.uint8)
    _give(page, ("dark.png", encode(dark)))
    page.until("!document.getElementById('cut').hidden")
    for code in (3, 1):
        page.run(MOVE, "b", code)
        painted = PAINTER.ground(Part(0, (0, 0), code))
        _until_shown(page, "composed", to_uint8(painted))


def test_a_broken_file_is_named_and_the_others_are_shown(page):
    good, broken = encode(_photo()), encode(_photo())[:60]
    large = encode(np.zeros([1100, 1000, 3], np.uint8))
    _give(page, ("broken.png", broken), ("good.png", good), ("large.png", large))
    page.until("document.getElementById('told').textContent.includes('large.png:')")
    text = _text(page, "told")
    assert "broken.png: It cannot be read as a picture" in text
    assert "large.png: It has 1 megapixels" in text and "good.png" not in text
    _until_shown(page, "mask", np.where(_photo()[..., 0] > 100, 255, 0))
    assert page.run("return document.querySelectorAll('#strip button').length") == 1


def test_an_address_dropped_is_not_fetched(page):
    _give(page)
    page.until("document.getElementById('told').textContent.includes('No file came')")
    asked = page.run(
        "return performance.getEntriesByType('resource').map((r) => r.name)"
    )
    home = page.run("return location.origin")
    assert asked and all(name.startswith(f"{home}/") for name in asked)
    assert not any(name.endswith("/photos") for name in asked)


def test_a_photo_that_is_no_longer_kept_is_sent_again(page, place):
    _give(page, ("photo.png", encode(_photo())))
    mask = np.where(_photo()[..., 0] > 100, 255, 0)
    _until_shown(page, "mask", mask)
    place.album._photos.clear()
    page.run(MOVE, "invert", True)
    page.run(MOVE, "hard", True)
    _until_shown(page, "mask", 255 - mask)


def test_what_is_saved_is_as_large_as_the_photo(page, tmp_path):
    fields = {"behavior": "allow", "downloadPath": str(tmp_path)}
    command = {"cmd": "Page.setDownloadBehavior", "params": fields}
    page.ask("POST", "/goog/cdp/execute", command)
    image = _photo(600)
    _give(page, ("my photo.jpg", encode(image)))
    assert _shown(page, "cutout").shape[1] < image.shape[1]
    page.click("[data-save=cutout]")
    path = tmp_path / "my photo-cutout.png"
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    saved = np.asarray(Image.open(path))
    assert saved.shape == (*image.shape[:2], 4)


def test_two_users_see_their_own_photos(page, place):
    with browser.opened() as second:
        other = _open(second, place)
        images = _photo(60), _photo(40, (200, 250, 240))
        for window, image in zip((page, other), images, strict=True):
            _give(window, ("photo.png", encode(image)))
        for window, image in zip((page, other), images, strict=True):
            truth = image[..., 0] > 100
            _until_shown(window, "mask", np.where(truth, 255, 0))
            cutout = _shown(window, "cutout")
            np.testing.assert_array_equal(cutout[truth][:, :3], image[truth])
        for value in (-1, 2):  # Both move at once.
            for window, name in ((page, "move-0"), (other, "move-1")):
                window.run(MOVE, name, value)
            for window, moves in ((page, (value, 0)), (other, (0, value))):
                part = Part(0, moves, 0)
                scene = PAINTER.scene(part, part)
                _until_shown(window, "composite", to_uint8(scene.composite[0]))


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_a_phone_by_day_and_by_night(page, width, is_dark):
    page.resize(width, 900, is_dark=is_dark)
    _give(page, ("photo.png", encode(_photo())))
    page.until("!document.getElementById('cut').hidden")
    content, window, *buttons = page.run(
        "return [document.documentElement.scrollWidth, innerWidth, "
        "...[...document.querySelectorAll('button, select, input, a')]"
        ".map((e) => e.getBoundingClientRect().right)]"
    )
    assert window == width and content <= width and max(buttons) <= width
    shot = np.asarray(Image.open(io.BytesIO(page.shot())).convert("L"))
    assert (np.median(shot) < 128) == is_dark


def test_half_a_model_shows_half_a_page(window, tmp_path):
    with Place(tmp_path, painter=None) as place:
        page = _open(window, place)
        assert page.run("return document.getElementById('scenes').hidden")
        _give(page, ("photo.png", encode(_photo())))
        truth = _photo()[..., :1] > 100
        expected = np.where(truth, _photo(), np.uint8(255))  # White comes first.
        _until_shown(page, "composed", expected)
        place.stop()
        page.run(MOVE, "invert", True)
        page.until(
            "document.getElementById('cut-told').textContent.includes('No answer')"
        )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
