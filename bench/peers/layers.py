"""PyTorch's side of a comparison of layers, driven by pytorch.ts.

Values go through files of raw little-endian numbers.
"""

import time

import numpy
import torch
from torch import nn

from serve import serve

layer = None
x = None


def version(request):
    return {"version": torch.__version__}


def prepare(request):
    """Builds nn.<layer>(*args, **options) with the weight, bias and input in a file, in this order."""
    global layer, x
    torch.set_num_threads(request["threads"])
    layer = getattr(nn, request["layer"])(*request["args"], **request["options"])
    dtype = getattr(torch, request["dtype"])
    values = torch.from_numpy(numpy.fromfile(request["file"], "<f4"))
    x = torch.empty(request["input"])
    at = 0
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias, x):
            tensor.copy_(values[at : at + tensor.numel()].view(tensor.shape))
            at += tensor.numel()
    assert at == values.numel(), f"{values.numel()} values for {at} elements"
    layer = layer.to(dtype).eval()
    x = x.to(dtype)
    return {}


def output(request):
    """Writes the result of a call, in the layer's own type."""
    layer(x).numpy().tofile(request["file"])
    return {}


def block(request):
    """Milliseconds of each call: some that don't count, then for `blockMs` in all."""
    clock = time.perf_counter_ns
    for _ in range(request["warmUps"]):
        layer(x)
    samples = []
    left = request["blockMs"] * 1e6
    while left > 0:
        start = clock()
        layer(x)
        elapsed = clock() - start
        samples.append(elapsed / 1e6)
        left -= elapsed
    return {"samples": samples}


with torch.inference_mode():
    serve(version, prepare, output, block)
