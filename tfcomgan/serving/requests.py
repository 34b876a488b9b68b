"""Requests to a TensorFlow Serving server that holds the segmenter, by REST or gRPC.

REST needs the standard library alone, gRPC the package tensorflow-serving-api.
"""

import base64
import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tfcomgan.errors import UserError
from tfcomgan.serving.versions import SEGMENTER

SIGNATURE = "segment_encoded"
_SECONDS = 60  # For an answer.
_MOST_PIXELS = 2**31  # Of a picture: more than any file that is sent.
_FOREIGN = set(" \t\r\n?#@")  # Characters that no address of a server has.
# Answers that may be another one later; 404 also while the model is loaded.
_PASSING = (404, 408, 429, 502, 503, 504)
_ABOUT_THE_REQUEST = (400, 413, 422, 500)
_PORTS = (
    "REST is http://HOST:8501, gRPC grpc://HOST:8500, unless the server says otherwise."
)


class Answer(NamedTuple):
    """What the server says of a picture.

    mask: float32 [S,S,1] in [0, 1], 1 = object, at the model's size S.
    height: Of the picture, in pixels.
    width: The same.
    foreground_area: Share of the mask that is 0.5 or more.
    """

    mask: np.ndarray
    height: int
    width: int
    foreground_area: float


def _answer(mask, height, width, foreground_area) -> Answer:
    """An answer of which all is checked; ValueError, TypeError or so if it is none."""
    mask = np.asarray(mask, np.float32)
    if mask.ndim != 3 or mask.shape[-1] != 1 or not mask.size:
        raise ValueError(f"a mask is of shape {list(mask.shape)}, not [S,S,1]")
    # With a little to spare for the sigmoid's rounding. False of NaN.
    if not np.all((mask >= -1e-3) & (mask <= 1 + 1e-3)):
        raise ValueError("a mask has values that are no probabilities")
    height, width = int(height), int(width)
    if not 0 < height * width <= _MOST_PIXELS or height < 0:
        raise ValueError(f"a picture is of {width} x {height} pixels")
    area = float(foreground_area)
    if not 0 <= area <= 1:
        raise ValueError(f"foreground_area is {area}")
    return Answer(np.clip(mask, 0, 1), height, width, area)


class Rejected(UserError):
    """The server refuses the request itself, as it does a broken picture."""


class Unavailable(Exception):
    """The server is busy or away; the same request may pass later."""


# From files to their answers; raises Rejected or Unavailable.
Ask = Callable[[Sequence[bytes]], list[Answer]]


def connect(server: str) -> Ask:
    """Asks a server for the answers to JPEG or PNG files.

    Args:
      server: As in 'grpc://localhost:8500' or 'http://localhost:8501'.

    Raises:
      UserError: The address is of another kind, or a package is missing.
    """
    scheme, _, address = server.partition("://")
    try:
        parts = urllib.parse.urlsplit(server)
        host = parts.hostname or ""
        host.encode("idna")
        is_good = bool(host) and parts.port != 0 and not set(server) & _FOREIGN
    except ValueError:  # Of a port or a name that is none, or a bracket left open.
        is_good = False
    scheme, path = scheme.lower(), parts.path.strip("/") if is_good else ""
    if is_good and scheme in ("http", "https") and path.isascii():
        return _rest(server.rstrip("/"), _is_here(host))
    if is_good and scheme == "grpc" and not path:
        return _grpc(address.rstrip("/"), _is_here(host))
    raise UserError(
        "--server must be as in grpc://localhost:8500 or http://localhost:8501. "
        f"Received: {server}."
    )


def _is_here(host: str) -> bool:
    """Whether a host is this machine, which no proxy is to be asked for."""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")


def rest_body(files: Sequence[bytes]) -> dict:
    """A request for TensorFlow Serving's REST API, in rows."""
    rows = [{"image_bytes": {"b64": base64.b64encode(f).decode()}} for f in files]
    return {"signature_name": SIGNATURE, "instances": rows}


