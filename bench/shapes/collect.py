"""Writes the shape files: the convolutions of published networks, by network and by kind.

    python -m venv /tmp/shapes && /tmp/shapes/bin/pip install -r bench/shapes/requirements.txt
    /tmp/shapes/bin/python bench/shapes/collect.py

Networks of torchvision are run once on a meta device, so that no arithmetic is done; hooks note what
each convolution is and meets. The others are written out below after their papers. `layers.json`,
the default sample, is not written here: it is chosen by hand, and no layer of it is in kinds/.
"""

import json
import pathlib

import torch
import torchvision.models as tv
from torch import nn

HERE = pathlib.Path(__file__).parent
PER_KIND = 10


# --- the networks that torchvision doesn't have


class Wave(nn.Module):
    """Residual and skip channels, gate and filter together, as van den Oord et al. (2016)."""

    def __init__(self, channels=64, skip=256, layers=10):
        super().__init__()
        self.first = nn.Conv1d(1, channels, 1)
        self.dilated = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, 2, dilation=2**i) for i in range(layers)
        )
        self.residual = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers))
        self.skip = nn.ModuleList(nn.Conv1d(channels, skip, 1) for _ in range(layers))
        self.head = nn.Sequential(nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, 256, 1))

    def forward(self, x):
        x = self.first(x)
        for dilated, residual, skip in zip(self.dilated, self.residual, self.skip):
            gate = dilated(x).chunk(2, 1)[0]
            end = skip(gate)
            x = residual(gate)
        return self.head(end)


class HifiGan(nn.Module):
    """The generator V1 of Kong et al. (2020): upsampling, and three stacks of dilated layers."""

    def __init__(self, channels=512, rates=(8, 8, 2, 2), kernels=(16, 16, 4, 4)):
        super().__init__()
        self.first = nn.Conv1d(80, channels, 7, padding=3)
        self.up = nn.ModuleList()
        self.blocks = nn.ModuleList()
        for rate, kernel in zip(rates, kernels):
            half = channels // 2
            self.up.append(
                nn.ConvTranspose1d(channels, half, kernel, rate, padding=(kernel - rate) // 2)
            )
            stack = []
            for k in (3, 7, 11):
                for d in (1, 3, 5):
                    stack.append(nn.Conv1d(half, half, k, dilation=d, padding=d * (k - 1) // 2))
                    stack.append(nn.Conv1d(half, half, k, padding=(k - 1) // 2))
            self.blocks.append(nn.Sequential(*stack))
            channels = half
        self.last = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, x):
        x = self.first(x)
        for up, block in zip(self.up, self.blocks):
            x = block(up(x))
        return self.last(x)


class Unet(nn.Module):
    """Ronneberger et al. (2015) with padding, as it is used today; upsampling is transposed."""

    def __init__(self, widths=(64, 128, 256, 512, 1024), classes=2):
        super().__init__()
        pair = lambda i, o: nn.Sequential(
            nn.Conv2d(i, o, 3, padding=1), nn.Conv2d(o, o, 3, padding=1)
        )
        self.down = nn.ModuleList(pair(i, o) for i, o in zip((3, *widths), widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1])
        )
        self.join = nn.ModuleList(pair(2 * w, w) for w in reversed(widths[:-1]))
        self.last = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        kept = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([kept.pop(), up(x)], 1))
        return self.last(x)


def dcgan():
    """Generator of Radford et al. (2015), as PyTorch's example has it."""
    widths = (100, 512, 256, 128, 64, 3)
    layers = [nn.ConvTranspose2d(widths[0], widths[1], 4, 1, 0)]
    layers += [nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in zip(widths[1:], widths[2:])]
    return nn.Sequential(*layers)


def dcgan_discriminator():
    widths = (3, 64, 128, 256, 512)
    layers = [nn.Conv2d(i, o, 4, 2, 1) for i, o in zip(widths, widths[1:])]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 0))


def c3d():
    """Tran et al. (2015)."""
    conv = lambda i, o: nn.Conv3d(i, o, 3, padding=1)
    half = lambda: nn.MaxPool3d(2)
    return nn.Sequential(
        conv(3, 64), nn.MaxPool3d((1, 2, 2)), conv(64, 128), half(), conv(128, 256),
        conv(256, 256), half(), conv(256, 512), conv(512, 512), half(), conv(512, 512),
        conv(512, 512),
    )  # fmt: skip


def vnet():
    """Milletari et al. (2016), halved in each dimension: the 5x5x5 layers and the up-sampling."""
    conv = lambda i, o: nn.Conv3d(i, o, 5, padding=2)
    down = lambda i, o: nn.Conv3d(i, o, 2, 2)
    up = lambda i, o: nn.ConvTranspose3d(i, o, 2, 2)
    return nn.Sequential(
        conv(1, 16), down(16, 32), conv(32, 32), down(32, 64), conv(64, 64), down(64, 128),
        conv(128, 128), up(128, 64), conv(64, 64), up(64, 32), conv(32, 32), up(32, 16),
        nn.Conv3d(16, 2, 1),
    )  # fmt: skip


