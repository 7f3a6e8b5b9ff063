"""Trains the digit classifier of examples/digits and writes what the example runs on.

    apt-get install $(python scripts/train-digits.py --packages)
    pip install -r scripts/train-digits.requirements.txt
    python scripts/train-digits.py

The pictures are rendered here: digits in the fonts below (Debian packages), at random sizes, slants,
angles and places, light on dark and dark on light, blurred and noisy. The families under TEST_FONTS
take no part in training. Takes about three minutes on one core.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont, __version__ as pillow_version
from torch import Tensor, nn
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[1] / "examples" / "digits"
FONTS = Path("/usr/share/fonts")

# Debian package, folder below FONTS, pattern of the files, licence.
TRAIN_FONTS = [
    ("fonts-dejavu-extra", "truetype/dejavu", "DejaVuS*.ttf", "Bitstream Vera"),
    ("fonts-liberation", "truetype/liberation", "*.ttf", "GPL-2 with font exception"),
    ("fonts-freefont-ttf", "truetype/freefont", "*.ttf", "GPL-3 with font exception"),
    ("fonts-lato", "truetype/lato", "*.ttf", "OFL-1.1"),
    ("fonts-open-sans", "truetype/open-sans", "*.ttf", "Apache-2.0"),
    ("fonts-cantarell", "opentype/cantarell", "*.otf", "OFL-1.1"),
    ("fonts-comfortaa", "truetype/comfortaa", "*.ttf", "OFL-1.1"),
    ("fonts-inconsolata", "truetype/inconsolata", "*.otf", "OFL-1.0"),
    ("fonts-linuxlibertine", "opentype/linux-libertine", "Lin*_[DR]*.otf", "OFL-1.1"),
    ("fonts-crosextra-caladea", "truetype/crosextra", "Caladea*.ttf", "Apache-2.0"),
    ("fonts-firacode", "truetype/firacode", "*.ttf", "OFL-1.1"),
    ("fonts-jetbrains-mono", "truetype/jetbrains-mono", "*.ttf", "Apache-2.0"),
    ("fonts-quicksand", "truetype/quicksand", "*.ttf", "OFL-1.1"),
    ("fonts-ebgaramond", "opentype/ebgaramond", "*.otf", "OFL-1.1"),
    ("fonts-league-spartan", "opentype/league-spartan", "*.otf", "OFL-1.1"),
    ("fonts-gfs-didot", "opentype/didot", "*.otf", "OFL-1.1"),
    ("fonts-sil-gentium-basic", "truetype/gentium-basic", "*.ttf", "OFL-1.1"),
    ("fonts-dosis", "opentype/dosis", "*.otf", "OFL-1.1"),
    ("fonts-anonymous-pro", "truetype/anonymous-pro", "*.ttf", "OFL-1.1"),
    ("fonts-bebas-neue", "opentype/bebas-neue", "*.otf", "OFL-1.1"),
    ("fonts-sil-andika", "truetype/andika", "*.ttf", "OFL-1.1"),
    ("fonts-dancingscript", "opentype/dancingscript", "*.otf", "OFL-1.1"),
]
TEST_FONTS = [
    ("fonts-roboto-unhinted", "truetype/roboto/unhinted", "Roboto*.ttf", "Apache-2.0"),
    ("fonts-crosextra-carlito", "truetype/crosextra", "Carlito*.ttf", "OFL-1.1"),
    ("fonts-vollkorn", "truetype/vollkorn", "*.ttf", "OFL-1.1"),
    ("fonts-hack", "truetype/hack", "*.ttf", "MIT and Bitstream Vera"),
    ("fonts-courier-prime", "opentype/courier-prime", "*.otf", "OFL-1.1"),
    ("fonts-comic-neue", "opentype/comic-neue", "*.otf", "OFL-1.1"),
    ("fonts-cabin", "opentype/cabin", "*.otf", "OFL-1.1"),
    ("fonts-lobstertwo", "opentype/lobstertwo", "*.otf", "OFL-1.1"),
    ("fonts-yanone-kaffeesatz", "opentype/yanone-kaffeesatz", "*.otf", "OFL-1.1"),
]

SIZE = 28
OVERSAMPLING = 4
TRAIN_PICTURES = 30_000
TEST_PICTURES = 4_000
PNGS = 40
EPOCHS = 8
BATCH = 100
SEED = 2026


def find(fonts: list[tuple[str, str, str, str]]) -> list[list[Path]]:
    """The font files of each family; families count alike, however many files they have."""
    families = []
    for package, folder, pattern, _ in fonts:
        files = sorted((FONTS / folder).glob(pattern))
        if not files:
            sys.exit(f"no {FONTS / folder / pattern}: apt-get install {package}")
        families.append(files)
    return families


def render(rng: np.random.Generator, font: Path, digit: int) -> Image.Image:
    """One picture of SIZE x SIZE grays."""
    side = SIZE * OVERSAMPLING
    height = rng.uniform(0.5, 0.8) * side  # of the digit
    glyphs = ImageFont.truetype(str(font), round(height))
    left, top, right, bottom = glyphs.getbbox(str(digit))
    glyphs = ImageFont.truetype(str(font), round(height * height / (bottom - top)))
    picture = Image.new("L", (side, side), 0)
    ImageDraw.Draw(picture).text((side / 2, side / 2), str(digit), fill=255, font=glyphs, anchor="mm")
    left, top, right, bottom = picture.getbbox()

    # Output pixel -> input pixel: about the centre of the digit, which lands somewhere near SIZE / 2.
    angle = np.radians(rng.uniform(-15, 15))
    slant = rng.uniform(-0.2, 0.2)
    stretch = rng.uniform(0.85, 1.15)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = np.array([[stretch, slant], [0, 1]]) @ turn
    target = side / 2 + rng.uniform(-0.1, 0.1, 2) * side
    offset = np.array([left + right, top + bottom]) / 2 - matrix @ target
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    picture = picture.transform(picture.size, Image.Transform.AFFINE, coefficients,
                                Image.Resampling.BILINEAR)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7) * OVERSAMPLING))
    ink = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX)) / 255

    dark, light = rng.uniform(0, 0.3), rng.uniform(0.6, 1)
    ground, digit_gray = (dark, light) if rng.random() < 0.5 else (light, dark)
    gray = ground + (digit_gray - ground) * ink
    gray += rng.normal(0, rng.uniform(0, 0.12), gray.shape)
    return Image.fromarray(np.clip(gray * 255, 0, 255).round().astype(np.uint8))


def pictures(seed: int, families: list[list[Path]], count: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """uint8 (count, SIZE, SIZE), the digits on them, and the fonts' names."""
    rng = np.random.default_rng(seed)
    grays, digits, names = [], [], []
    for i in range(count):
        family = families[rng.integers(len(families))]
        font = family[rng.integers(len(family))]
        grays.append(np.asarray(render(rng, font, i % 10)))
        digits.append(i % 10)
        names.append(font.stem)
    return np.stack(grays), np.array(digits), names


