"""Standard output and error that end no command: closed, broken, or of any encoding."""

import io
import os
import sys


class _Lasting(io.TextIOWrapper):
    """A text stream over another's bytes that goes on as if nothing were wrong.

    What its encoding cannot write is escaped. Where nobody reads any more, or the disk of
    a log is full, the rest goes nowhere.
    """

    replaced: object = None  # The other stream: it would close the bytes with itself.

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        # The descriptor itself: C's libraries and the interpreter's end write there too.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def make_lasting() -> None:
    """Puts such streams in the places of `sys.stdout` and `sys.stderr`.

    A stream that the shell closed (`>&-`) is opened on nothing first: else the next file to
    be opened would get its number, and what libraries print.
    """
    if sys.stdin is None:
        _occupy(0)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _occupy(number)
            encoding, buffer = "utf-8", os.fdopen(number, "wb", closefd=False)
        else:
            encoding, buffer = stream.encoding, stream.buffer
        lasting = _Lasting(
            buffer, encoding=encoding, errors="backslashreplace", line_buffering=True
        )
        lasting.replaced = stream
        setattr(sys, name, lasting)


def _occupy(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
