"""Writes the class names of torchvision's checkpoints to lib/hub/labels.

    pip install -r scripts/fixtures/requirements.txt
    python scripts/labels.py
"""

from __future__ import annotations

import json
from pathlib import Path

from torchvision.models import ResNet18_Weights
from torchvision.models.video import R3D_18_Weights

OUT = Path(__file__).resolve().parents[1] / "lib" / "hub" / "labels"

LABELS = {
    "imagenet": ResNet18_Weights.IMAGENET1K_V1,
    "kinetics": R3D_18_Weights.KINETICS400_V1,
}

for name, weights in LABELS.items():
    text = json.dumps(weights.meta["categories"], indent=2, ensure_ascii=False)
    (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
