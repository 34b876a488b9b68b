"""Work by threads ends where it is left: what has not begun is not done."""

import sys
import threading

import pytest

from tfcomgan.data import parallel


class Work:
    """Returns its item at once for the first, then waits to be let go on."""

    def __init__(self):
        self.begun, self.may_end = [], threading.Event()

    def __call__(self, item):
        self.begun.append(item)
        if item:
            assert self.may_end.wait(60)
        return item


@pytest.fixture
def work(monkeypatch):
    monkeypatch.setattr(parallel, "THREADS", 2)
    return Work()


def _let_go_on_at_the_end(work, monkeypatch):
    """The threads go on when all that could be cancelled is."""
    shutdown = parallel.futures.ThreadPoolExecutor.shutdown

    def end(pool, wait=True, **options):
        shutdown(pool, wait=False, **options)
        work.may_end.set()
        shutdown(pool, wait=wait)

    monkeypatch.setattr(parallel.futures.ThreadPoolExecutor, "shutdown", end)


def test_what_has_not_begun_is_not_done_when_the_consumer_leaves(work, monkeypatch):
    _let_go_on_at_the_end(work, monkeypatch)
    results = parallel.in_parallel(work, range(50))
    assert next(results) == 0
    results.close()
    assert max(work.begun) <= 2  # A thread each is at work on 1 and 2.


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_has_not_begun_is_not_done_after_an_error(work, monkeypatch, error):
    """Of what gives the items; as where a signal comes while they are waited for."""

    def items():
        yield from range(4)
        raise error

    _let_go_on_at_the_end(work, monkeypatch)
    with pytest.raises(error):
        list(parallel.in_parallel(work, items()))
    assert max(work.begun) <= 2


def test_a_picture_that_waits_for_room_is_not_begun_at_the_end(work, monkeypatch):
    def pixels(item):
        return 2**27 if item else 1

    _let_go_on_at_the_end(work, monkeypatch)

    results = parallel.in_parallel(work, range(50), pixels=pixels)
    assert next(results) == 0
    results.close()
    assert work.begun in ([0], [0, 1], [0, 2])  # One of the two threads has the room.


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