def srcnn():
    """Dong et al. (2014)."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 9, padding=4), nn.Conv2d(64, 32, 5, padding=2),
        nn.Conv2d(32, 1, 5, padding=2),
    )  # fmt: skip


def fsrcnn():
    """Dong et al. (2016), factor 3."""
    return nn.Sequential(
        nn.Conv2d(1, 56, 5, padding=2), nn.Conv2d(56, 12, 1),
        *(nn.Conv2d(12, 12, 3, padding=1) for _ in range(4)), nn.Conv2d(12, 56, 1),
        nn.ConvTranspose2d(56, 1, 9, 3, 4, output_padding=2),
    )  # fmt: skip


def pix2pix():
    """Decoder of the U-Net of Isola et al. (2017), with the skip connections' channels."""

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            pairs = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128),
                     (256, 64), (128, 3)]  # fmt: skip
            self.layers = nn.ModuleList(nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in pairs)

        def forward(self, x):
            for layer in self.layers:
                if x.shape[1] != layer.in_channels:
                    x = torch.cat([x, x], 1)
                x = layer(x)
            return x

    return Decoder()


def demucs():
    """Encoder and decoder of Défossez et al. (2019)."""
    widths = (64, 128, 256, 512)
    layers = []
    for i, o in zip((2, *widths), widths):
        layers += [nn.Conv1d(i, o, 8, 4), nn.Conv1d(o, 2 * o, 1), nn.GLU(1)]
    for i, o in zip(reversed(widths), (*reversed(widths[:-1]), 8)):
        layers += [nn.Conv1d(i, 2 * i, 3, padding=1), nn.GLU(1), nn.ConvTranspose1d(i, o, 8, 4)]
    return nn.Sequential(*layers)


IMAGE = (1, 3, 224, 224)
plain = dict(weights=None)
segment = dict(weights=None, weights_backbone=None)
# File -> title, model, input. The first part gets a file of its own; all serve the kinds.
NETWORKS = {
    "resnet18": ("ResNet-18", lambda: tv.resnet18(**plain), IMAGE),
    "resnet50": ("ResNet-50", lambda: tv.resnet50(**plain), IMAGE),
    "resnext50": ("ResNeXt-50", lambda: tv.resnext50_32x4d(**plain), IMAGE),
    "vgg11": ("VGG-11", lambda: tv.vgg11(**plain), IMAGE),
    "mobilenet_v2": ("MobileNetV2", lambda: tv.mobilenet_v2(**plain), IMAGE),
    "squeezenet": ("SqueezeNet 1.1", lambda: tv.squeezenet1_1(**plain), IMAGE),
    "inception_v3": (
        "Inception v3",
        lambda: tv.inception_v3(weights=None, init_weights=False, aux_logits=False),
        (1, 3, 299, 299),
    ),
    "convnext_tiny": ("ConvNeXt-T", lambda: tv.convnext_tiny(**plain), IMAGE),
    "deeplab": (
        "DeepLabV3-ResNet-50",
        lambda: tv.segmentation.deeplabv3_resnet50(**segment),
        IMAGE,
    ),
    "unet": ("U-Net", Unet, (1, 3, 256, 256)),
    "dcgan": ("DCGAN", dcgan, (1, 100, 1, 1)),
    "wavenet": ("WaveNet", Wave, (1, 1, 8000)),
    "hifigan": ("HiFi-GAN", HifiGan, (1, 80, 64)),
    "demucs": ("Demucs", demucs, (1, 2, 44100)),
    "c3d": ("C3D", c3d, (1, 3, 16, 112, 112)),
    "r3d_18": ("R3D-18", lambda: tv.video.r3d_18(**plain), (1, 3, 8, 112, 112)),
    "vnet": ("V-Net", vnet, (1, 1, 32, 64, 64)),
}
KINDS_ONLY = {
    "alexnet": ("AlexNet", lambda: tv.alexnet(**plain), IMAGE),
    "googlenet": (
        "GoogLeNet",
        lambda: tv.googlenet(weights=None, init_weights=False, aux_logits=False),
        IMAGE,
    ),
    "densenet121": ("DenseNet-121", lambda: tv.densenet121(**plain), IMAGE),
    "efficientnet_b0": ("EfficientNet-B0", lambda: tv.efficientnet_b0(**plain), IMAGE),
    "shufflenet": ("ShuffleNetV2", lambda: tv.shufflenet_v2_x1_0(**plain), IMAGE),
    "regnet": ("RegNetY-1.6GF", lambda: tv.regnet_y_1_6gf(**plain), IMAGE),
    "wide_resnet50": ("Wide ResNet-50", lambda: tv.wide_resnet50_2(**plain), IMAGE),
    "resnext101": ("ResNeXt-101", lambda: tv.resnext101_32x8d(**plain), IMAGE),
    "fcn": ("FCN-ResNet-50", lambda: tv.segmentation.fcn_resnet50(**segment), (1, 3, 256, 256)),
    "r2plus1d_18": (
        "R(2+1)D-18",
        lambda: tv.video.r2plus1d_18(**plain),
        (1, 3, 8, 112, 112),
    ),
    "dcgan_d": ("DCGAN discriminator", dcgan_discriminator, (1, 3, 64, 64)),
    "srcnn": ("SRCNN", srcnn, (1, 1, 128, 128)),
    "fsrcnn": ("FSRCNN", fsrcnn, (1, 1, 96, 96)),
    "pix2pix": ("pix2pix decoder", pix2pix, (1, 512, 1, 1)),
}

