"""A headless Chromium for tests, by the WebDriver protocol (W3C), which is JSON over HTTP."""

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")
IS_THERE = bool(_BROWSER and _DRIVER)
_FLAGS = "headless no-sandbox disable-gpu no-first-run disable-sync hide-scrollbars"
_FLAGS += " disable-background-networking disable-component-update"
_SECONDS = 120  # A test waits for; hundreds of times what idle cores need.


class Browser:
    """A window; `opened` makes one."""

    def __init__(self, base: str):
        self._base = base

    def ask(self, method: str, path: str, fields: dict | None = None):
        """A command of the protocol; gives its value."""
        body = None if fields is None else json.dumps(fields).encode()
        request = urllib.request.Request(self._base + path, body, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with _opener.open(request, timeout=300) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:1000]) from error

    def go(self, address: str) -> None:
        """Opens an address, and waits for what it loads."""
        self.ask("POST", "/url", {"url": address})

    def run(self, script: str, *arguments):
        """The value that a script returns; `arguments[0]` is the first of them."""
        fields = {"script": script, "args": list(arguments)}
        return self.ask("POST", "/execute/sync", fields)

    def until(self, expression: str, *arguments):
        """Waits for an expression to be true, and gives its value."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            if value := self.run(f"return {expression}", *arguments):
                return value
            time.sleep(0.05)
        text = self.run("return document.body.innerText")
        raise AssertionError(f"{expression} stays false; the page says:\n{text}")

    def resize(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """A screen of that size, as of a phone where it is narrow."""
        for command, parameters in (
            ("Emulation.setDeviceMetricsOverride",
             {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
            ("Emulation.setEmulatedMedia",
             {"features": [{"name": "prefers-color-scheme",
                            "value": "dark" if is_dark else "light"}]}),
        ):  # fmt: skip
            fields = {"cmd": command, "params": parameters}
            self.ask("POST", "/goog/cdp/execute", fields)

    def click(self, selector: str) -> None:
        """A click of the mouse on an element."""
        self.ask("POST", f"/element/{self._element(selector)}/click", {})

    def choose_file(self, selector: str, path: pathlib.Path) -> None:
        """Gives a file to a field for files, as its dialogue does."""
        place = f"/element/{self._element(selector)}/value"
        self.ask("POST", place, {"text": str(path)})

    def shot(self) -> bytes:
        """A picture of the window, PNG."""
        return base64.b64decode(self.ask("GET", "/screenshot"))

    def _element(self, selector: str) -> str:
        fields = {"using": "css selector", "value": selector}
        return next(iter(self.ask("POST", "/element", fields).values()))


# Not the proxy of the environment: all is on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def opened(downloads: pathlib.Path | None = None) -> Iterator[Browser]:
    """A browser with an empty profile, which is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            [_DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True
        )
        try:
            line = next(
                text for text in driver.stdout if "successfully on port" in text
            )
            port = line.rstrip(". \n").split()[-1]
            root = f"http://127.0.0.1:{port}/session"
            options = {
                "binary": _BROWSER,
                "args": [f"--{x}" for x in (*_FLAGS.split(), f"user-data-dir={profile}")],
                "prefs": {"download.default_directory": str(downloads)},
            }  # fmt: skip
            wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
            made = Browser(root).ask("POST", "", {"capabilities": wanted})
            browser = Browser(f"{root}/{made['sessionId']}")
            try:
                yield browser
            finally:
                browser.ask("DELETE", "")
        finally:
            driver.terminate()
            driver.wait()
            driver.stdout.close()
