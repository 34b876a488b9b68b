"""Arrays that need not fit into memory: written row by row, read as memory maps.

They are `.npy` files. A row goes into the file by `write`, never through a memory map,
which a full disk would end with a signal instead of an error.
"""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tfcomgan.system import files

_BUFFER = 2**22  # Bytes read at a time.


class Writer:
    """Appends rows to an array whose length is known at its end.

    Args:
      path: The file.
      shape: Of a row.
      dtype: Of its values.
      kept: Rows that are there already from an earlier writer and stay; 0 begins anew.

    Raises:
      ValueError: The file does not hold the rows to be kept.
      OSError: The disk is full or may not be written.
    """

    def __init__(
        self, path: pathlib.Path, shape: tuple[int, ...], dtype, kept: int = 0
    ):
        self.path, self._shape, self._dtype = path, tuple(shape), np.dtype(dtype)
        self.count, self._digest = kept, hashlib.sha256()
        self._row_bytes = self._dtype.itemsize * int(np.prod(self._shape, dtype=int))
        self._file = path.open("r+b" if kept else "w+b")
        try:
            self._write_header()
            self._take_over(kept)
        except BaseException:
            self._file.close()
            raise

    def _write_header(self) -> None:
        """NumPy leaves room in it for a longer count, so that its length stays."""
        content = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.count, *self._shape),
        }
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, content)
        self._start = self._file.tell()

    def _take_over(self, kept: int) -> None:
        end = self._start + kept * self._row_bytes
        if self._file.seek(0, os.SEEK_END) < end:
            raise ValueError(f"{self.path} holds fewer than {kept} rows.")
        self._file.truncate(end)
        self._file.seek(self._start)
        while part := self._file.read(_BUFFER):
            self._digest.update(part)

    def append(self, rows: np.ndarray) -> None:
        """Adds rows [B, ...].

        Raises:
          ValueError: They are of another shape or type.
          OSError: The disk is full.
        """
        if rows.shape[1:] != self._shape or rows.dtype != self._dtype:
            raise ValueError(
                f"`rows` must be {self._dtype} [batch, {', '.join(map(str, self._shape))}]."
                f" Received: {rows.dtype} {rows.shape}."
            )
        content = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        self._file.write(content)
        self._digest.update(content)
        self.count += len(rows)

    def sync(self) -> None:
        """Waits until all rows are on the disk; the header counts them."""
        end = self._file.tell()
        self._write_header()
        self._file.seek(end)
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> str:
        """Ends the file, on the disk; returns the hex SHA-256 of its rows."""
        self.sync()
        self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Lets go of the file as it is."""
        # What is still in a buffer has no room on a full disk, and is not wanted.
        with contextlib.suppress(OSError):
            self._file.close()


def read(path: str | os.PathLike) -> np.ndarray:
    """An array's file as a memory map that cannot be written to.

    Raises:
      ValueError: The file is none of an array, or is cut off.
    """
    return np.load(path, mmap_mode="r", allow_pickle=False)


def digest(path: str | os.PathLike) -> str:
    """Hex SHA-256 of an array's rows, as `Writer.finish` tells it."""
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        while part := file.read(_BUFFER):
            hashed.update(part)
    return hashed.hexdigest()


def parts(count: int, size: int = 1000) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


@contextlib.contextmanager
def spooled(path: pathlib.Path, shape: tuple[int, ...], dtype) -> Iterator[Writer]:
    """A writer of a file that appears whole at `path`, or not at all."""
    with files.replacing(path, is_durable=False) as temporary:
        writer = Writer(temporary, shape, dtype)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()
