"""The page in headless Chromium: photos dropped, sliders moved, a phone, two users."""

import io
import sys
import time

import browser
import numpy as np
import pytest
from picture_bytes import encode
from PIL import Image
from studio_window import (
    ADDRESS,
    MOVE,
    PAINTER,
    SIZE,
    Place,
    give,
    open_page,
    photo,
    picture,
    shown,
    text_of,
    until_shown,
)

from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.studio.scenes import Part

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not browser.IS_THERE, reason="needs chromium and chromedriver, not installed"
    ),
]


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
    return open_page(window, place)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_photo_dropped_or_pasted_is_cut_out_at_once(page, kind):
    image = photo()
    give(page, ("photo.png", encode(image)), kind=kind)
    truth = image[..., 0] > 100
    until_shown(page, "mask", np.where(truth, 255, 0))
    cutout = shown(page, "cutout")
    np.testing.assert_array_equal(cutout[truth][:, :3], image[truth])
    painted = to_uint8(PAINTER.ground(Part(0, (0, 0), 0)))
    composed = shown(page, "composed")
    np.testing.assert_array_equal(composed[truth], image[truth])
    # Somewhere on the ground, as bright as what is painted.
    assert painted.min() - 1 <= composed[~truth].min() <= painted.max() + 1
    assert page.run("return document.getElementById('photo').naturalWidth") == 120
    share, _ = text_of(page, "share").split()
    assert abs(float(share) - 100 * truth.mean()) < 0.051  # Rounded.


def test_files_are_chosen_by_the_dialogue_too_and_each_can_be_looked_at(page, tmp_path):
    for side in (60, 80):
        path = tmp_path / f"{side}.png"
        path.write_bytes(encode(photo(side)))
        page.choose_file("#file", path)
        until_shown(page, "mask", np.where(photo(side)[..., 0] > 100, 255, 0))
    page.click("#strip button:first-child")
    until_shown(page, "mask", np.where(photo(60)[..., 0] > 100, 255, 0))


def test_threshold_ground_and_sides_change_what_is_shown(page):
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(0, 256, [40, 40, 1], np.uint8), 3, axis=-1)
    give(page, ("grey.png", encode(image)))
    page.until("!document.getElementById('cut').hidden")
    page.run(MOVE, "refine", "none")
    until_shown(page, "mask", image[..., 0])
    page.run(MOVE, "hard", True)
    page.run(MOVE, "threshold", "0.8")
    hard = image[..., 0] >= 0.8 * 255
    until_shown(page, "mask", np.where(hard, 255, 0))
    assert text_of(page, "threshold-told") == "0.80"
    page.run(MOVE, "ground", "other")
    page.run(MOVE, "colour", "#0a5aff")
    expected = np.where(hard[..., None], image, np.array([10, 90, 255], np.uint8))
    until_shown(page, "composed", expected)
    page.run(MOVE, "invert", True)
    until_shown(page, "mask", np.where(1 - image[..., 0] / 255 >= 0.8, 255, 0))


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
        until_shown(page, "composite", to_uint8(scene.composite[0]))
        until_shown(page, "layer-mask", mask_to_uint8(scene.mask[0]))
        until_shown(page, "layer-foreground", to_uint8(scene.foreground[0]))
        until_shown(page, "layer-background", to_uint8(scene.background[0]))
    assert text_of(page, "move-0-told") == "2.0" and text_of(page, "f-told") == "3"


def test_the_object_is_kept_on_another_ground_and_the_ground_under_another_object(page):
    def layers():
        return [
            picture(page.run(f"return {ADDRESS}", f"layer-{name}")).astype(int)
            for name in ("mask", "background")
        ]

    def moved(act):
        """How far mask and background move, in levels."""
        before, composite = layers(), page.run(f"return {ADDRESS}", "composite")
        act()
        shown(page, "composite", composite)
        pairs = zip(before, layers(), strict=True)
        return [np.abs(one - other).max() for one, other in pairs]

    shown(page, "composite")
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
    give(page, ("dark.png", encode(dark)))
    page.until("!document.getElementById('cut').hidden")
    for code in (3, 1):
        page.run(MOVE, "b", code)
        painted = PAINTER.ground(Part(0, (0, 0), code))
        until_shown(page, "composed", to_uint8(painted))


