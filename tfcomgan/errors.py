"""The one exception the command lines turn into a message and exit code 2."""

import errno
import re


class UserError(Exception):
    """Something the user can put right: a wrong name, file, size or folder.

    Its text names the argument, what was expected, what came, and the way out.
    """


# Errors of a full or closed disk: numbers, the words TensorFlow and HDF5 repeat, advice.
_STORAGE = (
    (
        (errno.ENOSPC,),
        "No space left on device",
        "Free some space, or set --run_dir to another disk.",
    ),
    (
        (errno.EDQUOT,),
        "Disk quota exceeded",
        "Free some of your quota, or set --run_dir to another disk.",
    ),
    (
        (errno.EFBIG,),
        "File too large",
        "Raise the limit (ulimit -f), or set --run_dir to a disk that takes large files.",
    ),
    (
        (errno.EROFS,),
        "Read-only file system",
        "Set --run_dir (or --data_dir) to a folder you can write to.",
    ),
    (
        (errno.EACCES, errno.EPERM),
        "Permission denied",
        "Set --run_dir (or --data_dir) to a folder you can write to.",
    ),
    (
        (errno.ENOTDIR, errno.EEXIST),
        "Not a directory",
        "Set --run_dir (or --data_dir) to a folder.",
    ),
    (
        (errno.EMFILE, errno.ENFILE),
        "Too many open files",
        "Raise the limit (ulimit -n).",
    ),
)
_OUT_OF_MEMORY = re.compile(r"out of memory|\bOOM\b|RESOURCE_EXHAUSTED", re.IGNORECASE)
_RESUME = "Finished stages are kept; the same command goes on from there."


def explain(error: BaseException) -> str | None:
    """What to tell the user of an error he can do something about, else None.

    Knows `UserError`, a full, read-only or forbidden disk, and exhausted memory, as
    raised by Python, HDF5 and TensorFlow, bare or wrapped by gin or TFDS.
    """
    if type(error) is RuntimeError and error.__cause__:  # So TFDS tells TensorFlow's.
        return explain(error.__cause__)
    text = without_gin_trail(error)
    if isinstance(error, UserError):
        return text
    bases = type(error).__mro__
    # By name, so that --help and a misspelt flag do not wait for TensorFlow.
    is_tensorflow = any(c.__module__.startswith("tensorflow.") for c in bases)
    if isinstance(error, OSError) or is_tensorflow:
        for numbers, words, advice in _STORAGE:
            # gin's wrapped OSError has no errno and no filename left, only its text.
            if getattr(error, "errno", None) in numbers or words in text:
                file = _file_of(error, text)
                where = f"{words}: {file}" if file else words
                return f"{where}. {advice} {_RESUME}"
    is_out_of_memory = is_tensorflow and (
        any(c.__name__ == "ResourceExhaustedError" for c in bases)
        or _OUT_OF_MEMORY.search(text)
    )
    if isinstance(error, MemoryError) or is_out_of_memory:
        told = [line for line in text.splitlines() if _OUT_OF_MEMORY.search(line)]
        detail = f" ({(told or text.splitlines())[0][:200]})" if text else ""
        return (
            f"out of memory{detail}. Lower the batch size, as in "
            f"--gin_param=BATCH_SIZE=8. {_RESUME}"
        )
    return None


def _file_of(error: BaseException, text: str) -> str:
    if name := getattr(error, "filename", None):
        return str(name)
    # "[Errno 28] No space left on device: '/a/b'", "... name = '/a/b'", "/a/b; No space"
    match = re.search(r"'([^']*/[^']*)'|(\S*/\S*);", text)
    return match[1] or match[2] if match else ""


def first_line(error: BaseException) -> str:
    """What an error says first, 200 characters of it; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def without_gin_trail(error: BaseException) -> str:
    """The text of an error, less gin's "In call to configurable ..."."""
    return str(error).split("\n  In call to configurable ")[0]
