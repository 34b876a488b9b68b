"""Shared by the tests of data sets."""

import pytest
import requests


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
