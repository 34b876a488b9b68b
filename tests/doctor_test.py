"""The dataset doctor: what it counts, warns of and shows."""

import sys
import types

import command
import numpy as np
import pytest
from PIL import Image

from tfcomgan import doctor
from tfcomgan.data import inspection, listing, scenes
from tfcomgan.data.folder import FolderSource
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.errors import UserError
from tfcomgan.figures import contact_sheet

TRAINING = InputSettings(image_size=32)


def run(*args, cwd):
    return command.python("-m", "tfcomgan.doctor", *args, cwd=cwd)


@pytest.fixture
def no_tensorflow(tmp_path):
    """A folder to run the command in, where an import of TensorFlow ends it."""
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} starts')")
    return tmp_path


@pytest.fixture
def main(monkeypatch, tmp_path, capsys):
    """The command in this process, which has TensorFlow already; returns what it prints."""

    def run_here(**given):
        given = {"gin_param": [], "manual_dir": None, "data_dir": "data"} | given
        fake = types.SimpleNamespace(FLAGS=types.SimpleNamespace(**given))
        monkeypatch.setattr(doctor, "flags", fake)
        monkeypatch.chdir(tmp_path)
        doctor._main([])
        return capsys.readouterr().out

    return run_here


def painted(index, size=48):
    return scenes.paint(image_size=size, seed=1, index=index)


@pytest.fixture
def photos(tmp_path):
    """Ten painted scenes with masks, 48 px."""
    root = tmp_path / "photos"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for i in range(10):
        image, mask = painted(i)
        Image.fromarray(image).save(root / f"images/{i}.png")
        Image.fromarray(mask[..., 0] * np.uint8(255)).save(root / f"masks/{i}.png")
    return root


def findings(root, **settings):
    return doctor.examine_folder(FolderSource(**settings), listing.scan(root), 32)


def report(root, pictures=TRAINING, **settings):
    return "\n".join(doctor.report(findings(root, **settings), pictures=pictures))


def test_counts_sizes_kinds_and_masks(photos):
    areas = [painted(i)[1].mean() for i in range(10)]
    text = report(photos, test_share=0.2)
    assert "Pictures: 8 train, 2 test\nUnreadable: 0 of 10\n" in text
    assert "Height: 48, 48, 48; width: 48, 48, 48" in text
    assert "Kinds: 10 PNG RGB" in text
    assert (
        f"Masks: 10; object {np.mean(areas):.1%} of the picture on average, "
        f"{min(areas):.1%} to {max(areas):.1%}; 0 empty, 0 full" in text
    )
    assert text.endswith("Warnings: 1\n" + text.splitlines()[-1])
    assert text.splitlines()[-1].startswith("- 8 training pictures are few for a GAN")


def test_advice_for_few_pictures_names_what_is_off(photos):
    text = report(photos, InputSettings(image_size=32, flip=False, margin=1.0))
    assert "input_pipeline.flip=True --gin_param=input_pipeline.margin=1.1875" in text
    text = report(photos, InputSettings(image_size=32, margin=1.25))
    assert "Switch on" not in text


def test_bad_pictures_are_named_with_their_reason(photos):
    (photos / "images/zero.png").write_bytes(b"")
    (photos / "images/text.png").write_text("no picture")
    (photos / "masks/9.png").unlink()
    text = report(photos)
    assert "Unreadable: 2 of 12" in text
    assert "  images/text.png: it is in no format that Pillow reads" in text
    assert "  images/zero.png: the file is empty" in text
    assert "- 2 pictures cannot be used" in text
    assert "Masks: 9; object" in text


def test_splits_are_those_of_the_prepared_data_set(photos, tmp_path):
    (photos / "images/zero.png").write_bytes(b"")
    settings = {"test_share": 0.3, "on_bad_image": "skip"}
    found = {f.name: f.split for f in findings(photos, **settings)}
    source = FolderSource(**settings)
    builder = source.prepare(tmp_path / "data", photos)
    prepared = doctor.examine_builder(builder, source.adapt, 32)
    assert found == {f.name: f.split for f in prepared} | {"images/zero.png": None}


