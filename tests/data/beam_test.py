"""The pipeline on Apache Beam writes what the plain way writes, for every builder of ours."""

import importlib.util
import sys

import command
import layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfcomgan.data import clevr_with_masks, making
from tfcomgan.data.clevr6 import Clevr6Source
from tfcomgan.data.cub import CubSource
from tfcomgan.data.flowers import FlowersSource
from tfcomgan.data.folder import FolderSource
from tfcomgan.data.fs100 import Fs100Source
from tfcomgan.data.scenes import ScenesSource
from tfcomgan.data.stanford_cars import StanfordCarsSource
from tfcomgan.errors import UserError

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="apache-beam is not installed: pip install 'tfcomgan[beam]'",
)
PROCESSES = ("direct_num_workers=2", "direct_running_mode=multi_processing")
SCENES = ScenesSource(image_size=8, num_train=30, num_test=4)


def save(path, *shape):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 2, shape, np.uint8)
    Image.fromarray(noise * 255).save(path)


def photos(tmp_path):
    """Twelve pictures with masks, one of them bad."""
    for i in range(12):
        save(tmp_path / f"photos/images/Größe {i}.jpg", 9, 7, 3)
        save(tmp_path / f"photos/masks/Größe {i}.png", 9, 7)
    (tmp_path / "photos/images/Größe 5.jpg").write_bytes(b"")
    return FolderSource(store_size=6, on_bad_image="skip"), tmp_path / "photos"


def faces(tmp_path):
    for person in ("Bob", "Édith Piaf"):
        for i in range(3):
            save(tmp_path / f"faces/{person}/{i}.png", 5, 5, 3)
    return Fs100Source(num_classes=2), tmp_path / "faces"


def zipped(tmp_path):
    return Clevr6Source(), layouts.make_zip(tmp_path / "scenes.zip", 12, "top/")


def official(tmp_path):
    layouts.write_records(
        tmp_path / clevr_with_masks.FILE, [layouts.scene(n, n) for n in (1, 2, 5, 6, 3)]
    )
    return Clevr6Source(), tmp_path / clevr_with_masks.FILE


def flowers(tmp_path):
    return FlowersSource(), layouts.flowers(tmp_path / "flowers")


def cars(tmp_path):
    ids = {"train": [7, 11, 12], "test": [3]}
    return StanfordCarsSource(pictures="drc"), layouts.predicted(tmp_path, "cars", ids)


def stored(builder):
    """All examples by split, in the order of the files."""
    order = tfds.ReadConfig(interleave_cycle_length=1)
    return {
        split: list(
            tfds.as_numpy(
                builder.as_dataset(split, shuffle_files=False, read_config=order)
            )
        )
        for split in sorted(builder.info.splits)
    }


def check_same(source, manual_dir, tmp_path, *options):
    plain = source.prepare(tmp_path / "plain", manual_dir)
    beam = source.prepare(tmp_path / "beam", manual_dir, beam=options)
    expected, found = stored(plain), stored(beam)
    assert list(found) == list(expected) and "train" in found
    for split, examples in expected.items():
        assert len(found[split]) == len(examples) > 0
        for ours, theirs in zip(found[split], examples, strict=True):
            assert ours.keys() == theirs.keys()
            for key in theirs:
                np.testing.assert_array_equal(ours[key], theirs[key])
    assert (beam.info.metadata or {}) == (plain.info.metadata or {})


@needs_beam
@pytest.mark.parametrize("made", [photos, faces, zipped, official, flowers, cars])
def test_a_pipeline_writes_the_same_examples_in_the_same_order(
    tmp_path, monkeypatch, made
):
    monkeypatch.setattr(clevr_with_masks, "_NUM_TEST", 1)
    check_same(*made(tmp_path), tmp_path)


@needs_beam
def test_painted_scenes_are_the_same(tmp_path):
    check_same(SCENES, None, tmp_path, "runner=DirectRunner", "direct_num_workers=2")


@needs_beam
@pytest.mark.slow
def test_processes_that_share_nothing_write_the_same(tmp_path):
    check_same(*zipped(tmp_path), tmp_path, *PROCESSES)


@needs_beam
@pytest.mark.parametrize(
    "options", [(), pytest.param(PROCESSES, marks=pytest.mark.slow)]
)
def test_what_a_worker_finds_bad_is_told_as_in_the_plain_way(tmp_path, options):
    source, root = cars(tmp_path)
    save(root / "cars/data_mrcnn/test/resized/3_maskresized.png", 3, 3)
    texts = []
    for beam in (None, options):
        with pytest.raises(UserError) as error:
            source.prepare(tmp_path / "data", root, beam=beam)
        texts.append(str(error.value))
    assert texts[0] == texts[1] and "must be as large as 3_resized.png." in texts[0]


@needs_beam
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("runner=FlinkRunne", "wrong runner: .*FlinkRunne"),
        ("direct_num_worker=2", "unknown ones: direct_num_worker"),
    ],
)
def test_wrong_options_are_named(tmp_path, option, expected):
    with pytest.raises(UserError, match=f"--beam_options has .*{expected}"):
        SCENES.prepare(tmp_path, beam=(option,))


def test_without_beam_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(making.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install 'apache-beam"):
        SCENES.prepare(tmp_path, beam=())
    SCENES.prepare(tmp_path)
    SCENES.prepare(tmp_path, beam=())  # Nothing is left to do.


@needs_beam
def test_what_tfds_copies_out_of_archives_refuses_beam(tmp_path, monkeypatch):
    monkeypatch.setattr("tfcomgan.data.manual._check_reach", lambda *_: None)
    with pytest.raises(UserError, match="cannot make `caltech_birds2011`"):
        CubSource().prepare(tmp_path, beam=())


@needs_beam
def test_the_command_line_prepares_by_beam(tmp_path):
    flags = command.tiny(tmp_path / "run", "--stages=prepare")
    data = f"--data_dir={tmp_path / 'data'}"
    done = command.run(*flags, data, "--beam").check()
    assert "prepare: done" in done.out
    # The pipeline is no setting: what it made is the artifact of the plain command.
    assert "prepare: reused" in command.run(*flags, data).check().out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
