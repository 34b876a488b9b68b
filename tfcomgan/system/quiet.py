"""Keeps TensorFlow's start out of the terminal; nothing is lost where it fails.

TensorFlow's C++ writes lines on CUDA and oneDNN to file descriptor 2 before its logging
is set up, so that no level silences them. They are held back while it is imported, by a
process of its own: where the import raises, or the machine's lack of an instruction ends
all, that process still writes what it holds.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator

_PACKAGE = "tensorflow"
_WELL = b"\0well"  # No log has a zero byte.
_HOLDER = f"""
import sys
told = sys.stdin.buffer.read()
if not told.endswith({_WELL!r}):
    sys.stderr.buffer.write(told)
"""


def keep_import_quiet() -> None:
    """Holds back what the first import of TensorFlow writes to stderr, and all but fatal
    messages of its C++ after that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Where nobody listens to stderr, there is nothing to hold back.
    if _PACKAGE not in sys.modules and sys.stderr and os.name == "posix":
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Holds back stderr, Python's and C's; it is written if the block or the process
    fails."""
    sys.stderr.flush()
    holder = subprocess.Popen(
        [sys.executable, "-ISc", _HOLDER],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is not for it.
    )
    assert holder.stdin
    kept = os.dup(2)
    os.dup2(holder.stdin.fileno(), 2)
    try:
        yield
        sys.stderr.flush()
        os.write(2, _WELL)
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        holder.communicate()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as others do, and has it loaded in silence."""

    def __init__(self):
        self._is_asking = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != _PACKAGE or self._is_asking:
            return None
        self._is_asking = True
        try:
            spec = importlib.util.find_spec(fullname)  # Of the finders behind this one.
        finally:
            self._is_asking = False
        if spec is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                # Only now: some libraries ask whether TensorFlow is there, and no more.
                sys.meta_path.remove(self)
                with held_back():
                    load(module)

            spec.loader.exec_module = exec_module
        return spec