def test_small_and_long_pictures_are_named(photos):
    for name, size in (("small", (20, 31)), ("long", (101, 50)), ("ok", (32, 64))):
        Image.fromarray(painted(0)[0]).resize(size).save(photos / f"images/{name}.png")
        Image.new("1", size).save(photos / f"masks/{name}.png")
    text = report(photos)
    assert "- 1 of 13 pictures (images/small.png) is smaller than the 32 pixels" in text
    assert "- 1 of 13 pictures (images/long.png) is more than twice as long" in text
    assert "3 empty, 0 full" in text
    assert "The masks of 3 of 13 pictures (images/long.png, images/ok.png, " in text
    # A margin keeps larger pictures: 32 * 1.6 = 51 pixels.
    text = report(photos, InputSettings(image_size=32, margin=1.6))
    assert "are smaller than the 51 pixels that random crops are taken from" in text
    assert (
        "- 12 of 13 pictures" in text
        and "- 1 of 13 pictures (images/small.png)" in text
    )


def test_how_alike_pictures_are_is_said(photos):
    thumbnails = [f.thumbnail for f in findings(photos) if not f.problem]
    expected = inspection.likeness(thumbnails)
    assert f"Likeness of two: {expected:.2f} on average" in report(photos)


def test_inverted_masks_are_suspected(photos):
    assert "inverted?" not in report(photos)
    assert "inverted? For `folder`: --gin_param=folder.invert_masks=True" in report(
        photos, invert_masks=True
    )


def test_pictures_saved_again_are_found_as_near_duplicates(photos):
    image = Image.fromarray(painted(3)[0])
    image.resize((120, 120)).save(photos / "images/copy.jpg", quality=80)
    Image.new("1", (120, 120), 1).save(photos / "masks/copy.png")
    text = report(photos)
    assert "Near duplicates, 1 pair: images/3.png and images/copy.jpg." in text


def test_contact_sheet_shows_pictures_over_their_masks(photos):
    sheet = contact_sheet.contact_sheet(findings(photos), scale=2)
    # Ten pictures of 32 pixels, twice as large, two pixels apart; masks below.
    assert sheet.shape == (2 + 2 * 66, 2 + 10 * 66, 3)
    image, mask = painted(0)
    shown = sheet[2:66, 2:66].reshape(32, 2, 32, 2, 3)
    np.testing.assert_array_equal(shown[:, 0], shown[:, 1])
    resized = Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(shown[:, 0, :, 0], resized)
    assert set(np.unique(sheet[68:132, 2:66])) == {0, 255}
    shown_area = (sheet[68:132, 2:66] == 255).mean()
    assert abs(shown_area - mask.mean()) < 0.02  # Resampled from 48 pixels.


def test_contact_sheet_of_many_pictures_spans_the_set():
    def finding(i):
        return inspection.Finding(str(i), sheet=np.full([4, 4, 3], i % 251, np.uint8))

    sheet = contact_sheet.contact_sheet([finding(i) for i in range(200)])
    assert sheet.shape == (2 + 6 * 6, 2 + 12 * 6, 3)
    assert sheet[2, 2, 0] == 0 and sheet[-3, -3, 0] == 199
    part = contact_sheet.contact_sheet([finding(i) for i in range(13)])
    assert part.shape == (2 + 2 * 6, 2 + 12 * 6, 3)
    assert part[8, 2, 0] == 12 and np.all(part[8:, 8:] == 255)
    with pytest.raises(UserError, match="No picture can be read"):
        contact_sheet.contact_sheet([inspection.Finding("a", problem="empty")])


def test_all_pictures_unreadable_gives_a_report(photos):
    for path in photos.glob("images/*"):
        path.write_bytes(b"")
    assert "Unreadable: 10 of 10" in report(photos)


def test_the_command_prints_the_report_and_writes_the_sheet(main, photos, tmp_path):
    text = main(
        gin_file=["gin/folder_64.gin"], manual_dir=str(photos), out="new/doctor"
    )
    assert "Pictures: 9 train, 1 test" in text
    assert "10 of 10 pictures" in text  # 48 pixels for 64 * 1.1875 = 76.
    assert text.endswith("\nLook: new/doctor/contact_sheet.png\n")
    with Image.open(tmp_path / "new/doctor/contact_sheet.png") as sheet:
        assert sheet.size == (2 + 10 * 66, 2 + 2 * 66)
    # Nothing is prepared, and nothing is written elsewhere.
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "new"}