class DigitNet(nn.Module):
    """Conv, BatchNorm, ReLU and MaxPool three times: 28 x 28 -> 14 x 14 -> 7 x 7 -> 3 x 3; Linear."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for out in (16, 32, 64):
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(),
                       nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 3 * 3, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


def as_input(grays: np.ndarray) -> Tensor:
    """float32 (N, 1, SIZE, SIZE) in 0..1"""
    return torch.from_numpy(grays).unsqueeze(1).float() / 255


def train(model: nn.Module, grays: np.ndarray, digits: np.ndarray) -> None:
    inputs, targets = as_input(grays), torch.from_numpy(digits)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    steps = EPOCHS * (len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in torch.randperm(len(inputs)).split(BATCH):
            loss = F.cross_entropy(model(inputs[batch]), targets[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(inputs):.4f}", flush=True)


def accuracy(model: nn.Module, grays: np.ndarray, digits: np.ndarray) -> float:
    with torch.no_grad():
        logits = torch.cat([model(as_input(part)) for part in np.array_split(grays, 20)])
    return float((logits.argmax(1).numpy() == digits).mean())


def write(model: nn.Module, grays: np.ndarray, digits: np.ndarray, names: list[str],
          scores: dict[str, float]) -> None:
    torch.save(model.state_dict(), OUT / "model.pt")
    safetensors.torch.save_file(model.state_dict(), OUT / "model.safetensors")

    # The first ones, whether the model gets them right or not.
    shutil.rmtree(OUT / "pictures", ignore_errors=True)
    (OUT / "pictures").mkdir()
    with torch.no_grad():
        logits = model(as_input(grays[:PNGS])).tolist()
    rows = []
    for i, row in enumerate(logits):
        file = f"{i:02}-{digits[i]}.png"
        Image.fromarray(grays[i]).save(OUT / "pictures" / file, optimize=True)
        rows.append({"file": file, "label": int(digits[i]), "font": names[i], "logits": row})
    head = {"torch": torch.__version__.split("+")[0], "pillow": pillow_version, **scores}
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    text = json.dumps(head, indent=2).removesuffix("\n}")
    (OUT / "expected.json").write_text(f'{text},\n  "pictures": [\n{lines}\n  ]\n}}\n')


def main() -> None:
    start = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    grays, digits, _ = pictures(SEED, find(TRAIN_FONTS), TRAIN_PICTURES)
    test_grays, test_digits, names = pictures(SEED + 1, find(TEST_FONTS), TEST_PICTURES)
    print(f"rendered after {time.monotonic() - start:.0f} s", flush=True)
    model = DigitNet()
    train(model, grays, digits)
    model.eval()
    scores = {
        "trainAccuracy": accuracy(model, grays, digits),
        "testAccuracy": accuracy(model, test_grays, test_digits),
        "testPictures": TEST_PICTURES,
    }
    print(json.dumps(scores), f"after {time.monotonic() - start:.0f} s")
    write(model, test_grays, test_digits, names, scores)


if __name__ == "__main__":
    if sys.argv[1:] == ["--packages"]:
        print(*[font[0] for font in TRAIN_FONTS + TEST_FONTS])
    else:
        main()
