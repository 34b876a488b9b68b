"""PyTorch's train step against ours, which is the second implementation here; needs torch."""

import sys
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install '.[benchmarks]'")

import torch  # noqa: E402

from benchmarks import pytorch_networks, pytorch_step  # noqa: E402
from pipelines import stages  # noqa: E402, F401  (What gin files name.)
from tfcomgan import config  # noqa: E402
from tfcomgan.models import comgan, update  # noqa: E402
from tfcomgan.networks import discriminators, generators  # noqa: E402


def _arguments(upsampling):
    """Of a toy, with every term that the twin knows at work."""
    return dict(
        generator=generators.GeneratorSettings(
            image_size=32,
            num_codes=3,
            z_dim=4,
            width=2,
            hidden_width=4,
            shared_upsampling=upsampling,
        ),
        critics=discriminators.CriticSettings(width=2, code_width=3),
        settings=comgan.ComGANSettings(
            real_weight=2.0,
            info_weight=0.5,
            binary_weight=3.0,
            area_weight=20.0,
            area_margin=0.45,
            ema_decay=0.9,
            z_std=1.0,
        ),
        adam=update.AdamSettings(),
        batch_size=8,
    )


OTHERS = ["eager-bfloat16", "channels_last-float32", "eager-tables-float32"]


class Stepped(NamedTuple):
    """Both after two steps from the same weights; weights by PyTorch's names."""

    ours: pytorch_step.Ours
    losses: list[dict]
    # Of generator, its average and critic.
    before: list[dict]
    after: list[dict]
    theirs: pytorch_step.Theirs
    their_losses: list[dict]
    # Loaded with the same weights, and not stepped.
    others: dict[str, pytorch_step.Step]
    images: np.ndarray


@pytest.fixture(scope="module", params=["plain", "learned"])
def stepped(request):
    arguments = _arguments(request.param)
    images, ours = pytorch_step.pictures(arguments), pytorch_step.Ours(arguments)
    names = ["eager-float32", *OTHERS]
    others = pytorch_step.make(names, arguments, ours)
    theirs = others.pop("eager-float32")
    before = _weights(ours.model)
    losses, their_losses = (
        [step(images, i) for i in (0, 1)] for step in (ours, theirs)
    )
    after = _weights(ours.model)
    return Stepped(ours, losses, before, after, theirs, their_losses, others, images)


def _weights(model):
    nets = model.generator, model.generator_ema, model.critic
    return [dict(pytorch_networks.renamed(v) for v in net.variables) for net in nets]


def test_the_first_losses_agree(stepped):
    for name, loss in stepped.their_losses[0].items():
        np.testing.assert_allclose(loss, stepped.losses[0][name], 1e-4, err_msg=name)


def test_the_losses_after_an_update_agree(stepped):
    for name, loss in stepped.their_losses[1].items():
        np.testing.assert_allclose(loss, stepped.losses[1][name], 1e-2, err_msg=name)


def test_no_loss_of_ours_is_left_out(stepped):
    model = stepped.ours.model
    drawn = model.sample(0)
    terms = model.generator_losses(drawn, model.generator(drawn, training=True))
    names = {"d_adversarial", *terms}
    assert set(stepped.their_losses[0]) == names == set(pytorch_step.LOSSES)


def test_the_updates_and_averages_agree(stepped):
    twin = stepped.theirs.twin
    nets = twin.generator, twin.generator_ema, twin.critic
    for before, after, net in zip(stepped.before, stepped.after, nets, strict=True):
        _assert_same_way(before, after, net.state_dict())


def _assert_same_way(start, ours, theirs):
    """The changes of all parameters and means are the same; PyTorch keeps other variances."""
    names = [name for name in start if not name.endswith("running_var")]
    way, other = (
        torch.cat([(end[name] - start[name]).flatten() for name in names])
        for end in (ours, theirs)
    )
    assert way.norm() > 0
    # Adam's first steps have one length whatever the gradient's; where it is all rounding,
    # the two go different ways.
    assert (way - other).norm() < 0.05 * way.norm()


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_ways_give_the_same_losses_in_their_precision(stepped, name):
    step = stepped.others[name]
    assert pytorch_step.is_right(name, step, stepped.images, stepped.losses)


@pytest.mark.parametrize("name", pytorch_step.CONFIGS)
def test_both_configs_agree_at_a_small_size(name):
    arguments = pytorch_step.resized(
        pytorch_step.CONFIGS[name], image_size=32, batch_size=4
    )
    images, ours = pytorch_step.pictures(arguments), pytorch_step.Ours(arguments)
    theirs = pytorch_step.Theirs(arguments, ours.model)
    _, off = pytorch_step.difference(theirs(images, 0), ours(images, 0))
    assert off < pytorch_step.RTOL["float32"][0]


def test_what_differs_is_not_timed(capsys):
    def step(images, i):
        return {"g_adversarial": 1.0 if i else float("nan")}

    expected = [{"g_adversarial": 1.0}] * 2
    assert not pytorch_step.is_right("eager-float32", step, None, expected)
    assert "is not timed" in capsys.readouterr().out
    expected = [step(None, 1)] * 2
    assert pytorch_step.is_right(
        "eager-float32", lambda *_: step(None, 1), None, expected
    )


def test_weights_of_another_size_are_refused():
    critic = discriminators.build_critic(32, discriminators.CriticSettings(width=2))
    other = pytorch_networks.Critic(32, discriminators.CriticSettings(width=3))
    with pytest.raises(ValueError, match="the same variables"):
        pytorch_networks.load(other, critic)


@pytest.mark.parametrize(
    ("name", "files", "params"),
    [
        ("paper", ["gin/ds_comgan.gin"], []),
        (
            "narrow",
            ["gin/scenes.gin"],
            ["IMAGE_SIZE=64", "generator.head_stride=1", "comgan.border_weight=0"],
        ),
    ],
)
def test_the_configs_are_those_of_the_gin_files(name, files, params):
    config.parse(files, params)
    found = pytorch_step.CONFIGS[name]
    scope = "train_generator"
    assert found["generator"] == config.build(generators.GeneratorSettings)
    assert found["critics"] == config.build(discriminators.CriticSettings)
    assert found["settings"] == config.build(comgan.ComGANSettings, scope)
    assert found["adam"] == config.build(update.AdamSettings, scope)


def test_the_table_has_medians_ratios_and_shares():
    taken = {"ours-float32": [4.0, 1.0, 2.0], "eager-float32": [3.0, 3.0, 3.0]}
    counts = {"ours": 10e9, "tiled": 30e9}
    _, ours, theirs, product = pytorch_step.table(taken, counts, 20e9)
    assert ours.split()[1:] == ["2.000", "150", "%", "1.00", "10.0", "5.0", "25.0", "%"]
    assert theirs.split()[1:] == [
        "3.000",
        "0",
        "%",
        "1.50",
        "30.0",
        "10.0",
        "50.0",
        "%",
    ]
    assert product.split()[-1] == "20.0"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
