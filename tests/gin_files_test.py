"""Every gin file: it parses, its settings fit, its networks are built, it says what it is."""

import functools
import re
import sys
import zipfile

import layouts
import numpy as np
import pytest
from PIL import Image

from pipelines import run
from pipelines.preparing import PrepareSettings
from pipelines.work import Place
from tfcomgan import config
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.errors import UserError
from tfcomgan.evaluation.scoring import EvaluationSettings
from tfcomgan.models.comgan import ComGANSettings
from tfcomgan.models.segmentation import SegmentationSettings
from tfcomgan.models.update import AdamSettings
from tfcomgan.networks import discriminators, generators, unet
from tfcomgan.networks.discriminators import CriticSettings
from tfcomgan.networks.generators import GeneratorSettings
from tfcomgan.networks.unet import SegmenterSettings
from tfcomgan.networks.wirings import WIRINGS
from tfcomgan.run_folder import STAGES
from tfcomgan.training.monitor import MonitorSettings
from tfcomgan.training.settings import TrainingSettings

GIN = config.resolve(["gin/base.gin"])[0].parent
# To be included, or given after another file.
SIZES = {"small_objects", "large_objects"}
PARTS = {"base", "ds_comgan", "release", "smoke", "trivial/base"} | SIZES
FILES = {
    str(path.relative_to(GIN).with_suffix("")): path for path in GIN.rglob("*.gin")
}
WHOLE = sorted(FILES.keys() - PARTS)
# Data set, N, pixels, what is trained on; N is that of classes, CLEVR6's that of L2IC.
PAPER = {
    "cub": ("caltech_birds2011", 200, 128, "train+test"),
    "fs100": ("fs100", 100, 64, "train"),
    "stanford_cars": ("stanford_cars", 196, 128, "train+test"),
    "stanford_dogs": ("stanford_dogs", 120, 128, "train+test"),
    "flowers": ("flowers", 102, 128, "train"),
    "clevr6": ("clevr6", 60, 128, "train"),
}


def _birds(folder):
    return layouts.unpack(layouts.birds(folder.with_suffix(".archives")), folder)


# What writes a small copy of the data set; others take pictures with masks.
SMALL = {
    "comgan": _birds,
    "cub": _birds,
    "fs100": layouts.faces,
    "stanford_cars": layouts.cars,
    "stanford_dogs": layouts.dogs,
    "flowers": layouts.flowers,
}
_STAGE_ONE = (
    GeneratorSettings,
    ComGANSettings,
    CriticSettings,
    AdamSettings,
    TrainingSettings,
)
PAINTED = ("scenes", "trivial/", "ablation/")


def parse(*names, params=()):
    config.parse([f"gin/{name}.gin" for name in names], params)
    run.settings()


@functools.cache
def build(generated, critics, segmenter):
    """Number of variables of each network; each distinct architecture is built once."""
    size = generated.image_size
    networks = [
        generators.build(generated),
        discriminators.build_critic(size, critics),
        discriminators.build_code_predictor(size, critics, generated.num_codes),
        unet.build(segmenter, size),
    ]
    return [len(network.variables) for network in networks]


@pytest.mark.parametrize("name", WHOLE)
def test_settings_and_networks_are_built(name):
    parse(name)
    settings = config.build(GeneratorSettings)
    # N changes one layer's width, no network's build; the full sizes take seconds each.
    few = GeneratorSettings(**vars(settings) | {"num_codes": 2})
    counts = build(few, config.build(CriticSettings), config.build(SegmenterSettings))
    assert min(counts) > 0


@pytest.mark.parametrize("name", WHOLE)
def test_overlays_fit_on_every_file(name):
    for overlay in ("smoke", "release"):
        parse(name, overlay)
    assert config.build(ComGANSettings).tie_codes
    # The release augments nothing, and ours is for pictures in [-1, 1].
    assert not config.build(ComGANSettings).augment


@pytest.mark.parametrize("size", sorted(SIZES))
def test_sizes_of_objects_fit_on_folders_and_move_the_guards_one_way(size):
    def guards():
        objective = config.build(ComGANSettings, "train_generator")
        watch = config.build(MonitorSettings, "train_generator")
        return objective.least_size, watch.min_object, watch.max_object

    parse("folder_64")
    medium = guards()
    parse("folder_64", size)
    is_larger = size == "large_objects"
    for chosen, usual in zip(guards(), medium, strict=True):
        assert chosen >= usual if is_larger else chosen <= usual
    assert guards() != medium


def test_a_file_of_each_data_set_of_the_paper_is_there():
    assert PAPER.keys() <= set(WHOLE)


