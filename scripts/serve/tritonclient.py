"""An unmodified tritonclient[http] against the server: metadata, readiness, JSON and binary inference, errors.

    pip install -r scripts/serve/tritonclient.requirements.txt
    node scripts/build-ts.js
    python scripts/serve/tritonclient.py

It starts the server itself, with the models of clients.json. Exit code 0 where all checks hold.
"""

import json
import subprocess
import sys
from pathlib import Path

# This file has the package's name: its own folder must not be searched first.
HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

import numpy as np  # noqa: E402
import tritonclient.http as http  # noqa: E402
from PIL import Image  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

ROOT = HERE.parents[1]
failures = []


def check(name, holds, detail=""):
    print(f"{'ok' if holds else 'FAILED'}: {name}{'' if holds else f': {detail}'}")
    if not holds:
        failures.append(name)


def refused(name, status, words, call):
    """`call` must fail with this status and a message that has these words."""
    try:
        call()
    except InferenceServerException as error:
        message = error.message()
        holds = str(error.status()) == str(status) and words in message
        check(name, holds, f"{error.status()}: {message}")
    else:
        check(name, False, "it was accepted")


def tensor(name, values, datatype="FP32", binary=True):
    result = http.InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values, binary_data=binary)
    return result


def metadata(client):
    check("server is live", client.is_server_live())
    check("server is ready", client.is_server_ready())
    server = client.get_server_metadata()
    check("server metadata", server["name"] == "nnconv" and "binary_tensor_data" in server["extensions"], server)
    check("model is ready", client.is_model_ready("digits") and client.is_model_ready("two", "3"))
    check("unknown models are not ready", not client.is_model_ready("nine"))
    check("unknown versions are not ready", not client.is_model_ready("two", "4"))
    two = client.get_model_metadata("two", "3")
    check("model metadata: version", two["versions"] == ["3"], two)
    check("model metadata: inputs", [i["name"] for i in two["inputs"]] == ["a", "b"], two)
    check("model metadata: -1", two["inputs"][0]["shape"] == [-1, 1, -1, -1], two)
    check("model metadata: outputs", [o["name"] for o in two["outputs"]] == ["sum", "double"], two)
    index = client.get_model_repository_index()
    check("repository index", {entry["name"] for entry in index} == {"digits", "two"}, index)


def pytorch(client):
    """The logits that PyTorch got for the pictures of the demo."""
    folder = ROOT / "examples" / "digits"
    for picture in json.loads((folder / "expected.json").read_text())["pictures"][::8]:
        image = Image.open(folder / "pictures" / picture["file"]).convert("L")
        values = np.asarray(image, np.float32)[None, None] / 255
        logits = client.infer("digits", [tensor("input", values)]).as_numpy("output")[0]
        difference = np.abs(logits - np.array(picture["logits"])).max()
        check(f"{picture['file']}: PyTorch's logits", difference < 1e-4, difference)


def digits(client):
    """Whatever the encoding and the company: the same bits."""
    rng = np.random.default_rng(0)
    batch = rng.random((5, 1, 28, 28), dtype=np.float32)

    def infer(values, datatype="FP32", binary=True, binary_output=True, **options):
        outputs = [http.InferRequestedOutput("output", binary_data=binary_output)]
        return client.infer("digits", [tensor("input", values, datatype, binary)], outputs=outputs, **options)

    reference = infer(batch).as_numpy("output")
    check("binary in, binary out", reference.shape == (5, 10) and np.isfinite(reference).all(), reference)
    for binary, binary_output in [(True, False), (False, True), (False, False)]:
        given = infer(batch, binary=binary, binary_output=binary_output).as_numpy("output")
        name = f"{'binary' if binary else 'JSON'} in, {'binary' if binary_output else 'JSON'} out: the same bits"
        check(name, given.dtype == np.float32 and np.array_equal(given, reference), given - reference)
    alone = np.concatenate([infer(batch[i : i + 1]).as_numpy("output") for i in range(5)])
    check("one at a time: the same bits", np.array_equal(alone, reference))

    default = client.infer("digits", [tensor("input", batch)])
    check("no outputs asked for: all of them", np.array_equal(default.as_numpy("output"), reference))

    named = infer(batch[:1], request_id="request 7").get_response()
    check("id is echoed", named["id"] == "request 7", named)
    check("model name and version", (named["model_name"], named["model_version"]) == ("digits", "1"), named)
    echoed = infer(batch[:1], parameters={"trace": "abc"}).get_response()
    check("parameters are echoed", echoed.get("parameters", {}).get("trace") == "abc", echoed)

    half = batch.astype(np.float16)
    check("FP16", np.array_equal(infer(half, "FP16").as_numpy("output"), infer(half.astype(np.float32)).as_numpy("output")))
    whole = rng.integers(0, 2, (2, 1, 28, 28))
    exact = infer(whole.astype(np.float32)).as_numpy("output")
    for datatype, kind in [("UINT8", np.uint8), ("INT8", np.int8), ("INT32", np.int32), ("UINT16", np.uint16),
                           ("INT64", np.int64), ("FP64", np.float64), ("BOOL", np.bool_)]:
        for binary in (True, False):
            given = infer(whole.astype(kind), datatype, binary=binary).as_numpy("output")
            check(f"{datatype} {'binary' if binary else 'JSON'}", np.array_equal(given, exact), given - exact)

    for algorithm in ("gzip", "deflate"):
        result = client.infer("digits", [tensor("input", batch)], request_compression_algorithm=algorithm,
                              response_compression_algorithm=algorithm)
        check(f"{algorithm}", np.array_equal(result.as_numpy("output"), reference))

    pending = [client.async_infer("digits", [tensor("input", batch[i % 5][None])]) for i in range(64)]
    answers = [request.get_result().as_numpy("output")[0] for request in pending]
    check("64 at once, each its own answer", all(np.array_equal(answers[i], reference[i % 5]) for i in range(64)))


