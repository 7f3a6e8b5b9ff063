"""The models of load.ts as ONNX files for the peer, and as checkpoints for nnconv, with the same weights.

    pip install -r requirements.txt
    python export.py FOLDER
"""

import sys
import warnings
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn

ROOT = Path(__file__).parents[3]


class DigitNet(nn.Module):
    """That of scripts/train-digits.py."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for out in (16, 32, 64):
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 3 * 3, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def digits():
    model = DigitNet()
    model.load_state_dict(load_file(ROOT / "examples" / "digits" / "model.safetensors"))
    return model


def resnet18():
    """Untrained, but with statistics as a trained network might have them."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
    return model


MODELS = {
    "digits": (digits, (1, 1, 28, 28)),
    "resnet18-64": (resnet18, (1, 3, 64, 64)),
    "resnet18": (resnet18, (1, 3, 224, 224)),
}


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (build, shape) in MODELS.items():
        model = build().eval()
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / f"{name}.safetensors")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model, (torch.zeros(2, *shape[1:]),), folder / f"{name}.onnx", input_names=["input"],
                output_names=["output"], dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False,
                verbose=False)
        print(folder / f"{name}.onnx")


main(*sys.argv[1:])
