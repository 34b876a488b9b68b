"""Who but the page itself is turned away, and what the page gives away to nobody."""

import io
import sys

import pytest
from studio_client import HOME, MOST_BYTES, PART, ask, client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/../play.py", 404),
        ("/file=/etc/passwd", 404),
        ("/app.py", 404),
        ("/cut", 405),
    ],
)
def test_only_the_pages_own_files_are_given(page, path, status):
    answer = page.get(path, base_url=HOME)
    assert answer.status_code == status and "error" in answer.json


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js"])
def test_the_page_names_no_other_place(page, path):
    answer = page.get(path, base_url=HOME)
    assert answer.status_code == 200
    assert "//" not in answer.text.replace("// ", "").replace(" //", "")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy and "http" not in policy
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


REQUESTS = [("GET", "/"), ("GET", "/about"), ("POST", "/photos"), ("POST", "/cut")]
REQUESTS += [("POST", "/save"), ("POST", "/scene"), ("GET", "/nowhere")]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.com"},  # DNS rebinding: a strange name for this address.
        {"Host": "evil.com:7860", "Origin": "http://evil.com:7860"},
        {"Host": "127.0.0.1.evil.com"},
        {"Host": "localhost@evil.com"},
        {"Host": ""},
        {"Host": "0.0.0.0:7860"},
        {"Host": "[::1]:7860"},
        {"Origin": "http://evil.com"},  # A strange page asks.
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "https://127.0.0.1:7860"},
        {"Origin": "http://localhost:7860"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_who_is_not_the_page_is_turned_away(page, method, path, headers):
    answer = page.open(path, method=method, base_url=HOME, headers=headers, data=b"{}")
    assert answer.status_code == 403
    assert not answer.data.startswith(b"{") and "default-src" in str(answer.headers)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:9000", "localhost"])
def test_the_page_itself_is_let_in_by_every_name_of_this_machine(page, host):
    headers = {
        "Host": host,
        "Origin": f"http://{host}",
        "Sec-Fetch-Site": "same-origin",
    }
    answer = ask(page, "/scene", {"object": PART, "ground": PART}, headers=headers)
    assert answer.status_code == 200
    assert page.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": str(MOST_BYTES + 1)}, 413),
        ({"CONTENT_LENGTH": "9" * 30}, 413),
        ({"CONTENT_LENGTH": "-1"}, 411),
        ({"CONTENT_LENGTH": "²"}, 411),
        ({"CONTENT_LENGTH": ""}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"REQUEST_METHOD": "PUT"}, 405),
        ({"REQUEST_METHOD": "OPTIONS"}, 405),
    ],
)
def test_bodies_of_no_told_or_too_great_a_length_are_not_read(page, environ, status):
    class Unread(io.BytesIO):
        def read(self, *size):
            raise AssertionError("It was read.")

    answer = page.post(
        "/photos",
        base_url=HOME,
        environ_overrides=environ | {"wsgi.input": Unread(b"x")},
    )
    assert answer.status_code == status


def test_a_defect_is_told_without_its_details(made, tmp_path, monkeypatch, caplog):
    _, scissors, painter = made
    page = client(tmp_path, scissors, painter)
    monkeypatch.setattr(painter, "_paint", lambda latents: 1 / 0)
    answer = ask(page, "/scene", {"object": PART, "ground": PART})
    assert answer.status_code == 500 and "ZeroDivision" not in answer.text
    assert "ZeroDivisionError" in caplog.text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
