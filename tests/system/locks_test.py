"""A folder has one holder at a time, also where hosts do not see each other's locks."""

import json
import os
import sys
import threading

import pytest

from tfcomgan.errors import UserError
from tfcomgan.system import locks

HOLDER = ".tfcomgan-lock.json"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The file of a holder on another host, whose lock is not seen here; no lock here."""
    monkeypatch.setattr(locks, "_BEAT", 0.05)
    monkeypatch.setattr(locks, "_MISSED", 1.0)
    me = {
        "pid": 7,
        "host": "far",
        "since": "2024-01-01 00:00:00",
        "command": "tfcomgan",
    }
    (tmp_path / HOLDER).write_text(json.dumps(me))
    return tmp_path / HOLDER


class Beats:
    """Touches a file as a living holder does, `count` times."""

    def __init__(self, file, count):
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(file, count))

    def _beat(self, file, count):
        for i in range(1, count + 1):
            if self.ended.wait(0.05):
                return
            os.utime(file, (i, i))
        file.unlink()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self._thread.join()


def test_folder_held_on_another_host_is_refused_though_no_lock_is_seen(elsewhere):
    with (
        Beats(elsewhere, 10_000),
        pytest.raises(UserError, match="in use by process 7 on far since 2024"),
        locks.hold(elsewhere.parent, "--run_dir"),
    ):
        pass
    assert json.loads(elsewhere.read_text())["host"] == "far"


def test_folder_held_on_another_host_is_waited_for_where_that_was_asked(elsewhere):
    said = []
    with Beats(elsewhere, 3), locks.hold(elsewhere.parent, "x", wait=said.append):
        assert json.loads(elsewhere.read_text())["pid"] == os.getpid()
    assert "process 7 on far" in said[0] and "Waiting" in said[0]


def test_what_a_killed_process_of_another_host_left_is_no_holder(elsewhere):
    with locks.hold(elsewhere.parent, "--run_dir"):
        assert json.loads(elsewhere.read_text())["pid"] == os.getpid()
    assert not elsewhere.exists()


def test_a_holder_is_seen_to_live(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_BEAT", 0.05)
    with locks.hold(tmp_path, "--run_dir"):
        assert locks._is_beating(tmp_path / HOLDER, is_here_too=True)
        assert not locks._is_beating(tmp_path / HOLDER, is_here_too=False)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