@pytest.mark.parametrize("name", PAPER)
def test_full_size_files_take_the_paper_s_numbers(name):
    parse(name)
    source, num_codes, size, training_split = PAPER[name]
    chosen = config.build(PrepareSettings, "prepare").source
    assert config.name_of(type(chosen)) == source
    settings = config.build(GeneratorSettings)
    assert (settings.num_codes, settings.image_size) == (num_codes, size)
    assert settings.architecture == "ds_comgan"
    assert (settings.z_dim, settings.width, settings.hidden_width) == (100, 16, 128)
    for stage in ("train_generator", "train_segmenter"):
        schedule = config.build(TrainingSettings, stage)
        # 450 epochs of CUB's 11,788 pictures, the last incomplete batch dropped.
        assert (schedule.batch_size, schedule.steps) == (90, 450 * (11788 // 90))
    pictures = config.build(InputSettings, "train_generator")
    assert pictures.training_split == training_split
    assert (
        pictures.crop != "box"
    )  # Annotated boxes are no part of an unsupervised method.


def test_only_fs100_is_scored_on_its_training_split_alone():
    for name in PAPER:
        parse(name)
        expected = ("train",) if name == "fs100" else ("train", "test")
        assert config.build(EvaluationSettings, "evaluate").splits == expected


# One generator each, and nothing else.
COMPARED = [
    name
    for name in WHOLE
    if name.startswith(("trivial/", "ablation/")) and name != "ablation/lambda"
]


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0])
def test_compared_files_differ_in_their_wiring_alone(name, beta):
    def chosen(*files, params=()):
        parse(*files, params=params)
        generated = vars(config.build(GeneratorSettings, "train_generator"))
        others = [config.build(kind, "train_generator") for kind in _STAGE_ONE[1:]]
        return generated.pop("architecture"), generated, others

    params = [f"BETA={beta}"]
    kind, generated, others = chosen(name, params=params)
    first, *same = chosen("trivial/comgan", params=params)
    assert [generated, others] == same
    assert (kind == first) == (name == "trivial/comgan")
    objective, *_ = others
    expected = ComGANSettings(z_std=1.0, ema_decay=0.99, binary_weight=beta)
    assert (
        objective == expected
    )  # Adversarial and binary loss alone, as section 4.2 says.


def test_lambda_is_compared_on_the_generator_of_an_earlier_demo():
    """The one that its published page names, whatever becomes of the demo."""
    as_it_was = (
        "STEPS=1200",
        "PRECISION='float32'",
        "generator.head_stride=1",
        "comgan.border_weight=0",
    )
    parse("scenes", params=as_it_was)
    demo = [config.build(kind, "train_generator") for kind in _STAGE_ONE]
    parse("ablation/lambda", params=["LAMBDA=7.0"])
    assert [config.build(kind, "train_generator") for kind in _STAGE_ONE] == demo
    assert config.build(TrainingSettings, "train_segmenter").steps == 300
    objective = config.build(SegmentationSettings, "train_segmenter")
    # Eq. 12 has no weight on the adversarial loss.
    assert objective.adversarial_weight == 1.0 and objective.consistency_weight == 7.0


def test_each_wiring_has_a_file():
    found = set()
    for name in COMPARED:
        parse(name)
        found.add(config.build(GeneratorSettings).architecture)
    assert found == {*WIRINGS, "simplegan"} and len(COMPARED) == 7


@pytest.mark.parametrize("name, size", [("clevr6_32", 32), ("clevr6_64", 64)])
def test_small_files_keep_the_networks_of_the_demo(name, size):
    def narrow():
        settings = vars(config.build(GeneratorSettings)) | {"image_size": None}
        return settings, config.build(CriticSettings)

    parse("scenes")
    demo = narrow()
    parse(name)
    assert narrow() == demo
    assert config.build(GeneratorSettings).image_size == size


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_header_says_what_a_file_reproduces(name):
    text = FILES[name].read_text()
    header = text[: re.search("^[^#]", text, re.MULTILINE).start()]
    assert header.count("\n") >= 1
    if name in WHOLE:
        assert re.search("Table|Fig|no table|As gin/|paper's size", header), header
    if name in PAPER:
        assert "Not run." in header and "Usually overridden" in header
        assert "N = " in header  # Where N comes from.
    assert not re.search(r"'[^']*/(home|work|tmp)/", text)  # Paths are flags.
    assert max(map(len, text.splitlines())) <= 92


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_two_steps_of_every_file_run_to_the_end(name, tmp_path):
    data = name.removesuffix("_64")
    if data in SMALL and name != "flowers_64":  # Which takes a folder of pictures.
        manual_dir = SMALL[data](tmp_path / "by_hand")
    else:
        with zipfile.ZipFile(layouts.make_zip(tmp_path / "scenes.zip", 20)) as file:
            file.extractall(tmp_path / "pictures")
        manual_dir = tmp_path / "pictures"
        for path in manual_dir.glob("masks/*"):  # From numbers of objects to masks.
            objects = np.asarray(Image.open(path))
            Image.fromarray(np.uint8(255 * (objects > 0))).save(path)
    smaller = ["fs100.num_classes=3"] if name == "fs100" else []
    if name.startswith(PAINTED):
        smaller = ["scenes.num_train=8", "scenes.num_test=4"]
    parse(name, "smoke", params=smaller)
    place = Place(
        run_dir=tmp_path / "run",
        data_dir=tmp_path / "data",
        manual_dir=manual_dir,
        devices=(),
        checkpoint_every=100,
    )
    lines, names = [], list(STAGES)
    if not config.build(GeneratorSettings).has_mask:
        with pytest.raises(UserError, match="'simplegan', which paints no masks"):
            run.run(names, place, gin_files=[f"{name}.gin"])
        run.run(names[:2], place, gin_files=[f"{name}.gin"])
        assert (tmp_path / "run/train_generator/pictures.png").exists()
        return
    run.run(names, place, gin_files=[f"{name}.gin"], report=lines.append)
    text = "\n".join(lines)
    has_masks = data not in ("fs100", "stanford_cars", "stanford_dogs")
    assert ("No scores" in text) != has_masks
    assert (tmp_path / "run/pictures/predictions.png").exists()
    used = (tmp_path / "run/prepare/artifact.json").read_text()
    assert str(tmp_path / "data") in used


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
