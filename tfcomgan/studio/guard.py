"""Turns away requests that are not of the page itself.

A server on one's own machine can be reached by every page that the browser shows. Such a
page may send requests to it, though not read the answers (CSRF), or give its own name the
address 127.0.0.1 to read them too (DNS rebinding). So each request must be sent to a name
of this machine, and come from this page where the browser says whence. What is answered
may load nothing from elsewhere, and no other page may frame or embed it.
"""

from collections.abc import Callable, Iterable

from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

HOSTS = ("127.0.0.1", "localhost")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """A WSGI application before another one.

    Args:
      application: What is asked where all is right.
      most_bytes: Of the body of a request.
    """

    def __init__(self, application: Callable, most_bytes: int):
        self._application, self._most_bytes = application, most_bytes

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        application, refused = self._application, self._refusal(environ)
        if refused is not None:
            status, reason = refused
            application = Response(f"{reason}\n", status, mimetype="text/plain")

        def start(status, headers, *more):
            return start_response(status, [*headers, *_HEADERS.items()], *more)

        return application(environ, start)

    def _refusal(self, environ: dict) -> tuple[int, str] | None:
        """Status and reason, or None."""
        host = environ.get("HTTP_HOST")
        if not host_is_trusted(host, HOSTS):
            return 403, f"The page is at {' or '.join(HOSTS)} alone."
        origin = environ.get("HTTP_ORIGIN")
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        # `none` is typed by the user. Old browsers do not say; then Origin must do.
        is_own = origin in (None, f"http://{host}")
        if not is_own or site not in ("same-origin", "none"):
            return 403, "Another page must not ask this one."
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return None
        if environ["REQUEST_METHOD"] != "POST":
            return 405, "GET and POST alone."
        if "HTTP_TRANSFER_ENCODING" in environ:
            return 411, "The length must be told."
        length = environ.get("CONTENT_LENGTH") or ""
        if not (length.isascii() and length.isdigit()):
            return 411, "The length must be told."
        if int(length) > self._most_bytes:
            return 413, f"At most {self._most_bytes / 2**20:.0f} MiB are taken."
        return None
