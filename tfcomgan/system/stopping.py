"""A command that is asked to end by a signal ends soon, and keeps what it has done.

SIGTERM (of a cluster, `kill`, or a shutdown), SIGHUP (the terminal is gone) and SIGINT
(Ctrl-C) raise an exception where the command stands. Only a training holds them for a
moment: until its step is done and saved. A second Ctrl-C is not held.
"""

import contextlib
import signal
from collections.abc import Iterator


class Stopped(BaseException):
    """SIGTERM or SIGHUP came; as with KeyboardInterrupt, nobody is to swallow it."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class AskedElsewhere(BaseException):
    """The process of another host was asked to end, and all end with it."""


_is_holding = False
_asked: int | None = None  # By which signal, while it is held.


def listen() -> None:
    """Makes the signals do so; to be called once by a command, in its main thread."""
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        # Ignored by `nohup`, or for a command in the background: then it stays so.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _handle)


def listen_again() -> None:
    """After a library that has set handlers of its own below Python, unseen by it."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is _handle:
            signal.signal(number, _handle)


def _handle(number, frame) -> None:
    del frame
    global _asked
    if _is_holding and _asked is None:
        _asked = number
    else:
        _raise(number)


def _raise(number: int) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


def is_asked() -> bool:
    """Whether a signal that is held asks for the end."""
    return _asked is not None


def hold() -> None:
    """From now on `is_asked` tells of a signal, until `release`."""
    global _is_holding
    _is_holding = True


def release() -> None:
    """Raises what was held, and holds no more."""
    global _is_holding, _asked
    _is_holding, number, _asked = False, _asked, None
    if number is not None:
        _raise(number)


@contextlib.contextmanager
def released() -> Iterator[None]:
    """Releases at the end of the block, however it ends."""
    try:
        yield
    finally:
        release()
