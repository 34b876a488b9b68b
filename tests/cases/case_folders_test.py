"""Folders as people have them, by the command line: layouts, by-products, links, locks."""

import os
import sys
import unicodedata

import command
import exports
import numpy as np
import pytest
import unprivileged
from PIL import Image

from tfcomgan.data import listing
from tfcomgan.system import marks

DECOMPOSED = unicodedata.normalize("NFD", "Größe é")
COMPOSED = unicodedata.normalize("NFC", "Größe é")


def save(path, seed=0):
    """A picture of noise, a mask in a folder of masks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, [16, 16, 3], np.uint8)
    is_mask = "mask" in str(path).lower().rpartition("photos")[2]
    Image.fromarray(np.uint8(noise[..., 0] > 127) * 255 if is_mask else noise).save(
        path
    )


@pytest.fixture
def photos(tmp_path):
    """Four pictures."""
    for i in range(4):
        save(tmp_path / f"photos/{i}.png", i)
    return tmp_path / "photos"


def found(root) -> dict:
    """The masks by the pictures."""
    files = listing.scan(root)
    return dict(zip(files.pictures, files.masks or (), strict=bool(files.masks)))


# Layouts.


def test_case_unicode_form_and_suffix_of_masks_do_not_matter(tmp_path):
    root = tmp_path / "photos"
    pairs = {
        "Images/a.JPG": "MASKS/a.PNG",
        "Images/b.jpeg": "MASKS/B.bmp",
        f"Images/x/{COMPOSED}.png": f"MASKS/X/{DECOMPOSED}.TIF",
        "Images/d.jpg": "MASKS/d.jpg.png",
    }
    for i, names in enumerate(pairs.items()):
        for name in names:
            save(root / name, i)
    assert found(root) == pairs
    command.prepare(root, tmp_path).check()
    info = command.artifact(tmp_path / "run", "prepare")["info"]
    assert sum(info["num_examples"].values()) == 4
    (note,) = info["notes"]  # And none of what was left out.
    assert "4 pictures are few" in note


def test_a_mask_of_exactly_the_name_goes_before_one_in_other_letters(tmp_path):
    for name in ("images/a.png", "images/A.png", "masks/a.png", "masks/A.png"):
        save(tmp_path / "photos" / name)
    pairs = {"images/A.png": "masks/A.png", "images/a.png": "masks/a.png"}
    assert found(tmp_path / "photos") == pairs


def test_where_two_fit_an_error_names_both(tmp_path):
    root = tmp_path / "photos"
    for name in ("a.jpg", "b.jpg", "c.jpg", "c.png", "d.jpg"):
        save(root / "images" / name)
    for name in ("a.png", "a.bmp", "b.png", "b.jpg.png", "c.png"):
        save(root / "masks" / name)
    message = command.prepare(root, tmp_path).message
    for line in (
        "images/a.jpg: two masks fit it, masks/a.bmp and masks/a.png; leave one of them",
        "images/b.jpg: two masks fit it, masks/b.jpg.png and masks/b.png; leave one",
        "images/c.jpg: its mask masks/c.png fits images/c.png too",
        "images/c.png: its mask masks/c.png fits images/c.jpg too",
    ):
        assert line in message


def test_two_folders_of_masks_are_named(tmp_path):
    for name in ("images/a.png", "masks/a.png", "Masks/b.png"):
        save(tmp_path / "photos" / name)
    message = command.prepare(tmp_path / "photos", tmp_path).message
    assert "has Masks and masks: which of them holds the masks?" in message


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("train/images/a.png", "train/masks/a.png"),
        ("image/a.jpg", "mask/a.png"),
        ("a.jpg", "a_mask.png"),
        ("JPEGImages/x.jpg", "SegmentationClass/x.png"),
    ],
)
def test_masks_in_a_layout_of_others_are_not_trained_on(tmp_path, picture, mask):
    root = tmp_path / "photos"
    for name in (picture, mask, "images/other.png"):
        save(root / name)
    message = command.prepare(root, tmp_path).message
    assert f"1 of 3 pictures in {root} look like masks of others" in message
    assert f"as {mask} of {picture}" in message


def test_pictures_beside_the_folder_of_pictures_are_told(tmp_path):
    for name in ("images/a.png", "images/b.png", "masks/a.png", "masks/b.png", "c.png"):
        save(tmp_path / "photos" / name)
    done = command.prepare(tmp_path / "photos", tmp_path).check()
    assert "Passed over, outside of images, as there is masks: c.png." in done.out


def test_masks_without_a_folder_of_pictures_say_what_is_missing(photos, tmp_path):
    save(photos / "masks/0.png")
    message = command.prepare(photos, tmp_path).message
    assert f"no picture in {photos / 'images'}" in message
    assert "It holds other files: 0.png, 1.png, 2.png, 3.png" in message
    assert "rename it if it holds no masks" in message


# By-products.

BY_PRODUCTS = (
    "@eaDir/0.png/SYNOPHOTO_THUMB_XL.png",
    "x/@eaDir/a.jpg",
    "__MACOSX/._0.png",
    "__MACOSX/1.png",
    ".thumbnails/2.png",
    ".@__thumb/0.png",
    "#recycle/gone.jpg",
    "$RECYCLE.BIN/$R1.jpg",
    "System Volume Information/a.png",
    "lost+found/1.png",
    "._0.png",
)


def test_by_products_of_systems_are_passed_over_and_told(photos, tmp_path):
    for name in BY_PRODUCTS:
        save(photos / name)
    (photos / "Thumbs.db").write_bytes(b"0")
    done = command.prepare(photos, tmp_path).check()
    info = command.artifact(tmp_path / "run", "prepare")["info"]
    assert sum(info["num_examples"].values()) == 4
    assert (
        "Passed over, by-products of a system: #recycle, $RECYCLE.BIN, @eaDir, "
        "System Volume Information, __MACOSX, lost+found, x/@eaDir." in done.out
    )
    assert "Passed over, hidden: .@__thumb, ._0.png, .thumbnails." in done.out
    assert "Other files ignored: Thumbs.db." in done.out


def test_results_below_the_pictures_are_passed_over_and_told(photos, tmp_path):
    """As written by each command, where people put them, and moved from there."""
    marks.make(photos / "segmented", "areas.csv", "cutouts")
    save(photos / "segmented/cutouts/0.png")
    marks.make(photos / "moved/here")
    save(photos / "moved/here/0.png")
    marks.make(photos, "masks", "layers.png")  # --out=photos
    save(photos / "masks/0.png")
    save(photos / "layers.png")
    done = command.prepare(photos, tmp_path).check()
    assert (
        "Passed over, results of tfcomgan: layers.png, masks, moved/here, segmented."
        in done.out
    )
    assert len(listing.scan(photos).pictures) == 4
    assert listing.scan(photos / "segmented").pictures == ("cutouts/0.png",)  # Named.


# Links, locks, odd files.


def test_linked_folders_are_entered_once_and_loops_end(photos, tmp_path):
    real = tmp_path / "elsewhere"
    save(real / "x/a.png", 7)
    (photos / "linked").symlink_to(real)
    (photos / "again").symlink_to(real / "x")
    (real / "up").symlink_to(photos)
    (photos / "here").symlink_to(".")
    (photos / "above").symlink_to("..")
    (photos / "itself").symlink_to("itself")
    done = command.prepare(photos, tmp_path).check()
    names = set(listing.scan(photos).pictures)
    assert names == {*(f"{i}.png" for i in range(4)), "again/a.png"}
    assert "the same folder as again: linked/x" in done.out
    assert f"the same folder as {tmp_path}: above." in done.out
    assert f"the same folder as {photos}: here, linked/up." in done.out
    assert "Other files ignored: itself." in done.out


def test_images_and_masks_may_be_links(tmp_path):
    for kind in ("images", "masks"):
        for i in range(3):
            save(tmp_path / f"elsewhere/{kind}/{i}.png", i)
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / kind).symlink_to(tmp_path / "elsewhere" / kind)
    command.prepare(tmp_path / "photos", tmp_path).check()
    info = command.artifact(tmp_path / "run", "prepare")["info"]
    assert sum(info["num_examples"].values()) == 3


def test_a_link_is_followed_after_what_lies_there(tmp_path):
    save(tmp_path / "photos/z/a.png")
    (tmp_path / "photos/b").symlink_to("z")
    assert listing.scan(tmp_path / "photos").pictures == ("z/a.png",)


def test_locked_folders_are_named_and_left_out_on_demand(photos, tmp_path):
    save(photos / "x/locked/a.png")
    (photos / "x/locked").chmod(0)
    save(photos / "secret.png")
    (photos / "secret.png").chmod(0)
    locked = {"first": unprivileged.FIRST}
    message = command.prepare(photos, tmp_path, **locked).message
    assert "2 of 6 pictures" in message
    assert "\n  x/locked: Permission denied" in message
    assert "\n  secret.png: Permission denied" in message
    skip = "--gin_param=folder.on_bad_image='skip'"
    done = command.prepare(photos, tmp_path, skip, **locked).check()
    assert "2 of 6 pictures left out: secret.png, x/locked." in done.out
    photos.chmod(0)
    assert (
        "\n  .: Permission denied"
        in command.prepare(photos, tmp_path, **locked).message
    )


def test_pipes_and_devices_are_passed_over_and_told(photos, tmp_path):
    os.mkfifo(photos / "x.jpg")
    (photos / "zero.png").symlink_to("/dev/zero")
    (photos / "nowhere.png").symlink_to("nothing")
    done = command.prepare(
        photos, tmp_path, "--gin_param=folder.on_bad_image='skip'"
    ).check()
    assert "Passed over, no file but a pipe or a device: x.jpg, zero.png." in done.out
    assert "1 of 5 pictures left out: nowhere.png." in done.out


def test_segment_does_what_can_be_done_and_names_the_rest(photos, tmp_path):
    exports.make_segmenter(tmp_path / "model")
    save(tmp_path / "elsewhere/linked.png")
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    (photos / "loop").symlink_to(photos)
    os.mkfifo(photos / "x.jpg")
    save(photos / "@eaDir/0.png")
    save(photos / "locked/a.png")
    (photos / "locked").chmod(0)
    flags = (photos, f"--model={tmp_path / 'model'}", f"--out={photos / 'out'}")
    for _ in range(2):  # The second time its own results lie there too.
        done = command.run(
            *flags, "--write=masks,cutouts", module="tfcomgan.segment",
            first=unprivileged.FIRST,
        )  # fmt: skip
        assert "1 of 6 pictures could not be" in done.message
        assert f"skipped: {photos / 'locked'} cannot be read" in done.err
        assert "Permission denied" in done.err
        assert "no file but a pipe or a device: x.jpg." in done.err
        assert "by-products of a system: @eaDir." in done.err
    assert "5 done before" in done.out
    assert "results of tfcomgan: out." in done.err
    made = {p.stem for p in (photos / "out/masks").rglob("*.png")}
    assert made == {"0", "1", "2", "3", "linked"}


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
