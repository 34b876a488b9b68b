"""The machine and the versions a stage ran on, for the record."""

import importlib.metadata
import os
import pathlib
import platform
from typing import NamedTuple

from tfcomgan import version


class Environment(NamedTuple):
    """What the numbers and the time of a stage may depend on beside its settings.

    cpu: Model.
    cores: That the process may use.
    gpus: Model of each; () where TensorFlow sees none.
    versions: By name: tfcomgan, Python, TensorFlow, Keras.
    """

    cpu: str
    cores: int
    gpus: tuple[str, ...]
    versions: dict[str, str]


def current() -> Environment:
    """Those of this process; plain JSON by `_asdict`."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, devices)
    return Environment(
        _cpu(),
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        tuple(detail.get("device_name", "GPU") for detail in details),
        versions(),
    )


def versions() -> dict[str, str]:
    """Of tfcomgan, Python, TensorFlow and Keras, by name."""
    ours = {"tfcomgan": version.__version__, "Python": platform.python_version()}
    theirs = ("TensorFlow", "Keras")
    return ours | {name: importlib.metadata.version(name.lower()) for name in theirs}


def _cpu() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        fields = (line.partition(":") for line in lines)
        return next(v.strip() for k, _, v in fields if k.strip() == "model name")
    except (OSError, StopIteration):  # Not Linux, or not x86.
        return platform.processor() or platform.machine()
