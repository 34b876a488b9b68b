"""Work by threads: reading, writing and networks let go of Python's lock."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures

THREADS = min(8, os.cpu_count() or 1)


def in_parallel(function: Callable, items: Iterable) -> Iterator:
    """function(item) of each item, in order, by threads that work a little ahead."""
    with futures.ThreadPoolExecutor(THREADS) as pool:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
