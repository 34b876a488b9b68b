"""What is said of a full disk, of too little memory, and of no defect."""

import errno
import os
import sys

import pytest

from tfcomgan import config
from tfcomgan.errors import explain


@config.configurable
def toy_save(path: str = "") -> None:
    raise OSError(errno.ENOSPC, "No space left on device", path)


def _tensorflow_error(name: str, text: str) -> Exception:
    """As tf.errors raises it, without a second of importing TensorFlow."""
    module = "tensorflow.python.framework.errors_impl"
    return type(name, (Exception,), {"__module__": module})(text)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EDQUOT, "Disk quota exceeded"),
        (errno.EFBIG, "File too large"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.EPERM, "Permission denied"),
    ],
)
def test_disk_errors_name_file_and_way_out(number, words):
    text = explain(OSError(number, os.strerror(number), "/runs/a/ckpt-1"))
    assert text.startswith(f"{words}: /runs/a/ckpt-1. ")
    assert "--run_dir" in text
    assert "the same command goes on" in text


@pytest.mark.parametrize(
    "words",
    [
        "No space left on device",
        "File too large",
        "Read-only file system",
        "Permission denied",
    ],
)
def test_disk_errors_of_tensorflow_and_hdf5_are_recognised(words):
    # An untrue "out of memory" would follow from the class of the first alone.
    raised = _tensorflow_error(
        "ResourceExhaustedError", f"/runs/a/ckpt; {words} [Op:X]"
    )
    assert explain(raised).startswith(f"{words}: /runs/a/ckpt. ")
    raised = OSError(
        f"Unable to create file (name = '/runs/a.h5', message = '{words}')"
    )
    assert explain(raised).startswith(f"{words}: /runs/a.h5. ")


def test_disk_error_wrapped_by_tfds_is_recognised():
    full = "Failed to finalize writing: /data/a-train; No space left on device"
    with pytest.raises(RuntimeError) as raised:
        try:
            raise _tensorflow_error("ResourceExhaustedError", full)
        except Exception as error:
            raise RuntimeError(f"ResourceExhaustedError: {full}") from error
    text = explain(raised.value)
    assert text.startswith("No space left on device: /data/a-train. ")


def test_disk_error_wrapped_by_gin_keeps_its_file():
    with pytest.raises(OSError) as raised:
        toy_save(path="/runs/a/ckpt-1")
    assert raised.value.errno is None  # Lost in gin's proxy.
    text = explain(raised.value)
    assert text.startswith("No space left on device: /runs/a/ckpt-1. ")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 3 GiB"),
        _tensorflow_error("ResourceExhaustedError", "OOM when allocating [64,128]"),
        _tensorflow_error("InternalError", "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ],
)
def test_out_of_memory_advises_a_smaller_batch(error):
    assert explain(error).startswith("out of memory")
    assert "--gin_param=BATCH_SIZE=" in explain(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file", "/a"),
        _tensorflow_error("InvalidArgumentError", "shapes differ"),
    ],
)
def test_defects_are_not_explained_away(error):
    assert explain(error) is None


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
