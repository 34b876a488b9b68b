"""The numbers that a training computes with, where the machine is to choose.

bfloat16 is fast where the hardware has arithmetic for it, and slower than float32 where
it is emulated, as on most laptops.
"""

import pathlib
from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

Precision = Literal["auto", "float32", "mixed_bfloat16"]
Policy = Literal["float32", "mixed_bfloat16"]

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
_LEAST_CAPABILITY = (8, 0)  # Of NVIDIA's GPUs: Ampere.


def policy(wanted: Precision, devices: Sequence[str] = ()) -> Policy:
    """Keras' dtype policy: `wanted`, or for 'auto' the fast one of the two here.

    Args:
      wanted: The setting.
      devices: To train on, as `loop.replicas` takes them; all GPUs if none is named.
    """
    if wanted != "auto":
        return wanted
    return "mixed_bfloat16" if has_bfloat16(devices) else "float32"


def has_bfloat16(devices: Sequence[str] = ()) -> bool:
    """Whether all GPUs of `devices`, or without one the CPU, multiply bfloat16 in hardware.

    Told by the GPUs' compute capability and by Linux' list of the CPU's instructions
    (AVX512-BF16, AMX); False where neither is known.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if devices:
        names = [name.strip().lower() for name in devices]
        gpus = [gpu for i, gpu in enumerate(gpus) if f"gpu:{i}" in names]
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if details:
        capabilities = (detail.get("compute_capability", (0, 0)) for detail in details)
        return all(capability >= _LEAST_CAPABILITY for capability in capabilities)
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = (line.partition(":") for line in lines)
    known = next((f.split() for name, _, f in flags if name.strip() == "flags"), [])
    return not _CPU_FLAGS.isdisjoint(known)
