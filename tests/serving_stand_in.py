"""What TensorFlow Serving does with a request, by TensorFlow alone.

`start` starts a process of its own, in which Keras and tfcomgan cannot be imported. It
replays the warm-up requests, then serves REST and, where tensorflow-serving-api is
installed, gRPC. JSON becomes tensors as in tensorflow_serving/util/json_tensor.cc: rows
(`instances`) or columns (`inputs`), binary strings as {"b64": ...}, whole numbers alone
for integers.

POST /faults with a number makes as many requests fail as those of a busy server do.
"""

import atexit
import base64
import functools
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder


class Without(PathFinder):
    """Finds no Keras and none of our modules."""

    @classmethod
    def find_spec(cls, name, *args):
        if name.partition(".")[0] not in ("tfcomgan", "keras", "tf_keras"):
            return super().find_spec(name, *args)


if __name__ == "__main__":
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Without]

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

FAULTS = []  # One for each request to fail.


@functools.cache
def start(version_dir: pathlib.Path) -> dict:
    """Starts a server, which ends with this process, or finds the one there is.

    Returns:
      What it says when it is ready: the ports `rest` and `grpc`, the signatures `warmup`.
    """
    server = subprocess.Popen(
        [sys.executable, "-I", __file__, str(version_dir)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.stdin.close)  # Ends it.
    return json.loads(server.stdout.readline())


class Refused(Exception):
    """A request that is wrong."""


def predict(signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The answer of a signature, or `Refused`."""
    if signature not in model.signatures:
        raise Refused(f'Serving signature name: "{signature}" not found')
    expected = _specs(signature)
    if set(inputs) != set(expected):
        raise Refused(f"input keys {set(inputs)}, expected {set(expected)}")
    tensors = {n: tf.constant(inputs[n], spec.dtype) for n, spec in expected.items()}
    try:
        answer = model.signatures[signature](**tensors)
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        raise Refused(str(error)) from error
    return {name: value.numpy() for name, value in answer.items()}


def _specs(signature):
    return model.signatures[signature].structured_input_signature[1]


# JSON.


def _is_binary(value):
    return isinstance(value, dict) and set(value) == {"b64"}


def _values(value, dtype):
    """JSON as nested lists of one type."""
    if isinstance(value, list):
        return [_values(item, dtype) for item in value]
    if dtype == tf.string and _is_binary(value):
        return base64.b64decode(value["b64"], validate=True)
    kinds = {tf.string: str, tf.float32: (int, float)}.get(dtype, int)
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise Refused(f"JSON Value: {value} is not of expected type: {dtype.name}")
    return value.encode() if dtype == tf.string else value


def from_json(body: dict) -> dict[str, np.ndarray]:
    """The tensors of a request."""
    if ("instances" in body) == ("inputs" in body):
        raise Refused("expecting one of 'inputs' or 'instances'")
    specs = _specs(body.get("signature_name", "serving_default"))
    value = body.get("inputs", body.get("instances"))
    if "instances" in body and isinstance(value[0], dict) and not _is_binary(value[0]):
        if any(set(row) != set(specs) for row in value):
            raise Refused(f"keys must be equal to: {set(specs)}")
        value = {name: [row[name] for row in value] for name in specs}
    elif not isinstance(value, dict) or _is_binary(value):
        if len(specs) > 1:
            raise Refused("expecting an object as multiple input tensors required")
        value = dict.fromkeys(specs, value)
    kind = {tf.string: object}
    return {
        name: np.array(
            _values(value[name], spec.dtype),
            kind.get(spec.dtype, spec.dtype.as_numpy_dtype),
        )
        for name, spec in specs.items()
    }


def to_json(outputs: dict[str, np.ndarray], is_rows: bool) -> dict:
    """The answer, in the format of the request."""
    plain = {name: value.tolist() for name, value in outputs.items()}
    if not is_rows:
        return {"outputs": plain}
    rows = zip(*plain.values(), strict=True)
    return {"predictions": [dict(zip(plain, row, strict=True)) for row in rows]}


class Rest(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        state = {"version": "1", "state": "AVAILABLE"}
        self._answer(200, {"model_version_status": [state]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/faults":
            FAULTS[:] = [None] * body
            return self._answer(200, {})
        if FAULTS:
            FAULTS.pop()
            return self._answer(503, {"error": "The batch scheduling queue is full"})
        if not re.fullmatch(r"/v1/models/segmenter(/versions/\d+)?:predict", self.path):
            return self._answer(404, {"error": f"Servable not found: {self.path}"})
        try:
            name = body.get("signature_name", "serving_default")
            outputs = predict(name, from_json(body))
        except Refused as error:
            return self._answer(400, {"error": str(error)})
        return self._answer(200, to_json(outputs, "instances" in body))

    def _answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


# Protos.


def from_proto(request) -> tuple[str, dict[str, np.ndarray]]:
    """Signature and tensors of a PredictRequest."""
    name = request.model_spec.signature_name or "serving_default"
    return name, {key: tf.make_ndarray(t) for key, t in request.inputs.items()}


def start_grpc():
    """Serves gRPC; the port, and the server to be kept."""
    from concurrent import futures

    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802  The proto's name.
            if FAULTS:
                FAULTS.pop()
                context.abort(grpc.StatusCode.UNAVAILABLE, "the queue is full")
            if request.model_spec.name != "segmenter":
                context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
            try:
                outputs = predict(*from_proto(request))
            except Refused as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            protos = {name: tf.make_tensor_proto(v) for name, v in outputs.items()}
            return predict_pb2.PredictResponse(outputs=protos)

    limits = [("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(2), options=limits)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return port, server


def replay_warmup(version_dir: pathlib.Path) -> list[str]:
    """Answers the warm-up requests; their signatures."""
    from tensorflow_serving.apis import prediction_log_pb2

    file = version_dir / "assets.extra" / "tf_serving_warmup_requests"
    names = []
    for record in tf.data.TFRecordDataset(str(file)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        name, inputs = from_proto(log.predict_log.request)
        predict(name, inputs)
        names.append(name)
    return names


if __name__ == "__main__":
    model = tf.saved_model.load(sys.argv[1])
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    ready = {"rest": rest.server_address[1]}
    try:
        warmup = replay_warmup(pathlib.Path(sys.argv[1]))
        port, server = start_grpc()
        ready |= {"warmup": warmup, "grpc": port}
    except ModuleNotFoundError as error:
        ready |= {"no_grpc": str(error)}
    assert not {"tfcomgan", "keras", "tf_keras"} & set(sys.modules)
    print(json.dumps(ready), flush=True)
    sys.stdin.read()  # Until the tests end.