def test_the_command_prepares_other_data_sets(main, tmp_path):
    sizes = ["scenes.num_train=5", "scenes.num_test=3"]
    text = main(gin_file=["gin/scenes.gin"], gin_param=sizes, out="doctor")
    assert "Pictures: 5 train, 3 test" in text and "Masks: 8; object " in text
    assert (tmp_path / "data/.tfcomgan-results").is_file()  # Nobody's photos.
    with Image.open(tmp_path / "doctor/contact_sheet.png") as sheet:
        assert sheet.size == (2 + 8 * 98, 2 + 2 * 98)  # 32 px, three times as large.


@pytest.mark.parametrize("crop", ["center", "full"])
def test_the_sheet_shows_what_the_training_crops(main, tmp_path, crop):
    image = np.zeros([64, 192, 3], np.uint8)
    image[:, :64], image[:, 128:] = (255, 0, 0), (0, 0, 255)  # Outside of the middle.
    for i in range(2):
        path = tmp_path / f"photos/{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    param = [f"input_pipeline.crop={crop!r}"]
    main(
        gin_file=["gin/folder_64.gin"], gin_param=param, manual_dir="photos", out="out"
    )
    with Image.open(tmp_path / "out/contact_sheet.png") as sheet:
        shown = np.asarray(sheet)[2:66, 2:66]
    part = image if crop == "full" else image[:, 64:128]
    expected = Image.fromarray(part).resize((64, 64), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(shown, expected)


def test_the_sheet_shows_boxes_where_the_training_crops_by_them():
    import tensorflow as tf

    image = np.random.default_rng(0).integers(0, 256, [70, 100, 3], np.uint8)
    # In pixels 22 to 38 and 30 to 52: half of the square int(0.75 * 22) = 16, about
    # (30, 41).
    example = {
        "image": image,
        "file_name": "a",
        "box": np.float32([22 / 70, 30 / 100, 38 / 70, 52 / 100]),
    }
    dataset = tf.data.Dataset.from_tensors(example)
    builder = types.SimpleNamespace(
        name="birds",
        info=types.SimpleNamespace(
            splits={"train": types.SimpleNamespace(num_examples=1)}
        ),
        as_dataset=lambda **_: dataset,
    )
    (found,) = doctor.examine_builder(builder, lambda x: x, 32, crop="box")
    np.testing.assert_array_equal(found.sheet, image[14:46, 25:57])

    def bare(example):
        return {k: v for k, v in example.items() if k != "box"}

    with pytest.raises(UserError, match="`birds` has no boxes to crop by"):
        list(doctor.examine_builder(builder, bare, 32, crop="box"))


def test_a_folder_has_no_boxes_to_crop_by(main, photos):
    given = {"gin_file": ["gin/folder.gin"], "manual_dir": str(photos), "out": "doctor"}
    with pytest.raises(UserError, match="`folder` has no boxes to crop by"):
        main(**given, gin_param=["input_pipeline.crop='box'"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--out=a"], "No --gin_file. Try --gin_file=gin/folder_64.gin"),
        (["--gin_file=gin/folder.gin"], "No --out"),
        (["photos", "--gin_file=gin/folder.gin", "--out=a"], "--manual_dir=FOLDER"),
        (["--gin_file=gin/folde.gin", "--out=a"], "no gin file"),
        (["--gin_file=gin/folder.gin", "--outt=a"], "Unknown command line flag 'outt'"),
    ],
)
def test_mistakes_give_a_message_before_tensorflow_starts(no_tensorflow, args, message):
    done = run(*args, cwd=no_tensorflow)
    assert done.code == 2
    assert done.err.startswith("error: ") and message in done.err


def test_the_sheet_among_the_pictures_is_marked_and_passed_over(main, photos):
    for path in (photos / "images").iterdir():
        path.rename(photos / path.name)
    (photos / "masks").rename(photos.parent / "masks")
    given = {"gin_file": ["gin/folder.gin"], "manual_dir": "photos", "out": "photos"}
    main(**given)
    text = main(**given)
    assert "Pictures: 9 train, 1 test" in text
    assert "Passed over, results of tfcomgan: contact_sheet.png." in text


def test_help_lists_the_flags_without_waiting_for_tensorflow(no_tensorflow):
    done = run("--help", cwd=no_tensorflow)
    assert done.code == 0, done.err
    for text in ("--gin_file", "--gin_param", "--manual_dir", "--data_dir", "--out"):
        assert text in done.out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
