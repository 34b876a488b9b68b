"""Trains one Keras model with its own train_step, resumably, on all replicas.

`train` knows nothing of ComGAN: it gets factories and calls them inside the scope of a
`tf.distribute` strategy.
"""

import contextlib
import pathlib
from collections.abc import Callable, Sequence

import keras
import psutil
import tensorflow as tf

from tfcomgan.errors import UserError
from tfcomgan.models import update
from tfcomgan.networks.layers import precision
from tfcomgan.system import stopping
from tfcomgan.training import callbacks, hosts, stepping
from tfcomgan.training.checkpoints import Checkpoints, Keeping
from tfcomgan.training.precision import policy
from tfcomgan.training.settings import TrainingSettings


def strategy(devices: Sequence[str] = ()) -> tf.distribute.MirroredStrategy:
    """One replica a device; see `replicas`."""
    return tf.distribute.MirroredStrategy(replicas(devices))


def replicas(devices: Sequence[str] = ()) -> list[str]:
    """The devices to train on: those named, else all GPUs, else one CPU.

    Several CPUs ('cpu:0', 'cpu:1') are logical ones on the same cores, for tests.

    Raises:
      UserError: A device does not exist, or is named twice.
    """
    wanted = [name.strip().lower() for name in devices]
    if twice := [name for name in wanted if wanted.count(name) > 1]:
        raise UserError(f"--devices names {twice[0]!r} more than once.")
    num_cpus = sum(name.startswith("cpu") for name in wanted)
    if num_cpus > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * num_cpus
        )
    known = [
        _short(device.name)
        for kind in ("GPU", "CPU")
        for device in tf.config.list_logical_devices(kind)
    ]
    if unknown := [name for name in wanted if name not in known]:
        raise UserError(
            f"--devices names {unknown[0]!r}, which is not here. "
            f"Devices: {', '.join(known)}."
        )
    gpus = [name for name in known if name.startswith("gpu")]
    return wanted or gpus or ["cpu:0"]


def _names(on: tf.distribute.Strategy) -> list[str]:
    """The devices of a strategy in this process, as `replicas` gives them."""
    return [_short(name) for name in on.extended.worker_devices]


def _short(name: str) -> str:
    """TensorFlow's '/job:a/device:GPU:0' as 'gpu:0'."""
    return name.rpartition("device:")[2].lower()


def train(
    schedule: TrainingSettings,
    keeping: Keeping,
    *,
    make_model: Callable[[], keras.Model],
    make_batches: Callable[..., tf.data.Dataset],
    watchers: Callable[[keras.Model], list[keras.callbacks.Callback]],
    on: tf.distribute.Strategy,
    team: hosts.Team | None = None,
) -> keras.Model:
    """Trains all steps, from the newest checkpoint on if there is one.

    Args:
      schedule: Of the whole training; its seed makes the initial weights.
      keeping: Of the checkpoints; one is saved at the end too.
      make_model: Builds the model, with `checkpointed()` and all variables created.
      make_batches: First step to the batches from there on; of a team's host, with the
        keyword `share`, to its part of them.
      watchers: Model to further callbacks; their `first_step` is set before `fit`.
      on: Strategy whose replicas share each batch.
      team: Where they are those of several hosts, whose strategy `on` is.

    Returns:
      The trained model.

    Raises:
      UserError: The batch does not divide among the replicas, a loss is not finite, or
        the checkpoint is damaged or of other settings.
    """
    steps = schedule.steps
    check_batch_size(schedule.batch_size, on.num_replicas_in_sync)
    keras.utils.set_random_seed(schedule.seed)
    lost = team.named_losses() if team else contextlib.nullcontext()
    with lost, precision(policy(schedule.precision, _names(on))):
        with on.scope():
            model = make_model()
            model.compile(
                optimizer=None,
                jit_compile=False,
                steps_per_execution=schedule.steps_per_execution,
            )
        # Its own variables are this process's alone: a strategy would send them around.
        checkpoints = Checkpoints(
            keeping.folder,
            keeping.fingerprint,
            model.checkpointed(),
            is_writer=team is None or team.is_chief,
        )
        start = checkpoints.restore()
        if team:
            team.check_same(start, "step", keeping.folder)
        if start >= steps:
            return model
        saver = callbacks.Saver(
            checkpoints,
            keeping,
            steps=steps,
            is_asked=team.is_asked if team else stopping.is_asked,
        )
        # Last: what is noted of a step must not be missing where one goes on from it.
        listeners = [*watchers(model), saver]
        for listener in listeners:
            listener.first_step = start
        with on.scope(), _named_failures(keeping.folder), stopping.released():
            if team:
                stepping.fit(
                    model,
                    team.batches(make_batches, start),
                    steps=steps - start,
                    at_once=schedule.steps_per_execution,
                    callbacks=listeners,
                )
            else:
                model.fit(
                    make_batches(start),
                    steps_per_epoch=steps - start,
                    callbacks=listeners,
                    shuffle=False,
                    verbose=0,
                )
        if checkpoints.step < steps:
            raise RuntimeError(f"Stopped after {checkpoints.step} of {steps} steps.")
    return model


def check_batch_size(
    batch_size: int, replicas: int, name: str = "training.batch_size"
) -> None:
    """Raises UserError, which calls it `name`, unless it divides among the replicas."""
    if batch_size % replicas:
        raise UserError(
            f"{name} must be divisible by the number of replicas. Received: "
            f"{batch_size} for {replicas} replicas. Set {name}, or --devices."
        )


def check_memory(batch_size: int, image_size: int, name: str) -> None:
    """Raises UserError for a batch that cannot fit; Linux would kill us without a word.

    The error calls it `name`. A lower bound: ten float32 pictures an example, for the
    real one, the composite, its layers and their gradients.
    """
    needed = 10 * batch_size * image_size**2 * 3 * 4
    memory = psutil.virtual_memory().total
    if needed > memory:
        raise UserError(
            f"{name}={batch_size} would run out of memory: its pictures alone take "
            f"{needed / 2**30:.0f} GiB, and this machine has {memory / 2**30:.0f} GiB. "
            f"Lower {name}."
        )


@contextlib.contextmanager
def _named_failures(checkpoint_dir: pathlib.Path):
    """Says which loss was not finite at which step, and what to do."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if update.NON_FINITE not in error.message:
            raise
        name, step = update.parse_non_finite(error.message)
        problem = f"The loss `{name}` is not finite at step {step}"
        raise UserError(_diverged(problem, checkpoint_dir)) from error
    except FloatingPointError as error:
        raise UserError(_diverged(str(error), checkpoint_dir)) from error


def _diverged(problem: str, checkpoint_dir: pathlib.Path) -> str:
    has_checkpoint = any(checkpoint_dir.glob("*.index"))
    state = (
        f"; the last good checkpoint is kept in {checkpoint_dir}"
        if has_checkpoint
        else " before its first checkpoint"
    )
    return (
        f"{problem}. Training stopped{state}. Lower the learning rate "
        "(adam.learning_rate), use PRECISION='float32', or another SEED."
    )
