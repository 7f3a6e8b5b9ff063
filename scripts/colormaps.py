"""The colormaps of nnconv/viz, from matplotlib: writes lib/viz/colormap-tables.ts.

    pip install -r scripts/colormaps.requirements.txt
    python scripts/colormaps.py
"""

from __future__ import annotations

import base64
from pathlib import Path

import matplotlib
import numpy as np

NAMES = ("viridis", "magma", "coolwarm")
TARGET = Path(__file__).resolve().parent.parent / "lib" / "viz" / "colormap-tables.ts"
LINE = 90


def table(name: str) -> bytes:
    """256 colours of three bytes, as matplotlib's own bytes=True rounds them."""
    colors = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return colors[:, :3].astype(np.uint8).tobytes()


def main() -> None:
    lines = ["/**",
             " * Written by scripts/colormaps.py: 256 colours of three bytes each, in base64.",
             " *",
             f" * From matplotlib {matplotlib.__version__}. viridis and magma: by N. J. Smith, S. van der"
             " Walt and E. Firing, CC0;",
             " * coolwarm: after K. Moreland, Diverging Color Maps for Scientific Visualization.",
             " */",
             "export const TABLES = {"]
    for name in NAMES:
        text = base64.b64encode(table(name)).decode()
        parts = [f"    '{text[i:i + LINE]}'" for i in range(0, len(text), LINE)]
        lines += [f"  {name}:", " +\n".join(parts) + ","]
    lines += ["} as const;", ""]
    TARGET.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
