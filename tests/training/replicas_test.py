"""One and two replicas with the same global batch train the same weights.

The trainings run in a process of their own: logical CPUs must be set up before
TensorFlow starts.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

_TESTS = pathlib.Path(__file__).resolve().parents[1]
STEPS, BATCH, SIZE = 2, 4, 32


def _train_all(folder: str, is_eager: bool) -> None:
    """Trains both models on one and on two logical CPUs; writes all they are made of."""
    # Imported here, for the tests themselves only compare arrays.
    import keras
    import tensorflow as tf

    from tfcomgan import latents
    from tfcomgan.data import input_pipeline
    from tfcomgan.models import (
        comgan,
        orientation,
        segmentation,
        self_training,
        update,
    )
    from tfcomgan.networks import discriminators, generators, unet
    from tfcomgan.training import loop
    from tfcomgan.training.checkpoints import Keeping
    from tfcomgan.training.settings import TrainingSettings

    tf.config.run_functions_eagerly(is_eager)
    two = loop.strategy(("cpu:0", "cpu:1"))
    one = loop.strategy(("cpu:0",))
    assert (one.num_replicas_in_sync, two.num_replicas_in_sync) == (1, 2)
    generator = generators.GeneratorSettings(
        image_size=SIZE, width=2, hidden_width=2, num_codes=3, z_dim=4
    )
    critics = discriminators.CriticSettings(width=2, code_width=2)
    # With a large epsilon Adam's steps are linear in the gradients, so rounding stays
    # rounding; with a small one it divides a gradient that is all rounding by itself.
    adam = update.AdamSettings(learning_rate=0.1, epsilon=1.0)

    def make_comgan(**guards):
        return comgan.ComGAN(
            generator=generator,
            critics=critics,
            settings=comgan.ComGANSettings(binary_weight=0.5, **guards),
            adam=adam,
            batch_size=BATCH,
            seed=0,
        )

    def make_guarded():
        """As on photographs: each replica sees a part of the batch, the border all."""
        return make_comgan(
            augment=True,
            guarded_side="object",
            foreground_shift=0.25,
            border_weight=0.3,
            least_size_weight=2.0,
            least_size=0.4,
        )

    def make_segmentation():
        painter = generators.build(generator)
        model = segmentation.SegmentationModule(
            paint=orientation.Oriented(painter, "complement"),
            sample=latents.Sampler(
                seed=0, batch_size=BATCH, z_dim=4, num_codes=3, z_std=1.0
            ),
            image_size=SIZE,
            segmenter=unet.SegmenterSettings(width=2, num_levels=2),
            critics=critics,
            settings=segmentation.SegmentationSettings(
                colour_jitter=0.5, ema_decay=0.9
            ),
            adam=adam,
        )
        # A young S paints even masks, and D_m's BatchNorm divides by their deviation,
        # their rounding too: 2 % of the gradient. A larger head makes them uneven.
        head = model.segmenter.head.kernel
        head.assign(10.0 * head)
        return model

    def make_student():
        return self_training.Student(
            image_size=SIZE,
            segmenter=unet.SegmenterSettings(width=2, num_levels=2),
            settings=self_training.SelfTrainingSettings(),
            # Its gradients are small: at the others' rate it hardly moves in two steps.
            adam=dataclasses.replace(adam, learning_rate=2.0),
            batch_size=BATCH,
            seed=0,
        )

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [6, 40, 40, 3], np.uint8)
    masks = rng.integers(0, 256, [6, 40, 40, 1], np.uint8)

    def make_batches(start):
        return input_pipeline.training_batches(
            images,
            input_pipeline.InputSettings(image_size=SIZE, margin=1.25),
            batch_size=BATCH,
            seed=0,
            start=start,
            steps=STEPS,
            masks=masks,  # The student's alone.
        )

    class Logs(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for name, value in logs.items():
                arrays[f"logs/{batch}/{name}"] = np.array(value)

    for make_model in (make_comgan, make_guarded, make_segmentation, make_student):
        for strategy in (one, two):
            name = f"{make_model.__name__}_{strategy.num_replicas_in_sync}"
            arrays = {}
            model = loop.train(
                TrainingSettings(steps=STEPS, batch_size=BATCH, seed=0),
                Keeping(pathlib.Path(folder) / name, STEPS, ""),
                make_model=make_model,
                make_batches=make_batches,
                watchers=lambda model: [Logs()],
                on=strategy,
            )
            for part, owner in model.checkpointed().items():
                for i, variable in enumerate(owner.variables):
                    kind = "statistic" if "moving" in variable.path else "weight"
                    arrays[f"{part}/{i}/{kind}"] = np.array(tf.identity(variable))
            np.savez(pathlib.Path(folder) / f"{name}.npz", **arrays)


# Tracing the graphs of two replicas takes a minute, running them without three seconds.
@pytest.fixture(
    scope="module", params=["eager", pytest.param("graph", marks=pytest.mark.slow)]
)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    arguments = str(folder), request.param == "eager"
    path = os.pathsep.join([str(_TESTS.parent), str(_TESTS), str(_TESTS / "training")])
    subprocess.run(
        [sys.executable, "-c", f"import replicas_test as t; t._train_all{arguments}"],
        env=os.environ | {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"},
        check=True,
    )
    return lambda model, replicas: np.load(folder / f"make_{model}_{replicas}.npz")


# float32 keeps 6e-8; here are two steps through some thirty layers, with sums of up to
# 4096 terms in another order, which BatchNorm amplifies: 1.2e-5 at worst on a CPU with
# AVX-512. On one without it, where sums are grouped otherwise, Adam's averages of the
# segmenter's gradients differed by 2e-4, of the student's by 4e-4. Gradients not divided
# by the replicas differ by 1e-2 and more, and weights move by more than 1e-3, see below.
ROUNDING = {"comgan": 5e-5, "guarded": 5e-5, "segmentation": 5e-4, "student": 5e-4}
MODELS = pytest.mark.parametrize("model", [*ROUNDING])


@MODELS
def test_one_and_two_replicas_train_the_same_weights_statistics_and_averages(
    trained, model
):
    one, two = trained(model, 1), trained(model, 2)
    assert one.files == two.files
    kinds = {name.split("/")[0] for name in one.files}
    of_gan = {"generator", "generator_ema", "critic", "predictor_0"}
    assert (
        kinds
        >= {
            "comgan": of_gan,
            "guarded": of_gan,
            "segmentation": {"segmenter", "segmenter_ema", "mask_critic"},
            "student": {"segmenter", "segmenter_ema"},
        }[model]
    )
    names = [name for name in one.files if not name.startswith("logs/")]
    assert any(name.endswith("statistic") for name in names)
    for name in names:
        np.testing.assert_allclose(
            two[name], one[name], 1e-5, ROUNDING[model], err_msg=name
        )


@MODELS
def test_one_and_two_replicas_report_the_same_losses_and_monitors(trained, model):
    one, two = trained(model, 1), trained(model, 2)
    names = [name for name in one.files if name.startswith("logs/")]
    assert len(names) >= (2 if model == "student" else 5) * STEPS
    for name in names:
        np.testing.assert_allclose(two[name], one[name], 1e-4, 2e-5, err_msg=name)


@MODELS
def test_training_moved_the_weights_far_beyond_the_tolerance(trained, model):
    # Else the comparisons above would pass on a training that does nothing. A trained
    # network and its average, which lags behind, started as equals.
    arrays = trained(model, 1)
    net = "generator" if model in ("comgan", "guarded") else "segmenter"
    moved = [
        np.abs(arrays[name] - arrays[name.replace(net, f"{net}_ema", 1)]).max()
        for name in arrays.files
        if name.startswith(f"{net}/") and name.endswith("weight")
    ]
    assert max(moved) > 1e-3


def test_batch_that_does_not_divide_among_the_replicas_is_refused():
    from tfcomgan.errors import UserError
    from tfcomgan.training import loop

    with pytest.raises(UserError, match="Received: 90 for 4 replicas"):
        loop.check_batch_size(90, 4)
    loop.check_batch_size(92, 4)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