def two(client):
    rng = np.random.default_rng(1)
    for size in ((2, 1, 4, 4), (1, 1, 3, 7)):
        a, b = (rng.integers(-8, 8, size).astype(np.float32) for _ in range(2))
        # In another order than the model's, as the protocol allows.
        result = client.infer("two", [tensor("b", b, binary=False), tensor("a", a)], model_version="3")
        total, double = result.as_numpy("sum"), result.as_numpy("double")
        check(f"two inputs of {size}", np.array_equal(total, np.repeat(2 * a + 3 * b, 2, 1)), total)
        check(f"two outputs of {size}", np.array_equal(double, np.repeat(2 * a, 2, 1)), double)
    only = client.infer("two", [tensor("a", a), tensor("b", b)], outputs=[http.InferRequestedOutput("double")])
    check("only the output that is asked for", only.as_numpy("sum") is None and only.as_numpy("double") is not None)


def errors(client):
    picture = np.zeros((1, 1, 28, 28), np.float32)
    refused("unknown model", 404, "nine", lambda: client.infer("nine", [tensor("input", picture)]))
    refused("unknown version", 404, "2", lambda: client.infer("digits", [tensor("input", picture)], model_version="2"))
    refused("metadata of an unknown model", 404, "nine", lambda: client.get_model_metadata("nine"))
    refused("unknown input", 400, "image", lambda: client.infer("digits", [tensor("image", picture)]))
    refused("missing input", 400, "'b' is missing", lambda: client.infer("two", [tensor("a", picture)]))
    refused("unknown output", 400, "scores", lambda: client.infer(
        "digits", [tensor("input", picture)], outputs=[http.InferRequestedOutput("scores")]))
    refused("wrong shape", 400, "[-1, 1, 28, 28]", lambda: client.infer("digits", [tensor("input", picture[:, :, 1:])]))
    refused("batch too large", 400, "at most 8", lambda: client.infer(
        "digits", [tensor("input", np.zeros((9, 1, 28, 28), np.float32))]))
    refused("strings", 400, "BYTES", lambda: client.infer(
        "digits", [tensor("input", np.full((1, 1, 28, 28), "x", dtype=object), "BYTES")]))
    refused("loading without a token", 403, "token", lambda: client.load_model("digits"))
    refused("a deadline that can't be kept", 408, "within", lambda: client.infer(
        "digits", [tensor("input", picture)], timeout=1))
    check("and then it answers", client.infer("digits", [tensor("input", picture)]) is not None)


def main():
    server = subprocess.Popen(["node", str(HERE / "launch.js"), str(HERE / "clients.json")],
                              stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        url = server.stdout.readline().strip()
        if not url.startswith("http://"):
            sys.exit("the server didn't start")
        with http.InferenceServerClient(url.removeprefix("http://"), concurrency=16) as client:
            for part in (metadata, pytorch, digits, two, errors):
                print(f"\n{part.__name__}")
                part(client)
    finally:
        server.terminate()
        status = server.wait(timeout=30)
    check("the server ends with status 0", status == 0, status)
    print(json.dumps({"failed": failures}) if failures else "\nall hold")
    sys.exit(1 if failures else 0)


main()