def test_a_broken_file_is_named_and_the_others_are_shown(page):
    good, broken = encode(photo()), encode(photo())[:60]
    large = encode(np.zeros([1100, 1000, 3], np.uint8))
    give(page, ("broken.png", broken), ("good.png", good), ("large.png", large))
    page.until("document.getElementById('told').textContent.includes('large.png:')")
    text = text_of(page, "told")
    assert "broken.png: It cannot be read as a picture" in text
    assert "large.png: It has 1 megapixels" in text and "good.png" not in text
    until_shown(page, "mask", np.where(photo()[..., 0] > 100, 255, 0))
    assert page.run("return document.querySelectorAll('#strip button').length") == 1


def test_an_address_dropped_is_not_fetched(page):
    give(page)
    page.until("document.getElementById('told').textContent.includes('No file came')")
    asked = page.run(
        "return performance.getEntriesByType('resource').map((r) => r.name)"
    )
    home = page.run("return location.origin")
    assert asked and all(name.startswith(f"{home}/") for name in asked)
    assert not any(name.endswith("/photos") for name in asked)


def test_a_photo_that_is_no_longer_kept_is_sent_again(page, place):
    give(page, ("photo.png", encode(photo())))
    mask = np.where(photo()[..., 0] > 100, 255, 0)
    until_shown(page, "mask", mask)
    place.album._photos.clear()
    page.run(MOVE, "invert", True)
    page.run(MOVE, "hard", True)
    until_shown(page, "mask", 255 - mask)


def test_what_is_saved_is_as_large_as_the_photo(page, tmp_path):
    fields = {"behavior": "allow", "downloadPath": str(tmp_path)}
    command = {"cmd": "Page.setDownloadBehavior", "params": fields}
    page.ask("POST", "/goog/cdp/execute", command)
    image = photo(600)
    give(page, ("my photo.jpg", encode(image)))
    assert shown(page, "cutout").shape[1] < image.shape[1]
    page.click("[data-save=cutout]")
    path = tmp_path / "my photo-cutout.png"
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    saved = np.asarray(Image.open(path))
    assert saved.shape == (*image.shape[:2], 4)


def test_two_users_see_their_own_photos(page, place):
    with browser.opened() as second:
        other = open_page(second, place)
        images = photo(60), photo(40, (200, 250, 240))
        for window, image in zip((page, other), images, strict=True):
            give(window, ("photo.png", encode(image)))
        for window, image in zip((page, other), images, strict=True):
            truth = image[..., 0] > 100
            until_shown(window, "mask", np.where(truth, 255, 0))
            cutout = shown(window, "cutout")
            np.testing.assert_array_equal(cutout[truth][:, :3], image[truth])
        for value in (-1, 2):  # Both move at once.
            for window, name in ((page, "move-0"), (other, "move-1")):
                window.run(MOVE, name, value)
            for window, moves in ((page, (value, 0)), (other, (0, value))):
                part = Part(0, moves, 0)
                scene = PAINTER.scene(part, part)
                until_shown(window, "composite", to_uint8(scene.composite[0]))


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_a_phone_by_day_and_by_night(page, width, is_dark):
    page.resize(width, 900, is_dark=is_dark)
    give(page, ("photo.png", encode(photo())))
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
        page = open_page(window, place)
        assert page.run("return document.getElementById('scenes').hidden")
        give(page, ("photo.png", encode(photo())))
        truth = photo()[..., :1] > 100
        expected = np.where(truth, photo(), np.uint8(255))  # White comes first.
        until_shown(page, "composed", expected)
        place.stop()
        page.run(MOVE, "invert", True)
        page.until(
            "document.getElementById('cut-told').textContent.includes('No answer')"
        )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