def _rest(address: str, is_here: bool) -> Ask:
    url = f"{address}/v1/models/{SEGMENTER}:predict"
    opener = urllib.request.build_opener(
        *([urllib.request.ProxyHandler({})] if is_here else [])
    )

    def ask(files):
        request = urllib.request.Request(
            url,
            json.dumps(rest_body(files)).encode("utf-8"),
            {"Content-Type": "application/json"},
        )
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise _refusal(url, error) from error
        except http.client.BadStatusLine as error:
            if isinstance(error, ConnectionError):
                raise Unavailable(f"{url}: {error}") from error
            raise UserError(f"{url} does not speak HTTP. {_PORTS}") from error
        except http.client.InvalidURL as error:
            raise UserError(f"--server={address} is no address: {error}.") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise UserError(
                    f"{url}: {error}. A file with the certificate of its authority is "
                    "named by the environment's SSL_CERT_FILE."
                ) from error
            if isinstance(reason, ssl.SSLError):
                raise UserError(f"{url}: {error}. Is it http, not https?") from error
            # No connection, or a broken one; too slow; an answer cut off.
            raise Unavailable(f"{url}: {error}") from error
        try:
            rows = json.loads(content)["predictions"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{url} is no TensorFlow Serving, or not its REST port; it answers: "
                f"{_shortened(content) or 'nothing'}. {_PORTS}"
            ) from error
        return _checked(url, rows, len(files), lambda row: _answer(**row))

    return ask


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    """What an answer means that is no success."""
    try:
        text = _shortened(error.read())
    except (OSError, http.client.HTTPException):
        text = "an answer that is cut off"
    told = f"{url} answers {error.code}: {text or error.reason}"
    if error.code in _PASSING:
        return Unavailable(told)
    if error.code in _ABOUT_THE_REQUEST:
        return Rejected(told)
    return UserError(
        f"{told}. So does no TensorFlow Serving: something before it may want a login or "
        "send elsewhere, or --server is the address of another program."
    )


def _checked(address: str, rows, count: int, answer: Callable) -> list[Answer]:
    """The answers of as many rows as pictures were sent."""
    try:
        answers = [answer(row) for row in rows]
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Rejected(
            f"{address} gives an answer that cannot be used: {error}"
        ) from error
    if len(answers) != count:
        raise Rejected(f"{address} gives {len(answers)} answers to {count} pictures")
    return answers


def _shortened(content: bytes) -> str:
    """The start of what a server says, on one line."""
    return " ".join(content.decode(errors="replace").split())[:500]


def predict_request(files: Sequence[bytes]):
    """A request for TensorFlow Serving's gRPC API, a PredictRequest."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = SEGMENTER, SIGNATURE
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(files)))
    return request


def _grpc(address: str, is_here: bool) -> Ask:
    try:
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import prediction_service_pb2_grpc
    except ModuleNotFoundError as error:
        raise UserError(
            f"gRPC needs a package ({error}): pip install 'tensorflow-serving-api>=2.21'. "
            "REST does not: --server=http://HOST:8501."
        ) from error
    codes = grpc.StatusCode
    # NOT_FOUND also while the model is loaded.
    passing = (codes.UNAVAILABLE, codes.DEADLINE_EXCEEDED, codes.NOT_FOUND)
    about_us = (codes.UNAUTHENTICATED, codes.PERMISSION_DENIED, codes.UNIMPLEMENTED)
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    options += [("grpc.enable_http_proxy", 0)] if is_here else []
    channel = grpc.insecure_channel(address, options=options)
    predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict

    def ask(files):
        try:
            response = predict(predict_request(files), timeout=_SECONDS)
        except grpc.RpcError as error:
            details = (error.details() or "")[:500]
            told = f"{address} answers {error.code().name}: {details}"
            is_http = "settings frame" in told.lower() or "http1" in told.lower()
            if is_http or error.code() in about_us:
                raise UserError(f"{told}. {_PORTS}") from error
            raise (Unavailable if error.code() in passing else Rejected)(
                told
            ) from error

        def rows():
            columns = [tf.make_ndarray(response.outputs[n]) for n in Answer._fields]
            yield from zip(*columns, strict=True)

        return _checked(address, rows(), len(files), lambda row: _answer(*row))

    return ask


def patient(
    ask: Ask,
    *,
    attempts: int = 6,
    first_wait: float = 0.5,
    sleep: Callable[[float], None] = time.sleep,
) -> Ask:
    """Asks again where the server is busy or away.

    Before attempt n + 1 it waits first_wait * 2^(n - 1) seconds, up to half of it less by
    chance, so that many clients do not come back at once.

    Raises:
      UserError: The last attempt failed too.
    """

    def ask_again(files):
        for attempt in range(attempts):
            try:
                return ask(files)
            except Unavailable as error:
                if attempt == attempts - 1:
                    raise UserError(
                        f"No answer in {attempts} attempts. {error}. Is the server up, "
                        "and --server its address?"
                    ) from error
            sleep(first_wait * 2**attempt * random.uniform(0.5, 1))

    return ask_again
