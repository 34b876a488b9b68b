"""Which runs a sweep has, where they lie, and that the settings read from sources exist."""

import inspect
import re
import subprocess
import sys

import pytest

from pipelines import declared, sweeps
from pipelines.stages import MADE_BY, STAGES  # Imports all settings classes.
from pipelines.work import Work
from tfcomgan import config
from tfcomgan.config import declaring
from tfcomgan.errors import UserError


def members(*given, seeds=(), gin_params=(), gin_files=("gin/scenes.gin",)):
    return sweeps.members(given, seeds, gin_files=gin_files, gin_params=gin_params)


def test_all_values_of_all_settings_meet_all_seeds():
    found = members(
        "comgan.binary_weight=0.5, 1.0", "STEPS=10,20,30", seeds=["0", "07"]
    )
    assert found == [
        (f"comgan.binary_weight={weight}", f"STEPS={steps}", f"SEED={seed}")
        for weight in ("0.5", "1.0")
        for steps in (10, 20, 30)
        for seed in (0, 7)
    ]
    assert members("STEPS=10", "export.litert=True,False") == [
        ("STEPS=10", "export.litert=True"),
        ("STEPS=10", "export.litert=False"),
    ]
    assert members() == []


def test_commas_within_brackets_and_quotes_part_no_values():
    found = members(
        "evaluation.splits=('test',),('test','train')", "PRECISION='a,b','c'"
    )
    assert {splits for splits, _ in found} == {
        "evaluation.splits=('test',)",
        "evaluation.splits=('test','train')",
    }
    assert {precision for _, precision in found} == {"PRECISION='a,b'", "PRECISION='c'"}


@pytest.mark.parametrize(
    ("bindings", "folder"),
    [
        (["SEED=7"], "seed-7"),
        (["comgan.binary_weight=0.5", "SEED=0"], "comgan.binary_weight-0.5+seed-0"),
        (["train_generator/adam.learning_rate=1e-4"],
         "train_generator.adam.learning_rate-1e-4"),
        (["evaluation.splits=('test', 'train')"], "evaluation.splits-test_train"),
        (["evaluation.folder='../a b/$(c)/*'"], "evaluation.folder-.._ab__c__"),
        (["comgan.area_margin=-0.5"], "comgan.area_margin--0.5"),
    ],
)  # fmt: skip
def test_a_folder_says_its_settings_in_letters_that_any_disk_takes(bindings, folder):
    assert sweeps.folder_of(bindings) == folder.replace("\n", "")
    assert re.fullmatch(r"[\w.+-]+", folder, re.ASCII)


def test_a_long_name_of_a_folder_is_cut_and_stays_its_own():
    values = [f"'{'x' * 300}{end}'" for end in "ab"]
    first, second = (sweeps.folder_of([f"evaluation.folder={v}"]) for v in values)
    assert first != second
    assert max(len(first), len(second)) <= 150


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["comgan.binary_wait=1"], "no setting. Did you mean 'comgan.binary_weight'?"),
        (["nothing.at_all=1"], "'nothing.at_all' is no setting"),
        (["STEP=1"], "'STEP' is no macro of the gin files. Did you mean 'STEPS'?"),
        (["train/adam.learning_rate=1"], "no scope 'train'. Scopes: prepare, train_gen"),
        (["train_segmenter/comgan.binary_weight=0.5,1.0"], "`train_segmenter/comgan."
         "binary_weight` has no effect: train_segmenter does not take 'comgan'. Stages "
         "that do: train_generator."),
        (["evaluate/training.steps=7"], "do: train_generator, train_segmenter, self_train."),
        (["train_generator/STEPS=1,2"], "is no macro of the gin files"),
        (["STEPS=1,2", "STEPS=3"], "--sweep has STEPS twice"),
        (["SEED=1,2"], "--seeds=0,1,2"),
        (["training.seed=1,2"], "--seeds=0,1,2"),
        (["STEPS="], "--sweep=STEPS= has no values"),
        (["STEPS"], "--sweep=STEPS has no values"),
        (["STEPS=1,,2"], "--sweep=STEPS=1,,2: cannot read the values"),
        (["STEPS=1]+[2"], "cannot read the values"),
        (["PRECISION=float32"], "a text needs quotes"),
        (["prepare.source=@scenes()"], "cannot read the values"),
        (["STEPS=1,2,1"], "has 1 twice"),
        (["comgan.binary_weight=0.5,0.50"], "has 0.50 twice"),
        (["PRECISION='a/b','a b','a_b'"], "one folder, PRECISION-a_b"),
    ],
)  # fmt: skip
def test_a_wrong_sweep_is_named(given, words):
    with pytest.raises(UserError) as raised:
        members(*given)
    assert words in str(raised.value)


def test_a_setting_may_not_be_fixed_and_swept():
    with pytest.raises(UserError, match="STEPS is given by --gin_param and by --sweep"):
        members("STEPS=1,2", gin_params=["STEPS = 3"])


@pytest.mark.parametrize(
    "name", ["SEED", "training.seed", "train_generator/training.seed"]
)
def test_a_seed_may_not_be_fixed_beside_seeds(name):
    """A mean over seeds would be one over trainings that share a generator."""
    with pytest.raises(UserError, match=f"{name} is given by --gin_param, and --seeds"):
        members(seeds=["0", "1"], gin_params=["STEPS=1", f"{name} = 3"])
    assert members("STEPS=1", gin_params=[f"{name}=3", "scenes.seed=1"])
    assert members(seeds=["0"], gin_params=["scenes.seed=1"])


def test_macros_are_those_of_the_gin_files_and_what_they_include(tmp_path):
    own = tmp_path / "own.gin"
    own.write_text("include 'gin/base.gin'\nWIDTH = 3\ncritics.width = %CRITICS\n")
    for name in ("WIDTH", "CRITICS", "STEPS"):
        assert members(f"{name}=1", gin_files=[str(own)])
    with pytest.raises(UserError, match="no macro"):
        members("NUM_CODES=1", gin_files=[str(own)])
    # A file of the volume or of the image alone may have any.
    assert members("NUM_CODES=1", gin_files=[str(own), "/mnt/there.gin"])


def test_settings_as_read_from_the_sources_are_those_that_gin_knows():
    known = {name: set(fields) for name, fields in declaring.parameters_of.items()}
    read = {name: set(fields) for name, fields in declared.settings().items()}
    assert {name: known.get(name) for name in read} == read
    assert len(read) > 20


def test_stages_take_what_their_functions_name_and_prepare_any_data_set():
    taken = declared.taken()
    assert list(taken) == list(STAGES)
    for name, stage in STAGES.items():
        kinds = [p.annotation for p in inspect.signature(stage.run).parameters.values()]
        chosen = [kind for kind in kinds if kind not in MADE_BY and kind is not Work]
        expected = {config.name_of(kind) for kind in chosen}
        assert expected and expected <= taken[name]
        others = taken[name] - expected
        assert not others or (name == "prepare" and {"scenes", "clevr6"} <= others)
    assert members("prepare/scenes.num_train=1,2")


def test_it_needs_no_tensorflow():
    code = "import pipelines.declared, pipelines.sweeps, sys; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
