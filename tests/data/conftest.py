"""Shared by the tests of data sets."""

import pytest
import requests
from own_folders import mask, noise, save


@pytest.fixture
def no_network(monkeypatch):
    """Every connection fails, and its address is listed."""
    tries = []

    def fail(url):
        tries.append(url)
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr(requests, "get", lambda url, **kwargs: fail(url))
    for name in ("get", "request"):
        monkeypatch.setattr(
            requests.Session, name, lambda self, url, **kwargs: fail(url)
        )
    return tries


@pytest.fixture
def photos(tmp_path):
    """Twelve good pictures in folders, and what must not disturb."""
    root = tmp_path / "photos"
    for i in range(12):
        save(root / ["", "Summer 2021", "Größe/名前"][i % 3] / f"a {i}.png", noise(i))
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    (root / ".git").mkdir()
    (root / ".git" / "a.png").write_bytes(b"")
    save(root / "runs" / "folder" / "pictures" / "a.png", noise(0))
    (root / "runs" / "folder" / "run.json").write_text("{}")
    return root


@pytest.fixture
def masked(tmp_path):
    """Four pictures with masks, in the layout images/ and masks/."""
    root = tmp_path / "masked"
    for i in range(4):
        save(root / "images" / "x" / f"{i}.jpg", noise(i))
        save(root / "masks" / "x" / f"{i}.png", mask(i))
    return root