CONVS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip


def short(values):
    """One number where all dimensions have the same."""
    return values[0] if len(set(values)) == 1 else list(values)


def layer_of(module, shape):
    options = {}
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    for key, default in usual.items():
        value = short(getattr(module, key))
        if value != default:
            options[key] = value
    if any(module.output_padding):
        options["outputPadding"] = short(module.output_padding)
    if module.groups != 1:
        options["groups"] = module.groups
    return {
        # Of torchvision's subclasses the base.
        "layer": next(conv.__name__ for conv in CONVS if isinstance(module, conv)),
        "args": [module.in_channels, module.out_channels, short(module.kernel_size)],
        "options": options,
        "input": list(shape),
    }


def key_of(layer):
    return json.dumps([layer[k] for k in ("layer", "args", "options", "input")], sort_keys=True)


def collect(name, title, make, shape):
    """The layers of a network in the order they run, each once."""
    found = {}
    model = make().eval().to("meta")

    def note(module, inputs, _output):
        layer = layer_of(module, inputs[0].shape)
        found.setdefault(key_of(layer), layer)

    for module in model.modules():
        if isinstance(module, CONVS):
            module.register_forward_hook(note)
    with torch.no_grad():
        model(torch.empty(shape, device="meta"))
    layers = list(found.values())
    digits = len(str(len(layers)))
    return [
        {"name": f"{name}_{i:0{digits}}", "network": title, **layer}
        for i, layer in enumerate(layers, 1)
    ]


def each(value, dims):
    return value if isinstance(value, list) else [value] * dims


def kind_of(layer):
    """As kindOf of bench/layers.ts, which is what the benchmark goes by."""
    ins, outs, kernel = layer["args"]
    dims = len(layer["input"]) - 2
    kernel = each(kernel, dims)
    stride = each(layer["options"].get("stride", 1), dims)
    dilation = each(layer["options"].get("dilation", 1), dims)
    groups = layer["options"].get("groups", 1)
    if layer["layer"].startswith("ConvTranspose"):
        return "transposed-tiles" if kernel == stride else "transposed"
    if groups > 1:
        return "depthwise" if groups == ins else "grouped"
    if dims == 3:
        return "3d"
    if dims == 1:
        return "1d"
    if ins <= 4 and max(kernel) > 1:
        return "stem"
    if max(dilation) > 1:
        return "dilated"
    if max(kernel) == 1:
        return "1x1" if max(stride) == 1 else "1x1-strided"
    if max(kernel) <= 3:
        return "3x3" if max(stride) == 1 else "3x3-strided"
    return "large-kernel"


def cost(layer):
    """A figure that grows with the work; good enough to sort by."""
    ins, outs, kernel = layer["args"]
    dims = len(layer["input"]) - 2
    work = ins * outs // layer["options"].get("groups", 1)
    for size, k, s in zip(
        layer["input"][2:], each(kernel, dims), each(layer["options"].get("stride", 1), dims)
    ):
        work *= size * k if layer["layer"].startswith("ConvTranspose") else size * k // s
    return work


def write(path, layers):
    lines = ",\n".join(f"  {json.dumps(layer)}" for layer in layers)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.relative_to(HERE)}: {len(layers)}")


def main():
    sample = {key_of(layer) for layer in json.loads((HERE / "layers.json").read_text())}
    kinds = {}
    for name, (title, make, shape) in {**NETWORKS, **KINDS_ONLY}.items():
        layers = collect(name, title, make, shape)
        if name in NETWORKS:
            write(HERE / f"{name}.json", layers)
        for layer in layers:
            if key_of(layer) not in sample:
                kinds.setdefault(kind_of(layer), {}).setdefault(key_of(layer), layer)
    for kind, layers in sorted(kinds.items()):
        ranked = sorted(layers.values(), key=cost)
        # Evenly over the range of sizes, so that nobody picks.
        count = min(PER_KIND, len(ranked))
        places = [round(i * (len(ranked) - 1) / max(1, count - 1)) for i in range(count)]
        write(HERE / "kinds" / f"{kind}.json", [ranked[place] for place in places])


main()
