"""Networks as files for onnxruntime, made by PyTorch's exporter; driven by export.ts."""

import sys
import warnings
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn

from serve import serve

sys.path.append(str(Path(__file__).parents[2] / "scripts" / "fixtures"))

from other_models import C3D, Generator, UNet, WaveNet  # noqa: E402


def seed_cnn():
    """The twin of seedCnn in ../network/list.ts."""
    block = lambda inside, outside: [
        nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*block(3, 16), *block(16, 32), *block(32, 64), nn.Flatten(), nn.Linear(1024, 10))


NETWORKS = {
    "seed_cnn": seed_cnn,
    "resnet18": torchvision.models.resnet18,
    "resnet50": torchvision.models.resnet50,
    "mobilenet_v2": torchvision.models.mobilenet_v2,
    "vgg11": torchvision.models.vgg11,
    "squeezenet1_1": torchvision.models.squeezenet1_1,
    "dcgan": Generator,
    "unet": lambda: UNet(3, 2),
    "r3d_18": torchvision.models.video.r3d_18,
    "wavenet": WaveNet,
    "c3d": C3D,
}


def version(request):
    return {"version": torch.__version__}


def export(request):
    """Writes the network to `model` and, to `expected`, what it makes of the input in float64.

    The state dict is in the safetensors file `weights`; `input` has the tensor of this name. What
    the exporter does to the graph is left to its defaults: constants folded, weights in a file beside.
    """
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NETWORKS[request["network"]]()
        model.load_state_dict(load_file(request["weights"]))
        model.eval()
        x = load_file(request["input"])["input"]
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(model, (x,), request["model"], **names, verbose=False)
        save_file({"y": model.double()(x.double()).contiguous()}, request["expected"])
    return {}


serve(version, export)
