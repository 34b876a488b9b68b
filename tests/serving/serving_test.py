"""The exported segmenter behind TensorFlow Serving's APIs, and in C."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import picture_bytes
import pytest
import serving_stand_in
import tensorflow as tf
from segmenters import SIZE, exported, pictures

from tfcomgan.serving import files, requests

REPOSITORY = pathlib.Path(requests.__file__).resolve().parents[2]
FILES = [picture_bytes.encode(picture_bytes.photo(), "JPEG", quality=90),
         picture_bytes.encode(pictures(1, 20, 31)[0])]  # fmt: skip


@pytest.fixture(scope="module")
def ready():
    """The stand-in for a server, in a process that has only TensorFlow."""
    return serving_stand_in.start(exported()[1])


@pytest.fixture(scope="module")
def expected():
    """The answers to `FILES`, asked in this process."""
    model = tf.saved_model.load(str(exported()[1]))
    answer = model.signatures["segment_encoded"](image_bytes=tf.constant(FILES))
    return {name: value.numpy() for name, value in answer.items()}


def _post(ready, body, path="/v1/models/segmenter:predict") -> tuple[int, dict]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{ready['rest']}{path}", json.dumps(body).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _b64(file: bytes) -> dict[str, str]:
    row = requests.rest_body([file])["instances"][0]
    return row["image_bytes"]


def _assert_equal(answer: dict, expected: dict):
    assert set(answer) == set(expected)
    for name, value in expected.items():
        # JSON has the shortest decimal of a float32.
        np.testing.assert_allclose(np.array(answer[name], value.dtype), value, 1e-6)


# REST.


def test_rest_rows_have_an_object_for_each_picture(ready, expected):
    instances = [{"image_bytes": _b64(file)} for file in FILES]
    for body in (
        instances,
        [_b64(file) for file in FILES],
    ):  # One input: no name needed.
        code, answer = _post(
            ready, {"signature_name": "segment_encoded", "instances": body}
        )
        assert code == 200, answer
        rows = answer["predictions"]
        assert [row["height"] for row in rows] == [50, 20]
        _assert_equal({n: [row[n] for row in rows] for n in expected}, expected)


def test_rest_columns_have_a_list_for_each_output(ready, expected):
    column = [_b64(file) for file in FILES]
    for inputs in ({"image_bytes": column}, column):
        code, answer = _post(
            ready, {"signature_name": "segment_encoded", "inputs": inputs}
        )
        assert code == 200, answer
        _assert_equal(answer["outputs"], expected)


@pytest.mark.parametrize("version", ["", "/versions/1"])
def test_rest_takes_pixels_and_floats_as_nested_lists(ready, version):
    images = pictures(2, 9, 6)
    path = f"/v1/models/segmenter{version}:predict"
    code, answer = _post(ready, {"instances": images.tolist()}, path)
    assert code == 200, answer
    mask = np.array([row["mask"] for row in answer["predictions"]])
    assert mask.shape == (2, 9, 6, 1)
    scaled = (images / 127.5 - 1).astype(np.float32).tolist()
    body = {"signature_name": "segment_float", "inputs": {"images": scaled}}
    code, answer = _post(ready, body, path)
    assert code == 200, answer
    np.testing.assert_array_equal(np.array(answer["outputs"]["mask"]), mask)


def test_no_output_is_named_as_binary_text_of_rest_is(expected):
    # TensorFlow Serving would encode an output whose name ends in _bytes.
    assert not [name for name in expected if name.endswith("_bytes")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": [{"b64": "AAAA"}]}, "must be a whole JPEG or PNG file"),
        ({"instances": [{"image": {"b64": "AAAA"}}]}, "keys must be equal"),
        ({"instances": ["text"]}, "must be a whole JPEG or PNG file"),
    ],
)
def test_rest_refuses_a_wrong_request_and_goes_on(ready, body, message):
    code, answer = _post(ready, {"signature_name": "segment_encoded"} | body)
    assert code == 400 and message in answer["error"]
    assert _post(ready, requests.rest_body(FILES))[0] == 200


# gRPC.


@pytest.fixture(scope="module")
def predict(ready):
    """PredictionService.Predict of the stand-in."""
    pytest.importorskip("tensorflow_serving", reason="no tensorflow-serving-api")
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    channel = grpc.insecure_channel(f"127.0.0.1:{ready['grpc']}")
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict


def _request(signature: str, **inputs):
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "segmenter"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def test_grpc_answers_with_the_tensors_of_the_signature(predict, expected):
    response = predict(_request("segment_encoded", image_bytes=FILES))
    outputs = {n: tf.make_ndarray(value) for n, value in response.outputs.items()}
    _assert_equal(outputs, expected)
    images = pictures(2, 9, 6)
    masks = [
        tf.make_ndarray(predict(_request(signature, images=x)).outputs["mask"])
        for signature, x in (
            ("", images),  # serving_default.
            ("segment_float", (images / 127.5 - 1).astype(np.float32)),
        )
    ]
    assert masks[0].shape == (2, 9, 6, 1)
    np.testing.assert_array_equal(*masks)


def test_grpc_refuses_a_broken_picture_and_goes_on(predict):
    import grpc

    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT") as caught:
        predict(_request("segment_encoded", image_bytes=[FILES[0], FILES[1][:-50]]))
    assert "PNG" in caught.value.details()
    assert predict(_request("segment_encoded", image_bytes=FILES)).outputs


def test_warmup_asks_each_signature(ready):
    pytest.importorskip("tensorflow_serving", reason="no tensorflow-serving-api")
    assert sorted(ready["warmup"]) == [
        "segment_encoded",
        "segment_float",
        "serving_default",
    ]


def test_warmup_is_small_at_the_size_of_the_paper(tmp_path):
    files.write_warmup(tmp_path, 128)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) < 4096


# The files of a server.


def test_models_config_names_the_models_that_have_a_version(tmp_path):
    config = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    from google.protobuf import text_format

    for name in ("segmenter/2", "generator/1", "empty", "segmenter/.unfinished-x"):
        (tmp_path / name).mkdir(parents=True)
    files.write_server_configs(tmp_path)
    text = (tmp_path / "models.config").read_text()
    models = text_format.Parse(text, config.ModelServerConfig()).model_config_list
    assert [(m.name, m.base_path, m.model_platform) for m in models.config] == [
        ("generator", "/models/generator", "tensorflow"),
        ("segmenter", "/models/segmenter", "tensorflow"),
    ]
    assert not list(tmp_path.glob(".*"))


def test_compose_file_mounts_and_names_what_the_export_writes(tmp_path):
    (tmp_path / "segmenter/1").mkdir(parents=True)
    files.write_server_configs(tmp_path)
    text = (REPOSITORY / "docs/serving/compose.yaml").read_text()
    assert ":/models:ro" in text
    named = set(re.findall(r"/models/([\w.]+)", text))
    assert named == {"models.config", "batching.config"}
    assert named <= {path.name for path in tmp_path.iterdir()}


def test_signatures_md_names_every_input_output_and_size():
    text = (exported()[1] / "signatures.md").read_text()
    signatures = tf.saved_model.load(str(exported()[1])).signatures
    for name, signature in signatures.items():
        inputs = signature.structured_input_signature[1]
        for word in (name, *inputs, *signature.structured_outputs):
            assert f"`{word}`" in text
    assert f"[B,{SIZE},{SIZE},1]" in text
    assert "EXIF" in text


# C.


def test_c_program_without_python_gives_the_same_masks(expected, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = pathlib.Path(tf.__file__).parent
    program = tmp_path / "saved_model_check"
    subprocess.run(
        [
            *(
                compiler,
                REPOSITORY / "tests/testdata/saved_model_check.c",
                "-o",
                program,
            ),
            *(f"-I{library}/include", f"-L{library}", f"-Wl,-rpath,{library}"),
            *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
        ],
        check=True,
    )
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.loader.load(
            session, ["serve"], str(exported()[1])
        )
    signature = graph.signature_def["segment_encoded"]
    source = signature.inputs["image_bytes"].name.split(":")[0]
    result, index = signature.outputs["mask"].name.split(":")
    paths = [tmp_path / name for name in ("a.jpg", "broken.png", "b.png")]
    for path, file in zip(paths, [FILES[0], FILES[1][:-50], FILES[1]], strict=True):
        path.write_bytes(file)
    done = subprocess.run(
        [program, exported()[1], source, result, index, *paths],
        env={"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("broken.png: .*PNG", done.stdout), done.stdout
    for path, mask in zip([paths[0], paths[2]], expected["mask"], strict=True):
        found = np.fromfile(f"{path}.mask", np.float32).reshape(mask.shape)
        # The session fuses and folds other operations than the function does.
        np.testing.assert_allclose(found, mask, atol=1e-5)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
