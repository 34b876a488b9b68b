"""Requests to a TensorFlow Serving server that holds the segmenter, by REST or gRPC.

REST needs the standard library alone, gRPC the package tensorflow-serving-api.
"""

import base64
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tfcomgan.errors import UserError
from tfcomgan.serving.versions import SEGMENTER

SIGNATURE = "segment_encoded"
_SECONDS = 60  # For an answer.


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
    if scheme in ("http", "https") and address:
        return _rest(server.rstrip("/"))
    if scheme == "grpc" and address:
        return _grpc(address)
    raise UserError(
        "--server must be as in grpc://localhost:8500 or http://localhost:8501. "
        f"Received: {server}."
    )


def rest_body(files: Sequence[bytes]) -> dict:
    """A request for TensorFlow Serving's REST API, in rows."""
    rows = [{"image_bytes": {"b64": base64.b64encode(f).decode()}} for f in files]
    return {"signature_name": SIGNATURE, "instances": rows}


def _rest(address: str) -> Ask:
    url = f"{address}/v1/models/{SEGMENTER}:predict"

    def ask(files):
        request = urllib.request.Request(
            url,
            json.dumps(rest_body(files)).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                rows = json.load(response)["predictions"]
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:500]
            is_passing = error.code in (429, 502, 503, 504)
            raise (Unavailable if is_passing else Rejected)(
                f"{url} answers {error.code}: {text}"
            ) from error
        except OSError as error:  # No connection, or a broken one; too slow.
            raise Unavailable(f"{url}: {error}") from error
        return [Answer(**row | {"mask": np.float32(row["mask"])}) for row in rows]

    return ask


def predict_request(files: Sequence[bytes]):
    """A request for TensorFlow Serving's gRPC API, a PredictRequest."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = SEGMENTER, SIGNATURE
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(files)))
    return request


def _grpc(address: str) -> Ask:
    try:
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import prediction_service_pb2_grpc
    except ModuleNotFoundError as error:
        raise UserError(
            f"gRPC needs a package ({error}): pip install 'tensorflow-serving-api>=2.21'. "
            "REST does not: --server=http://HOST:8501."
        ) from error
    passing = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    sizes = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    channel = grpc.insecure_channel(address, options=[(size, -1) for size in sizes])
    predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict

    def ask(files):
        try:
            response = predict(predict_request(files), timeout=_SECONDS)
        except grpc.RpcError as error:
            raise (Unavailable if error.code() in passing else Rejected)(
                f"{address} answers {error.code().name}: {error.details()[:500]}"
            ) from error
        columns = [tf.make_ndarray(response.outputs[n]) for n in Answer._fields]
        return [Answer(*row) for row in zip(*columns, strict=True)]

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
