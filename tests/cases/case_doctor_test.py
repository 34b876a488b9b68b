"""The doctor on what people have, by the command line: it must outlast all of it."""

import sys

import command
import numpy as np
import odd_pictures
import pillow_heif
import pytest
import unprivileged
from PIL import Image


def save(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, [64, 64, 3], np.uint8)
    is_mask = path.parent.name == "masks"
    Image.fromarray(np.uint8(noise[..., 0] > 127) * 255 if is_mask else noise).save(
        path
    )


def look(tmp_path, **kwargs):
    return command.run(
        "--gin_file=gin/folder_64.gin",
        f"--manual_dir={tmp_path / 'photos'}",
        f"--out={tmp_path / 'doctor'}",
        module="tfcomgan.doctor",
        **kwargs,
    )


@pytest.mark.parametrize("masked", [(0, 1), (4,)])
def test_masks_for_some_pictures_only(tmp_path, masked):
    for i in range(5):
        save(tmp_path / f"photos/images/{i}.png", i)
    for i in masked:
        save(tmp_path / f"photos/masks/{i}.png", i)
    out = look(tmp_path).check().out
    assert f"{5 - len(masked)} of 5 pictures have no mask" in out
    assert f"Masks: {len(masked)}; object" in out
    with Image.open(tmp_path / "doctor/contact_sheet.png") as sheet:
        below = np.asarray(sheet.convert("L"))[2 + 66 : -2]  # The row of masks.
    for i in range(5):
        shown = below[:, 2 + 66 * i : 66 * (i + 1)]
        is_cross = np.count_nonzero(shown == 0) == 2 * 64
        assert is_cross == (i not in masked)
    assert len(below) == 64


def test_pictures_with_odd_metadata_are_all_good(tmp_path):
    files = odd_pictures.UPRIGHT | odd_pictures.TURNED
    (tmp_path / "photos").mkdir()
    for name, content in files.items():
        (tmp_path / "photos" / name).write_bytes(content)
    done = look(tmp_path).check()
    assert f"Unreadable: 0 of {len(files)}" in done.out
    assert "Warning:" not in done.err


@pytest.mark.parametrize("has_package", [True, False])
def test_photos_of_telephones_are_read_or_told_what_to_install(tmp_path, has_package):
    noise = np.random.default_rng(0).integers(0, 256, [64, 64, 3], np.uint8)
    (tmp_path / "photos").mkdir()
    for name in ("IMG_1.HEIC", "renamed.jpg"):
        heif = pillow_heif.from_pillow(Image.fromarray(noise))
        heif.save(tmp_path / "photos" / name)
    save(tmp_path / "photos/a.png")
    hide = "import sys; sys.modules['pillow_heif'] = None; "
    start = "import runpy; runpy.run_module('tfcomgan.doctor', run_name='__main__')"
    done = command.python(
        "-c",
        start if has_package else hide + start,
        "--gin_file=gin/folder_64.gin",
        f"--manual_dir={tmp_path / 'photos'}",
        f"--out={tmp_path / 'doctor'}",
    ).check()
    assert f"Unreadable: {0 if has_package else 2} of 3" in done.out
    assert done.out.count("pip install pillow-heif") == (0 if has_package else 2)


def test_a_sheet_of_ones_own_is_not_overwritten(tmp_path):
    save(tmp_path / "photos/a.png")
    save(tmp_path / "doctor/contact_sheet.png")
    before = (tmp_path / "doctor/contact_sheet.png").read_bytes()
    assert "--out would overwrite" in look(tmp_path).message
    assert (tmp_path / "doctor/contact_sheet.png").read_bytes() == before


def test_what_cannot_be_used_is_named_and_the_rest_counted(tmp_path):
    save(tmp_path / "photos/a.png")
    save(tmp_path / "photos/locked/b.png")
    (tmp_path / "photos/locked").chmod(0)
    sky = odd_pictures.png_of_size(20_000, 20_000)
    (tmp_path / "photos/sky.png").write_bytes(sky)
    out = look(tmp_path, first=unprivileged.FIRST).check().out
    assert "Unreadable: 2 of 3" in out
    assert "  locked: Permission denied" in out
    assert "  sky.png: it has 400 megapixels" in out
    assert "A training takes at least 2 pictures" in out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
