"""Listens on this machine alone.

Werkzeug's server, as of TensorBoard, which brings it: a thread a connection. It is not
made for strangers, and none can reach it.
"""

import contextlib
import errno
import http.server
import socket
from collections.abc import Callable, Iterator

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tfcomgan.errors import UserError

ADDRESS = "127.0.0.1"
_SECONDS = 60  # That a silent connection is kept.


class _Handler(WSGIRequestHandler):
    timeout = _SECONDS

    def log(self, *unused):
        """Nothing: of requests, and of connections that a browser opens and forgets."""


@contextlib.contextmanager
def listening(application: Callable, port: int) -> Iterator[BaseWSGIServer]:
    """A server that listens, its `server_port` known; `serve` makes it answer.

    Args:
      application: WSGI.
      port: 0 for any that is free.

    Raises:
      UserError: The port is taken, or not this user's to take.
    """
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((ADDRESS, port))
        except OSError as error:
            is_taken = error.errno == errno.EADDRINUSE
            reason = "it is taken" if is_taken else error.strerror
            raise UserError(
                f"Port {port} cannot be used: {reason}. Try --port=0."
            ) from error
        taken.listen(128)
        # Werkzeug itself would print and exit where a port is taken. It takes a copy.
        server = make_server(
            ADDRESS,
            port,
            application,
            threaded=True,
            request_handler=_Handler,
            fd=taken.fileno(),
        )
    try:
        yield server
    finally:
        server.server_close()


def serve(server: BaseWSGIServer) -> None:
    """Answers until a signal or `server.shutdown()` ends it."""
    # Not Werkzeug's own, which takes Ctrl-C for the end of its work and says nothing.
    http.server.HTTPServer.serve_forever(server, poll_interval=0.2)
