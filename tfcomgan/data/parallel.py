"""Work by threads: reading, writing and networks let go of Python's lock."""

import collections
import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures

THREADS = min(8, os.cpu_count() or 1)


_ROOM = 2**27  # Pixels of all pictures at work, at 10 to 20 bytes each.


def in_parallel(
    function: Callable, items: Iterable, *, pixels: Callable[..., int] | None = None
) -> Iterator:
    """function(item) of each item, in order, by threads that work a little ahead.

    However it ends (an error, Ctrl-C, a consumer that leaves), what has not begun is not
    done.

    Args:
      function: The work.
      items: What it is done on.
      pixels: Of an item the size of its picture: pictures that together have more than
        134 million do not come at once, so that memory does not grow with the threads.
    """
    room = _Room(_ROOM)

    def work(item):
        with room.of(pixels(item) if pixels else 0):
            return function(item)

    pool = futures.ThreadPoolExecutor(THREADS)
    try:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        room.close()
        pool.shutdown(cancel_futures=True)


class _Room:
    """Lets in as many as fit; one that is too large comes alone; none once it is closed."""

    def __init__(self, size: int):
        self._size, self._taken, self._is_closed = size, 0, False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, needed: int):
        needed = min(needed, self._size)
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or self._taken + needed <= self._size
            )
            if self._is_closed:
                raise futures.CancelledError
            self._taken += needed
        try:
            yield
        finally:
            with self._changed:
                self._taken -= needed
                self._changed.notify_all()

    def close(self) -> None:
        """Sends away those that wait."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
