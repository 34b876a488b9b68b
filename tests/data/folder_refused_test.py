"""The data set `folder`: what it leaves out and refuses, by name and reason."""

import os
import sys

import numpy as np
import pytest
from own_folders import examples, mask, noise, save
from PIL import Image

from tfcomgan.data import reading
from tfcomgan.data.folder import FolderSource
from tfcomgan.errors import UserError


def test_asking_for_masks_that_are_not_there_is_an_error(photos, tmp_path):
    source = FolderSource()
    builder = source.prepare(tmp_path / "data", photos)
    with pytest.raises(UserError, match="`folder` has no mask"):
        reading.load(
            builder,
            source.adapt,
            reading.View("train", crop="center", size=8, with_masks=True),
        )


def spoil(masked):
    """Adds a bad picture of each kind; returns the reasons by name."""
    images, masks = masked / "images", masked / "masks"
    for name in ("cut", "text", "zero", "small", "numbers", "torn"):
        save(images / f"{name}.jpg", noise(1, 64, 64, 3))
        save(masks / f"{name}.png", mask(1, 64, 64))
    whole = (images / "cut.jpg").read_bytes()
    (images / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "text.jpg").write_text("no picture")
    (images / "zero.jpg").write_bytes(b"")
    save(masks / "small.png", mask(1, 32, 32))
    save(masks / "numbers.png", mask(1, 64, 64) // 255 * np.uint8(7))
    (masks / "torn.png").write_bytes(b"")
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("scan.tif", "turned.jpg"):
        Image.fromarray(noise(1, 32, 64, 3)).save(images / name, exif=exif)
        save(masks / f"{name[:-4]}.png", mask(1, 32, 64))
    (images / "link.jpg").symlink_to("nowhere.jpg")
    return {
        "images/cut.jpg": "truncated",
        "images/text.jpg": "in no format that Pillow reads",
        "images/zero.jpg": "the file is empty",
        "images/small.jpg": "it has 64 x 64 pixels, its mask 32 x 32",
        "images/numbers.jpg": "masks/numbers.png .* brightest value is 7 of 255",
        "images/torn.jpg": "masks/torn.png cannot be read: the file is empty",
        "images/scan.tif": "it has 32 x 64 pixels, its mask 64 x 32",
        "images/turned.jpg": "it has 32 x 64 pixels, its mask 64 x 32",
        "images/link.jpg": "No such file",
    }


def test_all_bad_pictures_are_named_with_their_reason(masked, tmp_path):
    reasons = spoil(masked)
    with pytest.raises(UserError) as error:
        FolderSource().prepare(tmp_path / "data", masked)
    head, *lines, advice = str(error.value).splitlines()
    assert head == f"9 of 13 pictures in {masked} cannot be used:"
    assert [line.split(":")[0].strip() for line in lines] == sorted(reasons)
    for name, reason in reasons.items():
        assert error.match(f"  {name}: .*{reason}")
    assert "folder.on_bad_image='skip'" in advice
    assert not list(tmp_path.glob("data/**/*.tfrecord*"))


def test_bad_pictures_are_left_out_on_demand_and_counted(masked, tmp_path):
    reasons = spoil(masked)
    source = FolderSource(on_bad_image="skip")
    source.prepare(tmp_path / "data", masked)
    builder = source.prepare(tmp_path / "data", masked)  # Read from the disk again.
    assert sorted(examples(builder)) == [f"images/x/{i}.jpg" for i in range(4)]
    assert sorted(builder.info.metadata["bad_images"]) == sorted(reasons)
    assert builder.info.metadata["notes"][0].startswith("9 of 13 pictures left out: ")


def test_a_file_name_that_is_no_utf8_is_stored_readably(tmp_path):
    for name in (b"caf\xe9.png", b"b.png"):
        save(tmp_path / "photos" / os.fsdecode(name), noise(0))
    builder = FolderSource().prepare(tmp_path / "data", tmp_path / "photos")
    assert sorted(examples(builder)) == ["b.png", "caf\N{REPLACEMENT CHARACTER}.png"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "needs --manual_dir, the folder of your pictures.*Received: .*none"),
        ([], "has no picture in .*none"),
        (["a.cr2", ".a.png"], "no picture in .* It holds other files: a.cr2"),
        (["one.png"], "none has 1 picture that can be used. It takes at least 2"),
        (["masks/a.png", "a.png"], "no picture in .*none/images"),
    ],
)
def test_too_few_pictures_are_an_error(tmp_path, files, message):
    root = tmp_path / "none"
    if files is not None:
        root.mkdir()
        (root / "empty").mkdir()
    for name in files or []:
        save(tmp_path / "picture.png", noise(0))
        (root / name).parent.mkdir(exist_ok=True)
        (tmp_path / "picture.png").rename(root / name)
    with pytest.raises(UserError, match=message):
        FolderSource().prepare(tmp_path / "data", root)


def test_without_a_manual_dir_the_message_says_how_to_give_it(tmp_path):
    with pytest.raises(UserError, match="--manual_dir=photos. Received: None"):
        FolderSource().prepare(tmp_path / "data", None)


def test_settings_out_of_range_are_refused():
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"`folder.test_share` must .* \(0, 1\)"):
            FolderSource(test_share=share)
    with pytest.raises(ValueError, match="`folder.store_size` must not be negative"):
        FolderSource(store_size=-1)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
